"""Train the trials of one group of lanes from beginning to end.

Evaluations follow each other at step intervals; the variables of the best few are kept as they
pass; a trial that diverged stops counting while its neighbours go on; the state is saved now and
then, so that a killed job loses little.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from tuning_playbook.search.fingerprint import Trial
from tuning_playbook.training.lane import Lane, lane_of, new_lane
from tuning_playbook.training.program import EVALUATED_SPLITS, Program, Series, window_of
from tuning_playbook.training.records import Status, TrialResult
from tuning_playbook.training.resume import resume, save_state

logger = logging.getLogger(__name__)

DIVERGENCE_FACTOR = 1e3
"""A training loss beyond this many times the loss at step 0 has diverged: no workload's loss spikes
so high and comes back, while a loss that is only large early on stays well below it."""

FAR_WORSE_FACTOR = 2.0
"""A trial that ends with this many times the training loss it began with has learnt nothing."""

RESUME_SECONDS = 60.0
"""The state is saved at most this often: a kill repeats no more training than that."""


class InterruptedTrainingError(Exception):
    """The job was told to stop; its state is saved."""


@dataclass(frozen=True)
class Finished:
    """A trained trial, and the variables of its best steps, best first."""

    result: TrialResult
    best: tuple[tuple[int, Any], ...]


def train_group(
    program: Program,
    trials: Sequence[Trial],
    *,
    objective: Mapping[str, str],
    folders: Sequence[Path],
    should_stop: Callable[[], bool],
) -> list[Finished]:
    """Train up to `lanes` trials at once, from where they were interrupted if they were.

    Args:
        program: The compiled program of their signature.
        trials: At most as many as the program has lanes; idle lanes repeat the last one.
        objective: `metric` and `mode`, which decide the checkpoints kept.
        folders: Where each trial's states are saved.
        should_stop: Asked after every evaluation; true saves the states and ends the training.

    Raises:
        InterruptedTrainingError: `should_stop` said so.
    """
    width = program.trial.lanes
    padded = [*trials, *[trials[-1]] * (width - len(trials))]
    seed, traced = program.arguments(padded)
    lanes = [
        new_lane(trial, [metric.name for metric in program.workload.metrics]) for trial in trials
    ]
    state = program.init(seed, traced)
    resumed = resume(lanes, folders, state, width)
    if resumed:
        step, state = resumed
        logger.info("resumed %s at step %d", ", ".join(item.id for item in trials), step)
    else:
        step = 0
        _evaluate(program, lanes, state.variables, traced, 0, objective)
        for lane in lanes:
            lane.bound = DIVERGENCE_FACTOR * float(lane.metrics["loss"][0, 0])
    saved = time.monotonic()
    while step < program.trial.max_train_steps and any(lane.diverged_at < 0 for lane in lanes):
        bounds = np.array([lane.bound for lane in lanes], np.float32)
        bounds = bounds[0] if width == 1 else np.resize(bounds, width)
        state, series, first_bad = program.train(state, step, seed, traced, bounds)
        step += program.trial.eval_every
        _log(program, lanes, series, first_bad, step)
        _evaluate(program, lanes, state.variables, traced, step, objective)
        stop = should_stop()
        unfinished = step < program.trial.max_train_steps
        if unfinished and (stop or time.monotonic() - saved > RESUME_SECONDS):
            save_state(lanes, folders, state, width, step)
            saved = time.monotonic()
        if unfinished and stop:
            raise InterruptedTrainingError(f"stopped after step {step}; the state is saved")
    return [finish(lane) for lane in lanes]


def _evaluate(
    program: Program,
    lanes: Sequence[Lane],
    variables: Any,
    traced: Any,
    step: int,
    objective: Mapping[str, str],
) -> None:
    """Fill in the metrics of every lane that has not diverged, and keep the best variables."""
    width = program.trial.lanes
    measured = jax.device_get(program.evaluate(variables, traced))
    split, _, metric = objective["metric"].partition("/")
    sign = -1.0 if objective["mode"] == "max" else 1.0
    row = step // program.trial.eval_every
    for index, lane in enumerate(lanes):
        if lane.diverged_at >= 0:
            continue
        values = lane_of(measured, index, width)
        for column, name in enumerate(EVALUATED_SPLITS):
            for item, value in values[name].items():
                lane.metrics[item][row, column] = value
        if not all(math.isfinite(values[name]["loss"]) for name in EVALUATED_SPLITS):
            lane.diverged_at = step
            lane.reason = f"the loss of an evaluation is not finite at step {step}"
            for array in lane.metrics.values():
                array[row] = np.nan
            continue
        score = sign * float(values[split][metric])
        lane.keep_if_best(score, step, lane_of(variables, index, width))


def _log(
    program: Program, lanes: Sequence[Lane], series: Series, first_bad: Any, step: int
) -> None:
    """Fill in the series of the steps just taken, up to the divergence of a lane."""
    width = program.trial.lanes
    measured, firsts = jax.device_get((series, first_bad))
    window = window_of(program.trial)
    start = (step - program.trial.eval_every) // window
    for index, lane in enumerate(lanes):
        if lane.diverged_at >= 0:
            continue
        first = int(firsts if width == 1 else firsts[index])
        good = program.windows
        if first >= 0:
            good = (first - 1) // window - start
            lane.diverged_at = first
            lane.reason = _divergence(first, lane.bound)
        values = lane_of(measured, index, width)
        for name in Series._fields:
            lane.series[name][start : start + good] = getattr(values, name)[:good]


def _divergence(step: int, bound: float) -> str:
    return (
        f"the training loss or its gradient is not finite, or the loss is above {bound:.3g} "
        f"({DIVERGENCE_FACTOR:g} times that of step 0), at step {step}"
    )


def finish(lane: Lane, *, status: Status | None = None, reason: str = "") -> Finished:
    """Return the result of a lane that has ended.

    Args:
        lane: The trial.
        status: How it ended, where that is known otherwise than from its numbers.
        reason: Why, likewise.
    """
    loss = lane.metrics["loss"][:, 0]
    if status is None:
        status, reason = "completed", ""
        if lane.diverged_at >= 0:
            status, reason = "diverged", lane.reason
        elif loss[-1] > FAR_WORSE_FACTOR * loss[0]:
            status = "diverged"
            reason = (
                f"it ended far worse than it began: train/loss {loss[-1]:.3g}, and {loss[0]:.3g} "
                "at step 0"
            )
    window = window_of(lane.trial)
    result = TrialResult(
        trial=lane.trial,
        status=status,
        reason=reason,
        splits=EVALUATED_SPLITS,
        eval_steps=np.arange(len(loss), dtype=np.int64) * lane.trial.eval_every,
        metrics=lane.metrics,
        train_steps=np.arange(1, lane.trial.max_train_steps // window + 1, dtype=np.int64) * window,
        series=lane.series,
    )
    return Finished(result, tuple((step, variables) for _, step, variables in lane.best))
