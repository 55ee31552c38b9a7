"""The procedure `clipping`, on simulated workloads with planted outliers among the gradients."""

import dataclasses
import functools

import numpy as np
import pytest

from tests.procedures.simulated import descend, quadratic, run
from tests.specs import write_spec
from tuning_playbook.procedures.planned import first_plan, most_of
from tuning_playbook.study.procedure_settings import ClippingSettings
from tuning_playbook.study.settled import read_settled

SEEDS = 20
CURVATURES = np.array([10.0, 8.0, 6.0, 4.0])
RATE = 0.03


def spec(**changes):
    return {
        "goal": "Where should gradients be clipped?",
        "workload": "quadratic",
        "objective": {"metric": "validation/loss", "mode": "min"},
        "training": {"max_train_steps": 600, "batch_size": 64, "eval_every": 50},
        "fixed": {"optimizer": "sgd", "learning_rate": 0.001},
        **changes,
    }


def with_outliers(share, seed=0, noise=1.0):
    """Steps whose gradient is 50 times too large: at a rate of 0.03 they throw the weights away."""
    return functools.partial(
        descend,
        gradient=lambda weights, step: CURVATURES * weights,
        loss=lambda weights, step: float(0.5 * CURVATURES @ weights**2),
        seed=seed,
        noise=noise,
        outliers=share,
    )


SETTINGS = ClippingSettings(name="clipping", unstable_rate=RATE)


@pytest.mark.parametrize("share", [0.1, 0.2])
def test_a_rate_that_outliers_make_unstable_is_stable_with_half_of_them_clipped(share):
    for seed in range(SEEDS):
        conclusion, history = run(spec(), SETTINGS, with_outliers(share, seed))
        assert conclusion.verdict == "clip norm found", conclusion.sentence
        clip = conclusion.values["clip_norm"]
        (chosen,) = (i for i in history.of("clipped") if i.values["clip_norm"] == clip)
        assert share / 2 <= chosen.clipped_share < 0.5


def test_the_clipped_run_is_compared_with_the_good_trial():
    conclusion, history = run(spec(), SETTINGS, with_outliers(0.1))
    assert [item.purpose for item in history.rounds] == ["unclipped", "clipped", "compare"]
    assert "5 of 5 reruns are stable" in conclusion.sentence
    assert "shown to be better" in conclusion.sentence


def test_a_rate_that_is_too_high_without_outliers_asks_for_a_lower_one():
    settings = ClippingSettings(name="clipping", unstable_rate=0.3)
    train = quadratic(CURVATURES, noise=1e-3)
    conclusion, history = run(spec(), settings, train)
    assert conclusion.verdict == "a lower learning rate instead"
    assert conclusion.values == {"clip_norm": None}
    assert "Lower the learning rate" in conclusion.advice
    assert [item.purpose for item in history.rounds] == ["unclipped", "clipped"]


def test_where_the_rate_is_stable_there_is_nothing_to_clip_for():
    settings = ClippingSettings(name="clipping", unstable_rate=0.1)
    conclusion, _ = run(spec(), settings, quadratic(CURVATURES))
    assert conclusion.verdict == "no instability to clip for"


def test_without_an_unstable_rate_it_is_looked_for_first():
    settings = ClippingSettings(name="clipping")
    document = spec(fixed={"optimizer": "sgd", "learning_rate": 0.1})
    conclusion, history = run(document, settings, quadratic(CURVATURES, noise=1e-3))
    assert [item.purpose for item in history.rounds][:2] == ["rates", "look"]
    assert conclusion.verdict in ("clip norm found", "a lower learning rate instead")


def test_where_not_even_the_spec_s_rate_is_stable_that_is_said():
    settings = ClippingSettings(name="clipping", unstable_rate=3.0)
    document = spec(fixed={"optimizer": "sgd", "learning_rate": 1.0})
    conclusion, _ = run(document, settings, quadratic(CURVATURES))
    assert conclusion.verdict == "cannot tell"


PROCEDURE = {"name": "clipping", "unstable_rate": RATE}
SEARCHES = {
    "nuisance": {"learning_rate": {"log_uniform": [1.0e-4, 1.0e-2]}},
    "search": {"algorithm": "grid", "points": 3},
    "fixed": {"optimizer": "sgd"},
}


@pytest.mark.parametrize("rate", [0.01, 0.03])
def test_what_the_spec_searches_is_searched_and_then_trained_at_the_unstable_rate(rate):
    document = spec(**SEARCHES)
    document["nuisance"] = {"learning_rate": {"log_uniform": [1.0e-4, rate]}}
    conclusion, history = run(document, SETTINGS, with_outliers(0.1))
    first, second, clipped = history.rounds[:3]
    purposes = [item.purpose for item in history.rounds]
    assert purposes == ["unclipped", "unclipped", "clipped", "compare"]
    assert first.document["search"] == document["search"]
    assert second.document["search"]["trials"] == [{"learning_rate": RATE}]
    assert {item.rate for item in clipped.outcomes} == {RATE}
    assert conclusion.verdict == "clip norm found"


def test_of_trials_at_one_rate_the_best_is_the_good_one():
    decays = [{"decay": 0.5}, {"decay": 0.1}, {"decay": 0.9}]
    document = spec(
        fixed={"optimizer": "sgd", "learning_rate": 0.001},
        nuisance={"decay": {"uniform": [0.0, 1.0]}},
        search={"algorithm": "list", "trials": decays},
    )

    def train(values, training, rerun=0):
        found = with_outliers(0.1)(values, training, rerun=rerun)
        worse = None if found.loss is None else found.loss * (1 + 0.01 * values["decay"])
        return dataclasses.replace(found, loss=worse)

    conclusion, history = run(document, SETTINGS, train)
    assert conclusion.columns["is_good"][:4] == (0, 1, 0, 0)
    assert conclusion.columns["is_at_unstable_rate"][:4] == (0, 0, 0, 1)
    assert all(item.values["decay"] == 0.1 for item in history.of("clipped", "compare"))


def test_a_search_none_of_whose_trials_is_stable_cannot_tell():
    document = spec(**SEARCHES)
    document["nuisance"] = {"learning_rate": {"log_uniform": [1.0, 9.0]}}
    settings = ClippingSettings(name="clipping", unstable_rate=3.0)
    conclusion, history = run(document, settings, quadratic(CURVATURES))
    assert (conclusion.verdict, len(history.rounds)) == ("cannot tell", 1)


def test_a_search_is_a_study_that_can_be_planned(tmp_path):
    document = spec(**SEARCHES, workload="digits_mlp", procedure=PROCEDURE)
    document["nuisance"]["weight_decay"] = {"choice": [0.0, 0.01]}
    path = write_spec(tmp_path / "clip.yaml", document)
    written, purpose, plan = first_plan(path)
    assert (purpose, written.document["search"]) == ("unclipped", document["search"])
    assert most_of(read_settled(path), plan) == (9, 6 + 8)
