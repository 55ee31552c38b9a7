"""What optax offers as `optax.<name>`, its float arguments being hyperparameters."""

import functools
import inspect
from collections.abc import Callable

import optax

from tuning_playbook.spec.declarations import Hyperparameter

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
    """Return the hyperparameters of each optimizer that optax has a factory of, by `optax.<name>`.

    Those are its arguments with a float default, the learning rate first. What a factory takes
    beside them keeps optax's default.
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
                Hyperparameter(key, parameter.default, f"argument of {PREFIX}{name}")
                for key, parameter in parameters.items()
                if isinstance(parameter.default, float) and key != LEARNING_RATE.name
            ]
            found[f"{PREFIX}{name}"] = (LEARNING_RATE, *own)
    return found


def factory_of(optimizer: str) -> Callable[..., optax.GradientTransformation]:
    """Return optax's factory of the optimizer named `optax.<name>`."""
    factory: Callable[..., optax.GradientTransformation]
    factory = getattr(optax, optimizer.removeprefix(PREFIX))
    return factory
