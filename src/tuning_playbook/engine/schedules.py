"""Learning rate schedules: a warmup, a hold, then a decay, each a factor of the base learning rate.

Every number is traced, so that tuning a schedule needs no new compilation. Source: the playbook,
"Learning rate warmup" and "What is the best learning rate decay schedule family?".
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from tuning_playbook.study.schedule_hyperparameters import OWN_DROPS

Numbers = Mapping[str, jax.Array | float]
"""Numeric hyperparameters by name: traced scalars, or plain numbers if a feature is off."""


def learning_rate(
    schedule: str, hyperparameters: Numbers, step: jax.Array, max_train_steps: int
) -> jax.Array:
    """Return the learning rate of a step.

    Over the first `warmup_steps` the rate rises linearly: the step numbered k (from 0) has
    (k + 1) / warmup_steps of the base rate. Over the next `hold_steps` it stays there. Then the
    decay of the schedule begins, at its own step 0.

    Args:
        schedule: Its name, one of `study.schedule_hyperparameters.SCHEDULES`.
        hyperparameters: `learning_rate`, `warmup_steps` and the schedule's own.
        step: The number of steps already taken, a scalar.
        max_train_steps: The length of the run, warmup and hold included.
    """
    warmup = jnp.asarray(hyperparameters["warmup_steps"], jnp.float32)
    begin = warmup + jnp.asarray(hyperparameters.get("hold_steps", 0), jnp.float32)
    step = step.astype(jnp.float32)
    rest = jnp.maximum(max_train_steps - begin, 1.0)
    given = jnp.asarray(hyperparameters.get("decay_steps", 0), jnp.float32)
    decay = jnp.where(given > 0, given, rest)
    after = jnp.maximum(step - begin, 0.0)
    rising = warmup_factor(warmup, step)
    factor = FACTORS[schedule](after, decay, hyperparameters)
    return hyperparameters["learning_rate"] * rising * factor


def warmup_factor(warmup_steps: jax.Array | float, step: jax.Array) -> jax.Array:
    """Return the factor by which the warmup reduces the learning rate of a step, a scalar.

    Args:
        warmup_steps: The number of steps over which the rate rises.
        step: The number of steps already taken.
    """
    step = step.astype(jnp.float32)
    warmup = jnp.asarray(warmup_steps, jnp.float32)
    return jnp.minimum((step + 1.0) / jnp.maximum(warmup, 1.0), 1.0)


def _constant(step: jax.Array, decay: jax.Array, hyperparameters: Numbers) -> jax.Array:
    del decay, hyperparameters
    return jnp.ones_like(step)


def _linear(step: jax.Array, decay: jax.Array, hyperparameters: Numbers) -> jax.Array:
    """Return the factor that falls linearly from 1 to `end_factor` and stays there."""
    end = hyperparameters["end_factor"]
    return 1.0 + (end - 1.0) * jnp.minimum(step / decay, 1.0)


def _cosine(step: jax.Array, decay: jax.Array, hyperparameters: Numbers) -> jax.Array:
    """Return the factor that falls along half a cosine from 1 to `end_factor` and stays there."""
    end = hyperparameters["end_factor"]
    return end + (1.0 - end) * 0.5 * (1.0 + jnp.cos(jnp.pi * jnp.minimum(step / decay, 1.0)))


def _polynomial(step: jax.Array, decay: jax.Array, hyperparameters: Numbers) -> jax.Array:
    """Return the factor that falls from 1 to `end_factor` as (1 - step / decay) ** `power`."""
    end = hyperparameters["end_factor"]
    left = 1.0 - jnp.minimum(step / decay, 1.0)
    return end + (1.0 - end) * left ** hyperparameters["power"]


def _inverse_sqrt(step: jax.Array, decay: jax.Array, hyperparameters: Numbers) -> jax.Array:
    """Return 1 / sqrt(1 + step / decay), but at least `end_factor`."""
    return jnp.maximum(jax.lax.rsqrt(1.0 + step / decay), hyperparameters["end_factor"])


def _exponential(step: jax.Array, decay: jax.Array, hyperparameters: Numbers) -> jax.Array:
    """Return the factor that falls exponentially to `end_factor` and stays there."""
    return hyperparameters["end_factor"] ** jnp.minimum(step / decay, 1.0)


def _piecewise(step: jax.Array, decay: jax.Array, hyperparameters: Numbers) -> jax.Array:
    """Return the factor after `drops` drops by `drop_factor`, which cut the decay into equal parts.

    A drop with a step of its own happens at that step instead.
    """
    drops = hyperparameters["drops"]
    # One division of whole numbers: it is exact at every step with a drop.
    evenly = jnp.minimum(jnp.floor(step * (drops + 1.0) / decay), drops)
    dropped = evenly
    for number, name in enumerate(OWN_DROPS, 1):
        own = jnp.asarray(hyperparameters[name], jnp.float32)
        moved = jnp.where(step >= own, 1.0, 0.0) - jnp.where(evenly >= number, 1.0, 0.0)
        dropped = dropped + jnp.where((own > 0) & (number <= drops), moved, 0.0)
    return hyperparameters["drop_factor"] ** dropped


FACTORS: dict[str, Callable[[jax.Array, jax.Array, Numbers], jax.Array]] = {
    "constant": _constant,
    "linear": _linear,
    "cosine": _cosine,
    "polynomial": _polynomial,
    "inverse_sqrt": _inverse_sqrt,
    "exponential": _exponential,
    "piecewise": _piecewise,
}
