"""What a workload is: data, model, loss and metrics in one small class."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np

from tuning_playbook.declarations import Hyperparameter, Metric

Arrays = Mapping[str, np.ndarray]
"""Examples of a split or of a batch: named arrays with one leading dimension, [examples, ...]."""

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

    With one pool of data it may also have a method `resplit(seed)`. It returns what `load_data`
    does, with the same test set and the other examples divided again into training and validation
    sets of the same sizes; `reruns: {splits: ...}` uses it to measure data variance.
    `docs/workloads.md` lists everything else that a workload may have.

    Attributes:
        hyperparameters: The hyperparameters that a spec may set.
        metrics: The metrics of `apply`; one of them is `loss`, which is minimised.
    """

    hyperparameters: Sequence[Hyperparameter]
    metrics: Sequence[Metric]

    def load_data(self) -> Mapping[str, Arrays]:
        """Return the splits `train`, `validation` and, if there is one, `test`.

        Every call must return the same arrays, on every machine.
        """
        ...

    def init(self, key: jax.Array, hyperparameters: HyperparameterValues) -> Variables:
        """Return the initial variables: a mapping with `params` and any other collections.

        Args:
            key: Random key for every draw.
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
            variables: Variables as from `init`.
            batch: Arrays of the data, [batch, ...].
            hyperparameters: Those that this class declares.
            key: Random key for dropout and augmentation; a function of the trial's seed and the
                step.
            train: Whether this is a training step; an evaluation draws nothing at random.

        An additional parameter `step`, if there is one, receives the number of steps already taken.

        Returns:
            Each metric by name, [batch], except metrics of a whole split; `loss` is among them and
            must be differentiable. Then the collections other than `params` as they are after the
            step, {} if there are none.
        """
        ...
