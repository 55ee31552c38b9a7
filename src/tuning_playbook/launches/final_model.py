"""The final model: the candidate trained once more, on training and validation data together.

Source: the playbook, "After exploration concludes".
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuning_playbook.analysis.numbers import number
from tuning_playbook.jobs.environment import Resources, prepare
from tuning_playbook.launches.candidate import candidate_trial, checkpoint_step_of
from tuning_playbook.planning.plan import Plan


def train_final_model(
    plan: Plan, launch: Mapping[str, Any], folder: Path, output: Path, resources: Resources
) -> dict[str, Any]:
    """Train the final model of a study unless it is there already; return `final.json`.

    Args:
        plan: The study's.
        launch: Its `launch.json`.
        folder: Its folder of results.
        output: The folder of the model.
        resources: What the job has.

    Raises:
        ArtefactError: The record of the candidate is damaged, or training diverged.
    """
    trial = candidate_trial(folder, launch)
    if trial is None:
        return {"trial": None}
    steps = checkpoint_step_of(folder / "study.nc", trial)
    prepare(resources)
    # JAX is imported here, after its environment is set.
    from tuning_playbook.jobs.export import MODEL  # noqa: PLC0415
    from tuning_playbook.jobs.final_training import final_loss  # noqa: PLC0415
    from tuning_playbook.jobs.load_workload import load_data, load_workload  # noqa: PLC0415

    described = plan.study.workload
    workload = load_workload(described.name, described.import_from, described.data_folder)
    splits = load_data(described.name, workload)
    loss = final_loss(output, trial, steps, workload, splits)
    model = output / MODEL
    digest = hashlib.sha256(model.read_bytes()).hexdigest() if model.exists() else None
    return {
        "trial": trial.id,
        "arm": launch["candidate"]["arm"],
        "seed": trial.seed,
        "steps": steps,
        "examples": {
            name: len(next(iter(splits[name].values()))) for name in ("train", "validation")
        },
        "train_loss": number(loss),
        "model": {"path": MODEL, "sha256": digest} if digest else None,
        "weights": "checkpoints/weights",
    }
