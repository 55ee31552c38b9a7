"""A trial that another tool trained, or that stands in an archive, as its source has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuning_playbook.declarations import Value
from tuning_playbook.trials.best_checkpoint import BestCheckpoint
from tuning_playbook.trials.record import TrialRecord


@dataclass(frozen=True)
class ImportedTrial:
    """One configuration that was trained once with one seed, elsewhere or before.

    Attributes:
        name: As its source names it.
        where: The file, and the row or the folder, that it is read from.
        seed: Its seed; where its source does not tell it, a number that is no other trial's.
        hyperparameters: Its configuration; what does not exist in it is left out.
        record: What was measured of it, and how it ended.
        arm: The name of its arm; empty where its source does not say.
        trained: The trial as this project trained it, as JSON; None for one of another tool.
        best: What was measured of its best checkpoint; None for a trial of another tool.
        provenance: When, how long and on what it was trained; None where that is not known.
        round: Which round of a search proposed it, 0 for none; None where there were no rounds.
        seed_told: Whether its source tells its seed.
        ended: How it ended before it had trained for all its steps; empty where its source does not
            say so.
        study: Which of the studies of its source trained it; empty where the source has no such.
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
