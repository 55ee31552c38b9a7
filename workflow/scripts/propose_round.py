"""Propose the trials of a round from the results of those before it."""

from pathlib import Path

from tuning_playbook.dataset.kept import keep_chosen
from tuning_playbook.dataset.propose import propose_round
from tuning_playbook.files import write_json
from tuning_playbook.jobs.job import job_of
from tuning_playbook.planning.current import current_plan

with job_of(snakemake):
    files, params = snakemake.input, snakemake.params
    plan = current_plan(params.spec, "rounds", params.key, proposals=files.proposals)
    current = plan.rounds[snakemake.wildcards.round]
    output, packs = Path(snakemake.output[0]), map(Path, files.packs)
    study = output.parents[2]
    keep_chosen(study, f"rounds/{current.id}", "study.nc")
    write_json(output, propose_round(plan, current, packs, study))
