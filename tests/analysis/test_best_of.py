"""Best-of-k and study variance against drawing, and against searches made again."""

import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, NESTEROV, make_study
from tuning_playbook.analysis.best_of import QUANTILES, best_of, expected_best

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


def test_budgets_are_those_of_a_bootstrap():
    """The playbook's figure 3: draw k of the trials, note the best, repeat."""
    lost = iter(range(100))
    study = make_study(reason=lambda *_: "diverged" if next(lost) % 8 == 0 else "")
    arm = best_of(study)[0]
    assert (arm.arm, arm.trials, arm.feasible) == (NESTEROV, 16, 14)
    assert [budget.trials for budget in arm.budgets] == [1, 2, 4, 8, 16]
    loss = np.nan_to_num(study["objective"].values[:16], nan=np.inf)
    generator = np.random.default_rng(0)
    for budget in arm.budgets:
        drawn = generator.choice(loss, size=(40_000, budget.trials)).min(axis=1)
        for at, quantile in zip(QUANTILES, budget.quantiles, strict=True):
            if quantile is None:
                assert np.mean(drawn == np.inf) >= 1 - at - 0.01
            else:
                assert np.mean(drawn <= quantile + 1e-12) >= at - 0.01
                assert np.mean(drawn < quantile - 1e-12) <= at + 0.01
    assert arm.budgets[0].mean is None  # a single trial may be infeasible


def test_a_larger_objective_may_be_the_better_one():
    low, high = (best_of(make_study(mode=mode))[0] for mode in ("min", "max"))
    assert low.last_doubling == pytest.approx(high.last_doubling)
    assert high.budgets[-1].quantiles[0] > high.budgets[-1].quantiles[-1]
    for one, other in zip(low.budgets, high.budgets, strict=True):
        assert one.quantiles == pytest.approx(tuple(1 - value for value in other.quantiles))


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
    assert best_of(study)[1].budgets[-1].quantiles == (None,) * 5


@pytest.mark.parametrize("trials", [1, 2, 3])
def test_few_trials(trials):
    (arm, _) = best_of(make_study(trials=trials))
    assert arm.next_doubling is None
    assert [budget.trials for budget in arm.budgets] == [1, 2, 3][:trials]
