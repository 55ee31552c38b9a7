"""A trial's evaluations so far, for readers while it trains.

    trials/<trial>/progress.jsonl   a line per evaluation: its step, its metrics, the seconds so far

No result depends on it. It stays when the trial is finished.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tuning_playbook.files import naming_storage, write_atomically

PROGRESS = "progress.jsonl"


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of a trial.

    Attributes:
        step: Training steps before it.
        metrics: The metrics, by `<split>/<name>`.
        seconds: How long the trial had taken by then, including compilation and earlier processes.
            The
            trials of a group of lanes train together and share these seconds.
    """

    step: int
    metrics: Mapping[str, float]
    seconds: float


def read_progress(folder: Path) -> tuple[Evaluation, ...]:
    """Return the evaluations of a trial so far, in the order of their steps.

    An incomplete line, because it is being written or its process was killed, is left out.

    Args:
        folder: The trial's folder.
    """
    try:
        lines = (folder / PROGRESS).read_text(errors="replace").splitlines()
    except OSError:
        return ()
    read = (_evaluation(line) for line in lines)
    return tuple(item for item in read if item is not None)


def append_progress(folder: Path, evaluation: Evaluation) -> None:
    """Append an evaluation's line; a metric that is not finite becomes null.

    Args:
        folder: The trial's folder.
        evaluation: The evaluation.
    """
    path = folder / PROGRESS
    with naming_storage(path), path.open("a") as file:
        file.write(_line(evaluation))


def begin_progress(folder: Path, step: int) -> None:
    """Keep only the evaluations before a step: a resumed trial does not repeat them.

    Args:
        folder: The trial's folder.
        step: The step of the next evaluation.
    """
    kept = "".join(_line(item) for item in read_progress(folder) if item.step < step)
    write_atomically(folder / PROGRESS, kept, lasting=False)


def _line(evaluation: Evaluation) -> str:
    content = {
        "step": evaluation.step,
        "metrics": {
            name: value if math.isfinite(value) else None
            for name, value in evaluation.metrics.items()
        },
        "seconds": round(evaluation.seconds, 3),
    }
    return json.dumps(content) + "\n"


def _evaluation(line: str) -> Evaluation | None:
    try:
        content = json.loads(line)
        metrics = {
            str(name): math.nan if value is None else float(value)
            for name, value in content["metrics"].items()
        }
        return Evaluation(int(content["step"]), metrics, float(content["seconds"]))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
