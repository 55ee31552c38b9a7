"""What a trial's evaluations measured so far, for whoever looks while it trains.

    trials/<trial>/progress.jsonl   a line an evaluation: its step, its metrics, the seconds so far

No result is made of it. It stays when the trial is finished.
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
        metrics: What it measured, by `<split>/<name>`.
        seconds: What the trial had taken by then, compilation and earlier processes included. The
            trials of a group of lanes train together and share these seconds.
    """

    step: int
    metrics: Mapping[str, float]
    seconds: float


def read_progress(folder: Path) -> tuple[Evaluation, ...]:
    """Return the evaluations of a trial so far, in the order of their steps.

    A line that is not whole, because it is being written or its process was killed, is left out.

    Args:
        folder: The trial's.
    """
    try:
        lines = (folder / PROGRESS).read_text(errors="replace").splitlines()
    except OSError:
        return ()
    read = (_evaluation(line) for line in lines)
    return tuple(item for item in read if item is not None)


def append_progress(folder: Path, evaluation: Evaluation) -> None:
    """Append the line of an evaluation; a metric that is not finite becomes null.

    Args:
        folder: The trial's.
        evaluation: What was measured.
    """
    path = folder / PROGRESS
    with naming_storage(path), path.open("a") as file:
        file.write(_line(evaluation))


def begin_progress(folder: Path, step: int) -> None:
    """Keep only the evaluations before a step: those that a resumed trial does not repeat.

    Args:
        folder: The trial's.
        step: The step of the first evaluation to come.
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
