"""The compiled program of a trial: initialise, train some steps, evaluate.

Numeric hyperparameters and the seed are arguments, so trials that differ only in them share one
program. Data order and every draw are functions of (seed, step) alone: a trial that is stopped and
resumed goes on as if nothing had been.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tuning_playbook.errors import InfeasibleConfigurationError
from tuning_playbook.search.fingerprint import Trial, canonical
from tuning_playbook.spec.optimizers import COMMON, OPTIMIZERS
from tuning_playbook.training.evaluation import (
    Split,
    batched,
    training_sample,
    weighted_means,
)
from tuning_playbook.training.optimizers import make_optimizer
from tuning_playbook.workloads.protocol import Arrays, Variables, Workload

INIT_STREAM, ORDER_STREAM, STEP_STREAM = range(3)
"""The random streams of a trial: its initial weights, the order of its data, its steps."""

MAX_WINDOWS = 250
"""Most windows that the series over training steps is kept in."""

EVALUATED_SPLITS = ("train", "validation")
"""The test split is read once, at the end, on purpose; no trial evaluates it."""

Metrics = dict[str, dict[str, jax.Array]]
"""Each split's metrics, by name."""


class TrainState(NamedTuple):
    """What a step changes.

    Attributes:
        variables: The model's.
        optimizer: The optimizer's.
        order: The order of the training examples in the current epoch, [examples].
    """

    variables: Variables
    optimizer: optax.OptState
    order: jax.Array


class Series(NamedTuple):
    """What is logged of the steps between two evaluations, in windows; each [windows].

    `grad_norm` is the unclipped global L2 norm; all but the maximum are means over a window.
    """

    train_loss: jax.Array
    grad_norm: jax.Array
    grad_norm_max: jax.Array
    update_norm: jax.Array
    learning_rate_t: jax.Array


class Data(NamedTuple):
    """The data on the device.

    Attributes:
        train: Training examples, [examples, ...].
        evaluated: What each evaluated split is measured on.
    """

    train: Mapping[str, jax.Array]
    evaluated: Mapping[str, Split]


def place_data(splits: Mapping[str, Arrays], batch_size: int) -> Data:
    """Put on the device what training at `batch_size` and its evaluations read."""
    size = len(next(iter(splits["validation"].values())))
    measured = {"train": training_sample(splits["train"], size), "validation": splits["validation"]}
    evaluated = {name: batched(arrays, batch_size) for name, arrays in measured.items()}
    placed: tuple[dict[str, jax.Array], dict[str, Split]]
    placed = jax.device_put((dict(splits["train"]), evaluated))
    return Data(*placed)


def window_of(trial: Trial) -> int:
    """Return the steps of a window: the fewest that divide `eval_every` and keep windows few."""
    for window in range(1, trial.eval_every + 1):
        if trial.eval_every % window == 0 and trial.max_train_steps // window <= MAX_WINDOWS:
            return window
    return trial.eval_every


def signature(trial: Trial, workload: Workload) -> str:
    """Return what decides a trial's compiled program; trials that share it compile once."""
    traced = set(traced_names(trial, workload))
    static = {name: value for name, value in trial.hyperparameters.items() if name not in traced}
    training = [trial.max_train_steps, trial.batch_size, trial.eval_every, trial.lanes]
    return canonical([static, training, _decays(trial)])


def traced_names(trial: Trial, workload: Workload) -> list[str]:
    """Return the names of the hyperparameters that the program takes as arguments."""
    optimizer = str(trial.hyperparameters["optimizer"])
    declared = (*OPTIMIZERS[optimizer], *COMMON, *workload.hyperparameters)
    return sorted(item.name for item in declared if item.traced)


def _decays(trial: Trial) -> bool:
    return trial.hyperparameters["weight_decay"] != 0.0


@dataclass
class Program:
    """The compiled program of every trial with one signature.

    Each function takes arrays with a leading axis of `lanes` where `lanes` is above one.

    Attributes:
        trial: Any trial of the signature.
        workload: Its workload.
        data: The data, on the device.
        compile_seconds: Spent compiling, so far.
        compilations: How many functions were compiled.
    """

    trial: Trial
    workload: Workload
    data: Data
    compile_seconds: float = 0.0
    compilations: int = 0
    _compiled: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a batch that is larger than the training set."""
        if self.trial.batch_size > self.examples:
            raise InfeasibleConfigurationError(
                f"batch_size {self.trial.batch_size} is larger than the training set "
                f"({self.examples} examples)"
            )

    @property
    def examples(self) -> int:
        """Return the number of training examples."""
        return len(next(iter(self.data.train.values())))

    @property
    def windows(self) -> int:
        """Return the number of windows between two evaluations."""
        return self.trial.eval_every // window_of(self.trial)

    def arguments(self, trials: Sequence[Trial]) -> tuple[Any, Any]:
        """Return the seeds and the traced hyperparameters of the trials of one group of lanes."""
        names = traced_names(self.trial, self.workload)
        seeds = np.array([trial.seed for trial in trials], np.uint32)
        values = {
            name: np.array([trial.hyperparameters[name] for trial in trials], np.float32)
            for name in names
        }
        if self.trial.lanes == 1:
            return seeds[0], {name: array[0] for name, array in values.items()}
        return seeds, values

    def init(self, seed: Any, traced: Any) -> TrainState:
        """Return the state before the first step."""
        state: TrainState = self._call("init", self._init, (0, 0), seed, traced)
        return state

    def train(
        self, state: TrainState, first_step: int, seed: Any, traced: Any, bound: Any
    ) -> tuple[TrainState, Series, jax.Array]:
        """Train `eval_every` steps.

        Args:
            state: Where to begin.
            first_step: The number of steps already taken, the same for every lane.
            seed: Of the trial.
            traced: Its numeric hyperparameters.
            bound: A training loss above it counts as divergence.

        Returns:
            The state after, the series in windows, and the number of the first step that
            diverged (counted from one), or -1.
        """
        after: tuple[TrainState, Series, jax.Array] = self._call(
            "train",
            self._train,
            (0, None, 0, 0, 0),
            state,
            np.int32(first_step),
            seed,
            traced,
            bound,
        )
        return after

    def evaluate(self, variables: Variables, traced: Any) -> Metrics:
        """Return every metric of every evaluated split."""
        metrics: Metrics = self._call("evaluate", self._evaluate, (0, 0), variables, traced)
        return metrics

    def _call(
        self, name: str, function: Callable[..., Any], lanes: tuple[int | None, ...], *args: Any
    ) -> Any:
        """Compile a function the first time, then run it.

        Compiling apart from running makes its time known, and a call with arrays of other shapes an
        error instead of a silent compilation.
        """
        if name not in self._compiled:
            if self.trial.lanes > 1:
                function = jax.vmap(function, in_axes=(*lanes, None))
            started = time.perf_counter()
            self._compiled[name] = jax.jit(function).lower(*args, self.data).compile()
            self.compile_seconds += time.perf_counter() - started
            self.compilations += 1
        return self._compiled[name](*args, self.data)

    def _hyperparameters(self, traced: Mapping[str, jax.Array]) -> dict[str, Any]:
        """Return the workload's own: static ones as Python values, traced ones as scalars."""
        return {
            item.name: traced.get(item.name, self.trial.hyperparameters[item.name])
            for item in self.workload.hyperparameters
        }

    def _optimizer(self, traced: Mapping[str, jax.Array]) -> optax.GradientTransformation:
        name = str(self.trial.hyperparameters["optimizer"])
        return make_optimizer(name, traced, weight_decay=_decays(self.trial))

    def _init(self, seed: jax.Array, traced: Mapping[str, jax.Array], data: Data) -> TrainState:
        del data
        key = jax.random.fold_in(jax.random.key(seed), INIT_STREAM)
        variables = dict(self.workload.init(key, self._hyperparameters(traced)))
        optimizer = self._optimizer(traced).init(variables["params"])
        return TrainState(variables, optimizer, jnp.arange(self.examples, dtype=jnp.int32))

    def _train(
        self,
        state: TrainState,
        first_step: jax.Array,
        seed: jax.Array,
        traced: Mapping[str, jax.Array],
        bound: jax.Array,
        data: Data,
    ) -> tuple[TrainState, Series, jax.Array]:
        root = jax.random.key(seed)
        order_key = jax.random.fold_in(root, ORDER_STREAM)
        step_key = jax.random.fold_in(root, STEP_STREAM)
        batch_size = self.trial.batch_size
        steps_per_epoch = self.examples // batch_size
        hyperparameters = self._hyperparameters(traced)
        optimizer = self._optimizer(traced)

        def shuffle(epoch: jax.Array) -> jax.Array:
            order = jax.random.permutation(jax.random.fold_in(order_key, epoch), self.examples)
            return order.astype(jnp.int32)

        def step(state: TrainState, number: jax.Array) -> tuple[TrainState, tuple[Any, ...]]:
            epoch, batch_number = number // steps_per_epoch, number % steps_per_epoch
            order = jax.lax.cond(batch_number == 0, shuffle, lambda _: state.order, epoch)
            index = jax.lax.dynamic_slice_in_dim(order, batch_number * batch_size, batch_size)
            batch = {name: array[index] for name, array in data.train.items()}
            key = jax.random.fold_in(step_key, number)
            rest = {name: part for name, part in state.variables.items() if name != "params"}

            def mean_loss(params: Any) -> tuple[jax.Array, Variables]:
                per_example, updated = self.workload.apply(
                    {"params": params, **rest},
                    batch,
                    hyperparameters=hyperparameters,
                    key=key,
                    train=True,
                )
                return jnp.mean(per_example["loss"]), updated

            params = state.variables["params"]
            (loss, updated), gradient = jax.value_and_grad(mean_loss, has_aux=True)(params)
            updates, optimizer_state = optimizer.update(gradient, state.optimizer, params)
            variables = {"params": optax.apply_updates(params, updates), **rest, **updated}
            logged = (
                loss,
                optax.tree.norm(gradient),
                optax.tree.norm(updates),
                traced["learning_rate"],
            )
            return TrainState(variables, optimizer_state, order), logged

        numbers = first_step + jnp.arange(self.trial.eval_every, dtype=jnp.int32)
        state, (loss, norm, update_norm, rate) = jax.lax.scan(step, state, numbers)
        bad = ~(jnp.isfinite(loss) & jnp.isfinite(norm) & (loss <= bound))
        first_bad = jnp.where(jnp.any(bad), first_step + jnp.argmax(bad) + 1, -1)

        def mean(values: jax.Array) -> jax.Array:
            return values.reshape(self.windows, -1).mean(axis=1)

        highest = norm.reshape(self.windows, -1).max(axis=1)
        series = Series(mean(loss), mean(norm), highest, mean(update_norm), mean(rate))
        return state, series, first_bad

    def _evaluate(
        self, variables: Variables, traced: Mapping[str, jax.Array], data: Data
    ) -> Metrics:
        hyperparameters = self._hyperparameters(traced)
        key = jax.random.key(0)  # an evaluation draws nothing; the protocol asks for a key

        def per_example(batch: Mapping[str, jax.Array]) -> Mapping[str, jax.Array]:
            values, _ = self.workload.apply(
                variables, batch, hyperparameters=hyperparameters, key=key, train=False
            )
            return {item.name: values[item.name] for item in self.workload.metrics}

        return {
            split: weighted_means(per_example, data.evaluated[split]) for split in EVALUATED_SPLITS
        }
