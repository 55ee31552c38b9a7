"""A workload whose batches and whose steps take a time that is known, however fast the machine."""

import time

import jax
import jax.numpy as jnp
import numpy as np

from tests.engine.texts import Letters
from tuning_playbook.engine.feed import READING_THREADS

STEP_SECONDS = 0.01
"""What the device takes for a training step."""


class SlowInput(Letters):
    """Letters whose steps, evaluations and batches take a time that is set.

    Attributes:
        times: What a batch takes, all readers together, as a multiple of a step.
        evaluation: What an evaluation takes, as a multiple of a step.
    """

    times = 9.0
    evaluation = 0.0

    def train_batches(self, seed, step, batch_size):
        time.sleep(self.times * READING_THREADS * STEP_SECONDS)
        return super().train_batches(seed, step, batch_size)

    def apply(self, variables, batch, *, hyperparameters, key, train):
        losses, updated = super().apply(
            variables, batch, hyperparameters=hyperparameters, key=key, train=train
        )
        times = 1.0 if train else self.evaluation
        spent = sleep(times * STEP_SECONDS, batch["text"][0, 0]) if times else 0.0
        return {"loss": losses["loss"] + spent}, updated


def sleep(seconds, after):
    """Return a zero that takes the device some seconds, once something is there."""

    def asleep(ignored):
        time.sleep(seconds)
        return np.float32(0.0)

    zero = jax.pure_callback(asleep, jax.ShapeDtypeStruct((), jnp.float32), after)
    return jax.lax.stop_gradient(zero)


class BusyDevice(Letters):
    """Letters whose steps keep the device computing, as a sleep on the host would not."""

    def apply(self, variables, batch, *, hyperparameters, key, train):
        losses, updated = super().apply(
            variables, batch, hyperparameters=hyperparameters, key=key, train=train
        )
        if train:
            first = jnp.ones((20_000,)) * batch["text"][0, 0]
            last = jax.lax.fori_loop(0, 1000, lambda _, made: jnp.tanh(made) + 0.1, first)
            losses = {"loss": losses["loss"] + 1e-9 * jax.lax.stop_gradient(last[0])}
        return losses, updated
