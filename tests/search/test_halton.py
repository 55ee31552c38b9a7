"""The scrambled Halton sequence, held to the properties of scipy's."""

import math

import numpy as np
import pytest
from scipy.stats import qmc

from tuning_playbook.search.halton import halton, permute, random_points


@pytest.mark.parametrize(("axis", "base"), [(0, 2), (1, 3), (2, 5), (3, 7)])
def test_every_coordinate_is_stratified_like_scipys(axis, base):
    count = base**2
    ours = np.array(halton(count, 4, seed=1))[:, axis]
    theirs = qmc.Halton(4, seed=1).random(count)[:, axis]
    expected = list(range(count))
    assert sorted(np.floor(ours * count).astype(int)) == expected
    assert sorted(np.floor(theirs * count).astype(int)) == expected


@pytest.mark.parametrize("dimensions", [2, 4, 8])
@pytest.mark.parametrize("count", [8, 16, 32, 64])
def test_discrepancy_is_that_of_scipys_and_below_random(count, dimensions):
    seeds = range(20)
    ours = [qmc.discrepancy(np.array(halton(count, dimensions, seed))) for seed in seeds]
    theirs = [qmc.discrepancy(qmc.Halton(dimensions, seed=s).random(count)) for s in seeds]
    chance = [qmc.discrepancy(np.array(random_points(count, dimensions, s))) for s in seeds]
    assert np.median(ours) < 1.25 * np.median(theirs)
    assert np.median(ours) < 0.75 * np.median(chance)
    assert sum(a < b for a, b in zip(ours, chance, strict=True)) >= 18


def test_more_points_keep_the_earlier_ones_to_the_bit():
    long = halton(1000, 5, seed=7)
    for count in (1, 2, 16, 31, 32, 33, 500):
        assert halton(count, 5, seed=7) == long[:count]


def test_coordinates_are_not_correlated_where_unscrambled_ones_are():
    """16 points of the plain sequence lie on a line in the last two of 8 dimensions."""
    plain = qmc.Halton(8, scramble=False).random(16)
    assert np.corrcoef(plain[:, 6], plain[:, 7])[0, 1] > 0.99
    points = np.array([halton(16, 8, seed) for seed in range(20)])
    correlations = [abs(np.corrcoef(sample[:, 6], sample[:, 7])[0, 1]) for sample in points]
    assert np.median(correlations) < 0.35


def test_scrambling_is_unbiased_over_seeds():
    means = [np.mean(halton(8, 3, seed), axis=0) for seed in range(300)]
    # A point of a stratified sample of 8 has at most the variance of a uniform one, 1/12.
    assert np.abs(np.mean(means, axis=0) - 0.5).max() < 4 * math.sqrt(1 / 12 / 8 / 300)


def test_the_seed_matters_and_is_all_that_does():
    assert halton(16, 3, seed=1) == halton(16, 3, seed=1)
    assert halton(16, 3, seed=1) != halton(16, 3, seed=2)


def test_a_known_sequence_never_changes():
    """The study of six months ago is found again: these numbers may not change in any release."""
    assert halton(3, 2, seed=0) == [
        (0.7238104421935949, 0.9593422018102288),
        (0.22381044219359492, 0.29267553514356226),
        (0.9738104421935949, 0.6260088684768955),
    ]


def test_random_points_are_uniform_and_extensible():
    points = np.array(random_points(2000, 2, seed=3))
    assert points.min() >= 0 and points.max() < 1
    assert np.abs(points.mean(axis=0) - 0.5).max() < 0.03
    assert random_points(10, 2, seed=3) == random_points(2000, 2, seed=3)[:10]


def test_permutations_are_even():
    counts = np.zeros((5, 5))
    for stream in range(2000):
        for place, item in enumerate(permute(5, str(stream))):
            counts[place, item] += 1
    assert np.abs(counts / 2000 - 0.2).max() < 0.04
