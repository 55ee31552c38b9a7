"""What a check needs before it can answer, and a launch before it is decided: one place for all.

The checks in `analysis` hold these numbers against what a study has. What a design cannot tell
follows from the same numbers before anything trains (`planning.cannot_tell`). The thresholds that a
spec can set are in `thresholds`.
"""

import math
import re

LEAST_POINTS = 5
"""Fewer evaluations than this leave too few degrees of freedom to tell a trend from noise."""

EARLY = 0.1
"""Of training. Later than that a curve may have gained most of what it gains in all."""

COLLAPSE_EVALUATIONS = 8
"""With fewer a jump cannot be told from what evaluations scatter by."""

PERIODIC_EVALUATIONS = 10
"""Fewer evaluations have hardly a frequency between the trend and every other evaluation."""

SECOND_HALF = 0.5
"""The first half, in which training makes most of its gain, has no steady level to vary about."""

DENSITY_TRIALS = 6
"""With fewer feasible trials there are too few gaps to compare the first ones with."""

SPREAD_TRIALS = 3
"""A standard deviation of fewer objectives says nothing."""

MOST_TOP = 8
"""This many trials count as the top ones: the question is about the neighbourhood of the best one,
not about the trend over the whole range."""

MODEL_TRIALS = 10
"""Feasible trials below which no function of one hyperparameter is known, let alone of two."""

TRIALS_PER_HYPERPARAMETER = 5
"""And this many more are needed for each."""

TERMS_PER_VALUE = 0.5
"""A surface with more terms than this explains noise as well as anything."""

LEARNING_RATE = re.compile(r"(.*_)?(lr|learning_rate)(0|_init|_max|_peak|_base)?")
"""What a learning rate is called, by us or by another tool: `lr`, `adam_learning_rate`."""


def top_count(feasible: int) -> int:
    """Return how many of the feasible trials of an arm count as its top ones."""
    return min(MOST_TOP, feasible)


def top_orders(trials: int) -> int:
    """Return of how many orders of top trials chance draws one; a perfect cluster is one of them.

    Example:
        >>> top_orders(5)
        120
    """
    return math.perm(trials, top_count(trials))


def boundary_can_be_told(trials: int, tests: int, significance: float) -> bool:
    """Whether a perfect cluster of an arm's top trials at an edge is no accident.

    Args:
        trials: Feasible trials of the arm.
        tests: Edges that are asked about in the whole study.
        significance: Share of false alarms that is accepted.
    """
    return tests / top_orders(trials) <= significance


def model_trials(hyperparameters: int) -> int:
    """Return the feasible trials that a function of that many searched hyperparameters takes.

    Example:
        >>> [model_trials(count) for count in (1, 2, 4)]
        [10, 15, 25]
    """
    return MODEL_TRIALS + TRIALS_PER_HYPERPARAMETER * (hyperparameters - 1)


def model_can_be_fitted(trials: int, hyperparameters: int) -> bool:
    """Whether feasible trials are enough for a function of that many searched hyperparameters."""
    return hyperparameters > 0 and trials >= model_trials(hyperparameters)


def best_step_can_be_told(before: int, in_last: int) -> bool:
    """Whether evaluations in the second half of training are spread so that best steps tell.

    Then noise alone puts the best step into the last part with a probability of about one half at
    most: the last evaluation, at the end, may be one more.

    Args:
        before: Evaluations from the middle of training until its last part.
        in_last: Evaluations in the last part.
    """
    return before >= max(in_last - 1, 1)
