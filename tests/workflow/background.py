"""Long runs that tests wait for, done beside the tests: most of a workflow keeps one core busy."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.workflow.project import Project, copy_checkout, restore

LONG_RUNS = {}


def in_background(run):
    """Make a fixture of a function that takes the workshop and gives what the tests look at."""
    LONG_RUNS[run.__name__] = run

    @pytest.fixture(scope="session", name=run.__name__)
    def wait(workshop):
        return workshop.wait_for(run.__name__)

    return wait


@dataclass
class Workshop:
    """Where copies of the project stand.

    Copies, because some tests change the code; all of one state of the checkout, so that whoever
    works on it meanwhile changes no fingerprint.
    """

    root: Path
    started: dict = field(default_factory=dict)

    def __post_init__(self):
        copy_checkout(self.root / "checkout")

    def new_project(self, name):
        """Return a copy of the project with a user's cache, which is empty at first."""
        restore(self.root / "checkout", self.root / name / "project")
        return Project(self.root / name / "project", self.root / "cache")

    def start(self, pool, names):
        """Start the long runs of these names, in the order of their definition."""
        for name, run in LONG_RUNS.items():
            if name in names:
                self.started[name] = pool.submit(run, self)

    def wait_for(self, name):
        return self.started[name].result()
