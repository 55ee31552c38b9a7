"""A sum of a slope and of a step: neither interacts, and the variance of each is known."""

import numpy as np
import pytest

from tuning_playbook.analysis.axis import choice_axis, range_axis
from tuning_playbook.analysis.sobol_indices import sobol_indices


@pytest.fixture(scope="module")
def found():
    generator = np.random.default_rng(0)
    positions, step, nothing = generator.random((3, 60))
    chosen = np.stack([step < 0.5, step >= 0.5], axis=1).astype(float)
    values = positions + 0.5 * chosen[:, 1]
    return sobol_indices([range_axis(positions), choice_axis(chosen), range_axis(nothing)], values)


def test_each_axis_has_its_share(found):
    slope, step = 1 / 12, 0.25 / 4
    truly = [slope / (slope + step), step / (slope + step), 0.0]
    assert [share.index for share in found.main] == pytest.approx(truly, abs=0.02)
    assert [share.index for share in found.total] == pytest.approx(truly, abs=0.02)


def test_the_intervals_hold_what_they_are_about(found):
    for share in (*found.main, *found.total, *found.pairs.values()):
        assert 0 <= share.low <= share.index <= share.high <= 1


def test_no_pair_interacts_and_all_is_predicted(found):
    assert set(found.pairs) == {(0, 1), (0, 2), (1, 2)}
    assert max(share.index for share in found.pairs.values()) < 0.01
    assert found.predicted > 0.98
