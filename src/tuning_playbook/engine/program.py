"""The compiled program of a trial: initialise, train some steps, evaluate.

Numeric hyperparameters and the seed are arguments, so trials that differ only in them share one
program. Data order and every draw are functions of (seed, step) alone, so a trial that is stopped
and resumed gives the same numbers.
"""

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tuning_playbook.engine.accumulation import accumulated
from tuning_playbook.engine.apply import call_apply
from tuning_playbook.engine.branch import branched, branched_rate
from tuning_playbook.engine.data import Data
from tuning_playbook.engine.devices import ONE_DEVICE, Spread
from tuning_playbook.engine.evaluation import (
    weighted_means,
)
from tuning_playbook.engine.layout import Layout, layout
from tuning_playbook.engine.optimizers import global_norm, make_optimizer, off
from tuning_playbook.engine.own_rules import OWN, own_decay_mask, own_optimizer, own_rate
from tuning_playbook.engine.schedules import learning_rate
from tuning_playbook.engine.whole_split import examples_of, whole_metrics
from tuning_playbook.errors import InfeasibleConfigurationError
from tuning_playbook.trials.record import EVALUATED_SPLITS
from tuning_playbook.trials.trial import Trial, canonical
from tuning_playbook.workloads.protocol import Arrays, Variables, Workload

INIT_STREAM, ORDER_STREAM, STEP_STREAM = range(3)
"""The random streams of a trial: its initial weights, the order of its data, its steps."""

Metrics = dict[str, dict[str, jax.Array]]
"""Each split's metrics, by name."""


class TrainState(NamedTuple):
    """The values that a step changes.

    Attributes:
        variables: The model's variables.
        optimizer: The optimizer's state, for the parameters in the loop's form (`layout.py`).
        average: The decaying sum of the parameters in that form, with Polyak averaging; else ().
        gathered: The sum of the gradients for the next update of a branch, in that form; () if the
            trial is not a branch.
    """

    variables: Variables
    optimizer: optax.OptState
    average: Any
    gathered: Any = ()


class Steps(NamedTuple):
    """The logged values of every step; each [steps].

    `grad_norm` is the global L2 norm of the gradient before clipping, including regularization.
    """

    train_loss: jax.Array
    grad_norm: jax.Array
    update_norm: jax.Array
    learning_rate_t: jax.Array


def signature(trial: Trial) -> str:
    """Return the key of a trial's compiled program; trials with the same key compile once."""
    static = {
        name: value for name, value in trial.hyperparameters.items() if name not in trial.traced
    }
    training = [trial.max_train_steps, trial.batch_size, trial.eval_every, trial.dense_until]
    width = [trial.lanes, trial.devices, trial.microbatch]
    branch = [trial.branch_step, trial.branch_batch, trial.branch_power]
    return canonical([static, trial.traced, training, width, branch])


@dataclass
class Program:
    """The compiled program of every trial with one signature.

    Each function takes arrays with a leading axis of `lanes` where `lanes` is above one.

    Attributes:
        trial: Any trial of the signature.
        workload: Its workload.
        data: The data on the device.
        examples: The number of training examples; 0 if the workload makes the batches.
        spread: The devices that share its batches.
        compile_seconds: The time spent compiling so far.
        compilations: The number of compiled functions.
    """

    trial: Trial
    workload: Workload
    data: Data
    examples: int
    spread: Spread = ONE_DEVICE
    compile_seconds: float = 0.0
    compilations: int = 0
    _compiled: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a batch that is larger than the training set, or cannot be divided."""
        if self.trial.step_examples > self.examples > 0:
            raise InfeasibleConfigurationError(
                f"batch_size {self.trial.step_examples} is larger than the training set "
                f"({self.examples} examples)"
            )
        if self.trial.step_examples % self.spread.parts:
            raise InfeasibleConfigurationError(
                f"batch_size {self.trial.step_examples} cannot be shared out evenly among "
                f"{self.spread.parts} devices"
            )
        if self.trial.step_examples % self.trial.computed_at_once:
            raise InfeasibleConfigurationError(
                f"batch_size {self.trial.step_examples} cannot be cut into equal parts of "
                f"{self.trial.microbatch} examples (training.microbatch)"
            )

    def arguments(self, trials: Sequence[Trial]) -> tuple[Any, Any]:
        """Return the seeds and the traced hyperparameters of the trials in a group of lanes."""
        seeds = np.array([trial.seed for trial in trials], np.uint32)
        values = {
            name: np.array([trial.hyperparameters[name] for trial in trials], np.float32)
            for name in self.trial.traced
        }
        if self.trial.lanes == 1:
            return seeds[0], {name: array[0] for name, array in values.items()}
        return seeds, values

    def init(self, seed: Any, traced: Any) -> TrainState:
        """Return the state before the first step."""
        state: TrainState = self._call("init", self._init, (0, 0), seed, traced)
        return state

    def train(
        self, state: TrainState, first_step: int, steps: int, seed: Any, traced: Any, fed: Any
    ) -> tuple[TrainState, Steps]:
        """Train some steps.

        Args:
            state: The state at the start.
            first_step: The number of steps already taken, the same for every lane.
            steps: How many to take; each number needs its own compiled program.
            seed: The trial's seed.
            traced: Its numeric hyperparameters.
            fed: The indices of each step's examples, [steps, batch]; or the examples by name, if
                the training split stays on the host.

        Returns:
            The state after, and the logged values of each step.
        """

        def train(*arguments: Any) -> tuple[TrainState, Steps]:
            return self._train(steps, *arguments)

        after: tuple[TrainState, Steps] = self._call(
            f"train {steps}",
            train,
            (0, None, 0, 0, 0),
            state,
            np.int32(first_step),
            seed,
            traced,
            fed,
        )
        return after

    def evaluated(self, state: TrainState, step: int, traced: Any) -> Variables:
        """Return the variables to evaluate: with averaged parameters if averaging is on."""
        if self._off("polyak_decay") or step == 0:
            return state.variables
        variables: Variables = self._call(
            "average", self._averaged, (0, None, 0), state, np.int32(step), traced
        )
        return variables

    def evaluate(self, variables: Variables, traced: Any, step: int = 0) -> Metrics:
        """Return every metric of every evaluated split, after this many steps."""
        metrics: Metrics = self._call(
            "evaluate", self._evaluate, (0, 0, None), variables, traced, np.int32(step)
        )
        return metrics

    def outputs(self, variables: Variables, traced: Any) -> dict[str, Any]:
        """Return the predictions of every evaluated split, if a metric is of a whole split.

        Each is a pytree of [batches, batch, ...], including padding; the result is empty if every
        metric is a mean over examples.
        """
        if not whole_metrics(self.workload):
            return {}
        outputs: dict[str, Any] = self._call("outputs", self._outputs, (0, 0), variables, traced)
        return outputs

    @functools.cached_property
    def examples_seen(self) -> dict[str, Arrays]:
        """Return the examples of every evaluated split on the host, for `summarize`."""
        if not whole_metrics(self.workload):
            return {}
        return {name: examples_of(split) for name, split in self.data.evaluated.items()}

    def examine(self, variables: Variables, traced: Any, step: np.ndarray) -> dict[str, Any]:
        """Return each metric of each validation example, and its prediction if there is one.

        Each is [batches, batch, ...], including padding; a prediction may be a pytree of such
        arrays. Each lane has its own number of steps taken.
        """
        found: dict[str, Any] = self._call(
            "examine", self._examine, (0, 0, 0), variables, traced, step
        )
        return found

    def _call(
        self, name: str, function: Callable[..., Any], lanes: tuple[int | None, ...], *args: Any
    ) -> Any:
        """Compile a function the first time, then run it.

        Compiling separately makes its time known, and makes a call with arrays of other shapes an
        error instead of a silent compilation.
        """
        if name not in self._compiled:
            if self.trial.lanes > 1:
                function = jax.vmap(function, in_axes=(*lanes, None))
            started = time.perf_counter()
            self._compiled[name] = self.spread.compile(function, *args, self.data)
            self.compile_seconds += time.perf_counter() - started
            self.compilations += 1
        return self._compiled[name](*args, self.data)

    def _off(self, name: str) -> bool:
        return name not in self.trial.traced

    def _values(self, traced: Mapping[str, jax.Array]) -> dict[str, Any]:
        """Return every hyperparameter: static ones as Python values, traced ones as scalars."""
        return {**self.trial.hyperparameters, **traced}

    def _own(self, traced: Mapping[str, jax.Array]) -> dict[str, Any]:
        """Return the workload's own hyperparameters."""
        values = self._values(traced)
        return {item.name: values[item.name] for item in self.workload.hyperparameters}

    def _optimizer(
        self, values: Mapping[str, Any]
    ) -> optax.GradientTransformationExtraArgs | optax.GradientTransformation:
        """Return the optimizer of a step; a workload's own one also receives the loss."""
        name, rule = str(self.trial.hyperparameters["optimizer"]), None
        mask = own_decay_mask(self.workload)
        if name == OWN:
            rule = own_optimizer(self.workload, self._own(values), values["learning_rate"])
            rule = optax.with_extra_args_support(rule)
        return make_optimizer(name, values, rule=rule, mask=mask)

    def _rate(self, values: Mapping[str, Any], step: jax.Array) -> jax.Array:
        """Return the learning rate of a step."""
        schedule, last = str(self.trial.hyperparameters["schedule"]), self.trial.max_train_steps
        if schedule == OWN:
            return own_rate(self.workload, self._own(values), values, step, last)
        return learning_rate(schedule, values, step, last)

    def _layout(self, variables: Variables) -> Layout:
        # A mask is for the model's own tree.
        masked = own_decay_mask(self.workload) is not None and not self._off("weight_decay")
        name = str(self.trial.hyperparameters["optimizer"])
        return layout(variables["params"], OWN if masked else name)

    def _init(self, seed: jax.Array, traced: Mapping[str, jax.Array], data: Data) -> TrainState:
        key = jax.random.fold_in(jax.random.key(seed), INIT_STREAM)
        variables = dict(self.workload.init(key, self._own(traced)))
        params = self._layout(variables).hold(variables["params"])
        optimizer = self._optimizer(self._values(traced)).init(params)
        average: Any = ()
        if not self._off("polyak_decay"):
            average = jax.tree.map(jnp.zeros_like, params)
        gathered = jax.tree.map(jnp.zeros_like, params) if self.trial.branch_step else ()
        return TrainState(variables, optimizer, average, gathered)

    def _train(
        self,
        steps: int,
        state: TrainState,
        first_step: jax.Array,
        seed: jax.Array,
        traced: Mapping[str, jax.Array],
        fed: jax.Array | Mapping[str, jax.Array],
        data: Data,
    ) -> tuple[TrainState, Steps]:
        step_key = jax.random.fold_in(jax.random.key(seed), STEP_STREAM)
        values = self._values(traced)
        hold, release = self._layout(state.variables)

        def step(state: TrainState, given: tuple[jax.Array, Any]) -> tuple[TrainState, Steps]:
            number, fed = given
            key = jax.random.fold_in(step_key, number)
            rest: Variables = {
                name: part for name, part in state.variables.items() if name != "params"
            }
            params = state.variables["params"]
            whole = release(params)

            def of_part(rest: Variables, fed: Any, key: jax.Array) -> tuple[Any, Any, Variables]:
                """Return the mean loss of examples, its gradient, and the collections after."""
                batch = fed
                if data.train:
                    batch = {name: array[fed] for name, array in data.train.items()}
                batch = self.spread.part(batch)

                def mean_loss(params: Any) -> tuple[jax.Array, Variables]:
                    per_example, updated = call_apply(
                        self.workload,
                        {"params": params, **rest},
                        batch,
                        hyperparameters=self._own(traced),
                        key=key,
                        train=True,
                        step=number,
                    )
                    return jnp.mean(per_example["loss"]), updated

                differentiate = jax.value_and_grad(mean_loss, has_aux=True)
                (loss, updated), gradient = differentiate(whole)
                return loss, hold(gradient), {**rest, **updated}

            if self.trial.microbatch:
                loss, gradient, rest = accumulated(of_part, rest, fed, key, self.trial)
            else:
                loss, gradient, rest = of_part(rest, fed, key)
            if not off(values["l2_regularization"]):
                gradient = optax.tree.add_scale(gradient, values["l2_regularization"], params)
            grad_norm = global_norm(gradient)
            # If the loss is not finite, the gradient is not either. And a compiler that computes
            # the loss before the parameters change need not copy them.
            nothing = 0.0 * loss
            gradient = _add(gradient, nothing)
            told = {"value": loss} if values["optimizer"] == OWN else {}

            def update(gradient: Any, rate: jax.Array) -> tuple[Any, Any, Any]:
                """Return the parameters, the optimizer's state and the update from a gradient."""
                optimizer = self._optimizer({**values, "learning_rate": rate})
                updates, state_after = optimizer.update(gradient, state.optimizer, params, **told)
                # On a CPU, the compiler's kernel for one addition takes longer than that for two.
                return optax.apply_updates(params, _add(updates, nothing)), state_after, updates

            rate, gathered = self._rate(values, number), state.gathered
            if self.trial.branch_step:
                before = (params, state.optimizer, gathered)
                rate = branched_rate(rate, number, self.trial)
                after, gathered = branched(
                    functools.partial(update, rate=rate), before, gradient, number, self.trial
                )
                params, optimizer_state, updates = after
            else:
                params, optimizer_state, updates = update(gradient, rate)
            variables = {"params": params, **rest}
            average = state.average
            if not off(values["polyak_decay"]):
                average = optax.incremental_update(params, average, 1.0 - values["polyak_decay"])
            state = TrainState(variables, optimizer_state, average, gathered)
            return state, Steps(loss, grad_norm, global_norm(updates), rate)

        def with_params(state: TrainState, change: Callable[[Any], Any]) -> TrainState:
            params = change(state.variables["params"])
            return state._replace(variables={**state.variables, "params": params})

        numbers = first_step + jnp.arange(steps, dtype=jnp.int32)
        after, logged = jax.lax.scan(step, with_params(state, hold), (numbers, fed))
        return with_params(after, release), logged

    def _averaged(
        self,
        state: TrainState,
        step: jax.Array,
        traced: Mapping[str, jax.Array],
        data: Data,
    ) -> Variables:
        """Return the variables with the average of the parameters over the steps so far.

        The decaying sum starts at zero; dividing by the sum of its weights corrects that.
        """
        del data
        weight = 1.0 - traced["polyak_decay"] ** step.astype(jnp.float32)
        average = jax.tree.map(lambda leaf: leaf / weight, state.average)
        return {**state.variables, "params": self._layout(state.variables).release(average)}

    def _evaluate(
        self,
        variables: Variables,
        traced: Mapping[str, jax.Array],
        step: jax.Array,
        data: Data,
    ) -> Metrics:
        def per_example(batch: Mapping[str, jax.Array]) -> Mapping[str, jax.Array]:
            return self._measure(variables, batch, traced, step)

        return {
            split: weighted_means(per_example, data.evaluated[split])
            for split in EVALUATED_SPLITS
            if split in data.evaluated
        }

    def _outputs(
        self, variables: Variables, traced: Mapping[str, jax.Array], data: Data
    ) -> dict[str, Any]:
        predict = getattr(self.workload, "predict", None)

        def of_batch(batch: Mapping[str, jax.Array]) -> Any:
            assert predict is not None  # a class without it is refused before training
            return predict(variables, self.spread.part(batch), hyperparameters=self._own(traced))

        return {
            split: jax.lax.map(of_batch, examples)
            for split, (examples, _) in data.evaluated.items()
        }

    def _examine(
        self,
        variables: Variables,
        traced: Mapping[str, jax.Array],
        step: jax.Array,
        data: Data,
    ) -> dict[str, Any]:
        predict = getattr(self.workload, "predict", None)

        def per_example(batch: Mapping[str, jax.Array]) -> dict[str, Any]:
            found: dict[str, Any] = self._measure(variables, batch, traced, step)
            if predict is not None:
                own = self._own(traced)
                found["prediction"] = predict(variables, batch, hyperparameters=own)
            return found

        examples, _ = data.whole
        found: dict[str, Any] = jax.lax.map(per_example, examples)
        return found

    def _measure(
        self,
        variables: Variables,
        batch: Mapping[str, jax.Array],
        traced: Mapping[str, jax.Array],
        step: jax.Array,
    ) -> dict[str, jax.Array]:
        """Return each metric of each example of a batch, [batch], outside training."""
        batch = self.spread.part(batch)
        key = jax.random.key(0)  # the protocol needs a key; an evaluation draws nothing
        own = self._own(traced)
        values, _ = call_apply(
            self.workload, variables, batch, hyperparameters=own, key=key, train=False, step=step
        )
        return {item.name: values[item.name] for item in self.workload.metrics if not item.whole}


def _add(tree: Any, number: jax.Array) -> Any:
    """Add a number to every leaf, in the leaf's own precision."""
    return jax.tree.map(lambda leaf: leaf + number.astype(leaf.dtype), tree)
