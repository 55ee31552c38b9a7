import shutil
import zipfile
from types import SimpleNamespace

import pytest

from tests.workflow.project import restore

IN_ONE_JOB = {"resources.trials_per_job": 16}


@pytest.fixture(scope="session")
def archived(trained_once, tmp_path_factory):
    """The archive of the small study, and the project that it was made in."""
    project = trained_once.project
    restore(trained_once.copy, project.root)
    run = project.snakemake("archive")
    path = tmp_path_factory.mktemp("archive") / "small.zip"
    shutil.copyfile(project.results / "archive" / "small.zip", path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return SimpleNamespace(project=project, run=run, path=path, files=files)
