"""Time, memory and machine of each trial: what differs from run to run, kept out of study.nc."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.dataset.discovery import discovery_attributes
from tuning_playbook.trials.trial_json import read_provenance

NUMBERS = {
    "wall_seconds": ("wall-clock time of the trial; its share, where lanes train together", "s"),
    "compile_seconds": ("time spent compiling; its share, where lanes train together", "s"),
    "input_wait_seconds": ("time that the device waited for batches from the host", "s"),
    "input_read_seconds": ("time that the host waited for batches not read or made yet", "s"),
    "input_stack_seconds": ("time that the host put batches of several steps together", "s"),
    "input_transfer_seconds": ("time that the host moved batches to the device", "s"),
    "device_train_seconds": (
        "time that the device trained on batches from the host, evaluations apart",
        "s",
    ),
    "steps_per_second": ("training steps per second, compiling left out", "s-1"),
    "peak_memory_bytes": ("most memory that the job had held when the trial ended", "byte"),
    "resumed_at": ("step that the job went on from; 0 if it began the trial", "1"),
    "threads": ("CPU cores of the job", "1"),
    "lanes": ("lanes it trained in; fewer than the spec's where memory ran out", "1"),
    "devices": ("devices of its job that trained: lanes of their own, or parts of a batch", "1"),
    "nodes": ("nodes of its job", "1"),
}
TEXTS = {
    "host": "name of the machine",
    "machine": "kind of processor",
    "backend": "JAX's backend",
    "device": "kind of device",
    "python": "version of Python",
    "git_commit": "commit of the code",
    "started": "when the trial's job began it",
    "finished": "when the trial was finished",
}


def collect_resources(trials: Sequence[str], folder: Path) -> xr.Dataset:
    """Return the provenance of finished trials as a dataset over `trial`.

    Args:
        trials: Their ids.
        folder: The folder that holds a folder for each.
    """
    return provenance_dataset(trials, [read_provenance(folder / trial) for trial in trials])


def provenance_dataset(trials: Sequence[str], records: Sequence[Mapping[str, Any]]) -> xr.Dataset:
    """Return provenance as a dataset over `trial`.

    Args:
        trials: The ids of the trials.
        records: The provenance of each.
    """
    variables: dict[str, Any] = {
        name: (
            "trial",
            np.array([record.get(name, np.nan) for record in records], np.float64),
            {"long_name": description, "units": units},
        )
        for name, (description, units) in NUMBERS.items()
    }
    for name, description in TEXTS.items():
        texts = np.array([str(record.get(name, "")) for record in records], dtype=object)
        variables[name] = ("trial", texts, {"long_name": description})
    packages = sorted({package for record in records for package in record["versions"]})
    for package in packages:
        versions = [record["versions"].get(package, "") for record in records]
        variables[f"version_{package.replace('-', '_')}"] = (
            "trial",
            np.array(versions, dtype=object),
            {"long_name": f"version of {package}"},
        )
    return xr.Dataset(variables, coords={"trial": np.array(list(trials), dtype=object)})


def describe_resources(dataset: xr.Dataset, study: str) -> xr.Dataset:
    """Return `resources.nc` of a study, which says what it is."""
    title = f"Resources of the study {study}"
    dataset["trial"].attrs["long_name"] = "trial id: the first digits of its fingerprint"
    return dataset.assign_attrs(
        discovery_attributes(
            study,
            title=title,
            summary=f"{title}: time, memory, machine and software of every trial and rerun",
            keywords=("time", "memory"),
            trials=[str(trial) for trial in dataset["trial"].to_numpy()],
            history="collected from the records of the study's training jobs",
        )
    )
