"""How far a study is, told by the files of its trials: what is done, what runs, what is to come."""

import contextlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tuning_playbook.dataset.kept import kept_records
from tuning_playbook.dataset.reruns import chosen_now
from tuning_playbook.planning.budget import (
    SET_BACK,
    most_changes,
)
from tuning_playbook.planning.plan import Plan
from tuning_playbook.planning.targets import StudyFiles
from tuning_playbook.planning.time_left import Expected, expected_seconds
from tuning_playbook.trials.claims import claimed_now
from tuning_playbook.trials.progress import Evaluation, read_progress
from tuning_playbook.trials.trial import Trial, trial_from_json
from tuning_playbook.trials.trial_files import current_trial_json, trial_folder

Part = Literal["search", "reruns", "repeats", "set back"]
State = Literal["done", "infeasible", "failed", "running", "stopped", "to come"]

SET_BACK_CHOICE = "set_back/choice.json"
"""Which changes are set back, once that is known."""

TO_TRAIN: tuple[State, ...] = ("failed", "running", "stopped", "to come")
"""The states of trials that are still to be trained; one that failed is tried again."""


@dataclass(frozen=True)
class TrialStatus:
    """How far one trial is.

    Attributes:
        id: The trial's; empty where results are to say which trial it is.
        arm: The name of its arm, or `baseline`.
        part: Whether it belongs to the search, the reruns, the repeats of the search, or to the
            candidate's changes that are set back.
        state: What is known of it. `infeasible` is done; `stopped` goes on in the next run.
        step: The last step that was evaluated.
        last_step: The last step of its training.
        value: The objective's metric at `step`; NaN before the first evaluation.
        best: Its best value so far; NaN where there is none.
        best_step: Where it was reached.
        seconds_left: Its share of the time that its training and those beside it in its lanes are
            expected to take yet; None where that is not known.
        lanes: How many train at once, itself among them.
    """

    id: str
    arm: str
    part: Part
    state: State
    step: int = 0
    last_step: int = 0
    value: float = math.nan
    best: float = math.nan
    best_step: int = 0
    seconds_left: float | None = None
    lanes: int = 1


@dataclass(frozen=True)
class StudyStatus:
    """How far a study is.

    Attributes:
        name: The study's.
        metric: The objective's.
        mode: Whether small or large values are better.
        trials: Every trial of the search, the reruns and the repeats.
        jobs: Trials that train side by side at this moment, those of one group of lanes as one.
        expected: What its trainings are expected to take; None where that was not asked.
    """

    name: str
    metric: str
    mode: Literal["min", "max"]
    trials: tuple[TrialStatus, ...]
    jobs: float
    expected: Expected | None = None

    def part(self, part: Part, *states: State) -> tuple[TrialStatus, ...]:
        """Return the trials of a part of the study, of some states or of all."""
        return tuple(
            item
            for item in self.trials
            if item.part == part and (not states or item.state in states)
        )

    @property
    def running(self) -> tuple[TrialStatus, ...]:
        """Return the trials that are being trained."""
        return tuple(item for item in self.trials if item.state == "running")

    @property
    def left(self) -> tuple[TrialStatus, ...]:
        """Return the trials that are still to be trained, at least in part."""
        return tuple(item for item in self.trials if item.state in TO_TRAIN)

    @property
    def best(self) -> TrialStatus | None:
        """Return the trial of the search that has the best value so far, infeasible ones aside."""
        found = [
            item
            for item in self.part("search")
            if math.isfinite(item.best) and item.state not in ("infeasible", "failed")
        ]
        sign = -1.0 if self.mode == "max" else 1.0
        return min(found, key=lambda item: sign * item.best, default=None)

    @property
    def seconds_left(self) -> float | None:
        """Return the time until all is trained, with as many jobs as there are now, at least one.

        None where that is not known.
        """
        times = [item.seconds_left for item in self.left]
        known = [time for time in times if time is not None]
        if len(known) < len(times):
            return None
        longest = max(
            ((item.seconds_left or 0.0) * item.lanes for item in self.running), default=0.0
        )
        return max(sum(known) / max(self.jobs, 1.0), longest)

    @property
    def seconds_left_range(self) -> tuple[float, float] | None:
        """Return between which times all is trained, in nine of ten cases; None if not known.

        Trials that are nearly done leave little that is uncertain.
        """
        if self.seconds_left is None or self.expected is None:
            return None
        to_come = sum(1 - item.step / max(item.last_step, 1) for item in self.left)
        factor = self.expected.factor(to_come)
        return self.seconds_left / factor, self.seconds_left * factor


def study_status(plan: Plan, results: Path) -> StudyStatus:
    """Return how far a study is.

    Args:
        plan: The study's, with the proposals of its rounds where there are any.
        results: The folder of all results, whose trials also tell how long one takes.
    """
    folder = results / plan.study.name
    asked = [
        *_searched(plan),
        *_repeated(plan),
        *_rerun(plan, folder),
        *_set_back(plan, folder),
    ]
    expected = expected_seconds(plan, results)
    told = {
        trial.id: current_trial_json(folder, trial) for _, _, trial in asked if trial is not None
    }
    open_ = [trial for _, _, trial in asked if trial is not None and not _is_done(told[trial.id])]
    claimed = claimed_now([trial.id for trial in open_], folder)
    without = _values_without_progress(plan, folder, told)
    seen = _Seen(plan, folder, told, claimed, expected.seconds, without)
    trials = tuple(seen.status(part, arm, trial) for part, arm, trial in asked)
    running = {item.id for item in trials if item.state == "running"}
    lanes = {trial.id: trial.lanes for _, _, trial in asked if trial is not None}
    objective = plan.study.spec.objective
    return StudyStatus(
        name=plan.study.name,
        metric=objective.metric,
        mode=objective.mode,
        trials=trials,
        jobs=sum(1 / lanes[name] for name in running),
        expected=expected,
    )


Asked = tuple[Part, str, Trial | None]
"""A part of the study, an arm, and a trial of it; None where results are to say which."""


def _searched(plan: Plan) -> Iterator[Asked]:
    counts = plan.trials_per_arm
    for item in plan.trials:
        counts[item.arm] -= 1
        yield "search", item.arm, item.trial
    for arm, to_come in counts.items():
        for _ in range(to_come):
            yield "search", arm, None


def _repeated(plan: Plan) -> Iterator[Asked]:
    for repeat in plan.replicates:
        for item in repeat.trials:
            yield "repeats", item.arm, item.trial


def _rerun(plan: Plan, folder: Path) -> Iterator[Asked]:
    chosen = chosen_now(plan, folder)
    for pack in plan.rerun_packs.values():
        trials = chosen.get(pack.arm, {}).get("trials", ())
        for number in pack.reruns:
            known = trial_from_json(trials[number]) if number < len(trials) else None
            # An arm without a feasible trial has nothing to train again.
            if known is not None or not chosen:
                yield "reruns", pack.arm, known


def _set_back(plan: Plan, folder: Path) -> Iterator[Asked]:
    """Yield the trainings of the candidate's changes set back; the most before it is known."""
    back = plan.study.spec.reruns.back
    if not back or plan.study.baseline is None:
        return
    if StudyFiles(plan, str(folder)).is_current("set_back", SET_BACK_CHOICE):
        with contextlib.suppress(OSError, ValueError, LookupError):
            for change in json.loads((folder / SET_BACK_CHOICE).read_text())["changes"]:
                for content in change["trials"][:back]:
                    yield "set back", SET_BACK, trial_from_json(content)
            return
    for _ in range(most_changes(plan.study, plan.study.baseline) * back):
        yield "set back", SET_BACK, None


def _is_done(content: Mapping[str, Any] | None) -> bool:
    return content is not None and content.get("status") != "failed"


def _values_without_progress(
    plan: Plan, folder: Path, told: Mapping[str, Mapping[str, Any] | None]
) -> dict[str, Sequence[Evaluation]]:
    """Return the evaluations of finished trials whose file of progress is not there any more."""
    bare = [
        item.trial
        for item in plan.trials
        if _is_done(told[item.trial.id]) and not read_progress(trial_folder(folder, item.trial))
    ]
    metric = plan.study.spec.objective.metric
    found: dict[str, Sequence[Evaluation]] = {}
    for name, record in kept_records(folder, bare).items():
        curve = zip(record.evaluations.steps, record.evaluations.values[metric], strict=True)
        found[name] = [Evaluation(int(at), {metric: float(v)}, 0.0) for at, v in curve]
    return found


@dataclass(frozen=True)
class _Seen:
    """What is known of the trials of a study."""

    plan: Plan
    folder: Path
    told: Mapping[str, Mapping[str, Any] | None]
    claimed: frozenset[str] | None
    paces: Mapping[str, float | None]
    others: Mapping[str, Sequence[Evaluation]]

    def status(self, part: Part, arm: str, trial: Trial | None) -> TrialStatus:
        """Return how far a trial is."""
        known = [pace for pace in self.paces.values() if pace is not None]
        whole = self.paces.get(arm) or max(known, default=None)
        if trial is None:
            steps = self.plan.study.spec.training.max_train_steps
            return TrialStatus("", arm, part, "to come", last_step=steps, seconds_left=whole)
        evaluations = read_progress(trial_folder(self.folder, trial)) or self.others.get(
            trial.id, ()
        )
        state = self._state(trial, evaluations)
        last = evaluations[-1] if evaluations else None
        best, best_step = self._best(evaluations)
        step = last.step if last else 0
        return TrialStatus(
            id=trial.id,
            arm=arm,
            part=part,
            state=state,
            step=step,
            last_step=trial.max_train_steps,
            value=self._value(last) if last else math.nan,
            best=best,
            best_step=best_step,
            seconds_left=_seconds_left(trial, evaluations, whole) if state in TO_TRAIN else 0.0,
            # Until its own pace is known, its share is that of a trial of its arm.
            lanes=trial.lanes if len(evaluations) > 2 else 1,
        )

    def _state(self, trial: Trial, evaluations: Sequence[Evaluation]) -> State:
        content = self.told[trial.id]
        if _is_done(content):
            assert content is not None
            return "done" if content["status"] == "completed" else "infeasible"
        if not evaluations:
            return "failed" if content is not None else "to come"
        if self.claimed is None or trial.id in self.claimed:
            return "running"
        return "failed" if content is not None else "stopped"

    def _value(self, evaluation: Evaluation) -> float:
        return evaluation.metrics.get(self.plan.study.spec.objective.metric, math.nan)

    def _best(self, evaluations: Iterable[Evaluation]) -> tuple[float, int]:
        sign = -1.0 if self.plan.study.spec.objective.mode == "max" else 1.0
        finite = [
            (sign * self._value(item), item.step)
            for item in evaluations
            if math.isfinite(self._value(item))
        ]
        score, step = min(finite, default=(math.nan, 0))
        return sign * score, step


def _seconds_left(
    trial: Trial, evaluations: Sequence[Evaluation], whole: float | None
) -> float | None:
    """Return the time that a trial's training is expected to take yet.

    Its own pace counts once it has some, in the last process that trained it; the first piece of a
    training compiles, and says little.

    Args:
        trial: The trial.
        evaluations: Its own so far.
        whole: What a training of its arm takes as a whole, where that is known.
    """
    left = trial.max_train_steps - (evaluations[-1].step if evaluations else 0)
    if len(evaluations) > 2:
        first, last = evaluations[1], evaluations[-1]
        return left * (last.seconds - first.seconds) / (last.step - first.step) / trial.lanes
    if whole is None:
        return None
    return left / trial.max_train_steps * whole
