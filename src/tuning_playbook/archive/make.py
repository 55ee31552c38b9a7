"""Make the archive of a study."""

from collections.abc import Iterable
from pathlib import Path

from tuning_playbook.archive.bag import make_bag
from tuning_playbook.archive.contents import Contents, archive_contents
from tuning_playbook.archive.settings import ArchiveSettings
from tuning_playbook.archive.zip_layout import write_zip
from tuning_playbook.planning.plan import Plan


def make_archive(
    plan: Plan,
    folder: Path,
    artefacts: Iterable[Path],
    archive: Path,
    settings: ArchiveSettings,
) -> Contents:
    """Write a study into one file; the same results and code give the same bytes.

    Args:
        plan: The study's.
        folder: Its folder of results.
        artefacts: Its current artefacts in that folder.
        archive: The file to write.
        settings: What it keeps and tells.

    Raises:
        ArchiveError: A file of the study is missing, or they are too many or too large.
    """
    contents = archive_contents(plan, folder, artefacts, settings)
    bag = make_bag(contents.files)
    write_zip(archive, {f"{plan.study.name}/{name}": content for name, content in bag.items()})
    return contents
