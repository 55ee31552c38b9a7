"""The candidate: the simplest arm that is not shown to be worse, and how often that is right."""

import numpy as np
import pytest
from scipy import stats

from tests.analysis.test_arm_comparison import DRAWS, SHAPES, SPREAD
from tuning_playbook.analysis.arm_comparison import compare_arms, reruns_of
from tuning_playbook.analysis.variance import summarise
from tuning_playbook.launches.choice import choose
from tuning_playbook.launches.judgement import Evidence
from tuning_playbook.study.simplicity import Simplicity

LIMIT = 0.05 + 2 * (0.05 * 0.95 / DRAWS) ** 0.5
"""Two standard errors above 5 %."""

OFF = Simplicity((0, 0.0), ("x=0 leaves it out",))
BASELINES = Simplicity((0, 1.0), ("x=1 is the baseline's",))
OTHER = Simplicity((1, 3.0), ())


def chosen(values, scores, simple, *, sign=1):
    """The choice among the arms x=0, x=1, ...: their reruns, search objectives and simplicity."""
    rows = [
        summarise(f"x={place}", list(found), trial=str(place), search_objective=score)
        for place, (found, score) in enumerate(zip(values, scores, strict=True))
    ]
    settings = {row.arm: {"x": place} for place, row in enumerate(rows)}
    reruns = reruns_of(rows, settings, sign=-sign, margin=0.0)
    named = {row.arm: item for row, item in zip(rows, simple, strict=True)}
    found = {row.arm: row.search_objective for row in rows if row.search_objective is not None}
    by_search = sorted(found, key=lambda arm: sign * found[arm])
    return choose(reruns, compare_arms(reruns), named, by_search)


def test_a_feature_that_does_not_help_is_left_out():
    found = chosen([0.0377 + SPREAD, 0.0367 + SPREAD], [0.04, 0.03], [OFF, OTHER])
    assert (found.arm, found.passed_over) == ("x=0", ())
    (reason,) = found.reasons
    assert "the simplest arm (x=0 leaves it out)" in reason
    assert "one of x=1" in reason


def test_a_feature_that_is_shown_to_help_is_kept():
    found = chosen([0.0487 + SPREAD, 0.0367 + SPREAD], [0.04, 0.03], [OFF, OTHER])
    assert (found.arm, found.passed_over) == ("x=1", ("x=0",))
    assert "x=0 is simpler than the candidate's arm, but its reruns are worse" in found.reasons[0]


def test_the_simplest_of_those_that_are_not_worse_is_chosen():
    values = [0.9 + SPREAD, 0.1 + SPREAD, 0.1 + SPREAD]
    assert chosen(values, [0.1, 0.1, 0.05], [OFF, BASELINES, OTHER]).arm == "x=1"


def test_equally_simple_arms_are_ranked_by_the_search():
    values = [0.9 + SPREAD, 0.1 + SPREAD, 0.0999 + SPREAD]
    assert chosen(values, [0.1, 0.04, 0.05], [OFF, OTHER, OTHER]).arm == "x=1"
    found = chosen(values, [0.01, 0.04, 0.05], [OTHER, OTHER, OTHER])
    assert (found.arm, found.reasons) == ("x=0", ())


@pytest.mark.parametrize("few", [[], [0.1] * 4])
def test_without_reruns_enough_the_search_decides(few):
    assert chosen([few, few], [0.04, 0.03], [OFF, OTHER]).arm == "x=1"


def test_an_arm_whose_reruns_fail_is_passed_over():
    values = [[np.nan] * 5, 0.1 + SPREAD, 0.1 + SPREAD]
    found = chosen(values, [0.01, 0.2, 0.1], [OFF, OTHER, OTHER])
    assert (found.arm, found.passed_over) == ("x=2", ("x=0",))
    assert "too few of its reruns are feasible" in found.reasons[-1]


def test_reruns_that_never_differ_leave_no_doubt():
    assert chosen([[0.1] * 5, [0.1] * 5], [0.2, 0.1], [OFF, OTHER]).arm == "x=0"
    assert chosen([[0.2] * 5, [0.1] * 5], [0.1, 0.2], [OFF, OTHER]).arm == "x=1"


def test_no_feasible_trial_is_no_candidate():
    assert chosen([[], []], [None, None], [OFF, OTHER]).arm is None


def test_a_larger_objective_can_be_better():
    found = chosen([0.90 + SPREAD, 0.95 + SPREAD], [0.9, 0.95], [OFF, OTHER], sign=-1)
    assert (found.arm, found.passed_over) == ("x=1", ("x=0",))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_simulated_equal_arms_and_baseline(shape, count):
    """A feature is adopted, and a baseline is replaced, in one study of twenty."""
    random = np.random.default_rng([count, len(shape)])
    feature = replaced = 0
    for _ in range(DRAWS):
        values = SHAPES[shape](random, (count, 5))
        found = chosen(values, random.normal(size=count), [OFF, *[OTHER] * (count - 1)])
        feature += found.arm != "x=0"
        candidate = values[int(found.arm.removeprefix("x="))]
        baseline = SHAPES[shape](random, 5)
        evidence = Evidence(
            candidate=summarise(found.arm, list(candidate)),
            baseline=summarise("baseline", list(baseline)),
            same=False,
            sign=-1.0,
            problems=(),
            min_improvement=0.0,
            passed_over=found.passed_over,
        )
        # The decision's own bound, without the bootstrap that stands beside it and takes so long.
        if np.ptp(candidate) or np.ptp(baseline):
            welch = stats.ttest_ind_from_stats(
                *(candidate.mean(), candidate.std(ddof=1), 5),
                *(baseline.mean(), baseline.std(ddof=1), 5),
                equal_var=False,
                alternative="less",
            )
            replaced += welch.pvalue < 1 - evidence.confidence
    print(
        f"{count} equal arms, {shape}: a feature adopted {feature / DRAWS:.1%}, "
        f"an equal baseline replaced {replaced / DRAWS:.1%}"
    )
    assert max(feature, replaced) / DRAWS <= LIMIT


def test_simulated_a_simpler_arm_that_is_worse_by_two_deviations():
    random = np.random.default_rng(5)
    kept = {}
    for count in (2, 3, 5, 10):
        kept[count] = 0
        for _ in range(DRAWS):
            values = random.normal(size=(count, 5))
            values[0] += 2.0
            found = chosen(values, np.arange(count), [OFF, *[OTHER] * (count - 1)])
            kept[count] += found.arm == "x=0"
        print(f"{count} arms, the simplest worse by two deviations: kept {kept[count] / DRAWS:.1%}")
    assert kept[2] / DRAWS <= 0.2
