import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from tests.workflow.background import Workshop, in_background
from tests.workflow.project import restore

IN_ONE_JOB = {"resources.trials_per_job": 16}


@pytest.fixture(scope="session")
def workshop(request, tmp_path_factory):
    """The place of all projects; the long runs that the chosen tests wait for are started here."""
    workshop = Workshop(tmp_path_factory.mktemp("workshop"))
    wanted = {name for item in request.session.items for name in item.fixturenames}
    pool = ThreadPoolExecutor(2)
    workshop.start(pool, wanted | {"trained_once"})  # others go on from that one
    yield workshop
    pool.shutdown(cancel_futures=True)


@in_background
def trained_once(workshop):
    """The small study after its first run, and a copy of all its files."""
    project = workshop.new_project("trained")
    project.write_study("small", IN_ONE_JOB)
    run = project.snakemake()
    copy = workshop.root / "trained_once"
    restore(project.root, copy)
    return SimpleNamespace(project=project, run=run, copy=copy)


@pytest.fixture
def trained(trained_once):
    """A project with the small study as its first run left it.

    It stands at one path in every test, so that what is cached of its workload holds.
    """
    restore(trained_once.copy, trained_once.project.root)
    return trained_once.project


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
