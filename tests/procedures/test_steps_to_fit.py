"""The procedure `steps_to_fit`, on data whose number of steps is known."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.procedures.fitting import EVERY, spec, trials
from tests.procedures.simulated import outcome, run
from tuning_playbook.procedures import steps_to_fit
from tuning_playbook.procedures.procedure_history import History
from tuning_playbook.study.steps_to_fit_settings import StepsToFitSettings

SETTINGS = StepsToFitSettings(name="steps_to_fit", seeds=3)
TARGET = 1e-3


def quadratic(curvature, start=1.0):
    """Steps of gradient descent until a weight is at the target: |1 - rate h|^t w = target."""

    def needed(rate):
        kept = abs(1 - rate * curvature)
        return math.log(start / TARGET) / -math.log(kept) if 0 < kept < 1 else 1.0

    return needed


@pytest.mark.parametrize("seed", range(20))
def test_the_steps_are_those_of_the_fastest_stable_rate_by_the_formula(seed):
    curvature = 10 ** np.random.default_rng(seed).uniform(-3.0, 3.0)
    needed = quadratic(curvature)
    conclusion, history = run(spec(), SETTINGS, trials(needed, breaks_above=2 / curvature))
    steps, rate = conclusion.values["max_train_steps"], conclusion.values["learning_rate"]
    assert conclusion.verdict == f"begin with max_train_steps = {steps}"
    assert needed(rate) <= steps < needed(rate) + EVERY
    tried = [item.rate for item in history.of("sweep", "wider", "longer") if item.loss is not None]
    evaluated = [math.ceil(needed(other) / EVERY) * EVERY for other in tried]
    assert steps == max(EVERY, min(evaluated))


def separable(seed, examples=100):
    """Two classes that a plane parts by a margin, in directions of very different spread."""
    random = np.random.default_rng(seed)
    spread = np.array([1.0, 0.5, 0.2, 0.1])
    points = random.normal(size=(examples, 4))
    normal = random.normal(size=4)
    labels = np.where(points @ normal > 0, 1.0, -1.0)
    points += 0.2 * labels[:, None] * normal / np.linalg.norm(normal)
    return points * spread, labels


def descend(points, labels, rate, steps, rerun):
    """The weights after every step of gradient descent on the logistic loss: [step, 4]."""
    weights = np.random.default_rng([7, rerun]).normal(size=4)
    found = [weights]
    for _ in range(steps):
        margin = np.clip(labels * (points @ weights), -500, 500)
        slope = -(labels / (1 + np.exp(margin))) @ points / len(labels)
        weights = weights - rate * slope
        found.append(weights)
    return np.array(found)


def logistic(points, labels):
    def train(values, training, rerun=0):
        length = training["max_train_steps"]
        path = descend(points, labels, values["learning_rate"], length, rerun)
        errors = np.mean(labels * (path @ points.T) <= 0, axis=1)
        at = errors[::EVERY] == 0
        stays = at & np.append(at[1:], True)
        step = int(np.argmax(stays)) * EVERY if stays.any() else None
        found = outcome(values, training, errors[1:] + 1e-9, errors[1:], diverged=False, best=1.0)
        loss = float(length + EVERY) if step is None else float(step)
        best = float(errors[::EVERY].min())
        return replace(found, loss=loss, best_value=best, censored=step is None)

    return train


@pytest.mark.parametrize("seed", range(10))
def test_it_never_answers_early_on_separable_data(seed):
    """Each seed is trained anew: no example is wrong after that many steps, and some was before."""
    points, labels = separable(seed)
    conclusion, _ = run(spec(steps=40), SETTINGS, logistic(points, labels))
    steps, rate = conclusion.values["max_train_steps"], conclusion.values["learning_rate"]
    wrong = []
    for rerun in range(1 + SETTINGS.seeds):
        path = descend(points, labels, rate, steps, rerun)
        wrong.append([int((labels * (points @ weights) <= 0).sum()) for weights in path])
    assert all(counts[-1] == 0 for counts in wrong)
    if steps > EVERY:
        assert any(counts[-1 - EVERY] > 0 for counts in wrong)


def test_where_no_rate_fits_the_steps_are_doubled():
    conclusion, history = run(
        spec(), SETTINGS, trials(lambda rate: 1000 + 300 * abs(math.log(rate)))
    )
    assert [item.purpose for item in history.rounds] == ["sweep", "longer", "longer", "check"]
    lengths = [item.document["training"]["max_train_steps"] for item in history.rounds]
    assert lengths == [400, 800, 1600, 1600]
    assert conclusion.values["max_train_steps"] == 1000


def test_steps_are_doubled_four_times_at_most():
    conclusion, history = run(spec(), SETTINGS, trials(lambda rate: 1e6 + abs(math.log(rate))))
    assert [item.purpose for item in history.rounds].count("longer") == 4
    assert conclusion.verdict == "the training set is not fit"
    assert conclusion.values == {"max_train_steps": None, "learning_rate": None}
    assert "within 6,400 steps; 16 times as many as the spec says" in conclusion.sentence


@pytest.mark.parametrize(("best", "side"), [(1e3, "higher"), (1e-5, "lower")])
def test_the_sweep_widens_where_the_fastest_lies_at_an_edge(best, side):
    """Nine rates from 0.001 to 10, and the best lies beyond."""
    train = trials(lambda rate: 100 + 50 * abs(math.log(rate / best)))
    conclusion, history = run(spec(steps=1600), SETTINGS, train)
    wider = [item for item in history.rounds if item.purpose == "wider"]
    assert all(f"Is a {side} learning rate" in item.document["goal"] for item in wider)
    assert conclusion.values["learning_rate"] == pytest.approx(best, rel=0.01)


def test_rates_that_are_all_too_low_are_not_answered_by_more_steps():
    """The playbook's self-deception: at 100 times higher rates a tenth of the steps is enough."""
    train = trials(lambda rate: 30 / min(rate, 1000) + 20, breaks_above=1000)
    document = spec(
        nuisance={"learning_rate": {"log_uniform": [0.001, 0.1]}},
        search={"algorithm": "grid", "points": 5},
    )
    conclusion, history = run(document, SETTINGS, train)
    assert "longer" not in {item.purpose for item in history.rounds}
    assert conclusion.values["max_train_steps"] <= 30


def test_where_ever_higher_rates_are_faster_nothing_is_told():
    train = trials(lambda rate: 3000 * rate**-0.1)
    conclusion, history = run(spec(steps=6000), SETTINGS, train)
    assert [item.purpose for item in history.rounds] == ["sweep", *["wider"] * 4]
    assert conclusion.verdict == "cannot tell: the best rate lies at an edge"
    assert conclusion.values["max_train_steps"] is None
    assert "at an edge" in conclusion.sentence


def test_rates_that_are_all_equally_fast_have_no_edge():
    """So it is of networks whose scale does not matter, as after normalization."""
    conclusion, history = run(spec(), SETTINGS, trials(lambda rate: 100 + 2 / rate))
    assert [item.purpose for item in history.rounds] == ["sweep", "check"]
    assert conclusion.values["max_train_steps"] == 110


def test_where_every_rate_breaks_down_lower_ones_are_tried():
    conclusion, history = run(
        spec(),
        SETTINGS,
        trials(lambda rate: 100 + 20 * abs(math.log(rate / 1e-4)), breaks_above=2e-4),
    )
    assert [item.purpose for item in history.rounds][:2] == ["sweep", "wider"]
    assert conclusion.values["learning_rate"] == pytest.approx(1e-4, rel=0.01)


def test_the_slowest_seed_decides():
    train = trials(lambda rate: 100 + 50 * abs(math.log(rate / 0.1)), seeds={2: 1.7})
    conclusion, _ = run(spec(), SETTINGS, train)
    assert conclusion.values["max_train_steps"] == 170
    assert (
        "within 170 steps on each of 4 seeds, on the fastest of them after 100"
        in conclusion.sentence
    )


def test_a_rate_that_breaks_down_on_another_seed_is_passed_over():
    def needed(rate):
        return 100 + 50 * abs(math.log(rate / 0.1))

    def train(values, training, rerun=0):
        seeds = {1: math.inf} if values["learning_rate"] == pytest.approx(0.1) else {}
        return trials(needed, seeds=seeds)(values, training, rerun=rerun)

    conclusion, history = run(spec(), SETTINGS, train)
    assert [item.purpose for item in history.rounds] == ["sweep", "check", "check"]
    assert conclusion.values["learning_rate"] == pytest.approx(0.1 / 10**0.5, rel=1e-3)
    assert "that fits on every seed" in conclusion.sentence


def test_a_seed_that_needs_more_steps_than_were_trained_gets_them():
    train = trials(lambda rate: 390 + 10 * abs(math.log(rate / 0.1)), seeds={1: 1.5})
    conclusion, history = run(spec(), SETTINGS, train)
    assert "longer" in {item.purpose for item in history.rounds}
    rate = conclusion.values["learning_rate"]
    needed = 1.5 * (390 + 10 * abs(math.log(rate / 0.1)))
    assert needed <= conclusion.values["max_train_steps"] < needed + EVERY


def test_without_any_rate_that_fits_on_every_seed_nothing_is_told():
    train = trials(lambda rate: 100 + 50 * abs(math.log(rate / 0.1)), seeds={1: math.inf})
    conclusion, history = run(spec(), SETTINGS, train)
    assert conclusion.verdict == "the training set is not fit on every seed"
    assert [item.purpose for item in history.rounds].count("check") == steps_to_fit.MOST_CHECKS
    assert conclusion.values["max_train_steps"] is None


def test_a_target_that_an_untrained_model_is_at_tells_nothing():
    conclusion, _ = run(spec(), SETTINGS, trials(lambda rate: 0.0))
    assert conclusion.verdict == "cannot tell"
    assert "stricter target" in conclusion.advice


def test_a_step_between_two_evaluations_is_rounded_up():
    """The first steps are all evaluated where the spec says so."""
    exact = trials(lambda rate: 100 + 50 * abs(math.log(rate / 0.1)))

    def train(values, training, rerun=0):
        found = exact(values, training, rerun=rerun)
        return found if found.censored else replace(found, loss=found.loss - 7)

    conclusion, _ = run(spec(), SETTINGS, train)
    assert conclusion.values["max_train_steps"] == 100


def test_every_round_evaluates_the_whole_training_set_and_no_test_set():
    document = spec(test={"evaluate": "best"}, final={"fold_validation": True})
    _, history = run(document, SETTINGS, trials(lambda rate: 900 + 100 * abs(math.log(rate / 0.1))))
    for item in history.rounds:
        assert item.document["training"]["train_sample"] == "all"
        assert not {"test", "final"} & set(item.document)


def test_the_next_study_ranks_by_validation_data_and_may_be_lengthened_later():
    conclusion, _ = run(spec(), SETTINGS, trials(lambda rate: 120 + 50 * abs(math.log(rate / 0.1))))
    study = conclusion.next_study
    assert study["objective"] == {"metric": "validation/error_rate", "mode": "min"}
    assert study["training"]["max_train_steps"] == 120
    assert study["training"]["eval_every"] == 6
    assert "train_sample" not in study["training"]
    assert "120" not in study["goal"]


def test_the_most_trials_are_never_exceeded():
    sweep = {"learning_rate": {"log_uniform": [0.001, 0.1]}}
    grid = {"algorithm": "grid", "points": {"learning_rate": 4}}
    for needed in (lambda rate: 1e6, lambda rate: 300 * rate**-0.1, lambda rate: 1e5 * rate**-0.1):
        document = spec(nuisance=sweep, search=grid)
        assert steps_to_fit.rates_of(document) == 4
        _, history = run(document, SETTINGS, trials(needed))
        later = sum(len(item.outcomes) for item in history.rounds[1:])
        assert later <= steps_to_fit.most_trials(document, SETTINGS)


def test_the_first_round_is_a_sweep_around_the_optimizers_default():
    first = steps_to_fit.next(History(spec(), SETTINGS))
    assert first.document["nuisance"] == {"learning_rate": {"log_uniform": [0.001, 10.0]}}
    assert first.document["search"] == {"algorithm": "grid", "points": 9}
