"""Which value is the best of a scientific hyperparameter that was sampled over a range."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

from tuning_playbook.analysis.axis import choice_axis
from tuning_playbook.analysis.metric_range import metric_range
from tuning_playbook.analysis.numbers import interval, json_object, told
from tuning_playbook.analysis.ranking import (
    arm_names,
    direction,
    losses,
    strings,
    without_the_worst,
)
from tuning_playbook.analysis.sampling_scale import (
    SamplingScale,
    sampling_scale,
    values_where_searched,
)
from tuning_playbook.analysis.search_axes import search_axes
from tuning_playbook.analysis.slices import Slice, slices
from tuning_playbook.analysis.value_curve import ValueCurve, value_curve
from tuning_playbook.dataset.searched import Searched, read_searched

Verdict = Literal["differs", "no difference shown", "cannot tell"]


@dataclass(frozen=True)
class SampledValues:
    """What the trials of a joint search say of a sampled scientific hyperparameter.

    Attributes:
        hyperparameter: Its name.
        condition: Where it exists, as `optimizer=adam`; empty where it exists in every arm.
        verdict: `differs` where an end of its range is shown to be worse than its best value;
            `cannot tell` with too few trials for a curve.
        sentence: The same in words.
        log: Whether it was sampled in the logarithm.
        best: The best value, the other hyperparameters being tuned for it; None without a curve.
        low: Lower end of its 95 % interval.
        high: Upper end.
        values: Of the curve.
        objective: What the curve says is reached at each; like its band cut off at what the metric
            can be.
        objective_low: Lower end of its pointwise 95 % band.
        objective_high: Upper end.
        slices: The best trial in each slice of the range.
    """

    hyperparameter: str
    condition: str
    verdict: Verdict
    sentence: str
    log: bool
    best: float | None
    low: float | None
    high: float | None
    values: tuple[float, ...]
    objective: tuple[float, ...]
    objective_low: tuple[float, ...]
    objective_high: tuple[float, ...]
    slices: tuple[Slice, ...]

    @property
    def label(self) -> str:
        """The name, with its condition where it has one."""
        name = self.hyperparameter
        return f"{name} ({self.condition})" if self.condition else name

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self, dict_factory=json_object)


def sampled_values(study: xr.Dataset, count: int | None = None) -> tuple[SampledValues, ...]:
    """Tell of each scientific hyperparameter that was sampled over a range which value is best.

    The evidence is the search's: no value was rerun.

    Args:
        study: The study.
        count: How many slices its range is divided into; as many as the trials allow if left out.
    """
    found = []
    for searched in read_searched(study):
        scale = sampling_scale(study, searched) if searched.role == "scientific" else None
        if scale is not None:
            found.append(_of(study, searched, scale, count))
    return tuple(found)


def _of(
    study: xr.Dataset, searched: Searched, scale: SamplingScale, count: int | None
) -> SampledValues:
    parts = slices(study, searched, count)
    curve = _curve(study, searched, scale)
    if curve is None:
        return SampledValues(
            searched.name,
            searched.condition,
            "cannot tell",
            f"Which value of {searched.label} is best is not known: it has too few trials.",
            scale.log,
            *(None, None, None),
            *((), (), (), ()),
            parts,
        )
    sign = direction(study)
    possible = metric_range(study)
    ends = sorted((sign * curve.low, sign * curve.high), key=lambda band: float(band.sum()))
    best, low, high = (scale.value(at) for at in (curve.best, curve.best_low, curve.best_high))
    differs = any(end[1] > 0 for end in curve.ends)
    return SampledValues(
        hyperparameter=searched.name,
        condition=searched.condition,
        verdict="differs" if differs else "no difference shown",
        sentence=_sentence(searched, scale, curve, differs=differs),
        log=scale.log,
        best=best,
        low=low,
        high=high,
        values=tuple(scale.value(float(place)) for place in curve.places),
        objective=tuple(possible.clip(sign * curve.loss).tolist()),
        objective_low=tuple(possible.clip(ends[0]).tolist()),
        objective_high=tuple(possible.clip(ends[1]).tolist()),
        slices=parts,
    )


def _curve(study: xr.Dataset, searched: Searched, scale: SamplingScale) -> ValueCurve | None:
    loss = losses(study)
    values = scale.position(values_where_searched(study, searched))
    trials = np.flatnonzero(np.isfinite(values) & np.isfinite(loss))
    arms = [arm for arm in arm_names(study) if arm in searched.arms]
    if len(trials) < 2:
        return None
    others = [
        axis
        for name, axis in search_axes(study, arms[0], trials).items()
        if name != searched.name and _exists_in_all(study, name, arms)
    ]
    choices = [axis.columns for axis in others if axis.columns.shape[1] > 1]
    if len(arms) > 1:
        of = strings(study, "arm")[trials]
        choices.append(choice_axis((of[:, None] == np.array(arms)).astype(float)).columns)
    ranges = [axis.columns for axis in others if axis.columns.shape[1] == 1]
    return value_curve(
        values[trials],
        np.hstack([np.empty((len(trials), 0)), *ranges]),
        choices,
        without_the_worst(loss[trials]),
    )


def _exists_in_all(study: xr.Dataset, name: str, arms: list[str]) -> bool:
    return any(item.name == name and set(arms) <= set(item.arms) for item in read_searched(study))


def _sentence(searched: Searched, scale: SamplingScale, curve: ValueCurve, *, differs: bool) -> str:
    best, low, high = (scale.value(at) for at in (curve.best, curve.best_low, curve.best_high))
    ends = [
        f"{name} of its range, {scale.value(place):g}, is worse by {told(worse, (up - down) / 2)} "
        f"(95 % interval {interval(down, up)})"
        for name, place, (worse, down, up) in zip(
            ("the low end", "the high end"), (0.0, 1.0), curve.ends, strict=True
        )
        if down > 0
    ]
    written = [
        f"{round(value)}" if scale.integer else f"{value:.2g}" for value in (best, low, high)
    ]
    at = f"{written[0]} (95 % interval {written[1]} to {written[2]})"
    if not differs:
        return (
            f"Neither end of the range of {searched.label} is shown to be worse than its best "
            f"value: by the search that is {at}, the other hyperparameters tuned for it."
        )
    return (
        f"By the search {searched.label} is best at {at}, the other hyperparameters tuned for it; "
        f"{' and '.join(ends)}."
    )
