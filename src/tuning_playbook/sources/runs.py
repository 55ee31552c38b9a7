"""Runs as a tool logged them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuning_playbook.errors import SourceError
from tuning_playbook.sources.table import Cell
from tuning_playbook.study.distributions import Distribution
from tuning_playbook.trials.record import Status

END = -1
"""The step of a measurement of which the source says no step: the end of training."""

SEED = "seed"
"""The parameter that is no hyperparameter."""

MOST_NAMED = 8
"""Names that a sentence lists; of more it says the number."""

LONGEST_TEXT = 200
"""Characters of a value. A longer one is a document, no choice."""


@dataclass(frozen=True)
class Run:
    """One run, as its source has it.

    Attributes:
        name: As its source names it.
        where: The file, and the row or the folder, that it is read from.
        parameters: What it was given, by the source's names.
        measured: By the source's name of each metric, its value by step; the step `END` is the end
            of training.
        outcome: How it ended and why, where its source says that it is infeasible.
        written: What the source calls a parameter that has another name here already.
        provenance: When, how long and on what it was trained; None where that is not known.
        study: Which of the studies of its source it is part of; empty where the source has no such.
        ended: How it ended before it had trained for all its steps; empty where its source does not
            say so.
    """

    name: str
    where: str
    parameters: Mapping[str, Cell]
    measured: Mapping[str, Mapping[int, float]]
    outcome: tuple[Status, str] | None = None
    written: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, Any] | None = None
    study: str = ""
    ended: str = ""

    def error(self, what: str, name: str, message: str) -> SourceError:
        """Return an error about a parameter, which `what` calls a column or the like."""
        return SourceError(f"{self.where}, {what} '{self.written.get(name, name)}': {message}")


@dataclass(frozen=True)
class Logs:
    """What a reader found in a source.

    Attributes:
        runs: In the order of the source.
        unread: The names of the runs that the spec does not ask for.
        left_out: Runs of which not even the configuration is known, each with the reason.
        notes: What was guessed or left unread, in sentences.
        steps: How many steps the runs were to train; 0 where the source does not say.
        ranges: What hyperparameters were searched over, by their names there, where it says.
        targets: The metrics at whose targets runs were stopped, by the source's names, each with
            the targets that it names.
        step_called: What the source calls the step of a measurement; empty where that tells
            nothing.
    """

    runs: Sequence[Run]
    unread: Sequence[str] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    steps: int = 0
    ranges: Mapping[str, Distribution] = field(default_factory=dict)
    targets: Mapping[str, Sequence[float]] = field(default_factory=dict)
    step_called: str = ""


def flattened(content: Mapping[str, Any], prefix: str = "") -> dict[str, Cell]:
    """Return nested names with values as one layer, with a slash between the names.

    A list becomes its JSON-like text; what is longer than a choice can be is left out.

    Example:
        >>> flattened({"lr": 0.1, "optimizer": {"name": "adam", "betas": [0.9, 0.99]}})
        {'lr': 0.1, 'optimizer/name': 'adam', 'optimizer/betas': '[0.9, 0.99]'}
    """
    found: dict[str, Cell] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found |= flattened(value, f"{name}/")
        elif value is None or isinstance(value, bool | int | float):
            found[name] = value
        elif len(text := str(value)) <= LONGEST_TEXT:
            found[name] = text
    return found


def listed(names: Iterable[str]) -> str:
    """Return names in a sentence; of many the first, and how many there are.

    Example:
        >>> listed("abcdefghij")
        'a, b, c, d, e, f, g, h and 2 more'
    """
    every = list(names)
    more = f" and {len(every) - MOST_NAMED} more" if len(every) > MOST_NAMED else ""
    return ", ".join(every[:MOST_NAMED]) + more
