"""The launches that were adopted, in order: `config/launches.csv`."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from tuning_playbook.errors import ArtefactError

COLUMNS = (
    "date",
    "study",
    "workload",
    "commit",
    "decision",
    "forced",
    "trial",
    "objective_metric",
    "objective_mode",
    "before_mean",
    "before_sd",
    "before_reruns",
    "after_mean",
    "after_sd",
    "after_reruns",
    "improvement",
    "improvement_low",
    "improvement_high",
)
"""The columns of the record. Before and after: mean, standard deviation and number of the feasible
reruns."""

Launches = Sequence[Mapping[str, str]]


def read_launches(path: Path) -> list[dict[str, str]]:
    """Return the recorded launches, the first one first; none where there is no file.

    Raises:
        ArtefactError: The file is not such a record.
    """
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ArtefactError(f"{path}: it cannot be read: {error}") from None
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise ArtefactError(
            f"{path}: its first row is not that of a record of launches "
            f"({','.join(COLUMNS)}); move the file away, or correct it"
        )
    if any(None in row or None in row.values() for row in rows):
        raise ArtefactError(
            f"{path}: a row has more or fewer cells than the first; correct the file"
        )
    return rows


def write_launches(launches: Launches) -> str:
    """Return the record as CSV."""
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(launches)
    return sheet.getvalue()
