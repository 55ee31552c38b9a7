"""Trials that fit their training set after a known number of steps."""

import math
from dataclasses import replace

import numpy as np

from tests.procedures.simulated import outcome

EVERY = 10
"""Steps between evaluations."""


def spec(steps=400, **changes):
    """Return the spec of `steps_to_fit`, with changes."""
    return {
        "goal": "How many steps does it take?",
        "workload": "separable",
        "objective": {"metric": "train/error_rate", "mode": "min", "target": 0.0},
        "training": {"max_train_steps": steps, "batch_size": 64, "eval_every": EVERY},
        "fixed": {"optimizer": "sgd"},
    } | changes


def trials(fit_after, *, breaks_above=math.inf, seeds=None):
    """Return what trains: a metric that falls evenly from 1 to 0, which is the target.

    Args:
        fit_after: The steps that it takes, by the learning rate.
        breaks_above: A rate above which trials diverge.
        seeds: By what a seed multiplies the steps, by its number; it diverges where that is
            infinite.
    """

    def train(values, training, rerun=0):
        rate, length = values["learning_rate"], training["max_train_steps"]
        factor = (seeds or {}).get(rerun, 1.0)
        needed = fit_after(rate) * factor
        losses = np.maximum(0.0, 1.0 - np.arange(length) / max(needed, 1))
        if rate > breaks_above or not math.isfinite(factor):
            return outcome(values, training, losses[:5], losses[:5], diverged=True, best=None)
        evaluated = math.ceil(needed / EVERY) * EVERY
        reached = evaluated <= length
        best = 0.0 if reached else 1.0 - length / needed
        found = outcome(values, training, losses, losses, diverged=False, best=1.0 * evaluated)
        loss = float(evaluated) if reached else length + EVERY * (1 + best)
        return replace(found, loss=loss, best_value=best, censored=not reached)

    return train
