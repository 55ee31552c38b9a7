"""Which part of a space is cut off, and which trials are taken to be inside."""

import numpy as np
import pytest

from tuning_playbook.analysis.axis import choice_axis, range_axis
from tuning_playbook.analysis.good_region import good_region


@pytest.fixture
def places():
    """Two positions of each of 60 trials."""
    return np.random.default_rng(0).random((60, 2))


def box(places, loss, share=1 / 3):
    axes = {name: range_axis(column) for name, column in zip("ab", places.T, strict=True)}
    return good_region(axes, loss, share)


def test_a_range_ends_where_the_better_trials_do(places):
    region = box(places, 1.0 * (places[:, 0] > 0.6))
    assert region.cut == {"a"}
    assert region.ends["a"] == (0.0, places[places[:, 0] <= 0.6, 0].max())
    assert region.ends["b"] == (0.0, 1.0)


def test_bad_trials_inside_count_and_the_one_that_defines_the_end_does_not(places):
    loss = 1.0 * (places[:, 0] > 0.6)
    bad = np.argmin(np.abs(places[:, 0] - 0.3))
    loss[bad] = 5.0
    region = box(places, loss)
    last = np.argmax(np.where(places[:, 0] <= 0.6, places[:, 0], 0))
    assert bad in region.trials
    assert set(region.trials) == set(np.flatnonzero(places[:, 0] <= 0.6)) - {last}


def test_the_values_of_a_grid_are_inside_up_to_the_last_good_one():
    grid = np.repeat(np.linspace(0, 1, 6), 10)
    region = good_region({"a": range_axis(grid)}, 1.0 * (grid > 0.5), 1 / 2)
    assert region.ends["a"] == (0.0, pytest.approx(0.4))
    assert len(region.trials) == 30


def test_what_is_left_of_a_range_is_a_range_of_its_own(places):
    region = box(places, 1.0 * (places[:, 0] > 0.6))
    columns = region.axes["a"].columns
    assert columns.shape == (len(region.trials), 1)
    assert (columns * region.ends["a"][1]).ravel() == pytest.approx(places[region.trials, 0])


def test_a_value_of_a_choice_is_cut_where_no_good_trial_has_it(places):
    chosen = np.eye(3)[np.arange(60) % 3]
    axes = {"a": range_axis(places[:, 0]), "c": choice_axis(chosen)}
    region = good_region(axes, chosen[:, 1] + 0.1 * places[:, 0], 1 / 3)
    assert list(region.kept["c"]) == [0, 2]
    assert region.axes["c"].columns.shape == (len(region.trials), 2)
    assert not chosen[region.trials, 1].any()


def test_a_choice_of_which_one_value_is_left_varies_no_more(places):
    chosen = np.eye(2)[np.arange(60) % 2]
    axes = {"a": range_axis(places[:, 0]), "c": choice_axis(chosen)}
    assert set(good_region(axes, chosen[:, 1], 1 / 3).axes) == {"a"}


@pytest.mark.parametrize("share", [1 / 4, 1 / 3, 1 / 2])
def test_noise_cuts_off_nothing_but_by_chance(share):
    """Each of four ends in 5 % of cases at most."""
    cuts = []
    for seed in range(300):
        generator = np.random.default_rng(seed)
        region = box(generator.random((60, 2)), generator.normal(size=60), share)
        cuts += [end not in (0.0, 1.0) for name in "ab" for end in region.ends[name]]
    print(f"ends cut off by chance: {np.mean(cuts):.1%}")
    assert np.mean(cuts) <= 0.05


def test_equal_trials_are_all_the_best():
    places = np.random.default_rng(1).random((30, 2))
    region = box(places, np.zeros(30))
    assert not region.cut
    assert len(region.trials) == 30
