"""Cut examples into training, validation and test sets, the same way on every machine."""

import numpy as np
from sklearn.model_selection import train_test_split

from tuning_playbook.workloads.protocol import Arrays

SPLIT_SEED = 0


def stratified_splits(arrays: Arrays, *, validation: int, test: int) -> dict[str, Arrays]:
    """Return the splits, each with the classes in the proportions of the whole.

    Args:
        arrays: `label` [examples] among them.
        validation: Examples of the validation set.
        test: Examples of the test set; the rest is the training set.
    """
    label = arrays["label"]
    rest, tested = train_test_split(
        np.arange(len(label)), test_size=test, stratify=label, random_state=SPLIT_SEED
    )
    trained, validated = train_test_split(
        rest, test_size=validation, stratify=label[rest], random_state=SPLIT_SEED
    )
    chosen = {"train": trained, "validation": validated, "test": tested}
    return {
        split: {name: array[index] for name, array in arrays.items()}
        for split, index in chosen.items()
    }
