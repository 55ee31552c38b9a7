"""The steps at which imported trials stand in one dataset."""

import itertools
import random

import numpy as np
import pytest

from tuning_playbook.dataset.shared_steps import nearest, shared_steps
from tuning_playbook.trials.record import NO_CURVES, Curves


def at(*steps):
    return Curves(steps, {})


@pytest.mark.parametrize(
    ("curves", "expected"),
    [
        ([], [0]),
        ([NO_CURVES], [0]),
        ([at(1000)], [1000]),
        ([at(0, 10, 20)], [0, 10, 20]),
        ([at(0, 10, 20), at(0, 10)], [0, 10, 20]),
        ([at(1, 200, 400, 600)], [0, 200, 400, 600]),
        ([at(10, 20, 30)], [10, 20, 30]),
        ([at(0, 10, 100, 1000)], [0, 10, 100, 1000]),
        ([at(0, 100, 203, 298, 401)], [0, 100, 200, 300, 400]),
        ([at(0, 10, 20, 30, 40), at(0, 10, 30, 40)], [0, 10, 20, 30, 40]),
    ],
    ids=[
        "no trial",
        "nothing measured",
        "once",
        "even",
        "one ended early",
        "the first after one step",
        "none at the start",
        "uneven",
        "a few steps beside",
        "one lacks a measurement",
    ],
)
def test_steps_that_nearly_are_evenly_spaced_are(curves, expected):
    assert shared_steps(curves).tolist() == expected


def test_no_measurement_stands_twice_and_few_are_lost():
    """Runs that are evaluated after equal times drift apart: 60 gaps of 165 to 185 steps."""
    random = np.random.default_rng(0)
    runs = [at(1, *np.cumsum(random.integers(165, 186, 60)).tolist()) for _ in range(20)]
    shared = shared_steps(runs)
    assert len(np.unique(np.diff(shared))) == 1
    assert len(shared) >= 0.9 * 61
    for run in runs:
        places = nearest(run, shared)
        places = places[places >= 0]
        assert len(places) >= len(shared) - 4  # the shared steps may go on where a run has ended
        assert (np.diff(places) > 0).mean() > 0.95


def test_a_measurement_that_a_trial_lacks_is_none():
    shared = shared_steps([at(0, 10, 20, 30, 40), at(0, 10, 30, 40)])
    assert nearest(at(0, 10, 30, 40), shared).tolist() == [0, 1, -1, 2, 3]


def test_the_nearest_measurement_is_that_of_all_distances():
    """Of two as near the earlier; none where the nearest is as far as the next shared step."""
    draw = random.Random(0)
    for _ in range(500):
        own, shared = (sorted(draw.sample(range(40), draw.randint(1, 9))) for _ in range(2))
        gaps = [later - earlier for earlier, later in itertools.pairwise(shared)] or [1]
        room = [*gaps, gaps[-1]] if len(shared) > 1 else gaps
        expected = []
        for step, free in zip(shared, room, strict=True):
            place = min(range(len(own)), key=lambda n, step=step: abs(own[n] - step))
            expected.append(place if abs(own[place] - step) < free else -1)
        assert nearest(at(*own), np.array(shared)).tolist() == expected


def test_fifty_thousand_measurements_find_their_places():
    """A table of all distances would not fit into memory."""
    steps = range(20, 1_000_020, 20)
    assert nearest(at(*steps), np.array(steps) + 3).tolist() == [*range(50_000)]
