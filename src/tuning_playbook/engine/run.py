"""Train the trials of one group of lanes from beginning to end.

Evaluations follow at step intervals, and the variables of the best few are kept. A trial that
diverges stops counting while the other lanes continue. The caller is called between pieces, and
may save the state or stop there.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from tuning_playbook.engine.devices import everywhere
from tuning_playbook.engine.examine import NOTHING, Examination, examine
from tuning_playbook.engine.feed import Feed, IndexFeed, array_feed, stream_feed
from tuning_playbook.engine.input_clock import InputClock, InputSeconds, input_clock
from tuning_playbook.engine.lane import Lane, device_lane, lane_of, new_lane
from tuning_playbook.engine.order import Order
from tuning_playbook.engine.pieces import Pace, Piece, one_ahead
from tuning_playbook.engine.program import Metrics, Program, Steps, TrainState
from tuning_playbook.engine.stream import Stream
from tuning_playbook.engine.whole_split import summarize, without_padding
from tuning_playbook.engine.windows import (
    evaluation_steps,
    gradient_summary,
    window_ends,
    windowed,
)
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection
from tuning_playbook.trials.record import EVALUATED_SPLITS, Curves, Status, TrialRecord
from tuning_playbook.trials.trial import Trial
from tuning_playbook.workloads.protocol import Arrays

DIVERGENCE_FACTOR = 1e3
"""A training loss beyond this many times the loss at step 0 counts as divergence: no workload's
loss spikes that high and recovers, and a loss that is only large early stays well below it."""

FAR_WORSE_FACTOR = 2.0
"""A trial that ends with this many times its initial training loss has learnt nothing."""


class Progress(NamedTuple):
    """The progress of a group of lanes.

    Attributes:
        step: Steps taken.
        state: The group's state after them.
        step_seconds: The time of a step, if it is known.
    """

    step: int
    state: Any
    step_seconds: float


@dataclass(frozen=True)
class Finished:
    """A trained trial: its record, the variables of its best steps, and an examination of the best.

    Attributes:
        trial: The trial.
        record: Its numbers, and how it ended.
        best: The step and the variables of each of the best evaluations, best first.
        examination: The best variables on the whole validation split.
    """

    trial: Trial
    record: TrialRecord
    best: tuple[tuple[int, Any], ...]
    examination: Examination


@dataclass(frozen=True)
class Trained:
    """A group of trained trials.

    Attributes:
        finished: Each of them.
        steps: Steps that this process trained in all lanes together, without those before a resume.
        input_seconds: The cost of batches from the host for all lanes together; None if the data is
            on the device.
        resumed_at: The step at which this process resumed; 0 if nothing was interrupted.
    """

    finished: list[Finished]
    steps: int
    input_seconds: InputSeconds | None
    resumed_at: int


def train_group(
    program: Program,
    trials: Sequence[Trial],
    selection: CheckpointSelection,
    *,
    resume: Callable[[Sequence[Lane], Any], Progress | None] = lambda lanes, state: None,
    between: Callable[[Sequence[Lane], Progress], None] = lambda lanes, progress: None,
    evaluated: Callable[[Sequence[Lane], int], None] = lambda lanes, step: None,
    host_data: Arrays | None = None,
    stream: Stream | None = None,
    under_way: Callable[[], None] = lambda: None,
) -> Trained:
    """Train up to `lanes` trials at once, resuming those that were interrupted.

    Args:
        program: The compiled program of their signature.
        trials: At most as many as the program has lanes; idle lanes repeat the last one.
        selection: Which of each trial's variables are kept.
        resume: Fills new lanes from their saved states and returns where to continue; None if there
            is nothing saved. It also receives the initial state of the group.
        between: Called after every piece but the last. An exception from it ends the training.
        evaluated: Called after every evaluation, with its step.
        host_data: The training split, if batches are fed from the host.
        stream: Makes the batches, if there is no training split.
        under_way: Called when the device has work for a while, and after every piece.
    """
    width = program.trial.lanes
    padded = [*trials, *[trials[-1]] * (width - len(trials))]
    seed, traced = program.arguments(padded)
    metrics = [metric.name for metric in program.workload.metrics]
    lanes = [new_lane(trial, metrics, selection.keep) for trial in trials]
    state = program.init(seed, traced)
    pace = Pace()
    resumed = resume(lanes, state)
    if resumed:
        step, state, pace.seconds = resumed
    else:
        step = 0
        pace.begin(program.compile_seconds)
        measured = program.evaluate(state.variables, traced)
        outputs = program.outputs(state.variables, traced)
        _record(program, lanes, selection, state.variables, measured, outputs, 0)
        evaluated(lanes, 0)
        pace.evaluated(program)
        for lane in lanes:
            loss, _ = _loss_of_all(lane)
            lane.bound = _times(DIVERGENCE_FACTOR, float(loss[0]))
    begun = step
    last = program.trial.max_train_steps
    feed = open_feed(program, padded, step, host_data=host_data, stream=stream)
    pace.begin(program.compile_seconds)
    with input_clock(feed) as clock:
        pieces = _dispatch(program, state, step, seed, traced, feed, pace, clock)
        for piece in one_ahead(pieces):
            under_way()
            _log(lanes, piece.logged, piece.first, width)
            if piece.metrics is not None:
                looked = (piece.variables, piece.metrics, piece.outputs, piece.last)
                _record(program, lanes, selection, *looked)
                evaluated(lanes, piece.last)
            pace.trained(piece.last - piece.first, program.compile_seconds)
            if all(lane.diverged for lane in lanes):
                break
            if piece.last < last:
                between(lanes, Progress(piece.last, piece.state, pace.seconds))
        input_seconds = clock.seconds(feed)
    examinations = examine(program, lanes, traced)
    finished = [finish(lane, looked) for lane, looked in zip(lanes, examinations, strict=True)]
    ends = [lane.diverged_at if lane.diverged else last for lane in lanes]
    steps = sum(max(end - begun, 0) for end in ends)
    return Trained(finished, steps, input_seconds, begun)


def open_feed(
    program: Program,
    trials: Sequence[Trial],
    step: int,
    *,
    host_data: Arrays | None = None,
    stream: Stream | None = None,
) -> Feed:
    """Return the feed of a group of lanes, from a step to the last.

    Args:
        program: The program of the lanes.
        trials: One for each lane.
        step: Steps already taken.
        host_data: As for `train_group`.
        stream: As for `train_group`.
    """
    last, batch_size = program.trial.max_train_steps, program.trial.step_examples
    rows = program.spread.rows(batch_size)
    seeds = [trial.seed for trial in trials]
    if stream is not None:
        return stream_feed(stream, seeds, batch_size, step, last, rows)
    order = Order(seeds, program.examples, batch_size)
    if host_data is not None:
        return array_feed(host_data, order, step, last, rows)
    return IndexFeed(order, step, rows)


def _dispatch(
    program: Program,
    state: TrainState,
    step: int,
    seed: Any,
    traced: Any,
    feed: Feed,
    pace: Pace,
    clock: InputClock,
) -> Iterator[Piece]:
    """Hand the steps after `step` to the device, piece by piece, without waiting for results."""
    for before, after in itertools.pairwise(evaluation_steps(program.trial).tolist()):
        while before <= step < after:
            first = step
            steps = min(everywhere(pace.steps(first, before, after, feed.most_steps)))
            fed = clock.place(program.spread, feed, steps)
            compiled = program.compile_seconds
            state, logged = program.train(state, first, steps, seed, traced, fed)
            clock.trains(logged, program.compile_seconds - compiled)
            step = first + steps
            variables, metrics, outputs = None, None, {}
            if step == after:
                variables = program.evaluated(state, step, traced)
                metrics = program.evaluate(variables, traced, step)
                outputs = program.outputs(variables, traced)
                clock.evaluates((metrics, outputs))
            yield Piece(first, step, state, logged, variables, metrics, outputs)


def _record(
    program: Program,
    lanes: Sequence[Lane],
    selection: CheckpointSelection,
    variables: Any,
    metrics: Metrics,
    outputs: Mapping[str, Any],
    step: int,
) -> None:
    """Fill in the metrics of every lane that has not diverged, and keep the best variables."""
    width = program.trial.lanes
    measured, predicted = jax.device_get((metrics, outputs))
    split, _, metric = selection.metric.partition("/")
    row = evaluation_steps(program.trial).tolist().index(step)
    for index, lane in enumerate(lanes):
        if lane.diverged:
            continue
        values = lane_of(measured, index, width)
        if not all(math.isfinite(measured_split["loss"]) for measured_split in values.values()):
            lane.diverge(step, f"the loss of the evaluation at step {step} is not finite")
            continue
        whole = _whole_metrics(program, lane_of(predicted, index, width))
        for name, measured_split in values.items():
            column = EVALUATED_SPLITS.index(name)
            for item, value in {**measured_split, **whole.get(name, {})}.items():
                lane.metrics[item][row, column] = value
        score = selection.score(float(lane.metrics[metric][row, EVALUATED_SPLITS.index(split)]))
        take = functools.partial(device_lane, variables, index, width)
        lane.keep_if_best(score, step, take)


def _whole_metrics(program: Program, predicted: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return the metrics of each whole split, from one lane's predictions."""
    return {
        split: summarize(
            program.workload,
            without_padding(outputs, program.data.evaluated[split][1]),
            program.examples_seen[split],
        )
        for split, outputs in predicted.items()
    }


def _log(lanes: Sequence[Lane], logged: Steps, first: int, width: int) -> None:
    """Fill in the logged values of the latest steps, up to the divergence of a lane."""
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


def _loss_of_all(lane: Lane) -> tuple[np.ndarray, str]:
    """Return a lane's loss at each evaluation, with its name; the training split's if possible."""
    columns = zip(EVALUATED_SPLITS, lane.metrics["loss"].T, strict=True)
    measured = [(loss, f"{split}/loss") for split, loss in columns if np.isfinite(loss[0])]
    return measured[0] if measured else (lane.metrics["loss"][:, 0], "train/loss")


def _times(factor: float, loss: float) -> float:
    """Return the loss that is `factor` times as bad as `loss`, which may be negative.

    A loss of zero gives no scale for others: then no loss is too bad.
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
        lane: The trial's lane.
        examination: The examination of its best variables on the whole validation split.
        status: How it ended, if its numbers alone do not show it.
        reason: The reason for that status.
    """
    loss, name = _loss_of_all(lane)
    if status is None:
        status, reason = "completed", ""
        if lane.diverged:
            status, reason = "diverged", lane.reason
        elif loss[-1] > _times(FAR_WORSE_FACTOR, float(loss[0])):
            status = "diverged"
            reason = (
                f"it ended far worse than it began: {name} {loss[-1]:.3g}, and {loss[0]:.3g} "
                "at step 0"
            )
    trial = lane.trial
    record = TrialRecord(
        fingerprint=trial.fingerprint,
        status=status,
        reason=reason,
        evaluations=Curves(
            evaluation_steps(trial),
            {
                f"{split}/{name}": values[:, column]
                for name, values in lane.metrics.items()
                for column, split in enumerate(EVALUATED_SPLITS)
            },
        ),
        logged=Curves(
            window_ends(trial.max_train_steps, trial.eval_every),
            windowed(lane.steps, trial.eval_every),
        ),
        gradient=gradient_summary(
            lane.steps["grad_norm"], float(trial.hyperparameters["clip_norm"])
        ),
    )
    best = tuple((step, variables) for _, step, variables in lane.best)
    return Finished(trial, record, best, examination)
