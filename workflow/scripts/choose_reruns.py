"""Choose the trials that are trained again on fresh seeds."""

import json
from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.ranking import best_trials, trial_id
from tuning_playbook.dataset.reruns import choose_reruns
from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.job import logged
from tuning_playbook.planning.current import current_plan

with logged(snakemake.log[0]):
    params = snakemake.params
    plan = current_plan(
        params.spec,
        "reruns",
        params.key,
        proposals=snakemake.input.proposals,
    )
    with xr.open_dataset(snakemake.input.study) as study:
        best = {arm: trial_id(study, place) for arm, place in best_trials(study).items()}
    chosen = choose_reruns(plan, best)
    write_atomically(Path(snakemake.output[0]), json.dumps(chosen, indent=1) + "\n")
