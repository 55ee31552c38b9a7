"""The optimizers `optax.<name>`: their float and bool arguments are hyperparameters."""

import functools
import inspect
from collections.abc import Callable
from typing import get_args

import optax

from tuning_playbook.declarations import Hyperparameter

PREFIX = "optax."

LEARNING_RATE = Hyperparameter("learning_rate", 1e-3, "factor of the update at every step", low=0.0)

NOT_OPTIMIZERS = {
    "lbfgs",  # needs the loss itself, not only its gradient
    "noisy_sgd",  # needs a random key of its own
    "optimistic_adam",  # gave way to optimistic_adam_v2
    "scale_by_learning_rate",
    "scale_by_rprop",
}


@functools.cache
def optax_optimizers() -> dict[str, tuple[Hyperparameter, ...]]:
    """Return the hyperparameters of each optimizer that has an optax factory, by `optax.<name>`.

    Those are its float and bool arguments, the learning rate first. A feature that optax leaves out
    by default, such as the momentum of `optax.sgd`, is left out at 0. Other arguments of a factory
    keep optax's default.
    """
    found = {}
    for name in dir(optax):
        factory = getattr(optax, name)
        made = inspect.isfunction(factory) or isinstance(factory, functools.partial)
        if name.startswith("_") or name in NOT_OPTIMIZERS or not made:
            continue
        parameters = inspect.signature(factory).parameters
        if "learning_rate" in parameters:
            own = [
                _hyperparameter(parameter, f"argument of {PREFIX}{name}")
                for key, parameter in parameters.items()
                if key != LEARNING_RATE.name
            ]
            found[f"{PREFIX}{name}"] = (LEARNING_RATE, *(item for item in own if item))
    return found


def _hyperparameter(parameter: inspect.Parameter, description: str) -> Hyperparameter | None:
    """Return the hyperparameter of a factory's argument; None if it is not a float or bool."""
    truth_value = isinstance(parameter.default, bool) and not parameter.name.endswith("mask")
    if isinstance(parameter.default, float) or truth_value:
        return Hyperparameter(parameter.name, parameter.default, description)
    if parameter.default is None and float in get_args(parameter.annotation):
        return Hyperparameter(parameter.name, 0.0, f"{description}, left out at 0", off=0.0)
    return None


def mask_argument(optimizer: str) -> str:
    """Return the name of the argument that sets which parameters decay; empty if there is none."""
    parameters = inspect.signature(factory_of(optimizer)).parameters
    return next((name for name in ("mask", "weight_decay_mask") if name in parameters), "")


def factory_of(optimizer: str) -> Callable[..., optax.GradientTransformation]:
    """Return optax's factory of the optimizer named `optax.<name>`."""
    factory: Callable[..., optax.GradientTransformation]
    factory = getattr(optax, optimizer.removeprefix(PREFIX))
    return factory
