"""Data that ships with a package is checked, and every example is in one split."""

from pathlib import Path

import numpy as np
import pytest

from tuning_playbook.errors import WorkloadError
from tuning_playbook.workloads import scipy_text
from tuning_playbook.workloads.mnist5k_cnn import Mnist5kCNN
from tuning_playbook.workloads.shipped_data import (
    shipped_file,
    stratified_order,
    stratified_splits,
)


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(WorkloadError, match="'no_such_package', which is not installed"):
        shipped_file("no_such_package", "data.csv")


def test_other_images_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "mnist_5k.csv.gz"
    workload = Mnist5kCNN()
    damaged.write_bytes(workload.data_files()[0].read_bytes() + b"\0")
    monkeypatch.setattr(workload, "data_files", lambda: [damaged])
    with pytest.raises(WorkloadError, match=r"mnist_5k.csv.gz is not the data .* sha256 is"):
        workload.load_data()


def test_other_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "_stats_py.py"
    other.write_text('"""Something else."""\n')
    monkeypatch.setattr(scipy_text, "text_files", lambda: [other])
    with pytest.raises(WorkloadError, match="install the version that requirements"):
        scipy_text.load_windows(128)


def test_every_example_is_in_one_split_and_classes_are_in_proportion() -> None:
    label = np.repeat([0, 1, 2], [600, 300, 101])
    arrays = {"number": np.arange(1001), "label": label}
    splits = stratified_splits(arrays, validation=200, test=100)
    assert sorted(np.concatenate([part["number"] for part in splits.values()])) == list(range(1001))
    for name, size in {"train": 701, "validation": 200, "test": 100}.items():
        counts = np.bincount(splits[name]["label"])
        assert counts.sum() == size
        np.testing.assert_allclose(counts, size * np.array([600, 300, 101]) / 1001, atol=1.5)
        assert np.array_equal(splits[name]["label"], label[splits[name]["number"]])


def test_the_order_is_random_and_the_seed_decides_it() -> None:
    label = np.arange(500) % 5
    one, same, other = (stratified_order(label, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert np.mean(one == other) < 0.05
    within = one[label[one] == 2]  # no trace of the order in which the examples came
    assert abs(np.corrcoef(within, np.arange(len(within)))[0, 1]) < 0.3


def test_another_seed_divides_anew_what_is_not_in_the_test_set() -> None:
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
