"""Which of a trial's checkpoints is its best: retrospective selection by the objective.

Source: the playbook, "Saving checkpoints and retrospectively selecting the best checkpoint".
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class CheckpointSelection:
    """How checkpoints are ranked, and how many are kept.

    It affects no number of a trial, so the same trial may be ranked by another metric.

    Attributes:
        metric: The objective's metric, `<split>/<name>`.
        mode: Whether small or large values are better.
        keep: How many of the best checkpoints are kept.
    """

    metric: str
    mode: Literal["min", "max"]
    keep: int

    @property
    def key(self) -> str:
        """Return a name for files that depend on the objective.

        Example:
            >>> CheckpointSelection("validation/error_rate", "min", 3).key
            'validation-error_rate-min'
        """
        return f"{self.metric.replace('/', '-')}-{self.mode}"

    def score(self, value: float) -> float:
        """Return a number that is smaller the better `value` is."""
        return -value if self.mode == "max" else value

    def to_json(self) -> dict[str, Any]:
        """Return the selection as a JSON object."""
        return asdict(self)


def selection_from_json(content: Mapping[str, Any]) -> CheckpointSelection:
    """Return the selection that `CheckpointSelection.to_json` wrote."""
    return CheckpointSelection(**content)
