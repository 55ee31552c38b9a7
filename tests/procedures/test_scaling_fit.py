"""The curve of steps against the batch size, and the interval of its critical batch size."""

import math

import numpy as np
import pytest

from tuning_playbook.procedures.scaling_fit import SizeRuns, critical_interval, fit_scaling

SIZES = (8, 16, 32, 64, 128, 256, 512)


def exact(critical, least=50.0, sizes=SIZES):
    return [SizeRuns(size, (least * (1 + critical / size),)) for size in sizes]


def scattered(seed, *, critical=64.0, spread=0.1, runs=3):
    random = np.random.default_rng(seed)
    return [
        SizeRuns(item.size, tuple(item.reached[0] * np.exp(random.normal(0, spread, runs))))
        for item in exact(critical)
    ]


@pytest.mark.parametrize("critical", [2.0, 64.0, 3000.0])
def test_an_exact_curve_is_found_again(critical):
    fit = fit_scaling(exact(critical))
    assert fit.critical == pytest.approx(critical, rel=1e-3)
    assert fit.least_steps == pytest.approx(50.0, rel=1e-3)
    assert fit.steps(fit.critical) == pytest.approx(2 * fit.least_steps)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_fit_of_least_squares_of_the_logarithms(seed):
    """Against a search of every critical batch size on a fine grid, in NumPy."""
    runs = scattered(seed)
    sizes = np.array([item.size for item in runs])
    logs = np.array([np.mean(np.log(item.reached)) for item in runs])
    grid = np.exp(np.linspace(math.log(8.0), math.log(512.0), 20_001))
    left = logs - np.log1p(grid[:, None] / sizes)
    misfit = left.var(axis=1)
    fit = fit_scaling(runs)
    assert fit.critical == pytest.approx(grid[misfit.argmin()], rel=2e-3)
    assert math.log(fit.least_steps) == pytest.approx(left[misfit.argmin()].mean(), abs=2e-3)


def test_a_run_that_missed_says_nothing_where_it_had_too_few_steps():
    runs = exact(64.0)[1:]
    assert fit_scaling([SizeRuns(8, (), (300.0,)), *runs]) == fit_scaling(runs)


def test_a_run_that_missed_counts_where_it_had_steps_enough():
    """At a batch size of 8 the others say 450 steps, and 2,000 were not enough."""
    runs = exact(64.0)[1:]
    fit = fit_scaling([SizeRuns(8, (), (2000.0,)), *runs])
    assert fit.critical > 1.2 * 64


def test_where_nothing_scatters_the_interval_is_a_point():
    runs = exact(64.0)
    low, high = critical_interval(runs, fit_scaling(runs), draws=50)
    assert (low, high) == pytest.approx((64.0, 64.0), rel=1e-2)


def test_the_interval_is_wider_where_runs_scatter_and_where_searches_do():
    def width(runs):
        low, high = critical_interval(runs, fit_scaling(runs), draws=100)
        return math.log(high / low)

    narrow, wide = width(scattered(0, spread=0.02)), width(scattered(0, spread=0.2))
    searched = [
        SizeRuns(item.size, item.reached, (), (item.reached[0], 1.3 * item.reached[0]))
        for item in scattered(0, spread=0.02)
    ]
    assert wide > 3 * narrow
    assert width(searched) > 3 * narrow


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Reruns that scatter by 10 %: 95 % of 40 seeds, within two standard errors."""
    held = 0
    for seed in range(40):
        runs = scattered(seed)
        low, high = critical_interval(runs, fit_scaling(runs), draws=100, seed=seed)
        held += low <= 64.0 <= high
    assert held >= 40 * (0.95 - 2 * math.sqrt(0.95 * 0.05 / 40))


def test_perfect_scaling_has_an_interval_without_an_end():
    runs = [
        SizeRuns(size, tuple(10_000 / size * factor for factor in (0.9, 1.0, 1.1)))
        for size in SIZES
    ]
    fit = fit_scaling(runs)
    assert fit.critical > 2 * SIZES[-1]
    assert critical_interval(runs, fit, draws=50)[1] > 8 * SIZES[-1]
