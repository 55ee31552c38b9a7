"""Measure the candidate's best checkpoint on the test split, once."""

import json
from datetime import UTC, datetime
from pathlib import Path

from tuning_playbook.analysis.numbers import number
from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.environment import Resources, git_commit, prepare
from tuning_playbook.jobs.job import logged, resources_of
from tuning_playbook.launches.candidate import candidate_trial
from tuning_playbook.launches.test_set import earlier_readings, read_reading, write_reading
from tuning_playbook.planning.current import current_plan
from tuning_playbook.trials.result import read_provenance, trial_folder

with logged(snakemake.log[0]):
    params = snakemake.params
    plan = current_plan(params.spec, "test", params.key)
    launch = json.loads(Path(snakemake.input.launch).read_text())
    trial = candidate_trial(Path(params.folder), launch)
    folder = Path(params.folder)
    reading, earlier = None, []
    if trial is not None:
        record = folder / "test" / f"{trial.id}.json"
        reading = read_reading(record)
        if reading is None:
            prepare(Resources(**resources_of(snakemake)))
            # JAX is imported here, after its environment is set.
            from tuning_playbook.jobs.held_out import measure_best
            from tuning_playbook.jobs.load_workload import load_data, load_workload
            from tuning_playbook.jobs.versions import data_version

            described = plan.study.workload
            workload = load_workload(described.name, described.import_from, described.data_folder)
            examples = load_data(described.name, workload)["test"]
            of_trial = trial_folder(folder, trial)
            reading = {
                "study": plan.study.name,
                "workload": described.name,
                "test_set": data_version({"test": examples}),
                "examples": len(next(iter(examples.values()))),
                "trial": trial.id,
                "arm": launch["candidate"]["arm"],
                "step": read_provenance(of_trial)["best_steps"][0],
                "metrics": {
                    metric: number(value)
                    for metric, value in measure_best(of_trial, trial, workload, examples).items()
                },
                "read": datetime.now(UTC).isoformat(timespec="microseconds"),
                "commit": git_commit(),
            }
            write_reading(record, reading)
        earlier = earlier_readings(folder.parent, reading)
    content = {"evaluate": plan.study.spec.test.evaluate, "reading": reading, "earlier": earlier}
    write_atomically(Path(snakemake.output[0]), json.dumps(content, indent=1) + "\n")
