"""Write a study into one file that anyone can check, read and train again."""

import sys
from pathlib import Path

from tuning_playbook.archive.make import make_archive
from tuning_playbook.archive.settings import ArchiveSettings
from tuning_playbook.jobs.job import logged
from tuning_playbook.planning.current import current_plan

with logged(snakemake.log[0]):
    params, output = snakemake.params, Path(snakemake.output[0])
    plan = current_plan(
        params.spec,
        "report",
        params.key,
        proposals=snakemake.input.proposals,
    )
    folder = Path(params.folder)
    artefacts = map(Path, snakemake.input.artefacts)
    made = make_archive(plan, folder, artefacts, output, ArchiveSettings(**params.settings))
    print(f"{output}: {output.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
    if made.code.changed:
        print(
            f"WARNING: {output} holds code that was changed since commit {made.code.commit[:10]}; "
            "how, its code.diff says. Commit, and make it again.",
            file=sys.stderr,
        )
    for name in made.naming:
        print(
            f"WARNING: {output}: {name} names a folder of this machine; look at it before you "
            "hand the archive on",
            file=sys.stderr,
        )
