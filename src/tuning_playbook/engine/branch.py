"""Branched training: from a step on, each update uses several batches of the original run.

A step still sees one batch of that run. So a branch and its run see the same examples at the same
step, and their losses at a step come after the same number of examples.

The mean gradient over k batches of B examples is that of one batch of k B examples, up to rounding.
What is not a mean over examples is computed per batch, as in gradient accumulation.

Source: Merrill et al., "Critical Batch Size Revisited", 2025 (branched training).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from tuning_playbook.trials.trial import Trial

Updated = tuple[Any, Any, Any]
"""Parameters and the optimizer's state after an update, and the update itself."""


def branched_rate(rate: jax.Array, step: jax.Array, trial: Trial) -> jax.Array:
    """Return the learning rate of a step of a branch.

    Args:
        rate: The learning rate of the run it branches from.
        step: The number of steps already taken, a scalar.
        trial: The branch.
    """
    factor = (trial.batch_size / trial.step_examples) ** trial.branch_power
    return jnp.where(step < trial.branch_step, rate, rate * factor)


def branched(
    update: Callable[[Any], Updated],
    before: tuple[Any, Any, Any],
    gradient: Any,
    step: jax.Array,
    trial: Trial,
) -> tuple[Updated, Any]:
    """Return the result of a branch's step: an update if it is due, and the gathered gradients.

    Args:
        update: Computes the update from a gradient.
        before: The parameters, the optimizer's state and the sum of the gathered gradients.
        gradient: The mean gradient of the step's batch.
        step: The number of steps already taken, a scalar.
        trial: The branch.
    """
    params, optimizer, gathered = before
    batches = trial.batch_size // trial.step_examples
    since = step - trial.branch_step
    due = (since < 0) | (since % batches == batches - 1)
    total = jax.tree.map(jnp.add, gathered, gradient)
    weight = jnp.where(since < 0, 1.0, 1.0 / batches)
    after = update(jax.tree.map(lambda leaf: leaf * weight.astype(leaf.dtype), total))
    nothing = jax.tree.map(jnp.zeros_like, total)

    def where_due(new: Any, old: Any) -> Any:
        return jax.tree.map(lambda one, other: jnp.where(due, one, other), new, old)

    return where_due(after, (params, optimizer, nothing)), where_due(nothing, total)
