"""Datasets and archives, read in a process of their own.

The library of netCDF bears no two threads at once, and long runs have a thread each, beside the one
of the tests.
"""

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
