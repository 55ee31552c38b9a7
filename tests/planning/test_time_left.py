"""How good the time left is: studies whose trials' times are drawn, so that the truth is known."""

import json
import math
import random

import pytest

from tests.specs import plan_of
from tuning_playbook.planning.budget import EarlierTrial
from tuning_playbook.planning.time_left import expected_of, expected_seconds

STEPS, STUDIES, COMPILING = 50, 200, 3.0

WITHIN_TWO_ERRORS = 0.9 - 2 * math.sqrt(0.9 * 0.1 / STUDIES)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    changes = {"search.trials": 24, "reruns.seeds": 0, "resources.trials_per_job": 8}
    return plan_of(tmp_path_factory.mktemp("plan"), changes)


def trial(seconds, compiling=0.0, study="small"):
    """Return a finished trial that took so long, what it compiled included."""
    pace = (seconds + compiling) / STEPS
    return EarlierTrial("digits_mlp", 32, {}, pace, STEPS, compiling, study)


def drawn(draws, count, spread, middle=1.0, study="small"):
    """Return the trials of a study; the first of every eight compiles."""
    return [
        trial(middle * math.exp(draws.gauss(0, spread)), 0.0 if number % 8 else COMPILING, study)
        for number in range(count)
    ]


def seconds_of(trials):
    return sum(item.seconds_per_step * item.steps for item in trials)


def within(pairs):
    """Return how often an estimate is within a factor of 1.5, and how often within its range."""
    good = [abs(math.log(found / truth)) <= math.log(1.5) for found, truth, _ in pairs]
    held = [truth / factor <= found <= truth * factor for found, truth, factor in pairs]
    return sum(good) / len(pairs), sum(held) / len(pairs)


@pytest.mark.parametrize("spread", [0.05, 0.3, 0.6])
@pytest.mark.parametrize("done", [3, 8, 16])
def test_a_study_that_has_begun(plan, spread, done):
    draws = random.Random(f"{spread} {done}")
    pairs = []
    for _ in range(STUDIES):
        trials = drawn(draws, 24, spread)
        drift = math.exp(draws.gauss(0, 0.1))
        known = expected_of(plan, trials[:done], own=True)
        found = known.seconds["all trials"] * (24 - done)
        truth = drift * seconds_of(trials[done:])
        pairs.append((found, truth, known.factor(24 - done)))
    good, held = within(pairs)
    assert held >= WITHIN_TWO_ERRORS
    if (spread, done) != (0.6, 3):  # the middle of three such trials is itself a factor of 1.4 off
        assert good >= WITHIN_TWO_ERRORS


def test_a_study_that_has_not_begun_is_told_by_others_of_its_workload(plan):
    draws = random.Random(0)
    pairs = []
    for _ in range(STUDIES):
        middles = [math.exp(draws.gauss(0, 0.15)) for _ in range(7)]
        before = [
            item
            for number, middle in enumerate(middles[1:])
            for item in drawn(draws, 16, 0.3, middle, study=f"study{number}")
        ]
        known = expected_of(plan, before, own=False)
        truth = seconds_of(drawn(draws, 24, 0.3, middles[0]))
        pairs.append((known.seconds["all trials"] * 24, truth, known.factor(24)))
    good, held = within(pairs)
    assert good >= WITHIN_TWO_ERRORS
    assert held >= WITHIN_TWO_ERRORS


def test_the_first_trial_of_a_job_does_not_make_all_others_compile(plan):
    known = expected_of(plan, [trial(0.5, compiling=COMPILING)], own=True)
    assert known.seconds["all trials"] == pytest.approx(0.5 + COMPILING / 8)


def test_the_range_narrows_as_more_is_known_and_widens_where_trials_differ(plan):
    steady, other = drawn(random.Random(1), 16, 0.05), drawn(random.Random(1), 16, 0.8)
    few, many = expected_of(plan, steady[:2], own=True), expected_of(plan, steady, own=True)
    assert 1 < many.factor(8) < few.factor(8) < 2.5
    assert expected_of(plan, other, own=True).factor(8) > many.factor(8)
    assert many.factor(1) > many.factor(20)


def test_one_other_study_is_less_sure_than_the_own_trials(plan):
    trials = drawn(random.Random(2), 16, 0.1)
    own, others = (expected_of(plan, trials, own=own) for own in (True, False))
    assert own.seconds == others.seconds
    assert others.factor(8) > 1.5 * own.factor(8)


def test_nothing_tells_of_another_workload(plan, tmp_path):
    other = EarlierTrial("mnist5k_cnn", 32, {}, 1.0)
    assert expected_of(plan, [other], own=False).seconds == {"all trials": None}
    assert expected_seconds(plan, tmp_path).known == 0


def test_the_own_trials_are_preferred(plan, tmp_path):
    for study, seconds in (("small", 2.0), ("another", 50.0)):
        place = tmp_path / study / "trials" / "0123456789" / "trial.json"
        place.parent.mkdir(parents=True)
        about = {"workload": "digits_mlp", "batch_size": 32, "max_train_steps": STEPS}
        content = {"trial": about | {"hyperparameters": {}}, "status": "completed"}
        place.write_text(json.dumps(content | {"provenance": {"wall_seconds": seconds}}))
    assert expected_seconds(plan, tmp_path).seconds["all trials"] == pytest.approx(2.0)
    (tmp_path / "small/trials/0123456789/trial.json").unlink()
    assert expected_seconds(plan, tmp_path).seconds["all trials"] == pytest.approx(50.0)
