"""Bring the trials that were finished before into the datasets of their study."""

from pathlib import Path

from tuning_playbook.analysis.ranking import best_trials, trial_id
from tuning_playbook.dataset.collect import write_dataset
from tuning_playbook.dataset.imported import (
    imported_checkpoints,
    reruns_dataset,
    resources_dataset,
    study_dataset,
)
from tuning_playbook.dataset.resources import describe_resources
from tuning_playbook.jobs.job import logged
from tuning_playbook.planning.current import current_plan

with logged(snakemake.log[0]):
    output, params = snakemake.output, snakemake.params
    plan = current_plan(params.spec, "reruns", params.key)
    study = study_dataset(plan)
    best = {arm: trial_id(study, place) for arm, place in best_trials(study).items()}
    reruns = reruns_dataset(plan, best)
    trials = [str(trial) for each in (study, reruns) for trial in each["trial"].to_numpy()]
    write_dataset(Path(output.study), study)
    write_dataset(Path(output.checkpoints), imported_checkpoints(plan))
    write_dataset(Path(output.reruns), reruns)
    resources = resources_dataset(plan.study, dict.fromkeys(trials))
    write_dataset(Path(output.resources), describe_resources(resources, plan.study.name))
