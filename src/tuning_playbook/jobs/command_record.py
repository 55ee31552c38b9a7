"""The record of a trial that a command trained, from its measurements and its ending."""

import math
import signal
from collections.abc import Iterable, Mapping

import numpy as np

from tuning_playbook.dataset.own_steps import measured_alone
from tuning_playbook.engine.windows import SERIES, gradient_summary, window_ends, window_of
from tuning_playbook.jobs.command_measurements import Measured
from tuning_playbook.jobs.command_process import Ending
from tuning_playbook.study.command_file import Command
from tuning_playbook.trials.record import EVALUATED_SPLITS, Curves, Status, TrialRecord
from tuning_playbook.trials.trial import Trial

DIVERGING = ("train_loss", "grad_norm", "update_norm")
"""Logged values whose not being finite means that the trial diverged."""

Values = Mapping[str, Mapping[int, float]]


def record_of(
    trial: Trial, command: Command, measured: Measured, ending: Ending, said: str = ""
) -> TrialRecord:
    """Return the record of a trial.

    It holds every step at which a metric was measured, and nothing from divergence on. Logged
    training values are averaged over windows, like those of our own engine.

    Args:
        trial: The trial.
        command: The command that trained it.
        measured: What it measured. Measurements after the trial's last step do not count.
        ending: How it ended.
        said: The last line of its output.
    """
    values = {
        name: {step: value for step, value in column.items() if step <= trial.max_train_steps}
        for name, column in measured.values.items()
    }
    status, reason, end = outcome(trial, command, measured, values, ending, said)
    evaluated = [f"{split}/{name}" for split in EVALUATED_SPLITS for name in command.metrics]
    steps = sorted(
        {
            step
            for name in evaluated
            for step, value in values.get(name, {}).items()
            if step < end and math.isfinite(value)
        }
    )
    norms = values.get("grad_norm", {})
    return TrialRecord(
        fingerprint=trial.fingerprint,
        status=status,
        reason=reason,
        evaluations=measured_alone(
            Curves(
                np.array(steps, np.int64),
                {name: _at(values.get(name, {}), steps) for name in evaluated},
            )
        ),
        logged=Curves(
            window_ends(trial.max_train_steps, trial.eval_every),
            {name: _windowed(values.get(name, {}), trial, name, end) for name in SERIES},
        ),
        gradient=gradient_summary(
            np.array([norms[step] for step in sorted(norms) if step < end], np.float64), 0.0
        ),
    )


def outcome(
    trial: Trial,
    command: Command,
    measured: Measured,
    values: Values,
    ending: Ending,
    said: str,
) -> tuple[Status, str, float]:
    """Return the status, the reason, and the step from which on nothing counts.

    A trial has diverged where a metric is not finite up to the end. A metric that becomes finite
    again later was only unknown for a while.
    """
    diverged = [
        (step, name)
        for name, column in values.items()
        if ("/" in name or name in DIVERGING) and (step := _not_finite_from(column)) is not None
    ]
    if diverged:
        step, name = min(diverged)
        return "diverged", f"{name} is not finite from step {step} on", step
    reason = _end_of(command, ending, said)
    if not reason:
        reason = _never_measured(trial, command, measured, values)
    return ("failed", reason, math.inf) if reason else ("completed", "", math.inf)


def _end_of(command: Command, ending: Ending, said: str) -> str:
    """Return why the command's ending is a failure; empty if it is a success."""
    if ending.cause == "timeout":
        return f"the command was ended after timeout_minutes ({command.timeout_minutes:g})"
    last = f": {said}" if said else ""
    if ending.status < 0:
        try:
            name = signal.Signals(-ending.status).name
        except ValueError:
            name = f"signal {-ending.status}"
        memory = "; was its memory too small?" if name == "SIGKILL" else ""
        return f"the command was ended by {name}{memory}{last}"
    if ending.status > 0:
        return f"the command ended with exit status {ending.status}{last}"
    return ""


def _never_measured(trial: Trial, command: Command, measured: Measured, values: Values) -> str:
    """Return which metric was never measured, and what the file has instead; empty if none."""
    missing = [name for name in command.columns if "/" in name and not values[name]]
    if not missing:
        return ""
    file = command.measurements
    column = command.columns[missing[0]]
    columns = f" (columns: {', '.join(measured.seen)})" if measured.seen else ""
    if measured.error:
        what = f"{file} cannot be read: {measured.error}"
    elif measured.first is None and measured.unreadable:
        what = f"{file} has no row with a step '{command.step}'; it begins with "
        what += f"{measured.example!r}{columns}"
    elif measured.first is None:
        what = f"the command wrote no {file} in {{folder}}, or no row to it"
    elif measured.first > trial.max_train_steps:
        last = trial.max_train_steps
        what = f"{file} begins at step {measured.first}, after max_train_steps ({last})"
    else:
        what = f"no row of {file} has a number in '{column}'{columns}"
    return f"{missing[0]} was never measured: {what}"


def _not_finite_from(column: Mapping[int, float]) -> int | None:
    """Return the step from which on no value is finite; None if the last one is finite."""
    found = None
    for step in sorted(column, reverse=True):
        if math.isfinite(column[step]):
            break
        found = step
    return found


def _at(column: Mapping[int, float], steps: Iterable[int]) -> np.ndarray:
    """Return the values at some steps; NaN where there is no finite value."""
    values = np.array([column.get(step, math.nan) for step in steps], np.float64)
    values[~np.isfinite(values)] = np.nan
    return values


def _windowed(column: Mapping[int, float], trial: Trial, name: str, end: float) -> np.ndarray:
    """Return the mean of the logged values in each window, [windows]; NaN for an empty window.

    For the largest gradient norm it is the maximum.
    """
    window = window_of(trial.eval_every)
    found: dict[int, list[float]] = {}
    for step, value in column.items():
        if step < end and math.isfinite(value):
            found.setdefault(max(0, -(-step // window) - 1), []).append(value)
    ends = window_ends(trial.max_train_steps, trial.eval_every)
    series = np.full(len(ends), np.nan, np.float32)
    for place, values in found.items():
        if place < len(series):
            series[place] = max(values) if name == "grad_norm_max" else np.mean(values)
    return series
