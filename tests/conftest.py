"""The small study as its first run left it, for all tests that need one."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from tests.workflow.background import Workshop, in_background
from tests.workflow.conftest import IN_ONE_JOB
from tests.workflow.project import restore


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
