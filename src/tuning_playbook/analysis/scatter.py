"""How much a trial's evaluations scatter from one to the next late in training."""

import numpy as np
import xarray as xr

from tuning_playbook.analysis.ranking import Floats, Indices, curves, eval_fractions, late
from tuning_playbook.analysis.trend import LEAST_POINTS, fit_trend

ROUNDING = 1e-9
"""What is left of a perfect line, as a part of its values."""


def late_scatter(study: xr.Dataset, split: str, trials: Indices, since: float) -> Floats:
    """Return the standard deviation of evaluations about a line through the end of training.

    Args:
        study: The study.
        split: Of the objective's metric.
        trials: Their positions: [n].
        since: The share of training that is its end.

    Returns:
        [n]; NaN where a trial has too few evaluations there.
    """
    values = curves(study, split)[trials]
    windows = late(eval_fractions(study)[trials], 1 - since)
    found = np.full(len(trials), np.nan)
    for number, (curve, window) in enumerate(zip(values, windows, strict=True)):
        if window.sum() >= LEAST_POINTS and np.isfinite(curve[window]).all():
            noise = fit_trend(curve[window]).noise
            found[number] = noise if noise > ROUNDING * np.abs(curve[window]).max() else 0.0
    return found
