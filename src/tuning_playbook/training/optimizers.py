"""The playbook's update rules, from optax's pieces, with every numeric hyperparameter traced.

Source: the playbook's last FAQ, "What are the update rules for all the popular optimization
algorithms?". Where optax's alias of the same name computes something else, the builder says so.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

Traced = Mapping[str, jax.Array]
"""Numeric hyperparameters by name, scalars of the compiled program."""


class Moments(NamedTuple):
    """The state of Adam and NAdam: steps taken, running means of the gradient and its square."""

    steps: jax.Array
    first: optax.Updates
    second: optax.Updates


def make_optimizer(
    name: str, hyperparameters: Traced, *, weight_decay: bool
) -> optax.GradientTransformation:
    """Return an optimizer whose updates are to be added to the parameters.

    Args:
        name: One of `spec.optimizers.OPTIMIZERS`.
        hyperparameters: Its hyperparameters and, with `weight_decay`, that one.
        weight_decay: Whether decoupled weight decay is on; off, it costs nothing.
    """
    learning_rate = hyperparameters["learning_rate"]
    rule = RULES[name](hyperparameters)
    if not weight_decay:
        return rule
    decay = optax.chain(
        optax.add_decayed_weights(hyperparameters["weight_decay"]),
        optax.scale_by_learning_rate(learning_rate),
    )
    return _add_decay(rule, decay)


def _add_decay(
    rule: optax.GradientTransformation, decay: optax.GradientTransformation
) -> optax.GradientTransformation:
    """Add the updates of `decay`, made of no gradient at all, to those of `rule`.

    Chaining them would pass the decayed weights through what a rule accumulates, and that is L2
    regularization, not decoupled weight decay.
    """

    def init(params: optax.Params) -> optax.OptState:
        return rule.init(params), decay.init(params)

    def update(
        updates: optax.Updates, state: optax.OptState, params: optax.Params | None = None
    ) -> tuple[optax.Updates, optax.OptState]:
        rule_state, decay_state = state
        zeros = jax.tree.map(jnp.zeros_like, updates)
        updates, rule_state = rule.update(updates, rule_state, params)
        decayed, decay_state = decay.update(zeros, decay_state, params)
        return jax.tree.map(jnp.add, updates, decayed), (rule_state, decay_state)

    return optax.GradientTransformation(init, update)


def _sgd(hyperparameters: Traced) -> optax.GradientTransformation:
    return optax.scale_by_learning_rate(hyperparameters["learning_rate"])


def _momentum(hyperparameters: Traced, *, nesterov: bool = False) -> optax.GradientTransformation:
    return optax.chain(
        optax.trace(decay=hyperparameters["momentum"], nesterov=nesterov),
        optax.scale_by_learning_rate(hyperparameters["learning_rate"]),
    )


def _nesterov(hyperparameters: Traced) -> optax.GradientTransformation:
    return _momentum(hyperparameters, nesterov=True)


def _rmsprop(hyperparameters: Traced) -> optax.GradientTransformation:
    """RMSProp: the mean square starts at one, epsilon is inside the root.

    `optax.rmsprop` starts the mean square at zero and multiplies by the learning rate after the
    momentum; here the learning rate is inside what the momentum accumulates.
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


def _adam(hyperparameters: Traced, *, nesterov: bool = False) -> optax.GradientTransformation:
    """Adam: epsilon is added to the root of the second moment as it is, before bias correction.

    `optax.adam` corrects the second moment first, so that its epsilon weighs 1 / sqrt(1 - b2^t)
    times as much. `optax.nadam` also corrects the gradient and the first moment by different
    powers of b1, where the playbook has one factor for their sum.
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


def _nadam(hyperparameters: Traced) -> optax.GradientTransformation:
    return _adam(hyperparameters, nesterov=True)


RULES: dict[str, Callable[[Traced], optax.GradientTransformation]] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "nadam": _nadam,
}
