"""One cluster for all tests, and the long runs on it, side by side: a job of Slurm mostly waits."""

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.slurm.cluster import missing, running_cluster
from tests.slurm.runs import RUNS
from tests.workflow.background import Workshop


@pytest.fixture(scope="session")
def cluster():
    """A Slurm cluster that this process starts and stops."""
    if reason := missing():
        pytest.skip(f"no Slurm cluster can be started here: {reason}")
    # Sockets have short paths, so it is not pytest's own folder.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    environment = pytest.MonkeyPatch()
    try:
        with running_cluster(folder) as running:
            for name, value in running.environment.items():
                environment.setenv(name, value)
            yield running
    finally:
        environment.undo()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def runs(request, cluster, tmp_path_factory):
    """What became of each run that the chosen tests look at, by its name."""
    workshop = Workshop(tmp_path_factory.mktemp("workshop"))
    names = {name for item in request.session.items for name in item.fixturenames}
    pool = ThreadPoolExecutor(len(RUNS))
    started = {
        name: pool.submit(run, workshop.new_project(name), cluster)
        for name, run in RUNS.items()
        if name in names
    }
    yield started
    pool.shutdown(wait=False, cancel_futures=True)  # what runs ends with the cluster


def _waits_for(name):
    @pytest.fixture(scope="session", name=name)
    def wait(runs):
        return runs[name].result()

    return wait


packed, greedy, disturbed, preempted = map(
    _waits_for, ("packed", "greedy", "disturbed", "preempted")
)
