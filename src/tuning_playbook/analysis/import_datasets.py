"""The datasets of a study whose trials were finished before."""

import xarray as xr

from tuning_playbook.analysis.ranking import best_ids
from tuning_playbook.dataset.imported import (
    imported_checkpoints,
    reruns_dataset,
    resources_dataset,
    study_dataset,
)
from tuning_playbook.dataset.resources import describe_resources
from tuning_playbook.planning.plan import Plan


def import_datasets(plan: Plan) -> dict[str, xr.Dataset]:
    """Return its datasets by name: `study`, `checkpoints`, `reruns`, `resources`."""
    study = study_dataset(plan)
    reruns = reruns_dataset(plan, best_ids(study))
    trials = [str(trial) for each in (study, reruns) for trial in each["trial"].to_numpy()]
    resources = resources_dataset(plan.study, dict.fromkeys(trials))
    return {
        "study": study,
        "checkpoints": imported_checkpoints(plan, study),
        "reruns": reruns,
        "resources": describe_resources(resources, plan.study.name),
    }
