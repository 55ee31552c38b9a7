"""Export a model's predictions with `jax.export`: a function that needs none of our code.

    import jax
    predict = jax.export.deserialize(bytearray(Path("model.jax_export").read_bytes()))
    logits = predict.call({"image": images})

Source: the playbook, "Setting up periodic evaluations" (easy ad-hoc inspection).
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.export
import jax.numpy as jnp

from tuning_playbook.files import write_atomically
from tuning_playbook.trials.trial import Trial
from tuning_playbook.workloads.protocol import Arrays, Variables, Workload

MODEL = "model.jax_export"

PLATFORMS = ("cpu", "cuda")


@contextlib.contextmanager
def _nameless() -> Iterator[None]:
    """Trace without source locations, so that a model reveals nothing about its machine."""
    setting = "jax_traceback_in_locations_limit"
    before = getattr(jax.config, setting)
    update: Callable[[str, object], None] = jax.config.update
    update(setting, 0)
    try:
        yield
    finally:
        update(setting, before)


def export_model(
    path: Path, variables: Variables, trial: Trial, workload: Workload, examples: Arrays
) -> Path | None:
    """Export the predictions of some variables, beside their checkpoint or to `path`.

    The function takes the arrays of a batch without the label, for any number of examples, and
    returns the result of the workload's `predict`.

    Args:
        path: The file.
        variables: The model's variables.
        trial: The trial that trained them.
        workload: Its workload.
        examples: Any split, for the names, types and shapes of its arrays.

    Returns:
        The file; None if the workload has no `predict`.
    """
    predict = getattr(workload, "predict", None)
    if predict is None:
        return None
    values = trial.hyperparameters
    own = {item.name: values[item.name] for item in workload.hyperparameters}

    def function(batch: Mapping[str, Any]) -> Any:
        return predict(variables, batch, hyperparameters=own)

    (size,) = jax.export.symbolic_shape("batch")
    label = getattr(workload, "label", None)
    shape_of: Callable[..., Any] = jax.ShapeDtypeStruct
    shapes = {
        name: shape_of((size, *array.shape[1:]), jnp.asarray(array[:1]).dtype)
        for name, array in examples.items()
        if name != label
    }
    with _nameless():
        exported = jax.export.export(jax.jit(function), platforms=PLATFORMS)(shapes)
    write_atomically(path, bytes(exported.serialize()))
    return path
