"""Train the candidate once more, on training and validation data together."""

import hashlib
import json
from pathlib import Path

from tuning_playbook.analysis.numbers import number
from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.environment import Resources, prepare
from tuning_playbook.jobs.job import logged, resources_of
from tuning_playbook.launches.candidate import candidate_trial
from tuning_playbook.planning.current import current_plan
from tuning_playbook.trials.result import read_provenance, trial_folder

with logged(snakemake.log[0]):
    params = snakemake.params
    plan = current_plan(params.spec, "final", params.key)
    launch = json.loads(Path(snakemake.input.launch).read_text())
    trial = candidate_trial(Path(params.folder), launch)
    output = Path(snakemake.output[0])
    record = {"trial": None}
    if trial is not None:
        steps = read_provenance(trial_folder(Path(params.folder), trial))["best_steps"][0]
        prepare(Resources(**resources_of(snakemake)))
        # JAX is imported here, after its environment is set.
        from tuning_playbook.jobs.export import MODEL
        from tuning_playbook.jobs.final_model import final_loss
        from tuning_playbook.jobs.load_workload import load_data, load_workload

        described = plan.study.workload
        workload = load_workload(described.name, described.import_from, described.data_folder)
        splits = load_data(described.name, workload)
        loss = final_loss(output.parent, trial, steps, workload, splits)
        model = output.parent / MODEL
        digest = hashlib.sha256(model.read_bytes()).hexdigest() if model.exists() else None
        sizes = {name: len(next(iter(splits[name].values()))) for name in ("train", "validation")}
        record = {
            "trial": trial.id,
            "arm": launch["candidate"]["arm"],
            "seed": trial.seed,
            "steps": steps,
            "examples": sizes,
            "train_loss": number(loss),
            "model": {"path": MODEL, "sha256": digest} if digest else None,
            "weights": "checkpoints/weights",
        }
    write_atomically(output, json.dumps(record, indent=1) + "\n")
