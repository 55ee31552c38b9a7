"""Are there outlying gradient norms, what to clip at, and is clipping too aggressive?"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.findings import Finding, arms_in
from tuning_playbook.analysis.numbers import number, text
from tuning_playbook.analysis.ranking import (
    Floats,
    Indices,
    best_trials,
    last_steps,
    ranked,
    trial_id,
)
from tuning_playbook.study.thresholds import DEFAULTS, GradientNorms

EARLY = 0.1
"""In the first tenth of training gradients are large by nature; that is what warmup is for."""

AROUND = 5
"""The typical norm at a window is the median of it and so many windows on each side."""

AT_ONCE = 500
"""Trials whose norms are looked at together: each window takes the memory of those around it."""

SECTION = "Gradient clipping"


def gradient_norms(
    study: xr.Dataset, thresholds: GradientNorms = DEFAULTS.gradient_norms
) -> Finding:
    """Find outlying gradient norms in the best trial of each arm, and a threshold to clip at.

    A window of steps is outlying whose largest unclipped norm is at least `outlier` times the
    median of the windows' mean norms around it, after the first tenth of training. It is a warning
    where the best trial of an arm has one, and so it is where that trial clips more than the share
    `aggressive` of its updates.
    The numbers hold a threshold for each arm, the 90th percentile of its best trial's norms over
    all steps, with the share of updates that the trial clipped.

    Where the norms of windows vary by a factor of 1.3 and the largest within one are two or three
    times as large, at most 5 % of studies are warned about; a norm of 20 times the typical one is
    always found.

    Source: playbook, "Gradient clipping".
    """
    finding = partial(
        Finding,
        check="gradient_norms",
        question="Are there outlying gradient norms, and is clipping too aggressive?",
        section=SECTION,
    )
    logged = [study[name].values for name in ("grad_norm", "grad_norm_max") if name in study]
    if len(logged) < 2 or not all(np.isfinite(values).any() for values in logged):
        return finding(answer="cannot tell", summary="Gradient norms were not logged.")
    bests = best_trials(study)
    if not bests:
        return finding(answer="cannot tell", summary="No trial is feasible.")
    trials = ranked(study)
    excess = _excess(study, np.array(list(bests.values())))
    rows = [
        _row(study, arm, trial, around, thresholds)
        for (arm, trial), around in zip(bests.items(), excess, strict=True)
    ]
    parts = np.array_split(trials, -(-len(trials) // AT_ONCE))
    everywhere = sum(
        int((_excess(study, part) >= thresholds.outlier).any(axis=1).sum()) for part in parts
    )
    spiky = [row for row in rows if row["outlying_windows"]]
    clipping = [row for row in rows if row["too_aggressive"]]
    finding = partial(
        finding,
        arms=arms_in(study, spiky + clipping or rows),
        numbers={
            "outlier": thresholds.outlier,
            "aggressive": thresholds.aggressive,
            "arms": rows,
            "trials_with_outliers": everywhere,
        },
    )
    if not spiky and not clipping:
        return finding(
            answer="ok",
            summary=(
                "The best trial of no arm has an outlying gradient norm or clips too many updates; "
                f"{everywhere} trials have one."
            ),
        )
    return finding(
        answer="warning",
        summary=" ".join([*map(_outlying, spiky), *map(_clips_too_many, clipping)]),
        trials=tuple(dict.fromkeys(row["trial"] for row in (*spiky, *clipping))),
        advice=_advice(spiky, clipping),
    )


def _row(
    study: xr.Dataset, arm: str, trial: int, excess: Floats, thresholds: GradientNorms
) -> dict[str, Any]:
    clipped = _value(study, "clipped_share", trial)
    p90 = _value(study, "grad_norm_p90", trial)
    return {
        "arm": arm,
        "trial": trial_id(study, trial),
        "outlying_windows": int((excess >= thresholds.outlier).sum()),
        "largest": number(excess.max()) if len(excess) else None,
        "proposed_clip_norm": None if p90 is None else float(f"{p90:.3g}"),
        "clip_norm": _value(study, "hp_clip_norm", trial),
        "clipped_share": clipped,
        "too_aggressive": clipped is not None and clipped > thresholds.aggressive,
    }


def _value(study: xr.Dataset, name: str, trial: int) -> float | None:
    return number(study[name].values[trial]) if name in study else None


def _excess(study: xr.Dataset, trials: Indices) -> Floats:
    """Return the largest norm of each window against the typical one around it.

    Args:
        study: The study.
        trials: Their positions: [n].

    Returns:
        [n, window]; 0 early in training and where nothing was logged.
    """
    late = study["train_step"].values > EARLY * last_steps(study)[trials, None]
    order = ("trial", "train_step")
    mean, largest = (
        np.where(late, study[name].transpose(*order).values[trials].astype(float), np.nan)
        for name in ("grad_norm", "grad_norm_max")
    )
    return excess_over_typical(mean, largest)


def excess_over_typical(mean: Floats, largest: Floats) -> Floats:
    """Return the largest norm of each window as a multiple of the typical one around it.

    Args:
        mean: Of each window, NaN where it is not known: [trial, window].
        largest: Likewise: [trial, window].

    Returns:
        [trial, window]; 0 where it cannot be told.
    """
    padded = np.pad(mean, ((0, 0), (AROUND, AROUND)), constant_values=np.nan)
    around = np.sort(np.lib.stride_tricks.sliding_window_view(padded, 2 * AROUND + 1, axis=1))
    known = np.isfinite(around).sum(axis=-1)  # what is missing is sorted to the end
    typical = np.take_along_axis(around, np.maximum(known - 1, 0)[..., None] // 2, axis=-1)[..., 0]
    usable = np.isfinite(largest) & (typical > 0)
    return np.asarray(np.divide(largest, typical, out=np.zeros_like(largest), where=usable))


def _outlying(row: Mapping[str, Any]) -> str:
    return (
        f"The best trial of {row['arm']} ({row['trial']}) has gradient norms of up to "
        f"{text(row['largest'])} times the typical one, in {row['outlying_windows']} windows of "
        "steps."
    )


def _clips_too_many(row: Mapping[str, Any]) -> str:
    return (
        f"The best trial of {row['arm']} ({row['trial']}) clips {row['clipped_share']:.0%} of its "
        "updates."
    )


def _advice(spiky: Sequence[Mapping[str, Any]], clipping: Sequence[Mapping[str, Any]]) -> str:
    sentences = [
        f"Clip the gradients of {row['arm']} at {text(row['proposed_clip_norm'])} (clip_norm), the "
        "90th percentile of its norms."
        for row in spiky
        if row["proposed_clip_norm"] is not None and not row["too_aggressive"]
    ]
    if clipping:
        sentences.append(
            "So much clipping is a strange way to lower the learning rate: lower that."
        )
    return " ".join(sentences) or "Lower the clipping threshold (clip_norm), or the learning rate."
