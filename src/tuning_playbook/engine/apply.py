"""Call a workload's `apply`, with the step where it asks for it."""

import inspect
from collections.abc import Mapping
from typing import Any

import jax

from tuning_playbook.workloads.protocol import HyperparameterValues, Variables, Workload


def takes_step(workload: Workload) -> bool:
    """Return whether a workload's `apply` has a parameter of the name `step`."""
    try:
        return "step" in inspect.signature(workload.apply).parameters
    except ValueError:  # a callable whose signature cannot be known, one of C
        return False


def call_apply(
    workload: Workload,
    variables: Variables,
    batch: Mapping[str, jax.Array],
    *,
    hyperparameters: HyperparameterValues,
    key: jax.Array,
    train: bool,
    step: Any,
) -> tuple[Mapping[str, jax.Array], Variables]:
    """Return what a workload's `apply` does.

    Args:
        workload: It.
        variables: As from `init`.
        batch: Arrays of the data, [batch, ...].
        hyperparameters: Those that it declares.
        key: For a training step's draws.
        train: Whether this is a training step.
        step: The number of steps already taken, a scalar.
    """
    asked: dict[str, Any] = {"step": step} if takes_step(workload) else {}
    return workload.apply(
        variables, batch, hyperparameters=hyperparameters, key=key, train=train, **asked
    )
