"""Batch, ghost batch and layer normalization, chosen by a hyperparameter.

Sources: Ioffe and Szegedy, "Batch Normalization", 2015; Hoffer et al., "Train longer, generalize
better" (ghost batch norm), 2017; Ba et al., "Layer Normalization", 2016; the playbook, "Batch
normalization implementation details".
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from tuning_playbook.declarations import Hyperparameter
from tuning_playbook.errors import InfeasibleConfigurationError

NORMALIZATIONS = ("none", "layer", "batch")

VIRTUAL_BATCH_SIZE = Hyperparameter(
    "virtual_batch_size",
    0,
    "examples that batch normalization takes its statistics over (ghost batch norm); 0: the batch",
    low=0,
    static=True,
)

NORMALIZATION_POSITION = Hyperparameter(
    "normalization_position",
    "pre",
    "in each residual block: pre is x + f(Norm(x)), branch is x + Norm(f(x)), which the playbook "
    "recommends, post is Norm(x + f(x)), which it warns of",
    choices=("pre", "branch", "post"),
    static=True,
)


class Normalization(nn.Module):
    """A normalization chosen by name.

    Attributes:
        kind: One of `NORMALIZATIONS`. `layer` takes its statistics over all positions and features
            of an example; scale and bias are per feature.
        virtual_batch_size: Examples per group, for `batch`.
        zero_scale: Whether the scale starts at zero, so that the output does.
    """

    kind: str
    virtual_batch_size: int = 0
    zero_scale: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
        """Return x [batch, ..., features] normalised, in the same shape."""
        if self.kind == "none":
            return x
        if self.kind == "batch":
            return BatchNorm(self.virtual_batch_size, zero_scale=self.zero_scale)(x, train=train)
        whole = tuple(range(1, x.ndim))
        layer = nn.LayerNorm(reduction_axes=whole, scale_init=scale_init(self.zero_scale))
        return jnp.asarray(layer(x))


class BatchNorm(nn.Module):
    """Batch normalization, over virtual batches if their size is given.

    At a training step the batch is cut into consecutive groups of `virtual_batch_size` examples,
    and each is normalised by its own mean and (biased) variance. A remainder is normalised by the
    statistics of the last `virtual_batch_size` examples of the batch, so that every statistic is
    over exactly the requested number of examples. The running averages, in the collection
    `batch_stats`, move towards the mean of the groups' statistics; evaluation uses them.

    Attributes:
        virtual_batch_size: Examples per group; 0 for the whole batch.
        zero_scale: Whether the scale starts at zero.
        decay: Decay of the running averages at each step.
        epsilon: Added to the variance.
    """

    virtual_batch_size: int = 0
    zero_scale: bool = False
    decay: float = 0.9
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
        """Return x [batch, ..., features] normalised, in the same shape.

        Raises:
            InfeasibleConfigurationError: The virtual batch is larger than the batch.
        """
        features = x.shape[-1:]
        scale = self.param("scale", scale_init(self.zero_scale), features)
        bias = self.param("bias", nn.initializers.zeros, features)
        mean = self.variable("batch_stats", "mean", jnp.zeros, features)
        variance = self.variable("batch_stats", "variance", jnp.ones, features)
        if not train:
            return (x - mean.value) * (scale * self._inverse(variance.value)) + bias
        groups = split_groups(x, self.virtual_batch_size)
        within = tuple(range(1, groups.ndim - 1))
        means = jnp.mean(groups, within, keepdims=True)
        variances = jnp.var(groups, within, keepdims=True)
        if not self.is_initializing():
            mean.value = self._move(mean.value, means)
            variance.value = self._move(variance.value, variances)
        normal = (groups - means) * (scale * self._inverse(variances)) + bias
        return join_groups(normal, len(x))

    def _inverse(self, variance: jax.Array) -> jax.Array:
        return jax.lax.rsqrt(variance + self.epsilon)

    def _move(self, average: jax.Array, statistics: jax.Array) -> jax.Array:
        """Return a running average [features] after a step with statistics [groups, ..., features].

        It has no gradient, because it is not part of the step's loss.
        """
        new = jax.lax.stop_gradient(jnp.mean(statistics.reshape(-1, average.size), axis=0))
        return self.decay * average + (1.0 - self.decay) * new


def split_groups(x: jax.Array, size: int) -> jax.Array:
    """Return consecutive groups of examples; the last one is the last `size` of the batch.

    Args:
        x: [batch, ...].
        size: Examples per group, at most `batch`; 0 for one group with all of them.

    Returns:
        [groups, size, ...]; the last two groups overlap if `size` does not divide the batch.

    Raises:
        InfeasibleConfigurationError: The batch is smaller than a group.

    Example:
        >>> split_groups(jnp.arange(5), 2).tolist()
        [[0, 1], [2, 3], [3, 4]]
    """
    batch = len(x)
    size = size or batch
    if size > batch:
        raise InfeasibleConfigurationError(
            f"virtual_batch_size {size} is more than the {batch} examples of a batch"
        )
    whole = batch - batch % size
    groups = x[:whole].reshape(-1, size, *x.shape[1:])
    return groups if whole == batch else jnp.concatenate([groups, x[None, -size:]])


def join_groups(groups: jax.Array, batch: int) -> jax.Array:
    """Undo `split_groups`; where the last two groups overlap, keep the first one's values.

    Example:
        >>> join_groups(split_groups(jnp.arange(5), 2), batch=5).tolist()
        [0, 1, 2, 3, 4]
    """
    count, size, *rest = groups.shape
    flat = groups.reshape(count * size, *rest)
    overlap = count * size - batch
    if not overlap:
        return flat
    return jnp.concatenate([flat[:-size], flat[overlap - size :]])


def scale_init(zero: bool) -> nn.initializers.Initializer:
    """Return the initializer of a normalization's scale: ones or zeros."""
    return nn.initializers.zeros if zero else nn.initializers.ones
