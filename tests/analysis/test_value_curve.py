"""The curve of a sampled hyperparameter, where the best value is known."""

import numpy as np
import pytest
from scipy.stats import qmc

from tuning_playbook.analysis.value_curve import value_curve

DRAWS = 40


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
    half = 0.0125  # of the distance between two places of the curve
    held = np.mean([curve.best_low - half <= best <= curve.best_high + half for curve in curves])
    print(f"bowl at {best}, {trials} trials of {dimensions}: interval holds it in {held:.0%}")
    assert held >= 0.85


def test_simulated_a_plateau_is_no_sharp_optimum():
    """Its best value is nearly anywhere on it, and the curve says so though the end is steep."""

    def plateau(at):
        steep = 8 * np.maximum(0, at[:, 0] - 0.65) ** 2
        return 0.02 * (at[:, 0] - 0.3) ** 2 + steep + (at[:, 1] - 0.6) ** 2

    curves = [
        drawn(seed, plateau, trials=40, dimensions=2, noise=0.01) for seed in range(DRAWS // 2)
    ]
    held = np.mean([curve.best_low <= 0.3 <= curve.best_high for curve in curves])
    width = np.mean([curve.best_high - curve.best_low for curve in curves])
    print(f"plateau: interval holds the best in {held:.0%}, is {width:.2f} wide")
    assert held >= 0.85
    assert width > 0.35
    assert all(curve.ends[1][1] > 0 for curve in curves)


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
