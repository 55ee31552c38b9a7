"""A false archive with all its hashes right: this is a sample; `make archive-changes` has 500."""

import numpy as np
import pytest

from tests.workflow.archive_changes import Change, Whole

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def whole(archived, tmp_path_factory):
    return Whole(archived.path, tmp_path_factory.mktemp("changed"))


def test_without_a_change_nothing_is_found(whole):
    assert list(whole.quickly_found()) == []
    assert whole.found() == ()


def test_each_change_is_found_or_listed_or_read_by_nobody(whole):
    rng = np.random.default_rng(0)
    changes = [whole.change(rng) for _ in range(12)]
    assert {change.outcome for change in changes} >= {"found", "listed"}
    assert [change for change in changes if change.outcome == "missed"] == []
    assert list(whole.quickly_found()) == []  # each is undone


@pytest.mark.parametrize(
    ("file", "place", "searched", "outcome"),
    [
        ("results/launch.json", "decision", False, "missed"),
        ("results/trials/0123456789/trial.json", "provenance.wall_seconds", True, "listed"),
        ("results/trials/0123456789/best-0.json", "metrics.loss", False, "listed"),
        ("results/trials/0123456789/best-0.json", "metrics.loss", True, "missed"),
        ("results/trials/0123456789/trial.json", "status", False, "missed"),
        ("archive.json", "as_given.command", False, "unread"),
    ],
)
def test_what_is_listed_is_of_one_place(file, place, searched, outcome):
    assert Change(file, place, "", searched).outcome == outcome
