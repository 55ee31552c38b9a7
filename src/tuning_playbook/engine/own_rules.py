"""A workload's own optimizer, schedule and weight-decay mask.

They are built again in each step from that step's numbers, so that all their hyperparameters are
arguments of the compiled program.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from tuning_playbook.engine.optimizers import DecayMask
from tuning_playbook.engine.schedules import warmup_factor
from tuning_playbook.workloads.protocol import Workload

OWN = "workload"
"""The name in a spec of a workload's own optimizer and of its own schedule."""


def own_optimizer(
    workload: Workload, own: Mapping[str, Any], learning_rate: Any
) -> optax.GradientTransformation:
    """Return the workload's own update rule.

    Args:
        workload: The workload.
        own: Its hyperparameters.
        learning_rate: The learning rate of this step.
    """
    make: Any = getattr(workload, "optimizer", None)
    rule: optax.GradientTransformation = make(own, learning_rate)
    return rule


def own_rate(
    workload: Workload,
    own: Mapping[str, Any],
    values: Mapping[str, Any],
    step: jax.Array,
    last: int,
) -> jax.Array:
    """Return the learning rate of a step from the workload's own schedule, a float32 scalar.

    Args:
        workload: The workload.
        own: Its hyperparameters; its schedule also receives the base learning rate.
        values: All hyperparameters.
        step: The number of steps already taken.
        last: The length of the run.
    """
    make: Any = getattr(workload, "schedule", None)
    rate = make({**own, "learning_rate": values["learning_rate"]}, step, last)
    return jnp.asarray(rate, jnp.float32) * warmup_factor(values["warmup_steps"], step)


def own_decay_mask(workload: Workload) -> DecayMask | None:
    """Return the workload's own mask of which parameters decay; None if all do."""
    mask: DecayMask | None = getattr(workload, "decay_mask", None)
    return mask
