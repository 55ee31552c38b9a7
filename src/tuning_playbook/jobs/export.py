"""Export the best checkpoint of a trial with `jax.export`: a function that needs no code of ours.

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

from tuning_playbook.errors import ArtefactError
from tuning_playbook.files import write_atomically
from tuning_playbook.jobs import checkpoints
from tuning_playbook.trials.manifest import BEST
from tuning_playbook.trials.result import read_provenance
from tuning_playbook.trials.trial import Trial
from tuning_playbook.workloads.protocol import Arrays, Variables, Workload

MODEL = "model.jax_export"

PLATFORMS = ("cpu", "cuda")


def export_best(folder: Path, trial: Trial, workload: Workload, examples: Arrays) -> Path | None:
    """Export what a trial's best checkpoint predicts, beside the checkpoint.

    The function takes the arrays of a batch, any number of examples, without the label, and
    returns what the workload's `predict` does.

    Args:
        folder: The trial's.
        trial: The trial.
        workload: Its workload.
        examples: Any split, for the names, types and shapes of its arrays.

    Returns:
        The file; None where the workload does not predict, or the trial has no checkpoint.

    Raises:
        ArtefactError: The checkpoint is damaged.
    """
    saved = folder / "checkpoints"
    if not (saved / BEST).exists():
        return None
    return export_model(saved / MODEL, best_variables(folder), trial, workload, examples)


def best_variables(folder: Path) -> dict[str, Any]:
    """Return the variables of a finished trial's best step.

    Args:
        folder: The trial's.

    Raises:
        ArtefactError: The checkpoint is damaged.
    """
    try:
        best = checkpoints.restore(folder / "checkpoints", BEST)
    except ArtefactError as error:
        raise ArtefactError(
            f"{error}; remove the file of its pack and run snakemake again: this trial is trained "
            "anew, the others are kept"
        ) from None
    step = read_provenance(folder)["best_steps"][0]
    variables: dict[str, Any] = jax.tree.map(jnp.asarray, best[f"step_{step}"])
    return variables


@contextlib.contextmanager
def _nameless() -> Iterator[None]:
    """Let what is traced carry no places in source files: a model tells nothing of its machine."""
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
    """Export what some variables predict, to `path`; None where the workload does not predict."""
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
