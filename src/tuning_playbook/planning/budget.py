"""What a study costs: arms, trials, steps, and the time expected from earlier trials.

Source: the playbook, "Striking a balance between informative and affordable experiments".
"""

import json
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuning_playbook.declarations import Value
from tuning_playbook.planning.expand import make_trial
from tuning_playbook.planning.plan import Plan
from tuning_playbook.study.equality import differing
from tuning_playbook.study.study import BASELINE, Incumbent, Study

SET_BACK = "changes set back"
"""The name of the row for the candidate's changes set back to the baseline, at most."""

MOST_READ = 500
"""Most earlier trials that are read, because every planning of a study waits for this."""


@dataclass(frozen=True)
class BudgetRow:
    """What one arm, or the baseline, costs.

    Attributes:
        arm: Its name.
        trials: How many trials it has, those of repeats of the whole search included.
        reruns: How often its best trial, or the baseline, is trained again.
        steps: The training steps of all of these, at most: a warmup may make some trials longer,
            and which of them is trained again is not known before.
        seconds: The time that they are expected to take, one after another; None where there is
            no earlier trial to go by.
    """

    arm: str
    trials: int
    reruns: int
    steps: int
    seconds: float | None = None


@dataclass(frozen=True)
class EarlierTrial:
    """The cost of an earlier trial.

    Attributes:
        workload: Its name in the spec.
        batch_size: Examples a step.
        hyperparameters: Its configuration.
        seconds_per_step: Its time, compiling included, for each step.
        steps: Its training steps.
        compile_seconds: The part of its time that was compiling.
        study: The folder of its study.
    """

    workload: str
    batch_size: int
    hyperparameters: Mapping[str, Value]
    seconds_per_step: float
    steps: int = 1
    compile_seconds: float = 0.0
    study: str = ""


def budget(plan: Plan, earlier: Iterable[EarlierTrial] = ()) -> tuple[BudgetRow, ...]:
    """Return what each arm of a study, and the baseline, costs.

    The expected time of a step is the median of the earlier trials of the workload at the arm's
    batch size, or of those with the arm's scientific hyperparameters if there are any.
    """
    study = plan.study
    earlier = [trial for trial in earlier if trial.workload == study.workload.name]
    again = study.spec.reruns.seeds + study.spec.reruns.splits
    repeated = [item for repeat in plan.replicates for item in repeat.trials]
    rows = []
    for arm in study.arms:
        known = [item for item in (*plan.trials, *repeated) if item.arm == arm.name]
        lengths = [item.trial.max_train_steps for item in known]
        to_come = plan.trials_per_arm[arm.name] - sum(item.arm == arm.name for item in plan.trials)
        trials = len(known) + to_come
        steps = sum(lengths) + (to_come + again) * max(lengths, default=0)
        pace = _pace(earlier, arm.batch_size, arm.scientific)
        rows.append(BudgetRow(arm.name, trials, again, steps, pace and pace * steps))
    baseline = study.baseline
    if baseline and again:
        trial = make_trial(study, baseline.batch_size, baseline.hyperparameters)
        steps = again * trial.max_train_steps
        pace = _pace(earlier, baseline.batch_size, {})
        rows.append(BudgetRow(BASELINE, 0, again, steps, pace and pace * steps))
    if baseline and study.spec.reruns.back:
        count = most_changes(study, baseline) * study.spec.reruns.back
        steps = count * max((item.trial.max_train_steps for item in plan.trials), default=0)
        pace = _pace(earlier, study.arms[0].batch_size, {})
        rows.append(BudgetRow(SET_BACK, 0, count, steps, pace and pace * steps))
    return tuple(rows)


def training_seconds(plan: Plan, earlier: Iterable[EarlierTrial]) -> dict[str, float | None]:
    """Return the expected time of one training in each arm, and of one of the baseline.

    None where there is no earlier trial to go by; the mean where an arm's trials differ in length.
    """
    study = plan.study
    earlier = [trial for trial in earlier if trial.workload == study.workload.name]
    found: dict[str, float | None] = {}
    for arm in study.arms:
        lengths = [item.trial.max_train_steps for item in plan.trials if item.arm == arm.name]
        pace = _pace(earlier, arm.batch_size, arm.scientific)
        steps = statistics.mean(lengths or [study.spec.training.max_train_steps])
        found[arm.name] = pace and pace * steps
    if study.baseline:
        pace = _pace(earlier, study.baseline.batch_size, {})
        trial = make_trial(study, study.baseline.batch_size, study.baseline.hyperparameters)
        found[BASELINE] = pace and pace * trial.max_train_steps
    return found


def total(rows: Iterable[BudgetRow]) -> BudgetRow:
    """Return the sum of the rows; without a time where one row has none."""
    rows = list(rows)
    times = [row.seconds for row in rows]
    known = [time for time in times if time is not None]
    return BudgetRow(
        arm="in all",
        trials=sum(row.trials for row in rows),
        reruns=sum(row.reruns for row in rows),
        steps=sum(row.steps for row in rows),
        seconds=sum(known) if len(known) == len(times) else None,
    )


def read_earlier_trials(results: Path, study: str = "*") -> tuple[EarlierTrial, ...]:
    """Return the cost of the completed trials in a folder of results; unreadable ones are left out.

    A trial that diverged may have stopped long before its last step, so its time says nothing about
    a step. If there are very many trials, a sample from all over is read.

    Args:
        results: The folder of the results of all studies.
        study: The name of one study; all of them where it is left out.
    """
    found = []
    paths = sorted(results.glob(f"{study}/trials/*/trial.json"))
    for path in paths[:: 1 + len(paths) // MOST_READ]:
        try:
            record: dict[str, Any] = json.loads(path.read_text())
            trial = record["trial"]
            if record["status"] != "completed":
                continue
            found.append(
                EarlierTrial(
                    workload=str(trial["workload"]),
                    batch_size=int(trial["batch_size"]),
                    hyperparameters=dict(trial["hyperparameters"]),
                    seconds_per_step=float(record["provenance"]["wall_seconds"])
                    / int(trial["max_train_steps"]),
                    steps=int(trial["max_train_steps"]),
                    compile_seconds=float(record["provenance"].get("compile_seconds", 0.0)),
                    study=path.parents[2].name,
                )
            )
        except (OSError, ValueError, KeyError, TypeError):  # damaged, or of another version
            continue
    return tuple(found)


def most_changes(study: Study, baseline: Incumbent) -> int:
    """Return in how many hyperparameters a candidate may differ from the baseline, at most."""
    found = []
    for arm in study.arms:
        searched = {item.hyperparameter.name for item in arm.dimensions}
        held = differing(arm.fixed, baseline.hyperparameters)
        found.append(len(searched.union(held)) + (arm.batch_size != baseline.batch_size))
    return max(found)


def _pace(
    earlier: Iterable[EarlierTrial], batch_size: int, setting: Mapping[str, Value]
) -> float | None:
    """Return the expected seconds of a step."""
    paces = paces_like(earlier, batch_size, setting)
    return statistics.median(paces) if paces else None


def paces_like(
    earlier: Iterable[EarlierTrial], batch_size: int, setting: Mapping[str, Value]
) -> list[float]:
    """Return the seconds of a step of the trials that are like an arm's.

    Args:
        earlier: Trials of the workload.
        batch_size: The arm's.
        setting: Its scientific hyperparameters; trials that have them are preferred to others.
    """
    like = [trial for trial in earlier if trial.batch_size == batch_size]
    close = [
        trial
        for trial in like
        if all(
            trial.hyperparameters.get(name) == value
            for name, value in setting.items()
            if name != "batch_size"
        )
    ]
    return [trial.seconds_per_step for trial in close or like]
