"""Splits: classes in proportion, every example in one of them."""

import numpy as np

from tuning_playbook.workloads.splits import stratified_order, stratified_splits


def test_every_example_is_in_one_split_and_classes_are_in_proportion():
    label = np.repeat([0, 1, 2], [600, 300, 101])
    arrays = {"number": np.arange(1001), "label": label}
    splits = stratified_splits(arrays, validation=200, test=100)
    assert sorted(np.concatenate([part["number"] for part in splits.values()])) == list(range(1001))
    for name, size in {"train": 701, "validation": 200, "test": 100}.items():
        counts = np.bincount(splits[name]["label"])
        assert counts.sum() == size
        np.testing.assert_allclose(counts, size * np.array([600, 300, 101]) / 1001, atol=1.5)
        assert np.array_equal(splits[name]["label"], label[splits[name]["number"]])


def test_the_order_is_random_and_the_seed_decides_it():
    label = np.arange(500) % 5
    one, same, other = (stratified_order(label, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert np.mean(one == other) < 0.05
    within = one[label[one] == 2]  # no trace of the order in which the examples came
    assert abs(np.corrcoef(within, np.arange(len(within)))[0, 1]) < 0.3


def test_another_seed_divides_anew_what_is_not_in_the_test_set():
    label = np.repeat([0, 1, 2], [600, 300, 101])
    arrays = {"number": np.arange(1001), "label": label}
    usual, one, same, other = (
        stratified_splits(arrays, validation=200, test=100, seed=seed) for seed in (0, 1, 1, 2)
    )
    for splits in (one, other):
        assert np.array_equal(splits["test"]["number"], usual["test"]["number"])
        everything = np.concatenate([part["number"] for part in splits.values()])
        assert sorted(everything) == list(range(1001))
        counts = np.bincount(splits["validation"]["label"])
        np.testing.assert_allclose(counts, 200 * np.array([600, 300, 101]) / 1001, atol=1.5)
    for name in ("train", "validation"):
        assert np.array_equal(one[name]["number"], same[name]["number"])
    # A fifth of what is left is validated, so two divisions share a fifth of that by chance.
    for first, second in ((usual, one), (usual, other), (one, other)):
        shared = np.isin(first["validation"]["number"], second["validation"]["number"])
        assert 0.1 < shared.mean() < 0.4
