"""A workload that trains in milliseconds, and programs made of it."""

import pytest

from tuning_playbook.jobs.environment import Resources, prepare

prepare(Resources())

from tests.engine.quadratic import Quadratic  # noqa: E402 - JAX comes after its environment
from tuning_playbook.engine.data import place_data  # noqa: E402


@pytest.fixture(scope="session")
def workload():
    return Quadratic()


@pytest.fixture(scope="session")
def data(workload):
    return place_data(workload.load_data(), 8, 0)
