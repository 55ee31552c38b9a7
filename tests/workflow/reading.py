"""Datasets and archives, read in a process of their own.

The library of netCDF bears no two threads at once, and long runs have a thread each, beside the one
of the tests.
"""

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import xarray as xr

from tuning_playbook.archive.verify import verify

READER = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
"""The process; it starts with the first that is read."""


def load_dataset(path):
    """Return a dataset, all of it."""
    return READER.submit(xr.load_dataset, path).result()


def problems_of(archive):
    """Return what is wrong with an archive."""
    return READER.submit(_problems, archive).result()


def _problems(archive):
    return verify(archive).problems


def conclusion_of(folder):
    """The bytes of both files of a procedure's conclusion."""
    return [(folder / name).read_bytes() for name in ("conclusion.json", "conclusion.nc")]


def trainings_of(folder):
    """When each finished trial of a procedure was trained and for how long, by its round and id."""
    records = (folder / "rounds").glob("*/trials/*/trial.json")
    read = {path: json.loads(path.read_text())["provenance"] for path in records}
    return {
        (path.parts[-4], path.parts[-2]): (
            facts["started"],
            facts["finished"],
            facts["wall_seconds"],
        )
        for path, facts in read.items()
    }
