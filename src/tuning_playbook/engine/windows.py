"""Summarise the logged values of every step: in windows, and over the whole run.

Source: the playbook, "Gradient clipping": log the unclipped norm of the gradient, plot it against
the step, show its histogram over all steps, and choose a threshold by its 90th percentile.
"""

import functools
from collections.abc import Mapping

import numpy as np

from tuning_playbook.trials.record import GradientSummary
from tuning_playbook.trials.trial import Trial

WINDOWS_PER_EVALUATION = 10

NORM_EDGES = np.logspace(-8, 8, 129)
"""Edges of the bins of the gradient norms' histogram: eight per decade."""

SERIES = ("train_loss", "grad_norm", "grad_norm_max", "update_norm", "learning_rate_t")


def evaluation_steps(trial: Trial) -> np.ndarray:
    """Return the steps after which a trial is evaluated, [evaluations]; the first is 0.

    It is evaluated before it trains, after each step until `dense_until`, and at regular intervals.
    """
    return _evaluation_steps(trial.max_train_steps, trial.eval_every, trial.dense_until)


@functools.lru_cache(maxsize=64)
def _evaluation_steps(max_train_steps: int, eval_every: int, dense_until: int) -> np.ndarray:
    regular = range(0, max_train_steps + 1, eval_every)
    steps = np.array(sorted({*range(dense_until + 1), *regular}), np.int64)
    steps.setflags(write=False)
    return steps


def window_of(eval_every: int) -> int:
    """Return the steps of a window: the fewest that divide `eval_every` into a few windows."""
    return next(
        window
        for window in range(1, eval_every + 1)
        if eval_every % window == 0 and eval_every // window <= WINDOWS_PER_EVALUATION
    )


def window_ends(max_train_steps: int, eval_every: int) -> np.ndarray:
    """Return the last step of each window, [windows]."""
    window = window_of(eval_every)
    return np.arange(1, max_train_steps // window + 1, dtype=np.int64) * window


def windowed(steps: Mapping[str, np.ndarray], eval_every: int) -> dict[str, np.ndarray]:
    """Return the means of logged values over windows, and the maximum of the gradient norm.

    Args:
        steps: By name, [steps] float32; NaN from divergence on.
        eval_every: Steps between evaluations; their number divides the run.

    Returns:
        Each of `SERIES`, [windows] float32; NaN from the window of a divergence on, except the
            maximum there, which is over the values before the divergence.
    """
    window = window_of(eval_every)
    cut = {name: values.reshape(-1, window) for name, values in steps.items()}
    means = {name: values.mean(axis=1, dtype=np.float64) for name, values in cut.items()}
    series = means | {"grad_norm_max": np.fmax.reduce(cut["grad_norm"], axis=1)}
    return {name: series[name].astype(np.float32) for name in SERIES}


def gradient_summary(norms: np.ndarray, clip_norm: float) -> GradientSummary:
    """Return a summary of a run's gradient norms.

    Args:
        norms: [steps], unclipped; NaN from divergence on.
        clip_norm: The norm that gradients are clipped to; 0 for no clipping.
    """
    logged = norms[np.isfinite(norms)].astype(np.float64)
    inside = np.clip(logged, NORM_EDGES[0], np.nextafter(NORM_EDGES[-1], 0))
    counts, _ = np.histogram(inside, NORM_EDGES)
    clipped = float(np.mean(logged > clip_norm)) if clip_norm > 0 and logged.size else np.nan
    p90 = float(np.quantile(logged, 0.9)) if logged.size else np.nan
    return GradientSummary(counts.astype(np.int64), p90, clipped)
