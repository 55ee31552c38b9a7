"""Studies of the trials of AlgoPerf that are kept beside the tests."""

from pathlib import Path
from types import SimpleNamespace

from tests.specs import write_spec
from tuning_playbook.analysis.import_datasets import import_datasets
from tuning_playbook.planning.plan import plan_study

LOGS = Path(__file__).parents[1] / "data" / "algoperf"

METRICS = {
    "imagenet_resnet_jax": "accuracy",
    "wmt_jax": "bleu",
    "ogbg_jax": "mean_average_precision",
}


def spec_of(workload, **changes):
    metric = f"validation/{METRICS[workload]}"
    return {
        "goal": "Which trial is the better one?",
        "workload": workload,
        "objective": {"metric": metric, "mode": "max"},
        "source": {"format": "algoperf", "path": str(LOGS / workload), "objective": metric},
    } | changes


def datasets(path):
    """The plan and the datasets of the study at `path`, as its job makes them."""
    plan = plan_study(path)
    made = import_datasets(plan)
    return SimpleNamespace(plan=plan, study=made["study"], reruns=made["reruns"])


def import_logs(folder, workload, **changes):
    return datasets(write_spec(folder / f"{workload}.yaml", spec_of(workload, **changes)))
