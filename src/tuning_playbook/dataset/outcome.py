"""What came of a dataset's trials: status, objective, best steps, gradients."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tuning_playbook.dataset.collapse_step import find_collapse
from tuning_playbook.dataset.rows import Axes, Row, column
from tuning_playbook.dataset.steps_to_target import place_of_target
from tuning_playbook.engine.windows import NORM_EDGES
from tuning_playbook.study.steps_to import steps_to
from tuning_playbook.trials.record import GradientSummary, TrialRecord


def status_variables(rows: Sequence[Row], trials: Sequence[TrialRecord]) -> dict[str, Any]:
    """Return what each trial is and how it ended, and the further variables of its row."""

    def texts(values: Iterable[str]) -> np.ndarray:
        return np.array(list(values), dtype=object)

    variables: dict[str, Any] = {
        "status": (
            "trial",
            texts(trial.status for trial in trials),
            {"long_name": "how the trial ended: completed, diverged or failed"},
        ),
        "infeasible_reason": (
            "trial",
            texts(trial.reason for trial in trials),
            {"long_name": "why the trial is infeasible"},
        ),
        "index": (
            "trial",
            np.array([row.index for row in rows], np.int64),
            {"long_name": "place in the study"},
        ),
        "arm": (
            "trial",
            texts(row.arm for row in rows),
            {"long_name": "setting of the scientific hyperparameters"},
        ),
        "seed": (
            "trial",
            np.array([row.trial.seed for row in rows], np.int64),
            {"long_name": "seed of every draw"},
        ),
        "max_train_steps": (
            "trial",
            np.array([row.trial.max_train_steps for row in rows], np.int64),
            {"long_name": "steps that the trial trains for", "units": "step"},
        ),
        "fingerprint": (
            "trial",
            texts(row.trial.fingerprint for row in rows),
            {"long_name": "SHA-256 of everything that decides the numbers"},
        ),
    }
    for name in rows[0].extra if rows else ():
        given = [row.extra[name] for row in rows]
        variables[name] = ("trial", column(given))
    return variables


def objective_variables(
    metrics: Mapping[str, np.ndarray],
    axes: Axes,
    trials: Sequence[TrialRecord],
    metric: str,
    mode: str,
    keep_best: int,
    target: float | None = None,
) -> dict[str, Any]:
    """Return the objective of each trial and the steps at which its best values were reached.

    The best value over training is found retrospectively; of equal values the earlier counts. An
    infeasible trial has none.

    With a target the objective is the step at which the metric reaches it (`place_of_target`), and
    NaN of a trial that never does, which is censored. The best steps are those of the best values
    all the same: their checkpoints are the ones that are kept, whatever ranks the trials.

    Args:
        metrics: By name, what was measured: [trial, evaluation, split].
        axes: The dataset's coordinates.
        trials: The records.
        metric: The objective's, as `validation/error_rate`.
        mode: `min` or `max`.
        keep_best: How many of the best steps are told.
        target: What the metric is to reach; None where its best value ranks trials.
    """
    split, _, name = metric.partition("/")
    values = np.full((len(trials), len(axes.eval_step)), np.nan)
    if trials:
        values = metrics[name][:, :, axes.split.index(split)].astype(np.float64)
    infeasible = np.array([trial.status != "completed" for trial in trials], bool)
    values[infeasible] = np.nan
    places = np.empty(0, np.int64)
    if target is not None:
        places = place_of_target(values, target, mode)
    values[~np.isfinite(values)] = np.nan  # as training, which keeps no checkpoint of those
    cost = np.where(np.isnan(values), np.inf, -values if mode == "max" else values)
    order = np.argsort(cost, axis=1, kind="stable")[:, :keep_best]
    finite = np.isfinite(np.take_along_axis(cost, order, axis=1))
    steps = np.where(finite, np.asarray(axes.eval_step)[order], -1)
    padding = ((0, 0), (0, keep_best - steps.shape[1]))
    steps = np.pad(steps, padding, constant_values=-1).astype(np.int64)
    best = values[np.arange(len(trials)), order[:, 0]] if trials else np.empty(0)
    units = {"long_name": f"best {metric} over training ({mode})"}
    best_steps: dict[str, Any] = {
        "best_steps": (
            ("trial", "rank"),
            steps,
            {"long_name": "steps of the best evaluations", "units": "step"},
        ),
    }
    if target is not None:
        reached = places >= 0
        at = np.asarray(axes.eval_step)[places] if trials else np.empty(0)
        return {
            "objective": (
                "trial",
                np.where(reached, at, np.nan).astype(np.float64),
                {"long_name": steps_to(metric, mode, target), "units": "step"},
            ),
            "best_step": (
                "trial",
                np.where(reached, at, steps[:, 0]).astype(np.int64),
                {
                    "long_name": "step at which the target was reached; of a trial that never "
                    "reached it, the step of its best value",
                    "units": "step",
                },
            ),
            **best_steps,
            "best_value": ("trial", best, units),
            "censored": (
                "trial",
                (~reached & ~infeasible).astype(np.int8),
                {"long_name": "whether the trial did not reach the target in its steps: 1 or 0"},
            ),
        }
    return {
        "objective": ("trial", best, units),
        "best_step": (
            "trial",
            steps[:, 0],
            {"long_name": "step at which the objective was reached", "units": "step"},
        ),
        **best_steps,
    }


def collapse_variables(
    metrics: Mapping[str, np.ndarray],
    axes: Axes,
    trials: Sequence[TrialRecord],
    metric: str,
    mode: str,
) -> dict[str, Any]:
    """Return the step at which each trial collapsed; NaN where none did, and of infeasible ones.

    Args:
        metrics: By name, what was measured: [trial, evaluation, split].
        axes: The dataset's coordinates.
        trials: The records.
        metric: The objective's.
        mode: `min` or `max`.
    """
    split, _, name = metric.partition("/")
    steps = np.full(len(trials), np.nan)
    sign = -1.0 if mode == "max" else 1.0
    for row, trial in enumerate(trials):
        if trial.status == "completed":
            curve, train = (
                sign * metrics[name][row, :, axes.split.index(one)].astype(np.float64)
                for one in (split, "train")
            )
            collapse = find_collapse(curve, train)
            if collapse is not None:
                steps[row] = axes.eval_step[collapse.place]
    meaning = "step from which on a trial that was good is not, for the rest of training"
    return {"collapse_step": ("trial", steps, {"long_name": meaning, "units": "step"})}


def gradient_variables(trials: Sequence[TrialRecord]) -> dict[str, Any]:
    """Return what is known of the gradient norms of every step."""
    unknown = GradientSummary(np.zeros(len(NORM_EDGES) - 1, np.int64), np.nan, np.nan)
    gradients = [trial.gradient or unknown for trial in trials]
    counts = [item.counts for item in gradients] or np.empty((0, len(NORM_EDGES) - 1))
    return {
        "grad_norm_count": (
            ("trial", "grad_norm_bin"),
            np.array(counts, np.int64),
            {"long_name": "steps whose unclipped gradient norm lies in the bin"},
        ),
        "grad_norm_p90": (
            "trial",
            np.array([item.p90 for item in gradients], np.float64),
            {"long_name": "90th percentile of the unclipped gradient norms"},
        ),
        "clipped_share": (
            "trial",
            np.array([item.clipped_share for item in gradients], np.float64),
            {"long_name": "share of steps whose gradient was clipped", "units": "1"},
        ),
    }
