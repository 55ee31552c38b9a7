"""What the objective's metric can be at all: no interval of its level reaches beyond."""

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from tuning_playbook.analysis.ranking import Floats


@dataclass(frozen=True)
class MetricRange:
    """The smallest and the largest value that a metric can have; infinite where none is known."""

    low: float = -math.inf
    high: float = math.inf

    def clip(self, values: Floats) -> Floats:
        """Return values none of which lies outside the range."""
        return np.clip(values, self.low, self.high)


ANY_NUMBER = MetricRange()
"""Of a metric that nothing is known of."""


def metric_range(study: xr.Dataset) -> MetricRange:
    """Return the range of the objective, as the dataset declares it (`valid_min`, `valid_max`).

    A declared end that an objective lies beyond is wrong, and moves out to that objective.

    Args:
        study: A study, or its reruns.
    """
    objective = study["objective"]
    low = float(objective.attrs.get("valid_min", -math.inf))
    high = float(objective.attrs.get("valid_max", math.inf))
    values = objective.values[np.isfinite(objective.values)]
    if not len(values):
        return MetricRange(low, high)
    return MetricRange(min(low, float(values.min())), max(high, float(values.max())))
