"""Plan the next round of a procedure, or say that there is none."""

from pathlib import Path

from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.job import job_of
from tuning_playbook.procedures.planned import (
    as_written,
    current_procedure,
    next_round,
    plan_of_round,
)
from tuning_playbook.procedures.procedure_history import Conclusion
from tuning_playbook.procedures.read_rounds import read_rounds
from tuning_playbook.study.planned_round import write_end, write_round

with job_of(snakemake):
    files, params, output = snakemake.input, snakemake.params, Path(snakemake.output[0])
    procedure = current_procedure(params.spec, params.key)
    finished = read_rounds(
        output.parent,
        [Path(file) for file in files.studies],
        [Path(file) for file in files.launches],
        [Path(file) for file in files.reruns],
        incomplete=params.decide_incomplete,
    )
    number = int(snakemake.wildcards.number)
    answer = next_round(procedure, finished)
    if isinstance(answer, Conclusion):
        write_atomically(output, write_end(procedure.path, number - 1))
    else:
        written = as_written(procedure, number, answer)
        plan_of_round(written)  # raises where the round cannot be carried out
        write_atomically(output, write_round(written, answer.purpose))
