"""The curve of a sampled hyperparameter, where the best value is known."""

import numpy as np
import pytest
from scipy.stats import qmc

from tuning_playbook.analysis.value_curve import value_curve

DRAWS = 100


def drawn(seed, surface, *, trials, dimensions, noise):
    random = np.random.default_rng(seed)
    at = qmc.Halton(dimensions, rng=random).random(trials)
    loss = surface(at) + noise * random.normal(size=trials)
    return value_curve(at[:, 0], at[:, 1:], [], loss)


@pytest.mark.parametrize("best", [0.5, 0.3, 0.1])
@pytest.mark.parametrize(("trials", "dimensions"), [(32, 2), (64, 3)])
def test_simulated_the_interval_holds_the_best_value(best, trials, dimensions):
    def bowl(at):
        return (at[:, 0] - best) ** 2 + ((at[:, 1:] - 0.5) ** 2).sum(axis=1)

    curves = [
        drawn(seed, bowl, trials=trials, dimensions=dimensions, noise=0.05) for seed in range(DRAWS)
    ]
    held = np.mean([curve.best_low <= best <= curve.best_high for curve in curves])
    print(f"bowl at {best}, {trials} trials of {dimensions}: interval holds it in {held:.0%}")
    assert held >= 0.9


def test_the_others_are_tuned_for_each_value():
    """Along a valley the best rate moves with the value; a slice at one rate would see a bowl."""
    valley = drawn(
        0,
        lambda at: (at[:, 1] - 0.3 - 0.4 * at[:, 0]) ** 2,
        trials=96,
        dimensions=2,
        noise=0.001,
    )
    assert np.ptp(valley.loss) < 0.02


def test_a_flat_curve_shows_no_end_to_be_worse():
    worse = 0
    for seed in range(DRAWS):
        flat = drawn(seed, lambda at: 0 * at[:, 0], trials=48, dimensions=2, noise=1.0)
        worse += any(end[1] > 0 for end in flat.ends)
    print(f"flat: an end called worse in {worse / DRAWS:.0%}")
    assert worse / DRAWS <= 0.15


def test_choices_have_a_level_each():
    random = np.random.default_rng(1)
    x, which = random.random(60), random.integers(3, size=60)
    loss = (x - 0.7) ** 2 + np.array([0.0, 0.5, -0.5])[which]
    curve = value_curve(x, np.empty((60, 0)), [np.eye(3)[which]], loss)
    assert curve.best == pytest.approx(0.7, abs=0.03)
    assert curve.loss.min() == pytest.approx(-0.5, abs=0.02)


def test_too_few_trials_have_no_curve():
    assert drawn(0, lambda at: at[:, 0], trials=12, dimensions=3, noise=0.1) is None
