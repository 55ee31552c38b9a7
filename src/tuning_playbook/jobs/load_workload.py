"""Find a workload's class by the name that a spec gives."""

import importlib
import inspect
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tuning_playbook.declarations import NAME, Hyperparameter, Metric
from tuning_playbook.errors import WorkloadError, nearest
from tuning_playbook.study.families import reserved_names
from tuning_playbook.workloads.protocol import Arrays, Workload

BUILT_IN = {
    "cifar10": "tuning_playbook.workloads.cifar10:CIFAR10",
    "digits_mlp": "tuning_playbook.workloads.digits_mlp:DigitsMLP",
    "mnist5k_cnn": "tuning_playbook.workloads.mnist5k_cnn:Mnist5kCNN",
    "mnist5k_resnet": "tuning_playbook.workloads.mnist5k_resnet:Mnist5kResNet",
    "text_transformer": "tuning_playbook.workloads.text_transformer:TextTransformer",
}
"""The built-in workloads, by the name they have in a spec."""


def load_workload(name: str, import_from: str, data_folder: str) -> Workload:
    """Import a workload and return an instance of its class.

    Args:
        name: A built-in name, or `package.module:Class`.
        import_from: Folder that comes before the installed packages; empty for none.
        data_folder: Folder of its data, for a class that takes one; else empty.

    Raises:
        WorkloadError: It cannot be imported, or does not keep the protocol.
    """
    if ":" not in name and name not in BUILT_IN:
        raise WorkloadError(
            f"there is no built-in workload '{name}'{nearest(name, BUILT_IN)} "
            f"(built in: {', '.join(BUILT_IN)}); your own is written 'package.module:Class'"
        )
    module_name, _, class_name = BUILT_IN.get(name, name).partition(":")
    if import_from and (folder := str(Path(import_from).resolve())) not in sys.path:
        sys.path.insert(0, folder)
    try:
        found = getattr(importlib.import_module(module_name), class_name, None)
        workload = _instance(name, found, data_folder) if isinstance(found, type) else None
    except WorkloadError:
        raise
    except Exception as error:  # a user's module may raise anything; raised as one message
        raise WorkloadError(f"workload '{name}' cannot be imported: {explain(error)}") from error
    if workload is None:
        raise WorkloadError(
            f"workload '{name}': module '{module_name}' has no class '{class_name}'"
        )
    check_protocol(name, workload)
    return workload


def _instance(name: str, found: type, data_folder: str) -> Workload:
    takes_folder = "folder" in inspect.signature(found).parameters
    if takes_folder and not Path(data_folder or "/nowhere").is_dir():
        given = f"'{data_folder}' is no folder" if data_folder else "the spec gives none"
        raise WorkloadError(
            f"workload '{name}' reads a folder of data, and {given}: name it under 'data'"
        )
    if data_folder and not takes_folder:
        raise WorkloadError(f"workload '{name}' reads no folder of data; take 'data' away")
    workload: Workload = found(Path(data_folder)) if takes_folder else found()
    return workload


def explain(error: Exception) -> str:
    """Return an exception and the place of its deepest frame, on one line."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen") and frame.filename != importlib.__file__
    ]
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames[1:] else ""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}{where}"


def check_protocol(name: str, workload: object) -> None:
    """Check that an object keeps the Workload protocol.

    Raises:
        WorkloadError: It does not; the message says what is missing or wrong.
    """
    for attribute in ("hyperparameters", "metrics", "load_data", "init", "apply"):
        if not hasattr(workload, attribute):
            raise WorkloadError(
                f"workload '{name}' has no '{attribute}'; see "
                "tuning_playbook.workloads.Workload for what a workload has"
            )
    declared = getattr(workload, "hyperparameters", ())
    own = [item.name for item in declared if isinstance(item, Hyperparameter)]
    if len(own) < len(declared):
        raise WorkloadError(
            f"workload '{name}': every entry of 'hyperparameters' must be a "
            "tuning_playbook.Hyperparameter"
        )
    reserved = {"batch_size", "max_train_steps", "seed"} | reserved_names()
    for item in own:
        if not NAME.fullmatch(item) or item.startswith("one_minus_"):
            raise WorkloadError(
                f"workload '{name}': '{item}' cannot name a hyperparameter: use "
                "lower-case letters, digits and underscores"
            )
        if item in reserved:
            raise WorkloadError(
                f"workload '{name}': '{item}' is a hyperparameter of training "
                "itself; give the workload's own another name"
            )
        if own.count(item) > 1:
            raise WorkloadError(f"workload '{name}' declares '{item}' twice")
    metrics = getattr(workload, "metrics", ())
    if not all(isinstance(item, Metric) for item in metrics):
        raise WorkloadError(
            f"workload '{name}': every entry of 'metrics' must be a tuning_playbook.Metric"
        )
    for item in metrics:
        if not item.low < item.high:
            raise WorkloadError(
                f"workload '{name}': the metric '{item.name}' has no values from {item.low:g} to "
                f"{item.high:g}; 'low' is the smallest that it can have, 'high' the largest"
            )
    if "loss" not in {item.name for item in metrics}:
        raise WorkloadError(f"workload '{name}' has no metric 'loss', which training minimises")


def load_data(name: str, workload: Workload, data_split: int = 0) -> dict[str, Arrays]:
    """Return a workload's splits, checked.

    Args:
        name: The workload's.
        workload: It.
        data_split: Which division into training and validation sets; 0 for its own.

    Raises:
        WorkloadError: They cannot be read, or a split is missing, empty or ragged.
    """
    try:
        given = _resplit(workload, data_split) if data_split else workload.load_data()
        splits: dict[str, Arrays] = {
            split: {key: np.asarray(array) for key, array in arrays.items()}
            for split, arrays in given.items()
        }
    except Exception as error:  # a user's class may raise anything; raised as one message
        raise WorkloadError(
            f"workload '{name}': its data cannot be read: {explain(error)}"
        ) from error
    for split in ("train", "validation"):
        if split not in splits:
            raise WorkloadError(f"workload '{name}' has no split '{split}'")
    for split, arrays in splits.items():
        lengths = {len(array) if array.ndim else -1 for array in arrays.values()}
        if len(lengths) != 1 or min(lengths) < 1:
            raise WorkloadError(
                f"workload '{name}': the arrays of split '{split}' must all hold "
                "the same number of examples, at least one"
            )
    return splits


def _resplit(workload: Any, data_split: int) -> Mapping[str, Arrays]:
    """Return other training and validation sets; nothing of such a trial is for the test set."""
    given: Mapping[str, Arrays] = workload.resplit(data_split)
    return {split: given[split] for split in ("train", "validation")}
