"""The table of which of the candidate's changes mattered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuning_playbook.report.formatting import measured, number, signed, text


@dataclass(frozen=True)
class MatteredRow:
    """One change, set back to the baseline.

    Attributes:
        names: The hyperparameters that are set back together.
        candidate: The candidate's values.
        baseline: The baseline's.
        objectives: What each training with it set back reached.
        mean: Of these.
        gain: By how much the candidate is better with the change.
        interval: The 95 % interval of that.
        verdict: Whether it helps.
        remove: Whether it is named for removal.
    """

    names: tuple[str, ...]
    candidate: tuple[str, ...]
    baseline: tuple[str, ...]
    objectives: tuple[str, ...]
    mean: str
    gain: str
    interval: str
    verdict: str
    remove: bool


@dataclass(frozen=True)
class Mattered:
    """The table, and a sentence that sums it up."""

    sentence: str
    trainings: int
    rows: tuple[MatteredRow, ...]


def make_mattered(set_back: Mapping[str, Any] | None) -> Mattered | None:
    """Return the table of `set_back.json`; None if nothing was set back."""
    if set_back is None:
        return None
    rows = tuple(map(_row, set_back["changes"]))
    return Mattered(str(set_back["sentence"]), int(set_back["trainings"]), rows)


def _row(change: Mapping[str, Any]) -> MatteredRow:
    names = tuple(map(str, change["names"]))
    gain, low, high = change["gain"], change["low"], change["high"]
    error = None if gain is None else (high - low) / 2
    span = "" if error is None else f"{signed(low, error)} to {signed(high, error)}"
    return MatteredRow(
        names=names,
        candidate=tuple(text(change["candidate"].get(name), digits=6) for name in names),
        baseline=tuple(text(change["baseline"].get(name), digits=6) for name in names),
        objectives=tuple(measured(value, error) for value in change["objectives"]),
        mean=measured(change["mean"], error),
        gain=number(None) if error is None else signed(gain, error),
        interval=span or number(None),
        verdict=str(change["verdict"]),
        remove=bool(change["remove"]),
    )
