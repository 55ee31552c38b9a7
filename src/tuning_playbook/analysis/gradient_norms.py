"""Are there outlying gradient norms, what to clip at, and is clipping too aggressive?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.clip_threshold import (
    START,
    Outliers,
    StepNorms,
    clip_threshold,
)
from tuning_playbook.analysis.findings import Finding, arms_in
from tuning_playbook.analysis.numbers import number, text
from tuning_playbook.analysis.ranking import (
    Floats,
    Indices,
    arm_names,
    best_trials,
    losses,
    members,
    trial_id,
    trial_ids,
)
from tuning_playbook.study.thresholds import DEFAULTS, GradientNorms

AROUND = 5
"""The typical norm at a window is the median of it and this many windows on each side."""

BEFORE = 3
"""Or the median of this many windows before it, where that is larger: so few that norms which fall
have not fallen much since, and enough for one to be an outlier itself."""

AT_ONCE = 500
"""Trials whose norms are looked at together: each window takes the memory of those around it."""

LEAST_TRIALS = 2
"""A single trial with outliers is no pattern, however few there are."""

NEARLY = 0.99
"""A threshold is written with three digits, so it may be so much lower than what it is."""

SECTION = "Gradient clipping"


@dataclass(frozen=True)
class OutlyingWindows:
    """The windows of steps with an outlying gradient norm, in all trials of a study.

    Attributes:
        trials: The trial of each, by its position: [window].
        norms: The largest norm in it: [window].
        typical: The typical norm around it: [window].
    """

    trials: Indices
    norms: Floats
    typical: Floats

    def of(self, trials: Sequence[int] | Indices) -> "OutlyingWindows":
        """Return those of some trials."""
        kept = np.isin(self.trials, trials)
        return OutlyingWindows(self.trials[kept], self.norms[kept], self.typical[kept])


def gradient_norms(
    study: xr.Dataset, thresholds: GradientNorms = DEFAULTS.gradient_norms
) -> Finding:
    """Find outlying gradient norms in the trials of each arm, and a threshold to clip at.

    A window of steps is outlying whose largest norm is at least `outlier` times the typical one:
    the median of the mean norms of the windows around it, or of those before it where that is
    larger, so that the fall from the large gradients of the first steps is none. The norms are
    those that the trial's own clipping leaves. The very first window has nothing before it, and is
    not judged.

    It is a warning where the best trial of an arm has such a window; where the share `many` of an
    arm's trials has, two at least, the infeasible ones included; and where a best trial clips more
    than the share `aggressive` of its updates.

    The numbers hold a threshold for each arm (`clip_threshold`). It is the 90th percentile of the
    best trial's norms over all steps, or lower, so that it clips at least half of the outlying
    windows of the best trial and of all trials of the arm, and less than the share `aggressive` of
    the best trial's steps; of all steps, where no trial of the arm is feasible. It is None where no
    single threshold does.

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
    if "grad_norm" not in study or not np.isfinite(study["grad_norm"].values).any():
        return finding(answer="cannot tell", summary="Gradient norms were not logged.")
    outlying = outlying_windows(study, thresholds.outlier)
    bests = best_trials(study)
    rows = [_row(study, arm, bests.get(arm), outlying, thresholds) for arm in arm_names(study)]
    spiky = [row for row in rows if row["outlying_windows"] or row["many"]]
    clipping = [row for row in rows if row["too_aggressive"]]
    everywhere = np.unique(outlying.trials)
    finding = partial(
        finding,
        arms=arms_in(study, spiky + clipping or rows),
        numbers={
            "outlier": thresholds.outlier,
            "aggressive": thresholds.aggressive,
            "many": thresholds.many,
            "arms": rows,
            "trials_with_outliers": len(everywhere),
        },
    )
    if not spiky and not clipping:
        if not bests:
            return finding(answer="cannot tell", summary="No trial is feasible.")
        return finding(
            answer="ok",
            summary=(
                "The best trial of no arm has an outlying gradient norm or clips too many updates; "
                f"{len(everywhere)} of {study.sizes['trial']} trials have an outlying norm."
            ),
        )
    return finding(
        answer="warning",
        summary=" ".join(filter(None, map(_sentences, rows))),
        trials=_concerned(study, rows, outlying),
        advice=" ".join(_advice(row) for row in rows if row in spiky or row in clipping),
    )


def outlying_windows(study: xr.Dataset, outlier: float) -> OutlyingWindows:
    """Return the windows whose largest norm is at least `outlier` times the typical one."""
    mean = _logged(study, "grad_norm")
    largest = np.fmax(mean, _logged(study, "grad_norm_max")) if "grad_norm_max" in study else mean
    left = np.minimum(largest, _clip_norms(study)[:, None])
    left[np.isinf(left)] = np.nan  # as some tools log a divergence
    found = []
    for part in np.array_split(np.arange(len(mean)), -(-max(1, len(mean)) // AT_ONCE)):
        typical = typical_norms(mean[part])
        # What is not known compares as false.
        trial, window = np.nonzero(left[part] >= outlier * np.where(typical > 0, typical, np.nan))
        found.append((part[trial], left[part][trial, window], typical[trial, window]))
    trials, norms, typical = (np.concatenate(column) for column in zip(*found, strict=True))
    return OutlyingWindows(trials, norms, typical)


def _logged(study: xr.Dataset, name: str) -> Floats:
    return np.asarray(study[name].transpose("trial", "train_step").values.astype(float))


def typical_norms(mean: Floats) -> Floats:
    """Return the typical norm at each window: the median around it, or before it if larger.

    Args:
        mean: The mean norm of each window, NaN where it is not known: [trial, window].

    Returns:
        [trial, window]; NaN where none is known, and at the first one that is.
    """
    padded = np.pad(mean, ((0, 0), (AROUND, AROUND)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * AROUND + 1, axis=1)
    known_so_far = np.cumsum(np.isfinite(mean), axis=1) - np.isfinite(mean)
    typical = np.fmax(_low_median(windows), _low_median(windows[..., AROUND - BEFORE : AROUND]))
    return np.where(known_so_far > 0, typical, np.nan)


def _low_median(values: Floats) -> Floats:
    """Return the lower of the two middle values along the last axis, of those that are known."""
    ordered = np.sort(values, axis=-1)  # what is missing is sorted to the end
    middle = np.maximum(np.isfinite(ordered).sum(axis=-1) - 1, 0)[..., None] // 2
    return np.take_along_axis(ordered, middle, axis=-1)[..., 0]


def _clip_norms(study: xr.Dataset) -> Floats:
    """Return the norm that each trial clips at, infinite where it does not clip: [trial]."""
    name = "hp_clip_norm"
    if name not in study or study[name].dtype.kind not in "fiu":
        return np.full(study.sizes["trial"], np.inf)
    given = study[name].values.astype(float)
    return np.where(given > 0, given, np.inf)


def _row(
    study: xr.Dataset,
    arm: str,
    best: int | None,
    outlying: OutlyingWindows,
    thresholds: GradientNorms,
) -> dict[str, Any]:
    """Return the numbers of one arm; `trial` and what is said of it is the best one's."""
    trials = members(study, arm)
    bests = [] if best is None else [best]
    of_arm, of_best = outlying.of(trials), outlying.of(bests)
    spiky = np.unique(of_arm.trials)
    infeasible = trials[~np.isfinite(losses(study)[trials])]
    clipped = _value(study, "clipped_share", best)
    return {
        "arm": arm,
        "trial": None if best is None else trial_id(study, best),
        "outlying_windows": len(of_best.norms),
        "largest": _largest(of_best),
        "trials": len(trials),
        "trials_with_outliers": len(spiky),
        "infeasible": len(infeasible),
        "infeasible_with_outliers": int(np.isin(infeasible, spiky).sum()),
        "many": len(spiky) >= max(LEAST_TRIALS, thresholds.many * len(trials)),
        "largest_of_all": _largest(of_arm),
        "outliers": len(of_arm.norms),
        **_proposal(study, best, trials, outlying, thresholds),
        "clip_norm": _value(study, "hp_clip_norm", best),
        "clipped_share": clipped,
        "too_aggressive": clipped is not None and clipped > thresholds.aggressive,
    }


def _proposal(
    study: xr.Dataset,
    best: int | None,
    trials: Indices,
    outlying: OutlyingWindows,
    thresholds: GradientNorms,
) -> dict[str, Any]:
    """Return the threshold proposed for an arm, and what it would clip."""
    bests = np.array([] if best is None else [best], np.int64)
    steps = _step_norms(study, trials if best is None else bests)
    if steps is None:
        return {"p90": None, "proposed_clip_norm": None, "least_clip_norm": None}
    of_best, of_arm = (
        Outliers(found.norms, thresholds.outlier * found.typical)
        for found in (outlying.of(bests), outlying.of(trials))
    )
    p90 = _value(study, "grad_norm_p90", best) or steps.quantile(START)
    proposed = clip_threshold(p90, steps, (of_best, of_arm), thresholds.aggressive)
    return {
        "p90": p90,
        "proposed_clip_norm": proposed,
        "least_clip_norm": steps.least_above(thresholds.aggressive),
        "clips_outliers": None if proposed is None else of_arm.clipped(proposed),
        "clips_share": None if proposed is None else steps.share_above(proposed),
    }


def _step_norms(study: xr.Dataset, trials: Sequence[int] | Indices) -> StepNorms | None:
    """Return the norms of all steps of some trials; None where none was logged."""
    name = "grad_norm_count"
    if name not in study or not len(trials):
        return None
    counts = study[name].transpose("trial", "grad_norm_bin").values[trials].sum(axis=0)
    low = study["grad_norm_bin"].values.astype(float)
    edges = np.append(low, low[-1] ** 2 / low[-2])
    return StepNorms(edges, counts.astype(float)) if counts.any() else None


def _value(study: xr.Dataset, name: str, trial: int | None) -> float | None:
    if trial is None or name not in study:
        return None
    return number(study[name].values[trial])


def _largest(outlying: OutlyingWindows) -> float | None:
    """Return the largest norm as a multiple of the typical one around it."""
    return float((outlying.norms / outlying.typical).max()) if len(outlying.norms) else None


def _concerned(
    study: xr.Dataset, rows: Iterable[Mapping[str, Any]], outlying: OutlyingWindows
) -> tuple[str, ...]:
    """Return the ids of the trials that the sentences are about."""
    found: list[str] = []
    for row in rows:
        if row["outlying_windows"] or row["too_aggressive"]:
            found.append(row["trial"])
        if row["many"]:
            spiky = np.unique(outlying.of(members(study, row["arm"])).trials)
            found.extend(trial_ids(study, spiky))
    return tuple(dict.fromkeys(found))


def _sentences(row: Mapping[str, Any]) -> str:
    best = f"The best trial of {row['arm']} ({row['trial']})"
    sentences = []
    if row["outlying_windows"]:
        windows = (
            "1 window" if row["outlying_windows"] == 1 else f"{row['outlying_windows']} windows"
        )
        sentences.append(
            f"{best} has gradient norms of up to {text(row['largest'])} times the typical one, in "
            f"{windows} of steps."
        )
    if row["many"]:
        lost = row["infeasible_with_outliers"]
        sentences.append(
            f"In {row['arm']} {row['trials_with_outliers']} of {row['trials']} trials"
            + (f", {lost} of them infeasible," if lost else "")
            + f" have gradient norms of up to {text(row['largest_of_all'])} times the typical one."
        )
    if row["too_aggressive"]:
        sentences.append(f"{best} clips {row['clipped_share']:.0%} of its updates.")
    return " ".join(sentences)


def _advice(row: Mapping[str, Any]) -> str:
    if row["too_aggressive"]:
        return (
            f"So much clipping in {row['arm']} is a strange way to lower the learning rate: lower "
            "that."
        )
    proposed, p90 = row["proposed_clip_norm"], row["p90"]
    if p90 is None:
        return f"Clip the gradients of {row['arm']}; no histogram of its norms says where."
    whose = "the best trial" if row["trial"] else "all trials"
    if proposed is None:
        return (
            f"No single clip_norm clips half of the outliers of {row['arm']} and few enough steps "
            f"of {whose}: outliers come where gradients are small. Lower the learning rate there."
        )
    percentile = f"the 90th percentile of the norms of {whose}"
    clips = (
        f"It clips {row['clips_outliers']} of {row['outliers']} outliers and "
        f"{row['clips_share']:.0%} of the steps of {whose}."
    )
    if proposed >= NEARLY * p90:
        return (
            f"Clip the gradients of {row['arm']} at {text(proposed)} (clip_norm), {percentile}. "
            f"{clips}"
        )
    return (
        f"Clip the gradients of {row['arm']} at {text(proposed)} (clip_norm). {clips} "
        f"{text(p90)}, {percentile}, is too high for the outliers."
    )
