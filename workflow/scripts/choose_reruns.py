"""Choose the trials that are trained again on fresh seeds."""

from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.ranking import best_ids
from tuning_playbook.dataset.kept import keep_chosen
from tuning_playbook.dataset.reruns import choose_reruns
from tuning_playbook.files import write_json
from tuning_playbook.jobs.job import job_of
from tuning_playbook.planning.current import current_plan

with job_of(snakemake):
    files, params = snakemake.input, snakemake.params
    plan = current_plan(params.spec, "reruns", params.key, proposals=files.proposals)
    output = Path(snakemake.output[0])
    keep_chosen(output.parents[1], "reruns", "reruns.nc")
    with xr.open_dataset(files.study) as study:
        best = best_ids(study)
    write_json(output, {"arms": choose_reruns(plan, best)})
