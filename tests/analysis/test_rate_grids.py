"""Grids of learning rates as they are published: is the edge found where they are cut?

Each is 36 rates from 1e-5 to 100, evenly spaced in the logarithm, one trial each. Objectives form a
parabola in the logarithm of the rate about its optimum; it does not pass what is reached without
training, and from some rate on every trial diverges or sits at chance.
"""

import math

import numpy as np
import pytest

from tests.analysis.synthetic import make_study
from tuning_playbook.analysis.boundary import boundary
from tuning_playbook.analysis.learning_rate_edge import learning_rate_edge
from tuning_playbook.dataset.searched import Searched

GRIDS = 50
RATES = np.geomspace(1e-5, 100.0, 36)
CHANCE = 0.9
ALL = ("all trials",)


def one_grid(seed: int, noise: float = 0.005) -> tuple[np.ndarray, int, int]:
    """The objective at each rate, the place of its optimum, and that of the first one lost."""
    random = np.random.default_rng(seed)
    optimum = int(random.integers(9, 22))
    cliff = optimum + int(random.integers(4, 13))
    decades = (np.arange(36) - optimum) / 5
    steepness = np.where(decades < 0, random.uniform(0.03, 0.2), random.uniform(0.03, 0.12))
    # The best seen is the optimum: a grid whose noise hides it has another one.
    loss = 0.1 + steepness * decades**2 + noise * random.standard_normal(36) * (decades != 0)
    loss = np.clip(loss, loss[optimum] + 1e-4, CHANCE - 0.01 * random.random(36))
    loss[optimum] -= 1e-4
    lost = random.random(36) < 0.5
    beyond = np.arange(36) >= cliff
    loss[beyond & lost] = math.nan
    loss[beyond & ~lost] = CHANCE
    return loss, optimum, cliff


def study_of(rates: np.ndarray, loss: np.ndarray, distribution: str = "list"):
    described = Searched(
        "learning_rate", "", ALL, "nuisance", distribution, rates[0], rates[-1], "log", tuple(rates)
    )
    study = make_study(arms=ALL, searched=[described], trials=len(rates), evaluations=5)
    study["hp_learning_rate"][:] = rates
    study["objective"][:] = loss
    return study


@pytest.mark.parametrize("short", [0, 1, 2])
@pytest.mark.parametrize("side", ["low", "high"])
def test_the_edge_of_a_grid_cut_at_its_optimum_or_short_of_it(side, short):
    """The optimum is the last rate that is left, or lies one or two rates beyond it."""
    found, held = [], []
    for seed in range(GRIDS):
        loss, optimum, _ = one_grid(seed)
        kept = slice(0, optimum - short + 1) if side == "high" else slice(optimum + short, 36)
        distribution = ("list", "log_uniform")[seed % 2]
        finding = boundary(study_of(RATES[kept], loss[kept], distribution))
        (row,) = finding.numbers["hyperparameters"]
        asks = finding.answer in ("problem", "warning") and row["edge"] == side
        low, high = row["proposed_range"] or (math.inf, -math.inf)
        found.append(asks)
        held.append(asks and low <= RATES[optimum] <= high)
    print(f"cut {short} short, {side}: found {np.mean(found):.0%}, held {np.mean(held):.0%}")
    assert np.mean(found) >= 0.9 - 2 * math.sqrt(0.09 / GRIDS)
    assert np.mean(held) == np.mean(found)


def test_a_whole_grid_has_its_optimum_inside():
    raised = [boundary(study_of(RATES, one_grid(seed)[0])).answer for seed in range(GRIDS)]
    print(f"whole grids: {np.mean(np.array(raised) != 'ok'):.0%}")
    assert np.mean(np.array(raised) != "ok") <= 0.05


@pytest.mark.parametrize("points", [6, 12, 36])
def test_a_grid_without_an_effect_has_no_edge(points):
    random = np.random.default_rng(0)
    raised = [
        boundary(study_of(RATES[:points], random.normal(0.1, 0.01, points))).answer
        for _ in range(2 * GRIDS)
    ]
    share = np.mean(np.isin(raised, ["problem", "warning"]))
    print(f"{points} rates without an effect: {share:.1%}")
    assert share <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / (2 * GRIDS))


def test_the_rate_above_which_training_breaks_down():
    """Half of the trials above it diverge, the others sit at chance."""
    for seed in range(20):
        loss, _, cliff = one_grid(seed)
        (row,) = learning_rate_edge(study_of(RATES, loss)).numbers["arms"]
        assert row["edge"] == RATES[cliff - 1]
        assert (row["above"], row["unstable_above"]) == (36 - cliff, 36 - cliff)
