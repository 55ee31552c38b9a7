"""Call a workload's `apply`, with the step if it takes one."""

import inspect
from collections.abc import Mapping
from typing import Any

import jax

from tuning_playbook.workloads.protocol import HyperparameterValues, Variables, Workload


def takes_step(workload: Workload) -> bool:
    """Return whether a workload's `apply` has a parameter named `step`."""
    try:
        return "step" in inspect.signature(workload.apply).parameters
    except ValueError:  # a callable without a known signature, such as one in C
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
    """Return the result of a workload's `apply`.

    Args:
        workload: The workload.
        variables: Variables as from `init`.
        batch: Arrays of the data, [batch, ...].
        hyperparameters: Those that the workload declares.
        key: Key for a training step's draws.
        train: Whether this is a training step.
        step: The number of steps already taken, a scalar.
    """
    asked: dict[str, Any] = {"step": step} if takes_step(workload) else {}
    return workload.apply(
        variables, batch, hyperparameters=hyperparameters, key=key, train=train, **asked
    )
