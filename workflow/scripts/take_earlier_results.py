"""Take from the results of earlier studies what a study builds on, and check it."""

import dataclasses
import json
from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.best_result import best_result
from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.job import logged
from tuning_playbook.planning.current import current_link
from tuning_playbook.planning.plan import plan_study, requests_of
from tuning_playbook.planning.requests import write_requests
from tuning_playbook.study.earlier_results import to_json
from tuning_playbook.trials.files import read_provenance

with logged(snakemake.log[0]):
    params = snakemake.params
    link = current_link(params.spec, params.key)
    folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.studies}
    results = {}
    for (written, arm), name in link.earlier.items():
        with xr.open_dataset(folders[name] / "study.nc") as dataset:
            result = best_result(dataset, arm)
        trial = folders[name] / "trials" / result.trial
        if trial.exists():  # another tool's trials have none
            commit = str(read_provenance(trial)["git_commit"])
            result = dataclasses.replace(result, commit=commit)
        results[written, arm] = result
    plan = plan_study(Path(params.spec), results)  # whatever the results leave wrong is said here
    output = Path(snakemake.output[0])  # <study>/earlier.json
    write_atomically(output, json.dumps(to_json(results), indent=1) + "\n")
    write_requests(output.parent, requests_of(plan))
