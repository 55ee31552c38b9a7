"""Make the archive of a study."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tuning_playbook.archive.bag import make_bag
from tuning_playbook.archive.contents import AsTold, Contents, archive_contents
from tuning_playbook.archive.settings import ArchiveSettings
from tuning_playbook.archive.verify import verify
from tuning_playbook.archive.zip_layout import write_zip
from tuning_playbook.errors import ArchiveError
from tuning_playbook.planning.plan import Plan


def make_archive(
    plan: Plan,
    folder: Path,
    artefacts: Iterable[Path],
    archive: Path,
    settings: ArchiveSettings,
    told: AsTold,
) -> Contents:
    """Write a study into one file; the same results and code give the same bytes.

    Args:
        plan: The study's plan.
        folder: Its folder of results.
        artefacts: Its current artefacts in that folder.
        archive: The file to write.
        settings: What the archive stores and publishes.
        told: What the workflow told the job about the study.

    Raises:
        ArchiveError: A file of the study is missing, or there are too many files or too large ones.
    """
    contents = archive_contents(plan, folder, artefacts, settings, told)
    bag = make_bag(contents.files)
    top = plan.study.name.replace("/", "_")  # a round's name is a path; an archive has one folder
    write_zip(archive, {f"{top}/{name}": content for name, content in bag.items()})
    return contents


def check_made(archive: Path) -> None:
    """Check that an archive is whole, as its recipients will.

    Raises:
        ArchiveError: It is not.
    """
    problems = verify(archive).problems
    if problems:
        raise ArchiveError(
            f"{archive}: the archive that was written is not whole: {'; '.join(problems)}; run "
            "snakemake again, and make it then"
        )


def what_to_know(made: Contents, archive: Path) -> Iterator[str]:
    """Yield what the maker of an archive must know before passing it on.

    Args:
        made: The archive's content.
        archive: Its file.
    """
    yield f"{archive}: {archive.stat().st_size / 1e6:.1f} MB"
    if made.code.changed:
        yield (
            f"WARNING: {archive} holds code that was changed since commit {made.code.commit[:10]}; "
            "how, its code.diff says. Commit, and make it again."
        )
    for name in made.naming:
        yield (
            f"WARNING: {archive}: {name} names a folder of this machine; look at it before you "
            "hand the archive on"
        )
