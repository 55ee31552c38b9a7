"""Optima at an edge in studies that are harder to read, and optima that lie inside the range."""

import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, make_study
from tests.analysis.test_false_alarms import (
    TRIAL_NOISE,
    best_below_the_breakdown,
    counted,
    optimum_at_an_edge,
    random_reason,
)
from tuning_playbook.analysis.boundary import boundary
from tuning_playbook.analysis.learning_rate_edge import learning_rate_edge

STUDIES = 100


def room(rate: float) -> float:
    """Two binomial standard errors."""
    return 2 * float(np.sqrt(rate * (1 - rate) / STUDIES))


@pytest.mark.parametrize(
    ("check", "plant"),
    [(boundary, optimum_at_an_edge), (learning_rate_edge, best_below_the_breakdown)],
    ids=["boundary", "learning_rate_edge"],
)
def test_an_edge_is_found_in_a_metric_that_counts_100_examples(check, plant):
    """One of them is as much as trials differ by."""
    found = np.mean([check(counted(100, plant(seed))).answer != "ok" for seed in range(STUDIES)])
    print(f"{check.__name__}, 100 examples: detected {found:.1%}")
    assert found >= 0.9 - room(0.9)


@pytest.mark.parametrize("share", [0.1, 0.2])
def test_an_edge_is_found_where_trials_are_lost_at_random(share):
    def make(seed):
        return make_study(
            seed=seed,
            effect=lambda arm, at: -8 * TRIAL_NOISE * at["learning_rate"] * (arm == ADAM),
            reason=random_reason(seed + STUDIES, share),
        )

    found = np.mean([boundary(make(seed)).answer == "problem" for seed in range(STUDIES)])
    print(f"boundary, {share:.0%} lost at random: detected {found:.1%}")
    assert found >= 0.9 - room(0.9)


@pytest.mark.parametrize("deviations", [40, 200])
@pytest.mark.parametrize("bottom", [0.15, 0.2])
def test_a_bowl_whose_bottom_lies_near_an_edge_has_it_inside(bottom, deviations):
    """Over the longer side it rises by so many standard deviations of everything else."""

    def effect(arm, at):
        place = (at["learning_rate"] - bottom) / (1 - bottom)
        return deviations * TRIAL_NOISE * place**2 * (arm == ADAM)

    found = np.mean(
        [boundary(make_study(seed=s, effect=effect)).answer != "ok" for s in range(STUDIES)]
    )
    print(f"boundary, a bowl at {bottom}, {deviations} deviations: false alarms {found:.1%}")
    assert found <= 0.05 + room(0.05)
