"""The procedure `stability`, on simulated workloads whose largest stable rate is known."""

import math
import re

import numpy as np
import pytest

from tests.procedures.simulated import finished, outcome, quadratic, run
from tuning_playbook.procedures import stability
from tuning_playbook.procedures.procedure_history import History
from tuning_playbook.study.procedure_settings import StabilitySettings

SETTINGS = StabilitySettings(name="stability")
SEEDS = 20
CURVATURES = np.array([1.0, 0.3, 0.1, 0.03])


def spec(momentum=0.0, **fixed):
    optimizer = {"optimizer": "momentum", "momentum": momentum} if momentum else {}
    return {
        "goal": "Is it unstable?",
        "workload": "quadratic",
        "objective": {"metric": "validation/loss", "mode": "min"},
        "training": {"max_train_steps": 600, "batch_size": 64, "eval_every": 50},
        "fixed": {"optimizer": "sgd", **optimizer, **fixed},
    }


@pytest.mark.parametrize("given", ["swept", "given"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_unstable_rate_is_that_of_a_quadratic_with_known_curvature(momentum, given):
    found = []
    for seed in range(SEEDS):
        largest = 10 ** np.random.default_rng(seed).uniform(0.0, 2.0)
        truth = 2 * (1 + momentum) / largest
        fixed = {"learning_rate": 0.3 * truth} if given == "given" else {}
        train = quadratic(largest * CURVATURES, seed=seed, noise=1e-3)
        conclusion, _ = run(spec(momentum, **fixed), SETTINGS, train)
        found.append(conclusion.values["unstable_rate"] / truth)
    assert all(1.0 <= ratio <= 1.5 for ratio in found), found


def test_the_unstable_rate_has_a_stable_one_within_a_factor_of_one_and_a_quarter():
    conclusion, history = run(spec(), SETTINGS, quadratic(10 * CURVATURES))
    unstable = conclusion.values["unstable_rate"]
    rates = [item.rate for item in history.of(*stability.FULL_LENGTH) if item.rate < unstable]
    assert unstable / max(rates) <= 1.25 * (1 + 1e-5)


def test_a_quadratic_is_unstable_where_it_matters_and_early():
    conclusion, _ = run(spec(), SETTINGS, quadratic(10 * CURVATURES))
    assert conclusion.verdict == "unstable where it matters"
    assert conclusion.values["onset"] == "early"
    assert "warmup" in conclusion.advice


def trained_at(curve):
    """Trials whose loss at every step, 600 of them, is given by the learning rate."""

    def train(values, training, rerun=0):
        losses = curve(values["learning_rate"])[: training["max_train_steps"]]
        finite = losses[np.cumsum(~np.isfinite(losses)) == 0]
        diverged = len(finite) < len(losses)
        best = None if diverged else float(losses.min())
        norms = np.ones(len(finite))
        return outcome(values, training, finite, norms, diverged=diverged, best=best)

    return train


def falling(rate, steps=600):
    """A loss that falls, the sooner the higher the rate is."""
    return 0.1 + 2.2 * np.exp(-rate * np.arange(steps) / 10)


def in_the_middle(rate):
    losses = falling(rate)
    if rate > 0.15:
        losses[300:] = np.inf
    return losses


def never_unstable(rate):
    return falling(rate) + 0.01 * abs(math.log(rate / 0.1))


def far_above(rate):
    losses = falling(0.3) + 0.05 * abs(math.log(rate / 0.1))
    return losses if rate < 0.8 else np.concatenate([[2.3], np.full(599, np.inf)])


def recovers(rate):
    losses = falling(rate) + 0.01 * abs(math.log(rate / 0.1))
    losses[2:30] += 3.0 if rate > 0.15 else 0.0
    return losses


def learns_little(rate):
    """A loss that at high rates ends a little below that of an untrained model."""
    return falling(rate) if rate < 0.15 else 2.3 - 0.2 * np.linspace(0, 1, 600)


GIVEN = {"learning_rate": 0.1}


@pytest.mark.parametrize(
    ("curve", "verdict", "onset", "advice"),
    [
        (in_the_middle, "unstable where it matters", "middle", "Clip the gradients"),
        (never_unstable, "stable", "none", "Nothing is to be done"),
        (far_above, "unstable only far above the best rate", "early", "Nothing is to be done"),
        (recovers, "stable", "early", "warmup"),
        (learns_little, "unstable where it matters", "early", "warmup"),
    ],
)
def test_the_verdict_and_the_onset_decide_the_advice(curve, verdict, onset, advice):
    conclusion, _ = run(spec(**GIVEN), SETTINGS, trained_at(curve))
    assert (conclusion.verdict, conclusion.values["onset"]) == (verdict, onset)
    assert advice in conclusion.advice


def test_a_stable_workload_has_no_unstable_rate_and_the_sentence_says_up_to_where():
    conclusion, history = run(spec(**GIVEN), SETTINGS, trained_at(never_unstable))
    assert conclusion.values["unstable_rate"] is None
    assert "up to a learning rate of 10, 100 times the best one (0.1)" in conclusion.sentence
    assert [item.purpose for item in history.rounds] == ["rates", "look", "higher"]


def test_the_sentence_names_no_step_where_the_loss_never_rises():
    conclusion, _ = run(spec(**GIVEN), SETTINGS, trained_at(learns_little))
    assert "There training fails from its first steps on." in conclusion.sentence
    conclusion, _ = run(spec(**GIVEN), SETTINGS, trained_at(in_the_middle))
    assert re.search(r"begins to rise in the middle of training, at step \d+", conclusion.sentence)


def test_a_rate_of_an_earlier_round_is_not_trained_again():
    """Ten times the best rate is one of the sweep, whose neighbours are a factor of 3.2 apart."""
    _, history = run(spec(), SETTINGS, trained_at(never_unstable))
    rates = [item.rate for item in history.of(*stability.FULL_LENGTH)]
    assert len(rates) == len(set(rates))
    assert [item.purpose for item in history.rounds][:3] == ["sweep", "rates", "look"]


def test_where_the_sweep_has_every_rate_the_look_follows():
    settings = StabilitySettings(name="stability", rates=[1, 10])
    _, history = run(spec(), settings, trained_at(never_unstable))
    assert [item.purpose for item in history.rounds][:2] == ["sweep", "look"]


def test_where_the_given_rate_is_unstable_lower_ones_are_trained():
    conclusion, history = run(spec(learning_rate=1.0), SETTINGS, quadratic(10 * CURVATURES))
    assert [item.purpose for item in history.rounds] == ["rates", "look", "lower", "between"]
    assert 1.0 <= conclusion.values["unstable_rate"] / 0.2 <= 1.25


def barely_unstable(rate):
    """A loss that falls and rises again at the given rate and above, and below never falls."""
    if rate < 0.099:
        return np.full(600, 2.3)
    losses = falling(0.3)
    losses[300:] += np.linspace(0.0, 3.0, 300)
    return losses


def test_where_lower_rates_get_nowhere_they_are_trained_once():
    conclusion, history = run(spec(**GIVEN), SETTINGS, trained_at(barely_unstable))
    assert [item.purpose for item in history.rounds] == ["rates", "look", "lower"]
    assert conclusion.values["unstable_rate"] == 0.1
    assert "no rate that was tried is stable" in conclusion.sentence


def test_where_lower_rates_are_unstable_still_lower_ones_are_trained():
    fixed = {"learning_rate": 10.0}
    _, history = run(spec(**fixed), SETTINGS, quadratic(10 * CURVATURES))
    lower = [item for item in history.rounds if item.purpose == "lower"]
    rates = [sorted(outcome.rate for outcome in item.outcomes) for item in lower]
    assert rates == [[1.25, 2.5, 5.0], [0.15625, 0.3125, 0.625]]


def test_without_a_feasible_trial_nothing_is_concluded():
    conclusion, history = run(spec(), SETTINGS, trained_at(lambda rate: np.full(600, np.inf)))
    assert conclusion.verdict == "cannot tell"
    assert conclusion.values == {"unstable_rate": None, "onset": None}
    assert len(history.rounds) == 1


def test_the_early_look_evaluates_every_step_at_twice_the_best_rate():
    document = spec(schedule="linear", decay_steps=0, **GIVEN)
    _, history = run(document, SETTINGS, trained_at(never_unstable))
    (look,) = (item.document for item in history.rounds if item.purpose == "look")
    training = look["training"]
    assert training["max_train_steps"] == training["eval_schedule"]["dense_until"] == 500
    assert look["search"]["trials"] == [{"learning_rate": 0.2, "decay_steps": 600}]


def test_the_early_look_holds_the_rate_as_long_as_a_whole_run_does():
    document = spec(schedule="linear", decay_steps=0, hold_steps=200, **GIVEN)
    _, history = run(document, SETTINGS, trained_at(never_unstable))
    (look,) = (item.document for item in history.rounds if item.purpose == "look")
    assert look["fixed"]["hold_steps"] == 200
    assert look["search"]["trials"] == [{"learning_rate": 0.2, "decay_steps": 400}]


def test_the_rates_that_a_spec_names_are_trained():
    settings = StabilitySettings(name="stability", rates=[1, 3], look_steps=100)
    history = History(spec(**GIVEN), settings)
    first = stability.next(history)
    assert first.document["search"]["trials"] == [{"learning_rate": 0.1}, {"learning_rate": 0.3}]


def test_what_a_sweep_searched_beside_the_rate_stays_as_in_its_best_trial():
    searched = {"learning_rate": {"choice": [0.1]}, "momentum": {"choice": [0.5, 0.9]}}
    document = spec() | {"nuisance": searched, "search": {"algorithm": "halton", "trials": 2}}
    history = History(document, SETTINGS)
    first = stability.next(history)
    assert (first.purpose, first.document["search"]) == ("sweep", document["search"])
    listed = [{"learning_rate": 0.1, "momentum": momentum} for momentum in (0.5, 0.9)]
    search = {"search": {"algorithm": "list", "trials": listed}}
    trained = finished(
        type(first)(first.purpose, {**first.document, **search}),
        lambda values, training: trained_at(lambda rate: falling(values["momentum"]))(
            values, training
        ),
    )
    second = stability.next(History(document, SETTINGS, (trained,)))
    assert second.document["fixed"]["momentum"] == 0.9


def test_a_look_that_is_shorter_than_a_window_of_the_sweep_is_not_judged_by_it():
    """The look ends after 100 of 2,000 steps of a window, in which nothing was gained yet."""
    training = {"max_train_steps": 40_000, "batch_size": 64, "eval_every": 20_000}
    document = spec(learning_rate=0.1) | {"training": training}
    settings = StabilitySettings(name="stability", rates=[1, 2], look_steps=100)
    train = trained_at(lambda rate: 2.3 * np.exp(-np.arange(40_000) / 2000))
    conclusion, history = run(document, settings, train)
    (look,) = history.of(stability.LOOK)
    trials = [item for one in history.rounds for item in one.outcomes]
    assert conclusion.columns["unstable"][trials.index(look)] == 0.0
