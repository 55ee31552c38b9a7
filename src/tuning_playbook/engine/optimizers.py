"""The playbook's update rules, made from optax's parts, with traced numeric hyperparameters.

Source: the playbook's last FAQ, "What are the update rules for all the popular optimization
algorithms?". Each builder's docstring says how it differs from optax's alias of the same name.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from tuning_playbook.engine.optax_factories import factory_of, mask_argument, optax_optimizers
from tuning_playbook.errors import InfeasibleConfigurationError

Number = jax.Array | float
Numbers = Mapping[str, Number]
"""Numeric hyperparameters by name: traced scalars, or plain numbers if a feature is off."""


DecayMask = Callable[[optax.Params], Any]
"""Maps the parameters to a tree of booleans, or the upper part of one: which of them decay."""


class Moments(NamedTuple):
    """The state of Adam and NAdam: steps taken, running means of the gradient and its square."""

    steps: jax.Array
    first: optax.Updates
    second: optax.Updates


def make_optimizer(
    name: str,
    hyperparameters: Numbers,
    *,
    rule: optax.GradientTransformation | None = None,
    mask: DecayMask | None = None,
) -> optax.GradientTransformation:
    """Return an optimizer whose updates are to be added to the parameters.

    Gradients are clipped, then given to the update rule; the decoupled weight decay is added to the
    rule's result. A feature whose hyperparameter is a plain zero is left out of the program.

    Args:
        name: One of `spec.optimizers.OPTIMIZERS`, or `optax.<name>`, or the workload's own.
        hyperparameters: Its own, `COMMON`'s, and the learning rate of this step.
        rule: The update rule, if the workload makes it.
        mask: Returns which parameters decay; None if all do.

    Raises:
        InfeasibleConfigurationError: A mask is given to a rule that decays all weights by itself.
    """
    own = optax_optimizers().get(name, ())
    decays_itself = "weight_decay" in {item.name for item in own}
    if own:
        given: dict[str, Any] = {
            item.name: hyperparameters[item.name]
            for item in own
            if item.off is None or not off(hyperparameters[item.name])
        }
        if mask is not None and decays_itself:
            given |= {_mask_of(name): mask}
        rule = factory_of(name)(**given)
    elif rule is None:
        rule = RULES[name](hyperparameters)
    if not off(hyperparameters["clip_norm"]):
        rule = optax.chain(optax.clip_by_global_norm(hyperparameters["clip_norm"]), rule)
    if decays_itself or off(hyperparameters["weight_decay"]):
        return rule
    return _with_weight_decay(
        rule, hyperparameters["learning_rate"] * hyperparameters["weight_decay"], mask
    )


def _mask_of(name: str) -> str:
    argument = mask_argument(name)
    if not argument:
        raise InfeasibleConfigurationError(
            f"{name} decays all weights alike, and the workload's decay_mask says that some do not "
            "decay: choose another optimizer"
        )
    return argument


def off(value: Number) -> bool:
    """Return whether a hyperparameter's feature is absent from the program."""
    return isinstance(value, int | float) and value == 0


def global_norm(tree: optax.Updates) -> jax.Array:
    """Return the global L2 norm of a gradient or an update.

    `optax.global_norm` first writes the squares to memory, which is slow for a small model. The
    precision is explicit because accelerators may round the inputs of a dot product.
    """
    precision = jax.lax.Precision.HIGHEST
    parts = [jnp.vdot(leaf, leaf, precision=precision) for leaf in jax.tree.leaves(tree)]
    return jnp.sqrt(sum(parts, start=jnp.zeros([])))


def _with_weight_decay(
    rule: optax.GradientTransformation, rate: Number, mask: DecayMask | None = None
) -> optax.GradientTransformation:
    """Subtract `rate` times the parameters from them, separately from the updates of `rule`.

    In a chain the decayed weights would pass through the rule's accumulators: that is L2
    regularization, not decoupled weight decay.
    """

    def update(
        updates: optax.Updates,
        state: optax.OptState,
        params: optax.Params | None = None,
        **extra: Any,
    ) -> tuple[optax.Updates, optax.OptState]:
        updates, state = with_extra.update(updates, state, params, **extra)
        if mask is None:
            return jax.tree.map(lambda u, p: u - rate * p, updates, params), state
        return jax.tree.map(decayed, mask(params), updates, params), state

    def decayed(decays: Any, updates: optax.Updates, params: optax.Params) -> optax.Updates:
        """Decay the part under a leaf of the mask: an array, or a subtree."""
        return jax.tree.map(lambda u, p: jnp.where(decays, u - rate * p, u), updates, params)

    with_extra = optax.with_extra_args_support(rule)
    return optax.GradientTransformationExtraArgs(rule.init, update)


def _sgd(hyperparameters: Numbers) -> optax.GradientTransformation:
    return optax.scale_by_learning_rate(hyperparameters["learning_rate"])


def _momentum(hyperparameters: Numbers, *, nesterov: bool = False) -> optax.GradientTransformation:
    return optax.chain(
        optax.trace(decay=hyperparameters["momentum"], nesterov=nesterov),
        optax.scale_by_learning_rate(hyperparameters["learning_rate"]),
    )


def _nesterov(hyperparameters: Numbers) -> optax.GradientTransformation:
    return _momentum(hyperparameters, nesterov=True)


def _rmsprop(hyperparameters: Numbers) -> optax.GradientTransformation:
    """RMSProp: the mean square starts at one, epsilon is inside the root.

    `optax.rmsprop` starts the mean square at zero and multiplies by the learning rate after the
    momentum; here the momentum accumulates updates that include the learning rate.
    """
    return optax.chain(
        optax.scale_by_rms(
            decay=hyperparameters["rho"],
            eps=hyperparameters["epsilon"],
            initial_scale=1.0,
            eps_in_sqrt=True,
        ),
        optax.scale_by_learning_rate(hyperparameters["learning_rate"]),
        optax.trace(decay=hyperparameters["momentum"], nesterov=False),
    )


def _adam(hyperparameters: Numbers, *, nesterov: bool = False) -> optax.GradientTransformation:
    """Adam: epsilon is added to the root of the second moment before bias correction.

    `optax.adam` corrects the second moment first, so its epsilon has 1 / sqrt(1 - b2^t) times the
    effect. `optax.nadam` also corrects the gradient and the first moment by different powers of b1,
    where the playbook has one factor for their sum.
    """
    b1, b2 = hyperparameters["b1"], hyperparameters["b2"]
    epsilon, learning_rate = hyperparameters["epsilon"], hyperparameters["learning_rate"]

    def init(params: optax.Params) -> Moments:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return Moments(jnp.zeros([], jnp.int32), zeros, zeros)

    def update(
        updates: optax.Updates, state: Moments, params: optax.Params | None = None
    ) -> tuple[optax.Updates, Moments]:
        del params
        steps = state.steps + 1
        first = optax.tree.update_moment(updates, state.first, b1, 1)
        second = optax.tree.update_moment(updates, state.second, b2, 2)
        correction = jnp.sqrt(1.0 - b2**steps) / (1.0 - b1**steps)
        ahead = optax.tree.update_moment(updates, first, b1, 1) if nesterov else first
        updates = jax.tree.map(
            lambda m, v: -learning_rate * correction * m / (jnp.sqrt(v) + epsilon), ahead, second
        )
        return updates, Moments(steps, first, second)

    return optax.GradientTransformation(init, update)


def _nadam(hyperparameters: Numbers) -> optax.GradientTransformation:
    """NAdam: Adam with Nesterov's look-ahead; see `_adam` for the difference from `optax.nadam`."""
    return _adam(hyperparameters, nesterov=True)


def _adamw(hyperparameters: Numbers) -> optax.GradientTransformation:
    """AdamW as in its paper and in optax: epsilon is added after bias correction.

    Its weight decay is the common hyperparameter `weight_decay`.
    """
    return optax.adam(
        hyperparameters["learning_rate"],
        b1=hyperparameters["b1"],
        b2=hyperparameters["b2"],
        eps=hyperparameters["epsilon"],
    )


def _lamb(hyperparameters: Numbers) -> optax.GradientTransformation:
    """LAMB without weight decay inside its trust ratio; `weight_decay` is decoupled here too."""
    return optax.lamb(
        hyperparameters["learning_rate"],
        b1=hyperparameters["b1"],
        b2=hyperparameters["b2"],
        eps=hyperparameters["epsilon"],
    )


def _lion(hyperparameters: Numbers) -> optax.GradientTransformation:
    """Lion; optax's own weight decay is off, and the common one is used instead."""
    return optax.lion(
        hyperparameters["learning_rate"],
        b1=hyperparameters["b1"],
        b2=hyperparameters["b2"],
        weight_decay=0.0,
    )


def _adafactor(hyperparameters: Numbers) -> optax.GradientTransformation:
    """Adafactor with an absolute learning rate, not one relative to the weights."""
    return optax.adafactor(
        hyperparameters["learning_rate"],
        decay_rate=hyperparameters["decay_rate"],
        multiply_by_parameter_scale=False,
    )


RULES: dict[str, Callable[[Numbers], optax.GradientTransformation]] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "nadam": _nadam,
    "adamw": _adamw,
    "lamb": _lamb,
    "lion": _lion,
    "adafactor": _adafactor,
}

ELEMENTWISE = frozenset(RULES) - {"lamb", "adafactor"}
"""Rules that update each parameter only from its own gradients, whatever array it is in."""
