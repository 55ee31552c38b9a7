"""The procedure `clipping`, on simulated workloads with planted outliers among the gradients."""

import functools

import numpy as np
import pytest

from tests.procedures.simulated import descend, quadratic, run
from tuning_playbook.study.procedure_settings import ClippingSettings

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
