"""Write a procedure's conclusion from its probes, their numbers, and the spec of the next study."""

from pathlib import Path

from tuning_playbook.dataset.collect import write_dataset
from tuning_playbook.files import write_atomically, write_json
from tuning_playbook.jobs.job import job_of
from tuning_playbook.procedures.batch_sizes import next as conclude
from tuning_playbook.procedures.conclude import conclusion_json, next_study_yaml
from tuning_playbook.procedures.planned import current_procedure, history_of
from tuning_playbook.procedures.probe_dataset import probe_dataset
from tuning_playbook.trials.probe import read_probes

with job_of(snakemake):
    params, output = snakemake.params, snakemake.output
    procedure = current_procedure(params.spec, params.key, concluded=True)
    probes = read_probes(Path(file) for file in snakemake.input.probes)
    history = history_of(procedure, (), probes)
    conclusion, name = conclude(history), Path(output.conclusion).parent.name
    write_json(Path(output.conclusion), conclusion_json(name, history, conclusion))
    write_dataset(Path(output.dataset), probe_dataset(history, conclusion))
    write_atomically(Path(output.next_study), next_study_yaml(procedure.path, name, conclusion))
