"""Which trials never got anywhere: they trained to the end, and are no better than untrained."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tuning_playbook.dataset.evaluation_noise import Floats, evaluation_noise
from tuning_playbook.dataset.rows import Axes
from tuning_playbook.trials.record import TrialRecord

START = 1
"""The latest step of an evaluation that shows an untrained model; some tools evaluate after the
first step and not before it."""

LEAST_SPREADS = 5.0
"""The best of twenty evaluations of untrained models lies two standard deviations beyond their
mean, and of hundreds three to four."""

LEAST_NOISES = 4.0
"""Likewise of the evaluations of one trial that learns nothing."""

SHARE = 0.2
"""A trial that made so large a share of the best trial's gain got somewhere, whatever the noise."""

NORMAL_MEDIAN = 0.6745

REASON = "never got better than an untrained model"
"""How the reason of such a trial begins."""


def never_got_anywhere(curves: Floats) -> NDArray[np.bool_]:
    """Return which trials were never better than at their own start, or than untrained models.

    A trial has to be better than its own first evaluation and than the median of all first
    evaluations by more than chance explains: by five times their spread (from the median absolute
    deviation), and by four times what its evaluations scatter by. A fifth of what the best trial
    gained is always enough. Where no trial gets anywhere, none is named: then there is nothing to
    tell them from.

    Args:
        curves: The objective's metric, smaller being better, the first evaluation that of the
            untrained model; NaN where it was not measured: [trial, evaluation].

    Returns:
        [trial]; False where the first evaluation is not known, or is the only one.
    """
    start, trained = curves[:, 0], curves[:, 1:]
    known = np.isfinite(start) & np.isfinite(trained).any(axis=1)
    nowhere = np.zeros(len(curves), bool)
    if not known.any():
        return nowhere
    untrained = start[np.isfinite(start)]
    chance = np.median(untrained)
    spread = np.median(np.abs(untrained - chance)) / NORMAL_MEDIAN
    best = np.nanmin(trained[known], axis=1)
    reference = np.minimum(start[known], chance)
    noise = np.array([evaluation_noise(row[np.isfinite(row)]) for row in trained[known]])
    least = np.maximum(LEAST_SPREADS * spread, LEAST_NOISES * noise)
    gained = reference - best
    nowhere[known] = gained <= np.minimum(least, SHARE * np.maximum(reference - best.min(), 0))
    return nowhere if not nowhere[known].all() else np.zeros(len(curves), bool)


def with_those_that_got_nowhere(
    records: Sequence[TrialRecord],
    metrics: Mapping[str, np.ndarray],
    axes: Axes,
    metric: str,
    mode: str,
) -> list[TrialRecord]:
    """Return the records, those of trials that never got anywhere as failed, with the reason.

    Args:
        records: Of the dataset's trials.
        metrics: By name, what was measured of them: [trial, evaluation, split].
        axes: The dataset's coordinates.
        metric: The objective's, as `validation/error_rate`.
        mode: `min` or `max`.
    """
    split, _, name = metric.partition("/")
    if not records or name not in metrics or len(axes.eval_step) < 2 or axes.eval_step[0] > START:
        return list(records)
    sign = -1.0 if mode == "max" else 1.0
    curves = sign * metrics[name][:, :, axes.split.index(split)].astype(np.float64)
    completed = np.array([record.status == "completed" for record in records])
    curves[~np.isfinite(curves)] = np.nan
    curves[~completed, 1:] = np.nan  # what they start from counts all the same
    return [
        replace(record, status="failed", reason=_reason(metric, sign * curve)) if lost else record
        for record, curve, lost in zip(records, curves, never_got_anywhere(curves), strict=True)
    ]


def _reason(metric: str, curve: Floats) -> str:
    last = curve[np.isfinite(curve)][-1]
    return f"{REASON}: {metric} {curve[0]:.3g} before training, {last:.3g} at the end"


def as_trained(record: TrialRecord) -> TrialRecord:
    """Return the record of a trial of a dataset as its own training left it."""
    if record.status == "failed" and record.reason.startswith(REASON):
        return replace(record, status="completed", reason="")
    return record
