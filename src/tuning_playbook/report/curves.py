"""One trial's curve, drawn small in its row of the table of trials."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from tuning_playbook.analysis.ranking import losses
from tuning_playbook.report.formatting import number

WIDTH, HEIGHT = 360, 120
"""Size of a curve's drawing area in the units of its view box."""

MOST_POINTS = 120
"""Most points of a curve. With more evaluations, every second, third, ... is drawn."""

MOST_POINTS_IN_ALL = 40_000
"""Most points of all curves together, so that a page of thousands of trials stays small..."""

LEAST_POINTS = 20
"""... but each curve has at least this many points, to show its shape."""

SPAN_OF_LOG_SCALE = 20.0
"""A metric whose largest value is more than this many times its smallest has a log scale."""


@dataclass(frozen=True)
class CurveScale:
    """The common scale of all trials of a study, so that their curves can be compared.

    Attributes:
        metric: The metric's name.
        low: Its value at the bottom.
        high: Its value at the top; larger values leave the drawing.
        log: Whether the vertical scale is logarithmic.
        last_step: The training step at the right end.
    """

    metric: str
    low: float
    high: float
    log: bool
    last_step: int

    @property
    def low_label(self) -> str:
        """The value at the bottom."""
        return number(self.low, 3)

    @property
    def high_label(self) -> str:
        """The value at the top."""
        return number(self.high, 3)

    def x(self, step: float) -> int:
        """Return the horizontal place of a training step."""
        return round(WIDTH * step / self.last_step)

    def y(self, value: float) -> int:
        """Return the vertical place of a value, cut to the drawing."""
        value = min(max(value, self.low), self.high)
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(HEIGHT * (1 - share))


@dataclass(frozen=True)
class Curve:
    """One trial's curve.

    Attributes:
        lines: For each split its name and the points of its line, as SVG writes them.
        best: Place of the best step on the objective's line, or nothing for an infeasible trial.
    """

    lines: tuple[tuple[str, str], ...]
    best: tuple[int, int] | None


def make_curves(
    study: xr.Dataset, metric: str, split: str
) -> tuple[CurveScale, dict[str, Curve]] | None:
    """Draw the objective metric of every trial against the training step.

    Args:
        study: The study's dataset.
        metric: The objective's metric, without its split.
        split: The objective's split, on whose line the best step is marked.

    Returns:
        The shared scale and the curve of each trial, or nothing where no value is finite.
    """
    if metric not in study or not {"eval_step", "split"} <= set(study[metric].dims):
        return None
    values = study[metric].transpose("trial", "split", "eval_step").to_numpy()
    steps = [int(step) for step in study["eval_step"].to_numpy()]
    scale = _scale(metric, values, np.isfinite(losses(study)), max(steps))
    if scale is None:
        return None
    splits = [str(name) for name in study["split"].to_numpy()]
    best_steps = study["best_step"].to_numpy()
    most = min(MOST_POINTS, max(LEAST_POINTS, MOST_POINTS_IN_ALL // max(1, len(values))))
    curves = {}
    for trial, lines, best_step in zip(study["trial"].to_numpy(), values, best_steps, strict=True):
        best = None
        if int(best_step) in steps and split in splits:
            value = float(lines[splits.index(split)][steps.index(int(best_step))])
            if math.isfinite(value):
                best = (scale.x(int(best_step)), scale.y(value))
        curves[str(trial)] = Curve(
            tuple(
                (name, _points(scale, steps, line, most))
                for name, line in zip(splits, lines, strict=True)
            ),
            best,
        )
    return scale, curves


def _scale(metric: str, values: np.ndarray, feasible: np.ndarray, last: int) -> CurveScale | None:
    """Return the range of finite values of the feasible trials, or of all if none is feasible."""
    shown = values[feasible] if feasible.any() else values
    finite = shown[np.isfinite(shown)]
    if finite.size == 0 or last <= 0:
        return None
    low, high = float(finite.min()), float(finite.max())
    if (
        low >= 0
        and (positive := finite[finite > 0]).size
        and high > SPAN_OF_LOG_SCALE * positive.min()
    ):
        return CurveScale(metric, float(positive.min()), high, log=True, last_step=last)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return CurveScale(metric, low, high, log=False, last_step=last)


def _points(scale: CurveScale, steps: Sequence[int], line: np.ndarray, most: int) -> str:
    stride = math.ceil(len(steps) / most)
    return " ".join(
        f"{scale.x(step)},{scale.y(float(value))}"
        for step, value in list(zip(steps, line, strict=True))[::stride]
        if math.isfinite(value)
    )
