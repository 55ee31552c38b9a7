"""Cut examples into training, validation and test sets, the same way on every machine.

In NumPy alone: every training job would wait longer for scikit-learn's import than for its data.
"""

import numpy as np

from tuning_playbook.workloads.protocol import Arrays

SPLIT_SEED = 0


def stratified_splits(
    arrays: Arrays, *, validation: int, test: int, seed: int = 0
) -> dict[str, Arrays]:
    """Return the splits, each with the classes in the proportions of the whole.

    Args:
        arrays: `label` [examples] among them.
        validation: Examples of the validation set.
        test: Examples of the test set; the rest is the training set.
        seed: Which division of what is not in the test set; that is the same for all of them.
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

    Each class is shuffled, and the example at rank r of its n stands at (r + 1/2) / n. So any run
    of the order has of each class what the proportions of the whole give it, to within one.

    Args:
        label: The class of each example, [examples].
        generator: Of random numbers.

    Returns:
        A permutation of the examples, [examples].
    """
    shuffled = generator.permutation(len(label))
    place = np.empty(len(label))
    for kind in np.unique(label):
        of_kind = label[shuffled] == kind
        place[of_kind] = (np.arange(of_kind.sum()) + 0.5) / of_kind.sum()
    return shuffled[np.argsort(place, kind="stable")]
