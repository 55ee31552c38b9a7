"""Propose the trials of a round from the results of those before it."""

from pathlib import Path

from tuning_playbook.dataset.kept import keep_chosen
from tuning_playbook.dataset.propose import propose_round
from tuning_playbook.files import write_json
from tuning_playbook.jobs.job import job_of, say
from tuning_playbook.planning.current import current_plan

with job_of(snakemake):
    files, params = snakemake.input, snakemake.params
    plan = current_plan(params.spec, "rounds", params.key, proposals=files.proposals)
    current = plan.rounds[snakemake.wildcards.round]
    output, packs = Path(snakemake.output[0]), map(Path, files.packs)
    study = output.parents[2]
    keep_chosen(study, f"rounds/{current.id}", "study.nc")
    content = propose_round(plan, current, packs, study)
    write_json(output, content)
    if (found := len(content["trials"])) < current.trials:
        say(
            f"round {current.number} of the arm '{current.arm}' proposes {found} of "
            f"{current.trials} trials: there are no more configurations in its space"
        )
