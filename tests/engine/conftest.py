"""A workload that trains in milliseconds, and programs made of it."""

import pytest

from tuning_playbook.jobs.environment import Resources, prepare

prepare(Resources())

from tests.engine.quadratic import BEST_LOSS, Quadratic  # noqa: E402 - JAX comes after that
from tuning_playbook.engine.data import place_data  # noqa: E402
from tuning_playbook.engine.program import Program, signature  # noqa: E402
from tuning_playbook.engine.run import train_group  # noqa: E402


@pytest.fixture(scope="session")
def workload():
    return Quadratic()


@pytest.fixture(scope="session")
def data(workload):
    return place_data(workload.load_data(), 8, 0)


@pytest.fixture
def train(workload, data):
    """Train trials of one signature in one group, and return them."""
    programs = {}

    def train(*trials, selection=BEST_LOSS, **others):
        fed = not {"host_data", "stream"}.isdisjoint(others)
        placed = data._replace(train={}) if fed else data
        key = (signature(trials[0]), fed)
        if key not in programs:
            programs[key] = Program(trials[0], workload, placed, 50)
        return train_group(programs[key], trials, selection, **others).finished

    train.programs = programs
    return train
