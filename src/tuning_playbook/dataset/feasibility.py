"""Which trials never got anywhere: they trained to the end, and are no better than untrained."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tuning_playbook.dataset.curve_noise import Floats
from tuning_playbook.dataset.evaluation_noise import evaluation_noise
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
"""A trial that made so large a share of what the best trials gain got somewhere, whatever the
noise."""

BEST_SHARE = 0.25
"""The share of trials that are the best ones; one alone may have been lucky."""

ALIKE = 2.0
"""Starts within such a factor of each other are those of one kind of model: an untrained one's say
nothing of one that was trained before."""

NORMAL_MEDIAN = 0.6745

LOSS = "loss"
"""The metric that shows learning before others do."""

REASON = "never got better than an untrained model"
"""How the reason of such a trial begins."""


def never_got_anywhere(curves: Floats) -> NDArray[np.bool_]:
    """Return which trials were never better than at their own start, or than untrained models.

    A trial has to be better than its own first evaluation, and than the median of those like it, by
    more than chance explains: by five times their spread (from the median absolute deviation), and
    by four times what its evaluations scatter by. It is enough that the median of the second half
    of its evaluations is better by more than such a median scatters. A fifth of what the best
    quarter of the trials gained from there is always enough. Where no trial gets anywhere, none is
    named: then there is nothing to tell them from.

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
    best = np.array([np.nanmin(row) for row in trained[known]])
    top = float(np.median(np.sort(best)[: max(1, round(BEST_SHARE * len(best)))]))
    nowhere[known] = [
        _gains_nothing(own, row[np.isfinite(row)], untrained, top)
        for own, row in zip(start[known], trained[known], strict=True)
    ]
    return nowhere if not nowhere[known].all() else np.zeros(len(curves), bool)


def _gains_nothing(own: float, values: Floats, untrained: Floats, top: float) -> bool:
    """Tell whether a trial is never better than it was at its start.

    Args:
        own: Its start.
        values: Its later evaluations: [evaluation].
        untrained: The starts of all trials: [trial].
        top: What the best trials reach.
    """
    alike = untrained[np.abs(untrained - own) <= abs(own) * (1 - 1 / ALIKE)]
    chance = float(np.median(alike))
    spread = float(np.median(np.abs(alike - chance))) / NORMAL_MEDIAN
    reference, noise = min(own, chance), evaluation_noise(values)
    enough = SHARE * max(reference - top, 0.0)
    half = values[len(values) // 2 :]
    of_half = LEAST_NOISES * noise / math.sqrt(len(half))
    if reference - float(np.median(half)) > min(max(LEAST_SPREADS * spread, of_half), enough):
        return False
    least = min(max(LEAST_SPREADS * spread, LEAST_NOISES * noise), enough)
    return bool(reference - float(values.min()) <= least)


def learns_slowly(losses: Floats) -> NDArray[np.bool_]:
    """Return which trials got somewhere by their loss, and are best at their last evaluation.

    An error rate may not show yet what the loss does: it falls, and has not ended to.

    Args:
        losses: As the curves of `never_got_anywhere`.
    """
    last = np.array(
        [len(seen := row[np.isfinite(row)]) > 1 and seen[-1] == seen.min() for row in losses]
    )
    return np.asarray(last & ~never_got_anywhere(losses))


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
    completed = np.array([record.status == "completed" for record in records])

    def curves_of(name: str, sign: float) -> Floats:
        curves = sign * metrics[name][:, :, axes.split.index(split)].astype(np.float64)
        curves[~np.isfinite(curves)] = np.nan
        curves[~completed, 1:] = np.nan  # what they start from counts all the same
        return np.asarray(curves)

    sign = -1.0 if mode == "max" else 1.0
    curves = curves_of(name, sign)
    nowhere = never_got_anywhere(curves)
    if LOSS in metrics and name != LOSS:
        nowhere &= ~learns_slowly(curves_of(LOSS, 1.0))
    return [
        replace(record, status="failed", reason=_reason(metric, sign * curve)) if lost else record
        for record, curve, lost in zip(records, curves, nowhere, strict=True)
    ]


def _reason(metric: str, curve: Floats) -> str:
    last = curve[np.isfinite(curve)][-1]
    return f"{REASON}: {metric} {curve[0]:.3g} before training, {last:.3g} at the end"


def as_trained(record: TrialRecord) -> TrialRecord:
    """Return the record of a trial of a dataset as its own training left it."""
    if record.status == "failed" and record.reason.startswith(REASON):
        return replace(record, status="completed", reason="")
    return record
