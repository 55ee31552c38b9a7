"""What holds for every test, and the small study that many of them begin with."""

import os
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

# A linear algebra library starts a thread for each core, and those of tests that run side by side
# wait for one another. Jobs of the workflow have one each anyway, see Snakemake's `threads`.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# NumPy reads these when it is imported, and so these imports come after them.
from tests.workflow.background import Workshop, in_background  # noqa: E402
from tests.workflow.conftest import IN_ONE_JOB  # noqa: E402
from tests.workflow.project import restore  # noqa: E402


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
