"""A language model of letters whose training batches come from a text, and streams of arrays."""

import jax
import jax.numpy as jnp
import numpy as np

from tests.engine.quadratic import BEST_LOSS
from tuning_playbook import Metric
from tuning_playbook.engine.data import place_data
from tuning_playbook.engine.order import Order
from tuning_playbook.engine.program import Program
from tuning_playbook.engine.run import train_group
from tuning_playbook.engine.stream import stream_of


def as_stream(arrays):
    """Return the batches of an array of examples as a workload would make them."""
    examples = len(next(iter(arrays.values())))

    def stream(seed, step, batch_size):
        index = Order([seed], examples, batch_size).batches(step, 1)[0, 0]
        return {name: array[index] for name, array in arrays.items()}

    return stream


class Letters:
    """A table of the next letter's logits, trained on a text of eight letters."""

    hyperparameters = ()
    metrics = (Metric("loss", "cross entropy of the next letter", "nat"),)
    length = 9

    def text(self):
        steps = np.random.default_rng(3).integers(1, 3, 4000)
        return (np.cumsum(steps) % 8).astype(np.uint8)  # entropy of the next letter: ln 2

    def load_data(self):
        windows = np.lib.stride_tricks.sliding_window_view(self.text()[3000:], self.length)
        return {"validation": {"text": windows[:: self.length]}}

    def data_version(self):
        return "letters"

    def train_batches(self, seed, step, batch_size):
        starts = np.random.default_rng([seed, step]).integers(0, 3000 - self.length, batch_size)
        return {"text": self.text()[starts[:, None] + np.arange(self.length)]}

    def init(self, key, hyperparameters):
        return {"params": {"table": jnp.zeros((8, 8))}}

    def apply(self, variables, batch, *, hyperparameters, key, train):
        letters = batch["text"].astype(jnp.int32)
        log_p = jax.nn.log_softmax(variables["params"]["table"])
        return {"loss": -log_p[letters[:, :-1], letters[:, 1:]].mean(axis=1)}, {}


def train_letters(*trials, **others):
    """Train trials of `Letters` in one group."""
    workload = Letters()
    data = place_data(workload.load_data(), trials[0].batch_size, 0)
    program = Program(trials[0], workload, data, 0)
    return train_group(program, trials, BEST_LOSS, stream=stream_of(workload), **others).finished
