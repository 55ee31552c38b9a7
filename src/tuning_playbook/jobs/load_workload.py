"""Find a workload's class by the name that a spec gives."""

import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tuning_playbook.declarations import NAME, Hyperparameter, Metric
from tuning_playbook.errors import SpecError, WorkloadError, nearest
from tuning_playbook.jobs.user_code import explain
from tuning_playbook.study.families import reserved_names
from tuning_playbook.workloads.protocol import Arrays, Workload

BUILT_IN = {
    "cifar10": "tuning_playbook.workloads.cifar10:CIFAR10",
    "digits_mlp": "tuning_playbook.workloads.digits_mlp:DigitsMLP",
    "mnist5k_cnn": "tuning_playbook.workloads.mnist5k_cnn:Mnist5kCNN",
    "mnist5k_resnet": "tuning_playbook.workloads.mnist5k_resnet:Mnist5kResNet",
    "text_transformer": "tuning_playbook.workloads.text_transformer:TextTransformer",
}
"""The built-in workloads, by their names in a spec."""


def load_workload(name: str, import_from: str, data_folder: str) -> Workload:
    """Import a workload and return an instance of its class after checking its declarations.

    See `import_workload`.

    Raises:
        WorkloadError: It cannot be imported, or it breaks the protocol.
    """
    workload = import_workload(name, import_from, data_folder)
    check_protocol(name, workload)
    return workload


def import_workload(name: str, import_from: str, data_folder: str) -> Workload:
    """Import a workload and return an instance of its class.

    Args:
        name: A built-in name, or `package.module:Class`.
        import_from: Folder searched before the installed packages; empty for none.
        data_folder: Folder of its data, for a class that takes one; otherwise empty.

    Raises:
        WorkloadError: It cannot be imported.
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
        module = importlib.import_module(module_name)
        found = getattr(module, class_name, None)
        workload = _instance(name, found, data_folder) if isinstance(found, type) else None
    except WorkloadError:
        raise
    except (Exception, SystemExit) as error:  # a user's module may raise anything
        raise WorkloadError(f"workload '{name}' cannot be imported: {explain(error)}") from error
    if workload is None:
        raise WorkloadError(
            f"workload '{name}': module '{module_name}' has no class '{class_name}'"
            f"{nearest(class_name, _classes_of(module))}"
        )
    return workload


def _classes_of(module: ModuleType) -> list[str]:
    return [name for name, value in vars(module).items() if isinstance(value, type)]


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


def check_protocol(name: str, workload: object) -> None:
    """Check that an object follows the Workload protocol in what it declares.

    Raises:
        WorkloadError: It does not; the message lists everything missing or wrong.
    """
    refuse(name, declaration_mistakes(workload))


def refuse(name: str, mistakes: Sequence[str]) -> None:
    """Refuse a workload that has mistakes, with all of them in one message.

    Raises:
        WorkloadError: There are mistakes.
    """
    if len(mistakes) == 1:
        raise WorkloadError(f"workload '{name}': {mistakes[0]}")
    if mistakes:
        listed = "".join(f"\n  - {mistake}" for mistake in mistakes)
        raise WorkloadError(f"workload '{name}' has {len(mistakes)} mistakes:{listed}")


def declaration_mistakes(workload: object) -> list[str]:
    """Return what is missing or wrong in a workload's declarations."""
    mistakes = [
        f"the class has no '{attribute}'; see tuning_playbook.workloads.Workload for what a "
        "workload has"
        for attribute in ("hyperparameters", "metrics", "load_data", "init", "apply")
        if not hasattr(workload, attribute)
    ]
    return [
        *mistakes,
        *_hyperparameter_mistakes(getattr(workload, "hyperparameters", ())),
        *(_metric_mistakes(workload.metrics) if hasattr(workload, "metrics") else ()),
    ]


def _hyperparameter_mistakes(declared: Sequence[object]) -> Iterator[str]:
    own = [item.name for item in declared if isinstance(item, Hyperparameter)]
    if len(own) < len(declared):
        yield "every entry of 'hyperparameters' must be a tuning_playbook.Hyperparameter"
    reserved = {"batch_size", "max_train_steps", "seed"} | reserved_names()
    for item in dict.fromkeys(own):
        if not NAME.fullmatch(item) or item.startswith("one_minus_"):
            yield (
                f"'{item}' cannot name a hyperparameter: use lower-case letters, digits and "
                "underscores"
            )
        if item in reserved:
            yield (
                f"'{item}' is a hyperparameter of training itself; give the workload's own another "
                "name"
            )
        if own.count(item) > 1:
            yield f"the hyperparameter '{item}' is declared twice"
    for entry in declared:
        if isinstance(entry, Hyperparameter):
            try:
                entry.check(entry.default)
            except SpecError as error:
                yield f"the default of a hyperparameter is none of its values: {error}"


def _metric_mistakes(metrics: Sequence[object]) -> Iterator[str]:
    declared = [item for item in metrics if isinstance(item, Metric)]
    if len(declared) < len(metrics):
        yield "every entry of 'metrics' must be a tuning_playbook.Metric"
    names = [item.name for item in declared]
    for name in dict.fromkeys(names):
        if not name or "/" in name:
            yield f"'{name}' cannot name a metric: use letters, digits and underscores"
        if names.count(name) > 1:
            yield f"the metric '{name}' is declared twice"
    for item in declared:
        if not item.low < item.high:
            yield (
                f"the metric '{item.name}' has no values from {item.low:g} to {item.high:g}; 'low' "
                "is the smallest that it can have, 'high' the largest"
            )
        if item.name == "loss" and item.whole:
            yield "'loss' is declared with whole=True, and training minimises it: it must be a mean"
    if "loss" not in names:
        yield "it has no metric 'loss', which training minimises"


def load_data(name: str, workload: Workload, data_split: int = 0) -> dict[str, Arrays]:
    """Return a workload's splits after checking them.

    Args:
        name: The workload's name.
        workload: The workload.
        data_split: Which division into training and validation sets; 0 for the workload's own.

    Raises:
        WorkloadError: They cannot be read, or a split is missing, empty or ragged.
    """
    splits = read_data(name, workload, data_split)
    refuse(name, data_mistakes(workload, splits))
    return splits


def read_data(name: str, workload: Workload, data_split: int = 0) -> dict[str, Arrays]:
    """Return a workload's splits as NumPy arrays; otherwise like `load_data`.

    Raises:
        WorkloadError: They cannot be read.
    """
    try:
        given = _resplit(workload, data_split) if data_split else workload.load_data()
        splits: dict[str, Arrays] = {
            split: {key: np.asarray(array) for key, array in _arrays(name, split, arrays).items()}
            for split, arrays in given.items()
        }
    except WorkloadError:
        raise
    except (Exception, SystemExit) as error:  # a user's class may raise anything
        raise WorkloadError(
            f"workload '{name}': its data cannot be read: {explain(error)}"
        ) from error
    return splits


def _arrays(name: str, split: str, given: Any) -> Mapping[str, Any]:
    """Return the arrays of a split that `load_data` returned.

    Raises:
        WorkloadError: It is not a mapping, such as a dataset of another library.
    """
    if isinstance(given, Mapping):
        return given
    said = (
        f"workload '{name}': load_data returns an object of type {type(given).__name__} as split "
        f"'{split}'; a split is {{name: [examples, ...]}}"
    )
    if split == "train":
        said += (
            ". For training batches that are read as they are needed, as from a MapDataset of "
            "Grain, return no 'train' and define train_batches(seed, step, batch_size)"
        )
    raise WorkloadError(said)


def data_mistakes(workload: Workload, splits: Mapping[str, Arrays]) -> list[str]:
    """Return the mistakes in the result of a workload's `load_data`."""
    streams = hasattr(workload, "train_batches")
    mistakes = []
    if "validation" not in splits:
        mistakes.append("load_data returns no split 'validation'")
    if "train" not in splits and not streams:
        mistakes.append(
            "load_data returns no split 'train', and there is no train_batches(seed, step, "
            "batch_size) that makes the training batches"
        )
    if "train" in splits and streams:
        mistakes.append(
            "load_data returns a split 'train', and train_batches makes the training batches: "
            "leave one of them out"
        )
    if streams and not (hasattr(workload, "data_version") or hasattr(workload, "data_files")):
        mistakes.append(
            "train_batches makes the training batches, so a change of its data would not be "
            "noticed: define data_version(), which returns a text, or data_files(), which returns "
            "paths"
        )
    for split, arrays in splits.items():
        lengths = {len(array) if array.ndim else -1 for array in arrays.values()}
        if len(lengths) != 1 or min(lengths) < 1:
            came = ", ".join(f"'{key}' {list(array.shape)}" for key, array in arrays.items())
            mistakes.append(
                f"the arrays of split '{split}' must all hold the same number of examples, at "
                f"least one; load_data returns {came or 'none'}"
            )
        for key, array in arrays.items():
            if array.dtype.kind in "OSUMm":
                mistakes.append(
                    f"load_data returns the array '{key}' of split '{split}' with elements of type "
                    f"{array.dtype}, which no device computes with: encode them as numbers"
                )
    label = getattr(workload, "label", None)
    if label is not None and "validation" in splits:
        found = splits["validation"].get(label)
        if found is None or found.ndim != 1 or found.dtype.kind not in "iub":
            came = "there is none" if found is None else f"it is {found.dtype}{list(found.shape)}"
            mistakes.append(
                f"'label' is '{label}', which must name an array of integer classes, [examples], "
                f"in the validation split; {came}"
            )
    return mistakes


def _resplit(workload: Any, data_split: int) -> Mapping[str, Arrays]:
    """Return other training and validation sets, without a test set."""
    given: Mapping[str, Arrays] = workload.resplit(data_split)
    return {split: given[split] for split in ("train", "validation")}
