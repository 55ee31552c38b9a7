"""The order of the training examples: a new shuffle each epoch, by the seed and the epoch alone.

The last examples of a shuffle that fill no batch are left out of its epoch.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp


@functools.partial(jax.jit, static_argnums=2)
def epoch_order(key: jax.Array, epoch: jax.Array, examples: int) -> jax.Array:
    """Return the order of the training examples in an epoch, [examples] int32."""
    return jax.random.permutation(jax.random.fold_in(key, epoch), examples).astype(jnp.int32)


class Orders(NamedTuple):
    """The orders of the epochs that some steps fall into.

    Attributes:
        orders: [epochs, examples].
        first_epoch: The first of them.
        last: The order at the last of the steps, [examples].
    """

    orders: jax.Array
    first_epoch: jax.Array
    last: jax.Array

    def batch(self, step: jax.Array, batch_size: int) -> jax.Array:
        """Return which examples a step sees, [batch]."""
        epoch, number = jnp.divmod(step, self.orders.shape[1] // batch_size)
        begin = (epoch - self.first_epoch, number * batch_size)
        return jax.lax.dynamic_slice(self.orders, begin, (1, batch_size))[0]


def orders_of(
    key: jax.Array, known: jax.Array, first_step: jax.Array, steps: int, batch_size: int
) -> Orders:
    """Return the orders that some steps need.

    They are made before the loop over the steps, which a branch in every step would slow down.

    Args:
        key: Of the trial's data.
        known: The order of the epoch that `first_step` is in the midst of, [examples].
        first_step: Steps taken before.
        steps: How many follow.
        batch_size: Examples a step.
    """
    examples = len(known)
    steps_per_epoch = examples // batch_size
    first_epoch = first_step // steps_per_epoch
    last_epoch = (first_step + steps - 1) // steps_per_epoch

    def order_of(epoch: jax.Array) -> jax.Array:
        """Return an epoch's order; a shuffle that is known or not needed is not made."""
        under_way = (epoch == first_epoch) & (first_step % steps_per_epoch != 0)
        order: jax.Array = jax.lax.cond(
            under_way | (epoch > last_epoch),
            lambda _: known,
            lambda epoch: epoch_order(key, epoch, examples),
            epoch,
        )
        return order

    most_epochs = (steps - 1) // steps_per_epoch + 2
    orders = jax.lax.map(order_of, first_epoch + jnp.arange(most_epochs, dtype=jnp.int32))
    return Orders(orders, first_epoch, orders[last_epoch - first_epoch])
