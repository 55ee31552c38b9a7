"""Studies of another tool's trials whose configurations have several seeds each."""

from tests.sources.algoperf import datasets
from tests.specs import write_spec


def several_seeds(folder, objectives, **changes):
    """The plan and the datasets of a study of some configurations.

    Args:
        folder: Where its files are written.
        objectives: By configuration, what each of its seeds reached; None for one that diverged.
        changes: What stands in the spec besides.
    """
    trials, measurements = ["trial,learning_rate,seed"], ["trial,step,validation/error"]
    for place, (name, reached) in enumerate(objectives.items()):
        for seed, value in enumerate(reached):
            trials.append(f"{name}-{seed},{0.1 * (1 + place):.1f},{100 * place + seed}")
            measurements += [f"{name}-{seed},0,0.9", f"{name}-{seed},10,{value or 'nan'}"]
    (folder / "trials.csv").write_text("\n".join(trials) + "\n")
    (folder / "measurements.csv").write_text("\n".join(measurements) + "\n")
    spec = {
        "goal": "Which learning rate?",
        "workload": "elsewhere",
        "objective": {"metric": "validation/error", "mode": "min"},
        "source": {"format": "csv", "trials": "trials.csv", "measurements": "measurements.csv"},
    }
    return datasets(write_spec(folder / "s.yaml", spec | changes))
