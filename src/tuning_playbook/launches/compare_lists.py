"""The launch decision for two lists of objectives, a candidate's and a baseline's.

The lists may come from anywhere, for example from a script or a program that proposes changes and
asks which to keep.
"""

import csv
import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tuning_playbook.analysis.numbers import json_object
from tuning_playbook.analysis.simultaneous import MOST_VALUES
from tuning_playbook.analysis.variance import TrialVariance, summarise
from tuning_playbook.errors import ArtefactError
from tuning_playbook.launches.judgement import Decision, Evidence, judge
from tuning_playbook.study.study import BASELINE, LEAST_RERUNS

FORMAT = 1
"""The format number of the JSON object."""

COLUMNS = ("seed", "objective")

WHOLE = re.compile(r"[+-]?[0-9]+")

INFEASIBLE = ("", "nan")
"""What a table may hold in place of the objective of an infeasible run."""

EXIT_STATUS: dict[Decision, int] = {"adopt": 0, "reject": 3, "provisional": 4}


@dataclass(frozen=True)
class ListComparison:
    """The decision about a candidate.

    Attributes:
        decision: `adopt` the candidate, `reject` it, or `provisional`: more evidence is needed.
        reasons: Why, in full sentences.
        more_reruns: How many more reruns of each would settle it with a probability of 80 %, if
            the true difference is the one seen, or would make the variance known; None where it is
            settled, where more would not settle it, or where the number is not known.
        evidence: What it rests on.
    """

    decision: Decision
    reasons: tuple[str, ...]
    more_reruns: int | None
    evidence: Evidence

    @property
    def text(self) -> str:
        """Return the decision in a few lines."""
        lines = [f"{self.decision}: {self.reasons[0]}", *self.reasons[1:]]
        if self.more_reruns is not None and self.evidence.known:
            lines.append(f"{self.more_reruns:,} more reruns of each would settle it.")
        elif self.more_reruns is not None:
            lines.append(
                f"More reruns are needed to know the variance: {self.more_reruns} at least."
            )
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        difference = self.evidence.difference
        sides = {"candidate": self.evidence.candidate, "baseline": self.evidence.baseline}
        return {
            "format": FORMAT,
            "decision": self.decision,
            "sentence": " ".join(self.reasons),
            "reasons": list(self.reasons),
            "more_reruns": self.more_reruns,
            "improvement": self.evidence.improvement,
            "difference": difference and asdict(difference, dict_factory=json_object),
            "min_improvement": self.evidence.min_improvement,
            **{
                name: {
                    "objectives": list(row.reruns),
                    "seeds": list(row.seeds),
                    "mean": row.mean,
                    "standard_deviation": row.standard_deviation,
                }
                for name, row in sides.items()
                if row is not None
            },
        }


def compare_lists(
    candidate: Path, baseline: Path, *, mode: Literal["min", "max"], min_improvement: float = 0.0
) -> ListComparison:
    """Decide whether a candidate replaces a baseline, by the rules of `launches.decision`.

    Args:
        candidate: A CSV file with the columns `seed` and `objective`, a row for each run of one
            configuration. An empty objective, or `nan`, is an infeasible run.
        baseline: Likewise. Where both have the same seeds they are compared seed by seed.
        mode: Whether a smaller or a larger objective is better.
        min_improvement: What an improvement must exceed.

    Raises:
        ArtefactError: A file cannot be read, or is no such table.
    """
    evidence = Evidence(
        candidate=_read("candidate", candidate),
        baseline=_read(BASELINE, baseline),
        same=False,
        sign=1.0 if mode == "max" else -1.0,
        problems=(),
        min_improvement=min_improvement,
    )
    decision, reasons = judge(evidence)
    return ListComparison(decision, tuple(reasons), _more(decision, evidence), evidence)


def _more(decision: Decision, evidence: Evidence) -> int | None:
    spoilt = evidence.candidate is not None and evidence.candidate.infeasible
    if decision != "provisional" or spoilt:
        return None
    have = [len(row.feasible) for row in (evidence.candidate, evidence.baseline) if row]
    if not evidence.known:
        return LEAST_RERUNS - min(have)
    difference = evidence.difference
    if difference is None or not difference.needed_reruns:
        return None
    more = difference.needed_reruns - min(have)
    return more if 0 < more < MOST_VALUES - min(have) else None


def _read(name: str, path: Path) -> TrialVariance:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = list(reader)
            header = reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ArtefactError(f"{path}: it cannot be read: {error}") from None
    lacking = [column for column in COLUMNS if column not in header]
    if lacking:
        raise ArtefactError(
            f"{path}: it has no column '{lacking[0]}' (it has: {', '.join(header) or 'none'}); its "
            f"first row names the columns {' and '.join(COLUMNS)}"
        )
    twice = [column for column in COLUMNS if list(header).count(column) > 1]
    if twice:
        raise ArtefactError(f"{path}: two columns are named '{twice[0]}'")
    if not rows:
        raise ArtefactError(f"{path}: it has no run; a row for each is needed")
    seeds: dict[int, int] = {}
    objectives: list[float] = []
    for line, row in enumerate(rows, start=2):
        if None in row:
            raise ArtefactError(
                f"{path}: row {line}: it has more cells than the first row; write numbers with a "
                "decimal point, not a comma"
            )
        seed = _whole(path, line, row["seed"])
        if seed in seeds:
            raise ArtefactError(
                f"{path}: rows {seeds[seed]} and {line} have the seed {seed}; a run on the same "
                "seed is no evidence of its own"
            )
        seeds[seed] = line
        objectives.append(_objective(path, line, row["objective"]))
    return summarise(name, objectives, tuple(seeds))


def _whole(path: Path, line: int, written: str | None) -> int:
    text = (written or "").strip()
    if not WHOLE.fullmatch(text):
        raise ArtefactError(f"{path}: row {line}: the seed '{written or ''}' is no whole number")
    return int(text)


def _objective(path: Path, line: int, written: str | None) -> float:
    if written is None:
        raise ArtefactError(f"{path}: row {line}: it has fewer cells than the first row")
    text = written.strip().lower()
    if text in INFEASIBLE:
        return math.nan
    try:
        value = float(text if "_" not in text else "no number")
    except ValueError:
        raise ArtefactError(
            f"{path}: row {line}: the objective '{written}' is no number; leave it empty where the "
            "run came to nothing"
        ) from None
    return value if math.isfinite(value) else math.nan
