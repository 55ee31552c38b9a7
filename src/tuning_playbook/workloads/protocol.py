"""What a workload is: data, model, loss and metrics in one small class."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np

from tuning_playbook.declarations import Hyperparameter, Metric

Arrays = Mapping[str, np.ndarray]
"""The examples of a split, or a batch: named arrays with one leading dimension, [examples, ...]."""

Variables = Mapping[str, Any]
"""`params`, which are trained, and any other collections, which the model updates itself."""

HyperparameterValues = Mapping[str, Any]
"""Static hyperparameters as Python values, traced ones as float32 scalars."""


@runtime_checkable
class Workload(Protocol):
    """Data, model, loss and metrics.

    A user's own class needs no base class, only these attributes and methods:

        from tuning_playbook import Hyperparameter, Metric

        class MyWorkload:
            \"\"\"One line that the report shows.\"\"\"

            hyperparameters = (Hyperparameter("width", 64, "units of the layer", static=True),)
            metrics = (Metric("loss", "cross entropy", "nat"), Metric("error_rate", "share wrong"))

            def load_data(self): ...
            def init(self, key, hyperparameters): ...
            def apply(self, variables, batch, *, hyperparameters, key, train): ...

    With one pool of data it may also have a method `resplit(seed)`, which returns what `load_data`
    does, with the same test set and the other examples divided anew into training and validation
    sets of the same sizes; `reruns: {splits: ...}` asks for it to know data variance. What else it
    may have stands in `docs/workloads.md`.

    Attributes:
        hyperparameters: What a spec may set.
        metrics: What `apply` measures; one of them is `loss`, which is minimised.
    """

    hyperparameters: Sequence[Hyperparameter]
    metrics: Sequence[Metric]

    def load_data(self) -> Mapping[str, Arrays]:
        """Return the splits `train`, `validation` and, where there is one, `test`.

        The same call gives the same arrays, on every machine.
        """
        ...

    def init(self, key: jax.Array, hyperparameters: HyperparameterValues) -> Variables:
        """Return the initial variables: a mapping with `params` and any other collections.

        Args:
            key: Decides every draw.
            hyperparameters: Those that this class declares.
        """
        ...

    def apply(
        self,
        variables: Variables,
        batch: Mapping[str, jax.Array],
        *,
        hyperparameters: HyperparameterValues,
        key: jax.Array,
        train: bool,
    ) -> tuple[Mapping[str, jax.Array], Variables]:
        """Return every metric of each example, and the collections that the model updates.

        Args:
            variables: As from `init`.
            batch: Arrays of the data, [batch, ...].
            hyperparameters: Those that this class declares.
            key: Decides dropout and augmentation; a function of the trial's seed and the step.
            train: Whether this is a training step; evaluation draws nothing at random.

        A further parameter `step` is given the number of steps already taken, where there is one.

        Returns:
            Each metric by name, [batch], `loss` among them and differentiable, but for those of a
            whole split; and the collections
            other than `params` as they are after the step, {} where there are none.
        """
        ...
