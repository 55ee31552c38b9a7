import subprocess
import sys

HEAVY = ("jax", "flax", "matplotlib.pyplot", "scipy.stats")


def test_analysis_and_plots_import_nothing_heavy():
    code = (
        "import sys\n"
        "import tuning_playbook.analysis.checklist, tuning_playbook.launches.decision\n"
        "import tuning_playbook.analysis.isolation\n"
        "import tuning_playbook.plots.axis_plot, tuning_playbook.plots.isolation_plot\n"
        "import tuning_playbook.plots.rerun_plot, tuning_playbook.plots.training_curves\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"
