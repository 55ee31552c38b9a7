"""The optimizer, the schedule and the mask of weight decay that a workload makes itself.

They are built anew in each step, from the numbers of that step, so that whatever hyperparameters
they have are arguments of the compiled program.
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
"""The name of a workload's own optimizer and of its own schedule, in a spec."""


def own_optimizer(
    workload: Workload, own: Mapping[str, Any], learning_rate: Any
) -> optax.GradientTransformation:
    """Return the update rule that a workload makes.

    Args:
        workload: It.
        own: Its hyperparameters.
        learning_rate: Of this step.
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
    """Return the learning rate of a step by a workload's own schedule, a float32 scalar.

    Args:
        workload: It.
        own: Its hyperparameters; its schedule is given the base learning rate, too.
        values: All hyperparameters.
        step: The number of steps already taken.
        last: The length of the run.
    """
    make: Any = getattr(workload, "schedule", None)
    rate = make({**own, "learning_rate": values["learning_rate"]}, step, last)
    return jnp.asarray(rate, jnp.float32) * warmup_factor(values["warmup_steps"], step)


def own_decay_mask(workload: Workload) -> DecayMask | None:
    """Return a workload's own answer to which parameters decay; None where all do."""
    mask: DecayMask | None = getattr(workload, "decay_mask", None)
    return mask
