"""The models of a study: the best checkpoint of each arm, exported.

Source: the playbook, "Setting up periodic evaluations" (easy ad-hoc inspection).
"""

import hashlib
from pathlib import Path
from typing import Any

import xarray as xr

from tuning_playbook.analysis.ranking import best_trials, trial_id
from tuning_playbook.dataset.best_checkpoints import checkpoint_steps
from tuning_playbook.jobs.environment import Resources, prepare
from tuning_playbook.planning.plan import Plan, request_of
from tuning_playbook.trials.trial_files import trial_folder


def export_models(
    plan: Plan, study: xr.Dataset, folder: Path, resources: Resources
) -> dict[str, Any]:
    """Export the best checkpoint of each arm; return `models.json`.

    A trial that was ranked by another objective when it trained may have to be trained again for
    its checkpoint; the job's log says so.

    Args:
        plan: The study's.
        study: Its `study.nc`.
        folder: Its folder of results.
        resources: What the job has.

    Raises:
        ArtefactError: A checkpoint is damaged.
    """
    steps = checkpoint_steps(study)
    best = {arm: (trial_id(study, p), int(steps[p])) for arm, p in best_trials(study).items()}
    prepare(resources)
    # JAX is imported here, after its environment is set.
    from tuning_playbook.jobs.best_variables import best_variables  # noqa: PLC0415
    from tuning_playbook.jobs.export import MODEL, export_model  # noqa: PLC0415
    from tuning_playbook.jobs.load_workload import load_data, load_workload  # noqa: PLC0415

    described = plan.study.workload
    workload = load_workload(described.name, described.import_from, described.data_folder)
    models: dict[str, Any] = {}
    if not hasattr(workload, "predict"):
        return {"models": models}
    examples = load_data(described.name, workload)["validation"]
    trials = {item.trial.id: item.trial for item in plan.trials}
    for arm, (name, step) in best.items():
        trial = trials[name]
        variables = best_variables(folder, request_of(plan, [trial]), step)
        path = trial_folder(folder, trial) / "checkpoints" / MODEL
        export_model(path, variables, trial, workload, examples)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        place = path.relative_to(folder).as_posix()
        models[arm] = {"trial": name, "path": place, "sha256": digest}
    return {"models": models}
