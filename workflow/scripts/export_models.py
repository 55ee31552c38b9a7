"""Export the best checkpoint of each arm as a function that needs no code of ours."""

import hashlib
import json
from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.ranking import best_trials, trial_id
from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.environment import Resources, prepare
from tuning_playbook.jobs.job import logged, resources_of
from tuning_playbook.planning.current import current_plan
from tuning_playbook.trials.result import trial_folder

with logged(snakemake.log[0]):
    params = snakemake.params
    plan = current_plan(
        params.spec,
        "models",
        params.key,
        proposals=snakemake.input.proposals,
    )
    with xr.open_dataset(snakemake.input.study) as dataset:
        best = {arm: trial_id(dataset, place) for arm, place in best_trials(dataset).items()}
    prepare(Resources(**resources_of(snakemake)))
    # JAX is imported here, after its environment is set.
    from tuning_playbook.jobs.export import export_best
    from tuning_playbook.jobs.load_workload import load_data, load_workload

    described = plan.study.workload
    workload = load_workload(described.name, described.import_from, described.data_folder)
    examples = load_data(described.name, workload)["validation"]
    trials = {item.trial.id: item.trial for item in plan.trials}
    models = {}
    for arm, name in best.items():
        folder = trial_folder(Path(params.folder), trials[name])
        path = export_best(folder, trials[name], workload, examples)
        if path is not None:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            place = path.relative_to(params.folder).as_posix()
            models[arm] = {"trial": name, "path": place, "sha256": digest}
    write_atomically(Path(snakemake.output[0]), json.dumps(models, indent=1) + "\n")
