"""Workloads with a mistake each, and right ones, as small changes of one that is right."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from tuning_playbook import Hyperparameter, InfeasibleConfigurationError, Metric
from tuning_playbook.workloads import Dropout, matrices_only


class Right:
    """Logistic regression on two clouds."""

    hyperparameters = (
        Hyperparameter("width", 8, "units", static=True),
        Hyperparameter("scale", 1.0, "of the inputs"),
    )
    metrics = (Metric("loss", "cross entropy"), Metric("error", "share wrong"))

    def load_data(self):
        random = np.random.default_rng(0)
        splits = {}
        for split, examples in (("train", 90), ("validation", 35)):
            x = random.normal(size=(examples, 4)).astype(np.float32)
            splits[split] = {"x": x, "y": (x.sum(axis=1) > 0).astype(np.int32)}
        return splits

    def init(self, key, hyperparameters):
        return {"params": {"w": 0.1 * jax.random.normal(key, (4, 2))}}

    def apply(self, variables, batch, *, hyperparameters, key, train):
        logits = hyperparameters["scale"] * batch["x"] @ variables["params"]["w"]
        log_p = jax.nn.log_softmax(logits)
        loss = -jnp.take_along_axis(log_p, batch["y"][:, None], axis=1)[:, 0]
        wrong = jnp.argmax(logits, axis=1) != batch["y"]
        return {"loss": loss, "error": wrong.astype(jnp.float32)}, {}


class WithAverages(Right):
    """One with batch normalization and dropout."""

    hyperparameters = (Hyperparameter("dropout", 0.1, "share", low=0.0, high=0.9, off=0.0),)

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x, *, train, rate):
            hidden = nn.BatchNorm(use_running_average=not train)(nn.Dense(8)(x))
            return nn.Dense(2)(Dropout()(nn.relu(hidden), rate, train=train))

    def init(self, key, hyperparameters):
        return self.Net().init(key, jnp.zeros((1, 4)), train=False, rate=0.0)

    def apply(self, variables, batch, *, hyperparameters, key, train):
        logits, updated = self.Net().apply(
            variables,
            batch["x"],
            train=train,
            rate=hyperparameters["dropout"],
            rngs={"dropout": key},
            mutable=["batch_stats"] if train else [],
        )
        loss = -jax.nn.log_softmax(logits)[jnp.arange(len(logits)), batch["y"]]
        return {"loss": loss, "error": jnp.argmax(logits, axis=1) != batch["y"]}, updated


class NoScales(Right):
    """One that cannot run in one of its configurations, and says so."""

    def init(self, key, hyperparameters):
        if hyperparameters["width"] % 3:
            raise InfeasibleConfigurationError("width must be a multiple of 3")
        return super().init(key, hyperparameters)


class Predicts(Right):
    """One that predicts."""

    label = "y"

    def predict(self, variables, batch, *, hyperparameters):
        return batch["x"] @ variables["params"]["w"]


class Summarizes(Right):
    """One with a metric of the whole split, from a prediction that is a pytree."""

    metrics = (*Right.metrics, Metric("worst", "largest loss", whole=True))

    def predict(self, variables, batch, *, hyperparameters):
        logits = batch["x"] @ variables["params"]["w"]
        return {"logits": logits, "certain": jnp.max(logits, axis=1)}

    def summarize(self, outputs, examples):
        log_p = np.asarray(jax.nn.log_softmax(outputs["logits"]))
        return {"worst": -log_p[np.arange(len(log_p)), examples["y"]].min()}


class RefusesZeros(Summarizes):
    """One that makes nothing of predictions that no model gives."""

    def summarize(self, outputs, examples):
        assert outputs["logits"].any()
        return super().summarize(outputs, examples)


RIGHT = (Right, WithAverages, NoScales, Predicts, Summarizes, RefusesZeros)


class ScalarMetric(Right):
    def apply(self, *args, **kwargs):
        metrics, updated = super().apply(*args, **kwargs)
        return {**metrics, "error": metrics["error"].mean()}, updated


class ColumnMetric(Right):
    def apply(self, *args, **kwargs):
        metrics, updated = super().apply(*args, **kwargs)
        return {**metrics, "loss": metrics["loss"][:, None]}, updated


class MetricOfPairs(Right):
    """A label of [batch] against an answer of [batch, 1]."""

    def apply(self, variables, batch, *, hyperparameters, key, train):
        error = batch["x"] @ variables["params"]["w"][:, :1] - batch["y"]
        return {"loss": error**2, "error": jnp.abs(error[:, 0])}, {}


class ForgottenMetric(Right):
    def apply(self, *args, **kwargs):
        metrics, updated = super().apply(*args, **kwargs)
        return {"loss": metrics["loss"]}, updated


class UndeclaredMetric(Right):
    def apply(self, *args, **kwargs):
        metrics, updated = super().apply(*args, **kwargs)
        return {**metrics, "entropy": metrics["loss"]}, updated


class NoTuple(Right):
    def apply(self, *args, **kwargs):
        return super().apply(*args, **kwargs)[0]


class NoParams(Right):
    def init(self, key, hyperparameters):
        return {"w": jnp.zeros((4, 2))}


class NewCollection(Right):
    def apply(self, *args, **kwargs):
        metrics, _ = super().apply(*args, **kwargs)
        return metrics, {"batch_stats": {"mean": jnp.zeros(4)}}


class OtherType(Right):
    def init(self, key, hyperparameters):
        return {**super().init(key, hyperparameters), "stats": {"mean": jnp.zeros(4)}}

    def apply(self, variables, batch, **kwargs):
        metrics, _ = super().apply(variables, batch, **kwargs)
        mean = batch["x"].mean(axis=0) + variables["stats"]["mean"]
        return metrics, {"stats": {"mean": mean.astype(jnp.bfloat16)}}


class OtherShape(OtherType):
    def apply(self, variables, batch, **kwargs):
        metrics, _ = super().apply(variables, batch, **kwargs)
        return metrics, {"stats": {"mean": batch["x"]}}


class TracedShape(Right):
    hyperparameters = (Hyperparameter("units", 8, "units"), *Right.hyperparameters)

    def init(self, key, hyperparameters):
        return {"params": {"w": jnp.zeros((4, hyperparameters["units"]))}}


class TracedBranch(Right):
    def apply(self, variables, batch, *, hyperparameters, key, train):
        if hyperparameters["scale"] > 2.0:
            raise ValueError
        return super().apply(
            variables, batch, hyperparameters=hyperparameters, key=key, train=train
        )


class BranchOnTheBatch(Right):
    def apply(self, variables, batch, **kwargs):
        if batch["x"].max() > 3:
            batch = {**batch, "x": batch["x"] / 3}
        return super().apply(variables, batch, **kwargs)


class OtherCall(Right):
    def apply(self, variables, batch, hyperparameters, rng, train):
        raise AssertionError


class UpdatesParams(Right):
    def apply(self, variables, batch, **kwargs):
        metrics, _ = super().apply(variables, batch, **kwargs)
        return metrics, dict(variables)


class WholeNumbersTrained(Right):
    def init(self, key, hyperparameters):
        params = super().init(key, hyperparameters)["params"]
        return {"params": {**params, "steps": jnp.zeros((), jnp.int32)}}


class Typo(Right):
    def apply(self, variables, batch, **kwargs):
        return super().apply(variables, batch["images"], **kwargs)


class TextLabels(Right):
    def load_data(self):
        splits = super().load_data()
        splits["train"]["name"] = np.array(["a"] * 90)
        return splits


class NoSuchLabel(Predicts):
    label = "class"


class PredictsOneNumber(Predicts):
    def predict(self, variables, batch, *, hyperparameters):
        return (batch["x"] @ variables["params"]["w"])[:, 0]


class LayerAmongVariables(Right):
    def init(self, key, hyperparameters):
        return {**super().init(key, hyperparameters), "activation": {"function": nn.relu}}


class KeyAmongVariables(Right):
    def init(self, key, hyperparameters):
        return {**super().init(key, hyperparameters), "rngs": {"dropout": key}}


class IntegerLoss(Right):
    def apply(self, *args, **kwargs):
        metrics, updated = super().apply(*args, **kwargs)
        return {**metrics, "loss": metrics["error"].astype(jnp.int32)}, updated


class SummarizedInApply(Summarizes):
    def apply(self, *args, **kwargs):
        metrics, updated = super().apply(*args, **kwargs)
        return {**metrics, "worst": metrics["loss"].max()}, updated


class SummarizesAnother(Summarizes):
    def summarize(self, outputs, examples):
        return {"best": 0.0}


class SummarizesAnArray(Summarizes):
    def summarize(self, outputs, examples):
        return {"worst": examples["x"]}


class Streams(Right):
    """One that makes its training batches itself."""

    def load_data(self):
        return {"validation": super().load_data()["validation"]}

    def data_version(self):
        return "clouds 1"

    def train_batches(self, seed, step, batch_size):
        x = np.random.default_rng([seed, step]).normal(size=(batch_size, 4))
        return {"x": x.astype(np.float32), "y": (x.sum(axis=1) > 0).astype(np.int32)}


class StreamsByChance(Streams):
    def train_batches(self, seed, step, batch_size):
        x = np.random.default_rng().normal(size=(batch_size, 4))
        return {"x": x.astype(np.float32), "y": (x.sum(axis=1) > 0).astype(np.int32)}


class StreamsOneExample(Streams):
    def train_batches(self, seed, step, batch_size):
        return {name: array[0] for name, array in super().train_batches(seed, step, 2).items()}


class StreamsOtherShapes(Streams):
    def train_batches(self, seed, step, batch_size):
        batch = super().train_batches(seed, step, batch_size)
        return {**batch, "y": batch["y"].astype(np.int32 if step else np.float32)}


class StreamsAndHasAnArray(Streams):
    def load_data(self):
        return Right().load_data()


class StreamsUnversioned(Right):
    def load_data(self):
        return {"validation": super().load_data()["validation"]}

    def train_batches(self, seed, step, batch_size):
        return Streams().train_batches(seed, step, batch_size)


class HasNoTrainingData(Right):
    def load_data(self):
        return {"validation": super().load_data()["validation"]}


class MakesItsRules(Right):
    """One with an optimizer, a schedule and a mask of its own."""

    hyperparameters = (
        *Right.hyperparameters,
        Hyperparameter("b1", 0.9, "decay of the mean"),
        Hyperparameter("exponent", 1.0, "of the decay"),
    )

    def init(self, key, hyperparameters):
        return {"params": {**super().init(key, hyperparameters)["params"], "b": jnp.zeros(2)}}

    def optimizer(self, hyperparameters, learning_rate):
        rules = {
            "trained": optax.adam(learning_rate, b1=hyperparameters["b1"]),
            "frozen": optax.set_to_zero(),
        }
        return optax.multi_transform(rules, {"w": "trained", "b": "frozen"})

    def schedule(self, hyperparameters, step, max_train_steps):
        left = 1.0 - step / max_train_steps
        return hyperparameters["learning_rate"] * left ** hyperparameters["exponent"]

    def decay_mask(self, params):
        return matrices_only(params)


class OptimizerThatIsNone(MakesItsRules):
    def optimizer(self, hyperparameters, learning_rate):
        return learning_rate


class OptimizerThatChangesItsState(MakesItsRules):
    def optimizer(self, hyperparameters, learning_rate):
        def update(updates, state, params=None):
            return updates, state.astype(jnp.float32)

        return optax.GradientTransformation(lambda params: jnp.zeros((), jnp.int32), update)


class OptimizerThatBranches(MakesItsRules):
    def optimizer(self, hyperparameters, learning_rate):
        return optax.adam(learning_rate) if hyperparameters["b1"] > 0 else optax.sgd(learning_rate)


class ScheduleOfManySteps(MakesItsRules):
    def schedule(self, hyperparameters, step, max_train_steps):
        return jnp.linspace(1.0, 0.0, max_train_steps)


class MaskOfAnotherTree(MakesItsRules):
    def decay_mask(self, params):
        return {"w": True}


RIGHT = (*RIGHT, Streams, MakesItsRules)


class KeepsAValue(Right):
    def apply(self, *args, **kwargs):
        metrics, updated = super().apply(*args, **kwargs)
        self.last_loss = metrics["loss"].mean()
        return metrics, updated


class OtherArraysInValidation(Right):
    def load_data(self):
        splits = super().load_data()
        splits["validation"]["inputs"] = splits["validation"].pop("x")
        return splits


WRONG = {
    KeepsAValue: ("apply, in training keeps a value", "self.last_loss", "in a collection"),
    OtherArraysInValidation: ("evaluation of the validation split", "KeyError: 'x'", 'batch["x"]'),
    OptimizerThatIsNone: ("optimizer returns an array float32[]", "optax transformation"),
    OptimizerThatChangesItsState: ("a state after a step", "float32[], expected int32[]"),
    OptimizerThatBranches: ("optimizer: TracerBool", "declare 'b1' with static=True"),
    ScheduleOfManySteps: ("schedule returns float32[100]", "one number"),
    MaskOfAnotherTree: ("decay_mask returns a tree", "truth value"),
    StreamsByChance: ("train_batches(0, 0, ...) returns other numbers", "hashes", "default_rng("),
    StreamsOneExample: ("train_batches returns 'x' float32[4]", "[batch, ...] = [30, ...]"),
    StreamsOtherShapes: ("train_batches returns", "'y' int32[30] at step 1", "'y' float32[30]"),
    StreamsAndHasAnArray: ("load_data returns a split 'train'", "leave one of them out"),
    StreamsUnversioned: ("train_batches", "data_version()", "data_files()"),
    HasNoTrainingData: ("load_data returns no split 'train'", "train_batches(seed, step"),
    SummarizedInApply: ("apply returns the metric 'worst'", "whole=True", "leave it out"),
    SummarizesAnother: ("summarize returns best", "whole=True: worst"),
    SummarizesAnArray: ("summarize returns 'worst' as float32[35, 4]", "one number"),
    # the class: parts of the message that names what came, what is expected, and the remedy
    ScalarMetric: ("apply", "'error'", "float32[]", "[batch] = [30]", "take no mean"),
    ColumnMetric: ("apply", "'loss'", "float32[30, 1]", "[batch] = [30]", "squeeze"),
    MetricOfPairs: ("apply", "'loss'", "float32[30, 30]", "[batch] = [30]"),
    ForgottenMetric: ("apply does not return the metric 'error'", "'metrics' declares"),
    UndeclaredMetric: ("apply returns the metric 'entropy'", "does not declare", "Metric("),
    NoTuple: ("apply returns an object of type dict", "must return two things"),
    NoParams: ("init returns 'w'", "no 'params'"),
    NewCollection: ("the collection 'batch_stats', which init does not have", "let init return"),
    OtherType: ("'stats'['mean'] as bfloat16", "init as float32", "astype(jnp.float32)"),
    OtherShape: ("'stats'['mean'] as float32[30, 4]", "init as float32[4]", "keeps its shapes"),
    TracedShape: ("init: TypeError", "declare 'units' with static=True", "wrong_classes.py, line"),
    TracedBranch: ("apply, in training: TracerBool", "declare 'scale' with static=True"),
    BranchOnTheBatch: ("TracerBoolConversionError", "jnp.where", "if batch"),
    OtherCall: ("apply is called as apply(variables, batch, hyperparameters=", "argument: 'rng'"),
    UpdatesParams: ("apply returns 'params'", "the optimizer alone"),
    WholeNumbersTrained: ("init returns int32 at ['params']['steps']", "floating"),
    Typo: ("KeyError: 'images'", "wrong_classes.py, line", 'batch["images"]'),
    TextLabels: ("load_data returns the array 'name' of split 'train'", "<U1", "as numbers"),
    NoSuchLabel: ("'label' is 'class'", "there is none"),
    PredictsOneNumber: ("predict returns float32[35]", "[batch, classes]"),
    LayerAmongVariables: ("init returns an object of type", "['activation']['function']"),
    KeyAmongVariables: ("init returns a random key at ['rngs']['dropout']", "keep none"),
    IntegerLoss: ("apply returns 'loss' in training as int32", "floating"),
}
