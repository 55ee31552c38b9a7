"""The record of every reading of a test set: `results/<study>/test/<trial>.json`.

A test set tells what a model is worth only as long as nothing was chosen by it. So each reading
says when it was and by which study, and what had been read before.

Source: the playbook, "After exploration concludes".
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuning_playbook.errors import ArtefactError
from tuning_playbook.files import write_atomically

Reading = Mapping[str, Any]


def read_reading(path: Path) -> dict[str, Any] | None:
    """Return a reading that is on record; None where there is no such file.

    Raises:
        ArtefactError: The record is damaged.
    """
    try:
        reading: dict[str, Any] = json.loads(path.read_text())
        (*_,) = (reading[key] for key in ("study", "trial", "step", "read", "test_set", "metrics"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtefactError(
            f"{path}: the record of a reading of the test set is damaged ({error!r}); restore it, "
            "or remove it to read the test set once more"
        ) from None
    return reading


def write_reading(path: Path, reading: Reading) -> None:
    """Put a reading on record."""
    write_atomically(path, json.dumps(dict(reading), indent=1) + "\n")


def earlier_readings(results: Path, reading: Reading) -> list[dict[str, Any]]:
    """Return what was read of the same test set before, by any study with its results there.

    Args:
        results: The folder of all results.
        reading: The reading in question; its `test_set` is the hash of the test split.

    Raises:
        ArtefactError: A record is damaged.
    """
    found = [read_reading(path) for path in sorted(results.glob("*/test/*.json"))]
    same = [item for item in found if item and item["test_set"] == reading["test_set"]]
    before = [item for item in same if item["read"] < reading["read"]]
    return sorted(before, key=lambda item: str(item["read"]))
