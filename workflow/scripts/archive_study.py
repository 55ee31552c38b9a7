"""Write a study into one file that anyone can check, read and train again."""

import sys
from pathlib import Path

from tuning_playbook.archive.contents import AsTold
from tuning_playbook.archive.make import check_made, make_archive, what_to_know
from tuning_playbook.archive.settings import ArchiveSettings
from tuning_playbook.jobs.job import job_of
from tuning_playbook.planning.current import current_plan

with job_of(snakemake):
    files, params, output = snakemake.input, snakemake.params, Path(snakemake.output[0])
    plan = current_plan(params.spec, "report", params.key, proposals=files.proposals)
    artefacts, settings = map(Path, files.artefacts), ArchiveSettings(**params.settings)
    told = AsTold(Path(params.spec), params.results)
    made = make_archive(plan, Path(params.folder), artefacts, output, settings, told)
    check_made(output)
    print(*what_to_know(made, output), sep="\n", file=sys.stderr)
