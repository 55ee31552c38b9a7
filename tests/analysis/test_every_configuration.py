"""Every configuration that has seeds enough, compared with every other one."""

import json

import numpy as np
import pytest
from scipy import stats

from tests.sources.several_seeds import several_seeds
from tuning_playbook.analysis.every_configuration import every_configuration

SPREAD = 0.01 * np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
BEST, NEXT, WORST = (list(mean + SPREAD) for mean in (0.2, 0.21, 0.5))


def compared(folder, objectives, margin=0.0, **changes):
    imported = several_seeds(folder, objectives, **changes)
    found = every_configuration(imported.study, imported.reruns, margin=margin)
    if found is not None:
        json.dumps(found.to_json(), allow_nan=False)
    return found


def test_each_has_its_mean_and_standard_deviation_the_best_first(tmp_path):
    found = compared(tmp_path, {"worst": WORST, "best": BEST, "next": NEXT})
    assert [row.name for row in found.rows] == ["best-0", "next-0", "worst-0"]
    for row, values in zip(found.rows, (BEST, NEXT, WORST), strict=True):
        assert row.objectives == pytest.approx(tuple(values))
        assert row.mean == pytest.approx(np.mean(values))
        assert row.standard_deviation == pytest.approx(np.std(values, ddof=1))
    assert [row.hyperparameters["learning_rate"] for row in found.rows] == [0.2, 0.3, 0.1]


def test_every_two_have_an_interval_and_all_hold_together(tmp_path):
    found = compared(tmp_path, {"worst": WORST, "best": BEST, "next": NEXT})
    pairs = {(pair.arm, pair.other): pair for pair in found.pairs}
    assert set(pairs) == {("best-0", "next-0"), ("best-0", "worst-0"), ("next-0", "worst-0")}
    tukey = stats.tukey_hsd(BEST, NEXT, WORST).confidence_interval(0.95)
    close = pairs["best-0", "next-0"]
    assert (close.low, close.high) == pytest.approx((tukey.low[1, 0], tukey.high[1, 0]), rel=0.1)
    assert found.best == ("best-0", "next-0")
    assert found.verdict == "differs"
    assert "Shown to be worse than another: worst-0." in found.sentence


def test_the_baseline_is_one_of_them(tmp_path):
    found = compared(tmp_path, {"worst": WORST, "best": BEST, "next": NEXT}, baseline="worst-0")
    assert [(row.name, row.arm) for row in found.rows][-1] == ("worst-0", "baseline")
    assert len(found.pairs) == 3


def test_those_with_too_few_seeds_are_listed_and_not_compared(tmp_path):
    """The first seed of each chose among them, so six seeds are five reruns."""
    found = compared(
        tmp_path, {"best": [*BEST, 0.201], "next": [*NEXT, 0.211], "few": WORST[:3], "one": [0.1]}
    )
    assert [row.name for row in found.rows] == ["best-0", "next-0", "few-0"]
    assert [(pair.arm, pair.other) for pair in found.pairs] == [("best-0", "next-0")]
    assert "few-0 is not compared: fewer than 5 reruns of it are feasible." in found.sentence


def test_without_seeds_enough_nothing_can_be_told(tmp_path):
    found = compared(tmp_path, {"best": BEST[:3], "next": NEXT[:3]})
    assert (found.verdict, found.pairs) == ("cannot tell", ())
    assert "takes 5 feasible reruns of each, which none of them has" in found.sentence


def test_so_many_that_their_intervals_would_show_nothing_are_listed(tmp_path):
    random = np.random.default_rng(0)
    found = compared(tmp_path, {f"c{n}": list(random.uniform(0.1, 0.2, 5)) for n in range(61)})
    assert (len(found.rows), found.pairs) == (61, ())
    assert "61 configurations have reruns enough" in found.sentence


def test_where_the_arms_are_all_that_was_rerun_they_are_compared_already(tmp_path):
    scientific = {"learning_rate": [0.1, 0.2]}
    assert compared(tmp_path, {"best": BEST, "next": NEXT}, scientific=scientific) is None
