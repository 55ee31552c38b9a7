"""Train the trials of one group of lanes from beginning to end.

Evaluations follow each other at step intervals; the variables of the best few are kept as they
pass; a trial that diverged stops counting while its neighbours go on; the state is saved now and
then, so that a killed job loses little.
"""

import functools
import itertools
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from tuning_playbook.engine.devices import everywhere, writes
from tuning_playbook.engine.examine import NOTHING, Examination, examine
from tuning_playbook.engine.feed import Feed, HostFeed, IndexFeed
from tuning_playbook.engine.lane import Lane, device_lane, lane_of, new_lane
from tuning_playbook.engine.order import Order
from tuning_playbook.engine.pieces import Pace, Piece, one_ahead
from tuning_playbook.engine.program import Metrics, Program, Steps, TrainState
from tuning_playbook.engine.windows import gradient_summary, window_ends, windowed
from tuning_playbook.errors import InterruptedTrainingError
from tuning_playbook.jobs.resume import Resumed, resume, save_state
from tuning_playbook.trials.result import EVALUATED_SPLITS, Status, TrialResult
from tuning_playbook.trials.trial import Trial
from tuning_playbook.workloads.protocol import Arrays

logger = logging.getLogger(__name__)

DIVERGENCE_FACTOR = 1e3
"""A training loss beyond this many times the loss at step 0 has diverged: no workload's loss spikes
so high and comes back, while a loss that is only large early on stays well below it."""

FAR_WORSE_FACTOR = 2.0
"""A trial that ends with this many times the training loss it began with has learnt nothing."""

RESUME_SECONDS = 40.0
"""The state is saved at the end of the first piece after this long. With the piece that follows it
a kill repeats less than a minute of training."""


@dataclass(frozen=True)
class Finished:
    """A trained trial, the variables of its best steps, best first, and a look at the best."""

    result: TrialResult
    best: tuple[tuple[int, Any], ...]
    examination: Examination


@dataclass(frozen=True)
class Trained:
    """A group of trained trials.

    Attributes:
        finished: Each of them.
        steps: Steps that this process trained, all lanes together: not those before a resume.
        wait_seconds: How long training waited for batches from the host.
        resumed_at: The step this process went on from; 0 where nothing was interrupted.
        earlier_seconds: What the processes before took that were interrupted.
    """

    finished: list[Finished]
    steps: int
    wait_seconds: float
    resumed_at: int
    earlier_seconds: float


def train_group(
    program: Program,
    trials: Sequence[Trial],
    *,
    folders: Sequence[Path],
    should_stop: Callable[[], bool],
    host_data: Arrays | None = None,
    under_way: Callable[[], None] = lambda: None,
) -> Trained:
    """Train up to `lanes` trials at once, from where they were interrupted if they were.

    Args:
        program: The compiled program of their signature.
        trials: At most as many as the program has lanes; idle lanes repeat the last one.
        folders: Where each trial's states are saved.
        should_stop: Asked after every piece; true saves the states and ends the training.
        host_data: The training split, where batches are fed from the host.
        under_way: Called when the device has work for a while, and after every piece.

    Raises:
        InterruptedTrainingError: `should_stop` said so.
    """
    clock, earlier_seconds = time.perf_counter(), 0.0
    width = program.trial.lanes
    padded = [*trials, *[trials[-1]] * (width - len(trials))]
    seed, traced = program.arguments(padded)
    lanes = [
        new_lane(trial, [metric.name for metric in program.workload.metrics]) for trial in trials
    ]
    state = program.init(seed, traced)
    pace = Pace()
    resumed = resume(lanes, folders, state, width)
    if resumed:
        step, state, pace.seconds, earlier_seconds = resumed
        logger.info("resumed %s at step %d", " ".join(item.id for item in trials), step)
    else:
        step = 0
        pace.begin(program.compile_seconds)
        _record(program, lanes, state.variables, program.evaluate(state.variables, traced), 0)
        pace.evaluated(program)
        for lane in lanes:
            lane.bound = _times(DIVERGENCE_FACTOR, float(lane.metrics["loss"][0, 0]))
    begun = step
    saved = time.monotonic()
    last = program.trial.max_train_steps
    batch_size = program.trial.batch_size
    rows = program.spread.rows(batch_size)
    order = Order([trial.seed for trial in padded], program.examples, batch_size)
    feed: Feed = IndexFeed(order, step, rows)
    if host_data is not None:
        feed = HostFeed(host_data, order, step, last, rows)
    pace.begin(program.compile_seconds)
    for piece in one_ahead(_dispatch(program, state, step, seed, traced, feed, pace)):
        under_way()
        _log(lanes, piece.logged, piece.first, width)
        if piece.metrics is not None:
            _record(program, lanes, piece.variables, piece.metrics, piece.last)
        pace.trained(piece.last - piece.first, program.compile_seconds)
        if all(lane.diverged for lane in lanes):
            break
        stop = bool(max(everywhere(should_stop())))
        if piece.last < last and (stop or time.monotonic() - saved > RESUME_SECONDS):
            seconds = earlier_seconds + time.perf_counter() - clock
            now = Resumed(piece.last, piece.state, pace.seconds, seconds)
            if writes():
                save_state(lanes, folders, now, width)
            saved = time.monotonic()
            if stop:
                raise InterruptedTrainingError(f"stopped after step {piece.last}; it is saved")
    examinations = examine(program, lanes, traced)
    finished = [finish(lane, looked) for lane, looked in zip(lanes, examinations, strict=True)]
    ends = [lane.diverged_at if lane.diverged else last for lane in lanes]
    steps = sum(max(end - begun, 0) for end in ends)
    return Trained(finished, steps, feed.wait_seconds, begun, earlier_seconds)


def _dispatch(
    program: Program,
    state: TrainState,
    step: int,
    seed: Any,
    traced: Any,
    feed: Feed,
    pace: Pace,
) -> Iterator[Piece]:
    """Hand the steps after `step` to the device, piece by piece; nothing waits for a result."""
    for before, after in itertools.pairwise(program.trial.eval_steps):
        while before <= step < after:
            first = step
            steps = min(everywhere(pace.steps(first, before, after, feed.most_steps)))
            fed = program.spread.feed(feed.next(steps))
            state, logged = program.train(state, first, steps, seed, traced, fed)
            step = first + steps
            variables = metrics = None
            if step == after:
                variables = program.evaluated(state, step, traced)
                metrics = program.evaluate(variables, traced)
            yield Piece(first, step, state, logged, variables, metrics)


def _record(
    program: Program, lanes: Sequence[Lane], variables: Any, metrics: Metrics, step: int
) -> None:
    """Fill in the metrics of every lane that has not diverged, and keep the best variables."""
    width = program.trial.lanes
    measured = jax.device_get(metrics)
    objective = program.trial.objective
    split, _, metric = objective["metric"].partition("/")
    sign = -1.0 if objective["mode"] == "max" else 1.0
    row = program.trial.eval_steps.index(step)
    for index, lane in enumerate(lanes):
        if lane.diverged:
            continue
        values = lane_of(measured, index, width)
        if not all(math.isfinite(values[name]["loss"]) for name in EVALUATED_SPLITS):
            lane.diverge(step, f"the loss of the evaluation at step {step} is not finite")
            continue
        for column, name in enumerate(EVALUATED_SPLITS):
            for item, value in values[name].items():
                lane.metrics[item][row, column] = value
        score = sign * float(values[split][metric])
        take = functools.partial(device_lane, variables, index, width)
        lane.keep_if_best(score, step, take)


def _log(lanes: Sequence[Lane], logged: Steps, first: int, width: int) -> None:
    """Fill in what is logged of the steps just taken, up to the divergence of a lane."""
    measured = jax.device_get(logged)
    for index, lane in enumerate(lanes):
        if lane.diverged:
            continue
        values = lane_of(measured, index, width)
        loss, norm, update = values.train_loss, values.grad_norm, values.update_norm
        finite = np.isfinite(loss) & np.isfinite(norm) & np.isfinite(update)
        bad = ~(finite & (loss <= lane.bound))
        good = int(np.argmax(bad)) if bad.any() else len(loss)
        for name in Steps._fields:
            lane.steps[name][first : first + good] = getattr(values, name)[:good]
        if bad.any():
            step = first + good + 1
            lane.diverge(step, _divergence(loss[good], norm[good], update[good], lane.bound, step))


def _times(factor: float, loss: float) -> float:
    """Return the loss that is `factor` times as bad as `loss`, which may be negative.

    A loss of zero has no scale to measure others by: nothing is too bad then.
    """
    return loss + (factor - 1.0) * abs(loss) if loss else math.inf


def _divergence(loss: float, norm: float, update: float, bound: float, step: int) -> str:
    for name, value in {"training loss": loss, "gradient": norm, "update": update}.items():
        if not math.isfinite(value):
            return f"the {name} is not finite at step {step}"
    return (
        f"the training loss at step {step} is {loss:.3g}, above {bound:.3g} "
        f"({DIVERGENCE_FACTOR:g} times that of step 0)"
    )


def finish(
    lane: Lane,
    examination: Examination = NOTHING,
    *,
    status: Status | None = None,
    reason: str = "",
) -> Finished:
    """Return the result of a lane that has ended.

    Args:
        lane: The trial.
        examination: Its best variables on the whole validation split.
        status: How it ended, where that is known otherwise than from its numbers.
        reason: Why, likewise.
    """
    loss = lane.metrics["loss"][:, 0]
    if status is None:
        status, reason = "completed", ""
        if lane.diverged:
            status, reason = "diverged", lane.reason
        elif loss[-1] > _times(FAR_WORSE_FACTOR, float(loss[0])):
            status = "diverged"
            reason = (
                f"it ended far worse than it began: train/loss {loss[-1]:.3g}, and {loss[0]:.3g} "
                "at step 0"
            )
    trial = lane.trial
    result = TrialResult(
        trial=trial,
        status=status,
        reason=reason,
        splits=EVALUATED_SPLITS,
        eval_steps=np.array(trial.eval_steps, np.int64),
        metrics=lane.metrics,
        train_steps=window_ends(trial.max_train_steps, trial.eval_every),
        series=windowed(lane.steps, trial.eval_every),
        gradient=gradient_summary(
            lane.steps["grad_norm"], float(trial.hyperparameters["clip_norm"])
        ),
        whole=dict(examination.means),
        sample_error=dict(examination.sample_error),
        class_right=examination.class_right,
        class_examples=examination.class_examples,
    )
    best = tuple((step, variables) for _, step, variables in lane.best)
    return Finished(result, best, examination)
