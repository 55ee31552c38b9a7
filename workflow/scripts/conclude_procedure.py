"""Write a procedure's conclusion, the numbers behind its plots, and the spec of the next study."""

from pathlib import Path

from tuning_playbook.dataset.collect import write_dataset
from tuning_playbook.errors import ArtefactError
from tuning_playbook.files import write_atomically, write_json
from tuning_playbook.jobs.job import job_of
from tuning_playbook.procedures.conclude import (
    conclusion_dataset,
    conclusion_json,
    next_study_yaml,
)
from tuning_playbook.procedures.planned import current_procedure, history_of, next_round
from tuning_playbook.procedures.procedure_history import Conclusion
from tuning_playbook.procedures.read_rounds import read_rounds

with job_of(snakemake):
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    procedure = current_procedure(params.spec, params.key, concluded=True)
    folder = Path(output.conclusion).parent
    rounds = read_rounds(
        folder / "planned",
        [Path(file) for file in files.studies],
        [Path(file) for file in files.launches],
        [Path(file) for file in files.reruns],
        [Path(file) for file in files.resources],
        tests=[Path(file) for file in files.tests],
        finals=[Path(file) for file in files.finals],
        incomplete=params.decide_incomplete,
    )
    conclusion = next_round(procedure, rounds)
    if not isinstance(conclusion, Conclusion):
        raise ArtefactError(
            f"{folder}: another round follows from these; run snakemake again to train it"
        )
    history = history_of(procedure, rounds)
    write_json(Path(output.conclusion), conclusion_json(folder.name, history, conclusion))
    write_dataset(Path(output.dataset), conclusion_dataset(history, conclusion))
    write_atomically(
        Path(output.next_study), next_study_yaml(procedure.path, folder.name, conclusion)
    )
