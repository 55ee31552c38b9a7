"""List the candidate's changes that are set back to the baseline, with the trials to train."""

import json
from pathlib import Path

from tuning_playbook.dataset.kept import keep_chosen
from tuning_playbook.files import write_json
from tuning_playbook.jobs.job import job_of
from tuning_playbook.launches.candidate import candidate_trial
from tuning_playbook.launches.set_back import choose_set_backs
from tuning_playbook.planning.current import current_plan

with job_of(snakemake):
    params, folder = snakemake.params, Path(snakemake.params.folder)
    plan = current_plan(params.spec, "set_back", params.key)
    keep_chosen(folder, "set_back", "set_back.nc")
    launch = json.loads(Path(snakemake.input.launch).read_text())
    changes = choose_set_backs(plan, candidate_trial(folder, launch))
    write_json(Path(snakemake.output[0]), {"changes": changes})
