"""Trace a workload's methods with `jax.eval_shape`, and report all mistakes in their results.

Nothing is computed. Only shapes and types are traced, so a large model takes no more time.
A method that returns wrong shapes would often train without an error, to wrong numbers:
a metric of [batch, 1] against labels of [batch] is broadcast to [batch, batch].
"""

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tuning_playbook.declarations import Value
from tuning_playbook.engine.apply import call_apply
from tuning_playbook.engine.data import EVALUATION_BATCH
from tuning_playbook.engine.evaluation import batch_shape
from tuning_playbook.engine.own_rules import own_decay_mask, own_optimizer
from tuning_playbook.engine.stream import stream_of
from tuning_playbook.engine.whole_split import summarize, whole_metrics
from tuning_playbook.errors import InfeasibleConfigurationError, WorkloadError
from tuning_playbook.jobs.class_results import (
    FoundMistakesError,
    check_returned,
    check_variables,
)
from tuning_playbook.jobs.shown_values import at, difference, is_array, named, shaped
from tuning_playbook.jobs.user_code import explain, message_of, own_file
from tuning_playbook.jobs.versions import data_version
from tuning_playbook.workloads.protocol import Arrays, Workload

CONCRETIZATION = (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError)

CALLS = {
    "init": (("key", "hyperparameters"), ()),
    "apply": (("variables", "batch"), ("hyperparameters", "key", "train")),
    "predict": (("variables", "batch"), ("hyperparameters",)),
    "summarize": (("outputs", "examples"), ()),
    "train_batches": (("seed", "step", "batch_size"), ()),
    "optimizer": (("hyperparameters", "learning_rate"), ()),
    "schedule": (("hyperparameters", "step", "max_train_steps"), ()),
    "decay_mask": (("params",), ()),
}
"""The arguments of each method: positional ones, then keywords."""

shape_of: Callable[..., Any] = jax.ShapeDtypeStruct


@dataclass(frozen=True)
class ClassSignature:
    """What decides the compiled programs that contain a workload's methods.

    Attributes:
        values: The workload's own hyperparameters.
        traced: Which of them are arguments of the compiled program.
        batch_size: Examples of a training step that are computed at once.
        devices: How many devices share a batch.
        makes: Which of `optimizer`, `schedule` and `decay_mask` the workload provides for its
            trials.
    """

    values: Mapping[str, Value]
    traced: Sequence[str]
    batch_size: int
    devices: int = 1
    makes: Sequence[str] = ()


def default_signature(workload: Workload, batch_size: int) -> ClassSignature:
    """Return the signature of a workload whose hyperparameters all have their defaults."""
    declared = workload.hyperparameters
    return ClassSignature(
        {item.name: item.default for item in declared},
        tuple(item.name for item in declared if item.traced(item.default)),
        batch_size,
    )


def all_mistakes(
    workload: Workload, splits: Mapping[str, Arrays], signatures: Sequence[ClassSignature]
) -> list[str]:
    """Return the mistakes in a workload's methods under all given signatures, each once.

    Args:
        workload: The workload.
        splits: Its data, already checked.
        signatures: The signatures of its planned trials.
    """
    found: dict[str, list[ClassSignature]] = {}
    for signature in signatures:
        for mistake in trace(workload, splits, signature):
            found.setdefault(mistake, []).append(signature)
    return [mistake + _where(having, signatures) for mistake, having in found.items()]


def _where(having: Sequence[ClassSignature], signatures: Sequence[ClassSignature]) -> str:
    """Return a note on which signatures have a mistake; empty where all have it."""
    if len(having) == len(signatures):
        return ""
    shared = {
        name: value
        for name, value in having[0].values.items()
        if all(other.values[name] == value for other in having)
        and any(other.values[name] != value for other in signatures)
    }
    shown = ", ".join(f"{name}={value}" for name, value in shared.items() if value != "")
    return f" (where {shown})" if shown else ""


def trace(workload: Workload, splits: Mapping[str, Arrays], signature: ClassSignature) -> list[str]:
    """Return the mistakes in a workload's methods under one signature."""
    found = _Trace(workload, splits, signature)
    found.run()
    if found.guilty:
        # As Python numbers they let the rest be traced, too.
        traced = tuple(name for name in signature.traced if name not in found.guilty)
        found = replace(found, signature=replace(signature, traced=traced), guilty=set())
        found.run()
    return list(dict.fromkeys(found.mistakes))


@dataclass
class _Trace:
    """One pass through a workload's methods.

    Attributes:
        workload: The workload.
        splits: Its data.
        signature: The signature to trace with.
        mistakes: The mistakes found so far.
        guilty: Traced hyperparameters that decide a shape or a Python branch.
        said: What the mistakes are about, so that a training step and an evaluation do not both
            report one.
    """

    workload: Workload
    splits: Mapping[str, Arrays]
    signature: ClassSignature
    mistakes: list[str] = field(default_factory=list)
    guilty: set[str] = field(default_factory=set)
    said: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Trace every method that can still be traced after the mistakes found before it."""
        if whole_metrics(self.workload):
            for name in ("predict", "summarize"):
                if not hasattr(self.workload, name):
                    self._say(
                        f"a metric is declared with whole=True, and the class has no '{name}': "
                        "define predict(variables, batch, *, hyperparameters) and "
                        "summarize(outputs, examples)"
                    )
        methods = [name for name in CALLS if name == "apply" or hasattr(self.workload, name)]
        callable_ = {name for name in methods if self._can_be_called(name)}
        if "init" not in callable_:
            return
        variables: Any = None
        try:
            variables = self._traced("init", self._init, self._numbers(), _key())
            if "apply" in callable_:
                self._apply(variables, "train", self._training_batch(), train=True)
                for split in self.splits:
                    if split in ("train", "validation"):
                        batch = self._batch(split, self._evaluated(split))
                        self._apply(variables, split, batch, train=False)
            if "predict" in callable_:
                self._predict(variables)
            for name in self.signature.makes:
                if name in callable_:
                    {
                        "optimizer": self._optimizer,
                        "schedule": self._schedule,
                        "decay_mask": self._decay_mask,
                    }[name](variables["params"])
        except FoundMistakesError:
            return
        except InfeasibleConfigurationError:
            self.mistakes.clear()  # such a trial fails with this reason: the workload asks for it

    def _examples(self, split: str) -> int:
        return len(next(iter(self.splits[split].values())))

    def _evaluated(self, split: str) -> int:
        """Return the batch size of an evaluation of a split."""
        least = max(self.signature.batch_size, EVALUATION_BATCH)
        seen = min(self._examples(split), self._examples("validation"))
        return batch_shape(seen, least, self.signature.devices)[1]

    def _numbers(self) -> dict[str, Any]:
        return {name: shape_of((), jnp.float32) for name in self.signature.traced}

    def _batch(self, split: str, size: int) -> dict[str, Any]:
        return {
            name: shape_of((size, *array.shape[1:]), jax.dtypes.canonicalize_dtype(array.dtype))
            for name, array in self.splits[split].items()
        }

    def _training_batch(self) -> dict[str, Any]:
        """Return the batch of a training step, from the workload if it makes its own batches."""
        size = self.signature.batch_size
        stream = stream_of(self.workload)
        if stream is None:
            return self._batch("train", min(size, self._examples("train")))
        try:
            first, again, _ = (stream(0, step, size) for step in (0, 0, 1))
        except WorkloadError as error:
            self._say(_without_class(error))
            raise FoundMistakesError from None
        except (Exception, SystemExit) as error:  # a user's method may raise anything
            self._say(f"train_batches: {explain(error, own_file(self.workload))}")
            raise FoundMistakesError from None
        if (one := data_version({"": first})) != (other := data_version({"": again})):
            self._say(
                "train_batches(0, 0, ...) returns other numbers when it is called again (hashes "
                f"{one} and {other}): draw with np.random.default_rng([seed, step]), and keep "
                "nothing from call to call"
            )
        return {
            name: shape_of(array.shape, jax.dtypes.canonicalize_dtype(array.dtype))
            for name, array in first.items()
        }

    def _can_be_called(self, name: str) -> bool:
        by_place, by_name = CALLS[name]
        method = getattr(self.workload, name)
        call = ", ".join((*by_place, *(f"{item}={item}" for item in by_name)))
        if not callable(method):
            self.mistakes.append(f"'{name}' is no method but {method!r}: define {name}({call})")
            return False
        try:
            signature = inspect.signature(method)
            asked = ("step",) if name == "apply" and "step" in signature.parameters else ()
            signature.bind(*by_place, **dict.fromkeys((*by_name, *asked)))
        except TypeError as error:
            self.mistakes.append(
                f"{name} is called as {name}({call}), and its signature does not allow that: "
                f"{error}; give it these parameters"
            )
            return False
        except ValueError:  # a callable without a known signature, such as one in C
            return True
        return True

    def _traced(self, name: str, function: Callable[..., Any], *args: Any) -> Any:
        """Return a function's result as shapes; on an error, record it and stop."""
        try:
            found = jax.eval_shape(function, *args)
            self._check_kept(name)
            return found
        except (InfeasibleConfigurationError, FoundMistakesError):
            raise
        except (Exception, SystemExit) as error:  # a user's method may raise anything
            said = explain(error, own_file(self.workload))
            self._say(f"{name}: {said}{self._remedy(error, function, *args)}", said)
            raise FoundMistakesError from None

    def _check_kept(self, name: str) -> None:
        """Check that the class keeps no traced value: it means nothing in another program."""
        for attribute, value in list(getattr(self.workload, "__dict__", {}).items()):
            if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(value)):
                self._say(
                    f"{name} keeps a value of the compiled program as self.{attribute}, which "
                    "means nothing outside of it: return it as a metric or in a collection",
                    f"kept {attribute}",
                )

    def _remedy(
        self, error: BaseException, function: Callable[..., Any], numbers: Any, *rest: Any
    ) -> str:
        """Return the remedy for an error, found by tracing again in other ways; else empty."""
        guilty = [
            name
            for name in self.signature.traced
            if _traces(function, {**self._python_numbers(), name: numbers[name]}, *rest) is False
        ]
        if guilty and _traces(function, self._python_numbers(), *rest):
            self.guilty |= set(guilty)
            named = ", ".join(f"'{name}'" for name in guilty)
            return (
                f". What to do: declare {named} with static=True, because it decides a shape or a "
                "branch here; as it is declared, the compiled program takes it as an argument"
            )
        if isinstance(error, CONCRETIZATION):
            return (
                ". What to do: a value that is known only when the compiled program runs cannot "
                "decide a branch, a loop or a shape of Python: use jnp.where, jax.lax.cond or "
                "jax.lax.scan, and jnp in place of np"
            )
        if isinstance(error, ValueError | ArithmeticError | NotImplementedError | AssertionError):
            return (
                ". If this configuration is one that cannot run, raise "
                "tuning_playbook.InfeasibleConfigurationError"
            )
        return ""

    def _python_numbers(self) -> dict[str, Any]:
        return {name: self.signature.values[name] for name in self.signature.traced}

    def _values(self, numbers: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.signature.values, **numbers}

    def _init(self, numbers: Mapping[str, Any], key: jax.Array) -> Any:
        given = self.workload.init(key, self._values(numbers))
        return check_variables(self._say, given)

    def _apply(self, variables: Any, split: str, batch: Mapping[str, Any], *, train: bool) -> None:
        """Trace a training step, with its gradient, or an evaluation."""
        when = "in training" if train else f"in an evaluation of the {split} split"
        size = len(next(iter(batch.values())))

        def apply(numbers: Any, variables: Any, batch: Any, key: jax.Array) -> Any:
            own, step = self._values(numbers), _traced_step(key)
            return call_apply(
                self.workload,
                variables,
                batch,
                hyperparameters=own,
                key=key,
                train=train,
                step=step,
            )

        def checked(numbers: Any, variables: Any, batch: Any, key: jax.Array) -> Any:
            given = apply(numbers, variables, batch, key)
            check_returned(self._say, self.workload, given, variables, size, when, train=train)
            return ()

        def differentiated(numbers: Any, variables: Any, batch: Any, key: jax.Array) -> Any:
            rest = {name: part for name, part in variables.items() if name != "params"}

            def loss(params: Any) -> Any:
                given, _ = apply(numbers, {**rest, "params": params}, batch, key)
                return jnp.mean(given["loss"])

            return jax.grad(loss)(variables["params"])

        before = len(self.mistakes)
        try:
            given = (self._numbers(), variables, batch, _key())
            self._traced(f"apply, {when}", checked, *given)
            if train and len(self.mistakes) == before:
                self._traced("the gradient of apply's loss", differentiated, *given)
        except FoundMistakesError:
            return  # an evaluation may have mistakes of its own

    def _predict(self, variables: Any) -> None:
        size = self._evaluated("validation")
        label = getattr(self.workload, "label", None)

        def checked(numbers: Any, variables: Any, batch: Any) -> Any:
            predict = getattr(self.workload, "predict")  # noqa: B009 - an optional method
            given = predict(variables, batch, hyperparameters=self._values(numbers))
            leaves = jax.tree_util.tree_leaves_with_path(given)
            wrong = [
                f"{shaped(leaf) if is_array(leaf) else named(leaf)}{at(path)}"
                for path, leaf in leaves
                if not is_array(leaf) or jnp.shape(leaf)[:1] != (size,)
            ]
            if wrong or not leaves:
                self._say(
                    f"predict returns {', '.join(wrong) or 'nothing'}; expected is one answer for "
                    f"each example, [batch, ...] = [{size}, ...]"
                )
                raise FoundMistakesError
            if label is not None and not (is_array(given) and jnp.ndim(given) == 2):
                came = shaped(given) if is_array(given) else named(given)
                self._say(
                    f"predict returns {came}, and 'label' says that there are classes; "
                    f"expected are the logits of each, [batch, classes] = [{size}, classes]"
                )
            return given

        batch = self._batch("validation", size)
        outputs = self._traced("predict", checked, self._numbers(), variables, batch)
        if whole_metrics(self.workload) and hasattr(self.workload, "summarize"):
            self._summarize(outputs)

    def _summarize(self, outputs: Any) -> None:
        """Check the result of `summarize` for predictions that are all zero.

        It may refuse such predictions; then nothing is checked before the first evaluation.
        """
        examples = self.splits["validation"]
        zeros = jax.tree.map(
            lambda leaf: np.zeros((self._examples("validation"), *leaf.shape[1:]), leaf.dtype),
            outputs,
        )
        try:
            with warnings.catch_warnings(action="ignore"):
                summarize(self.workload, zeros, examples)
        except WorkloadError as error:
            self._say(_without_class(error))
        except Exception:
            # The metric of such predictions may be undefined, like the AUC of constant scores.
            # An error in the code itself appears at the evaluation of step 0.
            pass

    def _optimizer(self, params: Any) -> None:
        """Trace the optimizer's updates and its state from step to step."""

        def made(numbers: Any, rate: Any) -> Any:
            rule = own_optimizer(self.workload, self._values(numbers), rate)
            if not callable(getattr(rule, "init", None)) or not callable(
                getattr(rule, "update", None)
            ):
                self._say(
                    f"optimizer returns {named(rule)}; it must return an optax transformation, "
                    "with init and update"
                )
                raise FoundMistakesError
            return optax.with_extra_args_support(rule)

        def checked(numbers: Any, rate: Any, params: Any, loss: Any) -> Any:
            before = made(numbers, rate).init(params)
            updates, after = made(numbers, rate).update(params, before, params, value=loss)
            for said, came, expected in (
                ("updates that are not", updates, params),
                ("a state after a step that is not", after, before),
            ):
                if wrong := difference(came, expected):
                    like = "the parameters" if expected is params else "the state before it"
                    self._say(f"the transformation of optimizer gives {said} like {like}: {wrong}")
            return ()

        number = shape_of((), jnp.float32)
        self._traced("optimizer", checked, self._numbers(), number, params, number)

    def _schedule(self, params: Any) -> None:
        del params

        def checked(numbers: Any, rate: Any, step: Any) -> Any:
            own = {**self._values(numbers), "learning_rate": rate}
            schedule = getattr(self.workload, "schedule")  # noqa: B009 - an optional method
            given = schedule(own, step, 100)
            if not is_array(given) or jnp.shape(given) != ():
                came = shaped(given) if is_array(given) else named(given)
                self._say(
                    f"schedule returns {came}; it must return the learning rate of a step, one "
                    "number"
                )
            return ()

        rate, step = shape_of((), jnp.float32), shape_of((), jnp.int32)
        self._traced("schedule", checked, self._numbers(), rate, step)

    def _decay_mask(self, params: Any) -> None:
        def checked(numbers: Any, params: Any) -> Any:
            del numbers
            mask: Any = own_decay_mask(self.workload)
            try:
                jax.tree.map(lambda decays, part: None, mask(params), params)
            except (TypeError, ValueError) as error:
                self._say(
                    "decay_mask returns a tree that is not the parameters' or the upper part of "
                    f"it, with a truth value for each: {message_of(error)}"
                )
            return ()

        self._traced("decay_mask", checked, self._numbers(), params)

    def _say(self, mistake: str, about: str = "") -> None:
        """Record a mistake, unless another call already reported the same thing."""
        if about not in self.said:
            self.mistakes.append(mistake)
            self.said |= {about} - {""}


def _traces(function: Callable[..., Any], numbers: Mapping[str, Any], *rest: Any) -> bool:
    """Return whether a function can be traced with only these numbers as arguments."""
    arguments = {name: n for name, n in numbers.items() if isinstance(n, jax.ShapeDtypeStruct)}
    known = {name: number for name, number in numbers.items() if name not in arguments}
    try:
        jax.eval_shape(lambda given, *rest: function({**known, **given}, *rest), arguments, *rest)
    except (Exception, SystemExit) as error:  # any error: tracing these numbers is not the cure
        return isinstance(error, FoundMistakesError | InfeasibleConfigurationError)
    return True


def _key() -> Any:
    return jax.eval_shape(lambda: jax.random.key(0))


def _traced_step(key: jax.Array) -> jax.Array:
    """Return a step that is a traced number, as in a compiled program."""
    return jnp.min(jax.random.key_data(key)).astype(jnp.int32)


def _without_class(error: WorkloadError) -> str:
    """Return a message that begins with `<class>.<method>` without the class."""
    return str(error).partition(".")[2]
