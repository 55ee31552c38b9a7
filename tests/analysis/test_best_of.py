"""Best-of-k and its band against drawing, and against distributions of which all is known."""

import numpy as np
import pytest
from scipy import stats

from tests.analysis.synthetic import ADAM, NESTEROV, make_study
from tuning_playbook.analysis.best_of import QUANTILES, best_of, expected_best
from tuning_playbook.search.halton import halton

TAILS = {
    # How the objectives of a search are distributed, and how good the best of n is on average.
    "uniform": lambda generator, shape: generator.random(shape),
    "a bowl of two": lambda generator, shape: (generator.random((*shape, 2)) ** 2).sum(axis=-1),
    "a bowl of four": lambda generator, shape: (generator.random((*shape, 4)) ** 2).sum(axis=-1),
    "normal": lambda generator, shape: generator.normal(size=shape),
}


def with_objectives(study, values):
    study["objective"][:] = values
    return study


def test_boxes_are_those_of_drawing_without_replacement():
    """The playbook's figure 3: draw k of the trials, note the best, repeat."""
    lost = iter(range(100))
    study = make_study(reason=lambda *_: "diverged" if next(lost) % 8 == 0 else "")
    arm = best_of(study)[0]
    assert (arm.arm, arm.trials, arm.feasible) == (NESTEROV, 16, 14)
    assert [budget.trials for budget in arm.budgets] == [1, 2, 4, 8, 16]
    loss = np.nan_to_num(study["objective"].values[:16], nan=np.inf)
    generator = np.random.default_rng(0)
    shuffled = generator.permuted(np.tile(loss, (40_000, 1)), axis=1)
    for budget in arm.budgets:
        drawn = shuffled[:, : budget.trials].min(axis=1)
        for at, quantile in zip(QUANTILES, budget.quantiles, strict=True):
            if quantile is None:
                assert np.mean(drawn == np.inf) >= 1 - at - 0.01
            else:
                assert np.mean(drawn <= quantile + 1e-12) >= at - 0.01
                assert np.mean(drawn < quantile - 1e-12) <= at + 0.01
    assert arm.budgets[0].mean is None  # a single trial may be infeasible
    # Of two infeasible trials no three can be drawn.
    assert arm.budgets[2].mean == pytest.approx(np.mean(shuffled[:, :4].min(axis=1)), rel=0.01)
    assert arm.budgets[-1].quantiles == (np.min(loss),) * 5


@pytest.mark.parametrize("tail", TAILS)
def test_the_mean_of_a_smaller_budget_is_right_on_average(tail):
    """Drawn with replacement it would be too bad by 0.1 to 0.6 deviations of the best."""
    generator = np.random.default_rng(4)
    study = make_study(arms=["all trials"], trials=32)
    rows = TAILS[tail](generator, (400, 32))
    bests = TAILS[tail](generator, (20_000, 16)).min(axis=1)
    found = [best_of(with_objectives(study, row))[0].budgets[4] for row in rows]
    assert found[0].trials == 16
    off = (np.mean([budget.mean for budget in found]) - bests.mean()) / bests.std()
    print(f"{tail}: the mean best of 16 of 32 trials is off by {off:.2f} of its deviations")
    assert abs(off) < 0.1


def test_a_larger_objective_may_be_the_better_one():
    low, high = (best_of(make_study(mode=mode))[0] for mode in ("min", "max"))
    assert low.last_doubling == pytest.approx(high.last_doubling)
    assert high.budgets[0].quantiles[0] > high.budgets[0].quantiles[-1]
    for one, other in zip(low.budgets, high.budgets, strict=True):
        assert one.quantiles == pytest.approx(tuple(1 - value for value in other.quantiles))
    assert low.curve.median == pytest.approx(tuple(1 - value for value in high.curve.median))
    assert low.curve.low_open == high.curve.high_open
    assert low.curve.high == pytest.approx(
        tuple(None if value is None else 1 - value for value in high.curve.low)
    )


@pytest.mark.parametrize("budget", [1, 3, 7, 12])
def test_the_expected_best_is_that_of_drawing_without_replacement(budget):
    generator = np.random.default_rng(1)
    values = generator.normal(size=12)
    drawn = [generator.permutation(values)[:budget].min() for _ in range(20_000)]
    assert expected_best(values, budget) == pytest.approx(np.mean(drawn), abs=0.02)


@pytest.mark.parametrize("tail", TAILS)
def test_the_gain_of_the_next_doubling_is_about_right(tail):
    generator = np.random.default_rng(2)
    objectives = TAILS[tail](generator, (300, 32))
    study = make_study(arms=["all trials"], trials=32)
    found = [best_of(with_objectives(study, row))[0].next_doubling for row in objectives]
    drawn = TAILS[tail](generator, (20_000, 64))
    truth = drawn[:, :32].min(axis=1).mean() - drawn.min(axis=1).mean()
    print(f"{tail}: doubling 32 trials gains {truth:.4f}, said to gain {np.mean(found):.4f}")
    assert np.mean(found) == pytest.approx(truth, rel=0.35)


def test_no_box_of_an_arm_without_a_feasible_trial():
    study = make_study(reason=lambda arm, _at: "diverged" if arm == ADAM else "")
    arm = best_of(study)[1]
    assert arm.budgets[-1].quantiles == (None,) * 5
    assert set(arm.curve.median) == set(arm.curve.low) == set(arm.curve.high) == {None}
    assert all(arm.curve.low_open)
    assert all(arm.curve.high_open)


@pytest.mark.parametrize("trials", [1, 2, 3])
def test_few_trials(trials):
    (arm, _) = best_of(make_study(trials=trials))
    assert arm.next_doubling is None
    assert [budget.trials for budget in arm.budgets] == [1, 2, 3][:trials]


COUNTS = np.arange(301)

SHAPES = {
    # How objectives are drawn, and the quantiles of their distribution.
    "normal": (lambda rng, shape: rng.normal(size=shape), stats.norm.ppf),
    "lognormal": (lambda rng, shape: rng.lognormal(size=shape), stats.lognorm(1).ppf),
    "t with 3 degrees": (lambda rng, shape: rng.standard_t(3, size=shape), stats.t(3).ppf),
    "beta near its edge": (lambda rng, shape: rng.beta(0.5, 5, size=shape), stats.beta(0.5, 5).ppf),
    "counts of 300, a third of them bad": (
        lambda rng, shape: rng.binomial(300, np.where(rng.random(shape) < 1 / 3, 0.6, 0.05)) / 300,
        lambda at: COUNTS[np.argmax(_counted() >= np.asarray(at)[:, None], axis=1)] / 300,
    ),
    "normal, two in three infeasible": (
        lambda rng, shape: np.where(rng.random(shape) < 2 / 3, np.nan, rng.normal(size=shape)),
        lambda at: np.where(at > 1 / 3, np.inf, stats.norm.ppf(np.minimum(3 * at, 1.0))),
    ),
}


def _counted():
    return stats.binom.cdf(COUNTS, 300, 0.05) * 2 / 3 + stats.binom.cdf(COUNTS, 300, 0.6) / 3


def holds(curve, truth):
    """Whether a band holds a curve at every number of trials; an open end holds all beyond it."""
    low = np.array([-np.inf if value is None else value for value in curve.low])
    high = np.array([np.inf if value is None else value for value in curve.high])
    return bool(np.all((low <= truth) & (truth <= high)))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_band_holds_the_whole_tuning_curve_in_95_percent(shape):
    draw, quantile = SHAPES[shape]
    truth = quantile(1 - 0.5 ** (1 / np.arange(1, 33)))
    study = make_study(arms=["all trials"], trials=32)
    rows = draw(np.random.default_rng([6, list(SHAPES).index(shape)]), (400, 32))
    arms = [best_of(with_objectives(study, row))[0] for row in rows]
    held = np.mean([holds(arm.curve, truth) for arm in arms])
    print(f"{shape}: the band holds the curve up to 32 trials in {held:.1%} of 400 searches")
    assert held >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / 400)


@pytest.mark.parametrize("dimensions", [2, 4])
def test_the_band_holds_for_quasi_random_trials_too(dimensions):
    """The objective is a bowl around a random point of the search space."""
    study = make_study(arms=["all trials"], trials=32)
    held = []
    for number in range(100):
        rng = np.random.default_rng(number)
        centre = rng.random(dimensions)
        losses = ((rng.random((50_000, dimensions)) - centre) ** 2).sum(axis=1)
        truth = np.quantile(losses, 1 - 0.5 ** (1 / np.arange(1, 33)))
        searched = ((np.array(halton(32, dimensions, number)) - centre) ** 2).sum(axis=1)
        held.append(holds(best_of(with_objectives(study, searched))[0].curve, truth))
    print(f"Halton, {dimensions} hyperparameters: the band holds the curve in {np.mean(held):.0%}")
    assert np.mean(held) >= 0.95


def test_a_median_lies_in_its_band():
    draw, _ = SHAPES["counts of 300, a third of them bad"]
    study = make_study(arms=["all trials"], trials=50)
    for row in draw(np.random.default_rng(7), (50, 50)):
        curve = best_of(with_objectives(study, row))[0].curve
        assert curve.trials == tuple(range(1, 51))
        ends = zip(curve.low, curve.median, curve.high, strict=True)
        assert all((low is None or low <= median) and median <= high for low, median, high in ends)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_an_open_end_is_what_the_metric_can_be_at_the_best(mode):
    study = make_study(mode=mode)
    open_ended = best_of(study)[0].curve
    study["objective"].attrs |= {"valid_min": 0.0, "valid_max": 1.0}
    closed = best_of(study)[0].curve
    if mode == "min":
        assert (open_ended.low[-1], closed.low[-1], closed.low_open[-1]) == (None, 0.0, True)
    else:
        assert (open_ended.high[-1], closed.high[-1], closed.high_open[-1]) == (None, 1.0, True)
    assert closed.median == open_ended.median
