"""Workloads that probes have trouble with."""

import time

import jax
import jax.numpy as jnp
import numpy as np

from tuning_playbook import InfeasibleConfigurationError
from tuning_playbook.workloads.digits_mlp import DigitsMLP

TOO_LARGE = 64
"""The batch size from which the models here cannot be trained."""


class SlowReader(DigitsMLP):
    """Digits of which every batch takes a while to be read."""

    def load_data(self):
        splits = dict(super().load_data())
        self.examples = splits.pop("train")
        return splits

    def data_version(self):
        return "1"

    def train_batches(self, seed, step, batch_size):
        time.sleep(0.04)
        chosen = np.random.default_rng([seed, step]).integers(0, 100, batch_size)
        return {name: array[chosen] for name, array in self.examples.items()}


class Greedy(DigitsMLP):
    """Digits for whose larger batches the allocator is asked for more than there is."""

    def apply(self, variables, batch, **given):
        if len(next(iter(batch.values()))) == TOO_LARGE:
            with jax.ensure_compile_time_eval():
                jnp.zeros(10**14)
        return super().apply(variables, batch, **given)


class Refusing(DigitsMLP):
    """Digits that say themselves what they cannot do."""

    def apply(self, variables, batch, **given):
        raise InfeasibleConfigurationError("batches are too large for this model")


class Broken(DigitsMLP):
    """Digits with a mistake."""

    def apply(self, variables, batch, **given):
        raise KeyError("pixels")
