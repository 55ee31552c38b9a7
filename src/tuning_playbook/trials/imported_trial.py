"""A trial from another tool or from an archive, as its source describes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuning_playbook.declarations import Value
from tuning_playbook.trials.best_checkpoint import BestCheckpoint
from tuning_playbook.trials.record import TrialRecord


@dataclass(frozen=True)
class ImportedTrial:
    """One configuration trained once with one seed, by another tool or in an earlier study.

    Attributes:
        name: Its name in the source.
        where: The file, and the row or the folder, that it is read from.
        seed: Its seed; if the source does not give it, a number that no other trial has.
        hyperparameters: Its configuration; hyperparameters that do not exist in it are left out.
        record: Its measurements, and how it ended.
        arm: The name of its arm; empty if the source does not give it.
        trained: The trial as this project trained it, as JSON; None for one of another tool.
        best: The measurements of its best checkpoint; None for a trial of another tool.
        provenance: When, how long and on what it was trained; None if it is not known.
        round: The round of a search that proposed it, 0 for none; None if there were no rounds.
        seed_told: Whether the source gives the seed.
        ended: How it ended, if that was before it had trained all its steps; empty if the source
            does not say.
        study: The study of the source that trained it; empty if the source has no studies.
    """

    name: str
    where: str
    seed: int
    hyperparameters: Mapping[str, Value]
    record: TrialRecord
    arm: str = ""
    trained: Mapping[str, Any] | None = None
    best: BestCheckpoint | None = None
    provenance: Mapping[str, Any] | None = None
    round: int | None = None
    seed_told: bool = True
    ended: str = ""
    study: str = ""
