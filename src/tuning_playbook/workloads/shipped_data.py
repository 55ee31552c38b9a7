"""Data that ships inside an installed package: find it, check it, cut it into splits.

It uses only NumPy: importing scikit-learn would take every training job longer than its data.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tuning_playbook.errors import WorkloadError
from tuning_playbook.workloads.protocol import Arrays

SPLIT_SEED = 0
"""Decides the test set, which is the same for every division of the data."""


def shipped_file(package: str, path: str) -> Path:
    """Return the path of a file in an installed package, without importing the package.

    Raises:
        WorkloadError: The package is not installed.
    """
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise WorkloadError(f"the data ships with the package '{package}', which is not installed")
    return Path(found.submodule_search_locations[0], path)


def check_sha256(data: bytes, expected: str, source: str) -> None:
    """Check that data is the data that all results of the workload were measured on.

    Args:
        data: The data as read.
        expected: Its SHA-256, in hexadecimal digits.
        source: A description for the message.

    Raises:
        WorkloadError: It is other data.
    """
    actual = hashlib.sha256(data).hexdigest()
    if actual != expected:
        raise WorkloadError(
            f"{source} is not the data that this workload is defined on: its sha256 is {actual}, "
            f"not {expected}; install the version that requirements.lock pins"
        )


def stratified_splits(
    arrays: Arrays, *, validation: int, test: int, seed: int = 0
) -> dict[str, Arrays]:
    """Return the splits, each with the class proportions of all examples.

    Args:
        arrays: The arrays, including `label` [examples].
        validation: Examples of the validation set.
        test: Examples of the test set; the rest is the training set.
        seed: Which division of the examples outside the test set; the test set is always the same.
    """
    order = stratified_order(arrays["label"], np.random.default_rng(SPLIT_SEED))
    tested, rest = order[:test], order[test:]
    if seed:
        rest = rest[stratified_order(arrays["label"][rest], np.random.default_rng(seed))]
    validated, trained = rest[:validation], rest[validation:]
    chosen = {"train": trained, "validation": validated, "test": tested}
    return {
        split: {name: array[index] for name, array in arrays.items()}
        for split, index in chosen.items()
    }


def stratified_order(label: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return a random order in which the examples of each class are evenly spread.

    Each class is shuffled, and the example at rank r of its n is placed at (r + 1/2) / n. So any
    run of the order contains each class in the proportions of all examples, up to one example.

    Args:
        label: The class of each example, [examples].
        generator: The random number generator.

    Returns:
        A permutation of the examples, [examples].
    """
    shuffled = generator.permutation(len(label))
    place = np.empty(len(label))
    for kind in np.unique(label):
        of_kind = label[shuffled] == kind
        place[of_kind] = (np.arange(of_kind.sum()) + 0.5) / of_kind.sum()
    return shuffled[np.argsort(place, kind="stable")]
