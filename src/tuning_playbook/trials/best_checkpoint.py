"""Measurements of a trial's best checkpoint, which depends on the objective.

    trials/<trial>/best-<objective>.json          the numbers of `BestCheckpoint`
    trials/<trial>/predictions-<objective>.npz    its predictions for some validation examples

Neither file affects the trial itself, so each objective that has ranked trials has files of its
own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tuning_playbook.files import write_atomically
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection

FORMAT = 1


@dataclass(frozen=True)
class BestCheckpoint:
    """The measurements of a trial's best checkpoint on the whole validation split.

    Attributes:
        step: The step of the checkpoint.
        means: The mean of each metric.
        sample_error: The standard error of each mean over a random sample as large as that of the
            periodic evaluations; empty if those see the whole split.
        class_right: Correct predictions of each class; empty if there are no classes.
        class_examples: Examples of each class.
    """

    step: int
    means: Mapping[str, float]
    sample_error: Mapping[str, float]
    class_right: Sequence[int]
    class_examples: Sequence[int]


def write_best(folder: Path, selection: CheckpointSelection, best: BestCheckpoint) -> None:
    """Write the measurements of the best checkpoint of the trial in a folder."""
    content = {"format": FORMAT, **asdict(best)}
    write_atomically(best_file(folder, selection), json.dumps(content) + "\n")


def read_best(folder: Path, selection: CheckpointSelection) -> BestCheckpoint | None:
    """Return the measurements of a trial's best checkpoint; None if there are none."""
    try:
        content = json.loads(best_file(folder, selection).read_text())
        return BestCheckpoint(**content) if content.pop("format") == FORMAT else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def best_file(folder: Path, selection: CheckpointSelection) -> Path:
    """Return the file with the measurements of the best checkpoint."""
    return folder / f"best-{selection.key}.json"


def predictions_file(folder: Path, selection: CheckpointSelection) -> Path:
    """Return the file with the best checkpoint's predictions for some validation examples."""
    return folder / f"predictions-{selection.key}.npz"
