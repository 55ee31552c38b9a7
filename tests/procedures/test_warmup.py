"""The procedure `warmup`, on simulated workloads that need a warmup of known length."""

import numpy as np
import pytest

from tests.procedures.simulated import falling_curvature, finished, outcome, quadratic, run
from tuning_playbook.procedures import warmup
from tuning_playbook.procedures.procedure_history import History, StudyDocument
from tuning_playbook.study.procedure_settings import WarmupSettings

SEEDS = 20
LARGEST = 10.0
UNSTABLE = 2 / LARGEST


def spec(**changes):
    return {
        "goal": "How long must the warmup be?",
        "workload": "quadratic",
        "objective": {"metric": "validation/loss", "mode": "min"},
        "training": {"max_train_steps": 4000, "batch_size": 64, "eval_every": 100},
        "fixed": {"optimizer": "sgd"},
        **changes,
    }


def settings(**changes):
    return WarmupSettings(**{"name": "warmup", "unstable_rate": UNSTABLE, **changes})


@pytest.mark.parametrize("halved_after", [5, 20])
def test_the_warmup_is_as_long_as_it_has_to_be(halved_after):
    truth = 9 * halved_after
    found = []
    for seed in range(SEEDS):
        train = falling_curvature(LARGEST, halved_after, seed=seed, noise=1e-3)
        conclusion, _ = run(spec(), settings(), train)
        found.append(conclusion.values["warmup_steps"] / truth)
    assert all(1 / 3 <= ratio <= 3 for ratio in found), found


def test_it_goes_on_from_the_unstable_rate_that_stability_finds():
    train = falling_curvature(LARGEST, 2, noise=1e-3)
    conclusion, history = run(spec(), settings(unstable_rate=None, times=2), train)
    purposes = [item.purpose for item in history.rounds]
    assert purposes[:3] == ["sweep", "rates", "look"]
    assert purposes[-3:] == ["magnitudes", "warmups", "compare"]
    assert conclusion.verdict == "warmup found"


def test_the_conclusion_says_rate_seeds_and_what_came_of_the_comparison():
    conclusion, history = run(spec(), settings(seeds=2), falling_curvature(LARGEST, 5))
    steps = conclusion.values["warmup_steps"]
    assert conclusion.values["learning_rate"] == pytest.approx(10 * UNSTABLE)
    assert f"A warmup of {steps} steps is the shortest" in conclusion.sentence
    assert "stable on 2 seeds" in conclusion.sentence
    assert "shown to be better" in conclusion.sentence
    (compared,) = (item for item in history.rounds if item.purpose == "compare")
    assert compared.document["training"]["warmup_extends"]
    assert compared.document["search"]["trials"] == [{"learning_rate": 2.0, "warmup_steps": steps}]


def test_a_warmup_that_takes_much_of_the_run_asks_for_a_longer_one():
    conclusion, _ = run(spec(), settings(), falling_curvature(LARGEST, 30, noise=1e-3))
    assert conclusion.values["warmup_steps"] > 0.05 * 4000
    assert "raise `max_train_steps`" in conclusion.advice


def test_where_no_warmup_helps_that_is_said():
    train = quadratic(LARGEST * np.array([1, 0.01]), noise=1e-3)
    conclusion, history = run(spec(), settings(), train)
    assert conclusion.verdict == "no warmup up to a tenth of the run is stable"
    assert conclusion.values == {"warmup_steps": None, "learning_rate": None}
    assert "up to 400 steps" in conclusion.sentence
    assert [item.purpose for item in history.rounds] == ["baseline", "magnitudes"]


def test_a_workload_without_instability_needs_none():
    flat = quadratic(1e-6 * np.array([1.0, 0.5]))
    conclusion, _ = run(spec(), settings(unstable_rate=None), flat)
    assert conclusion.values["warmup_steps"] is None
    assert conclusion.verdict in ("no instability to warm up for", "cannot tell")


def test_the_warmups_end_at_a_constant_rate_for_twice_the_longest():
    trained = run(spec(), settings(), falling_curvature(LARGEST, 5))[1]
    (magnitudes,) = (item for item in trained.rounds if item.purpose == "magnitudes")
    assert magnitudes.document["scientific"] == {"warmup_steps": [0, 4, 40, 400]}
    assert magnitudes.document["training"]["max_train_steps"] == 1200
    assert magnitudes.document["fixed"]["schedule"] == "constant"


def test_without_a_rate_in_the_spec_the_baseline_has_half_the_unstable_one():
    first = warmup.next(History(spec(), settings()))
    assert isinstance(first, StudyDocument)
    assert first.document["fixed"]["learning_rate"] == UNSTABLE / 2
    given = warmup.next(History(spec(fixed={"learning_rate": 0.05}), settings()))
    assert given.document["fixed"]["learning_rate"] == 0.05


def test_an_early_look_of_the_spec_is_not_longer_than_any_round():
    training = {"max_train_steps": 200, "batch_size": 64, "eval_every": 10}
    document = spec(training=training | {"eval_schedule": {"dense_until": 100}})
    _, history = run(document, settings(), falling_curvature(LARGEST, 1))
    looks = {
        item.purpose: (
            item.document["training"]["eval_schedule"]["dense_until"],
            item.document["training"]["max_train_steps"],
        )
        for item in history.rounds
    }
    assert looks == {
        "baseline": (100, 200),
        "magnitudes": (0, 60),
        "warmups": (0, looks["warmups"][1]),
        "compare": (100, 200),
    }


def test_the_best_trial_of_the_specs_search_is_the_baseline():
    document = spec(
        fixed={"optimizer": "momentum", "learning_rate": 1e-5},
        nuisance={"momentum": {"uniform": [0.0, 0.9]}},
        search={"algorithm": "list", "trials": [{"momentum": 0.0}, {"momentum": 0.9}]},
    )
    history = History(document, settings())
    first = warmup.next(history)
    assert first.document["search"] == document["search"]
    train = quadratic(LARGEST * np.array([1.0, 0.5]))
    following = warmup.next(History(document, settings(), (finished(first, train),)))
    assert following.purpose == "magnitudes"
    assert following.document["fixed"]["momentum"] == 0.9


def stable_from_five_steps(values, training, rerun=0):
    """Return a loss that falls at every rate; it blows up at once where the warmup is shorter."""
    losses = 2.3 * np.exp(-np.arange(training["max_train_steps"]) / 300)
    if values["warmup_steps"] < 5 and values["learning_rate"] > UNSTABLE:
        losses[2:] = 50.0
    norms = np.ones_like(losses)
    return outcome(values, training, losses, norms, diverged=False, best=min(losses))


@pytest.mark.parametrize("eval_every", [100, 500, 1000])
def test_how_seldom_the_baseline_is_evaluated_changes_nothing(eval_every):
    training = {"max_train_steps": 10_000, "batch_size": 64, "eval_every": eval_every}
    conclusion, history = run(spec(training=training), settings(), stable_from_five_steps)
    assert conclusion.values["warmup_steps"] == 6, conclusion.sentence
    assert [item.purpose for item in history.rounds].count("warmups") == 1
