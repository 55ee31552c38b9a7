"""The Deep Learning Tuning Playbook as a Snakemake workflow.

A workload's class imports what it declares from here, and layers and the like from
`tuning_playbook.workloads`. `open`, `check`, `expand` and `train` work on studies from Python.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tuning_playbook.declarations import Hyperparameter, Metric
from tuning_playbook.errors import InfeasibleConfigurationError

if TYPE_CHECKING:
    from tuning_playbook.from_python import check as check
    from tuning_playbook.from_python import expand as expand
    from tuning_playbook.from_python import open as open
    from tuning_playbook.from_python import train as train

__all__ = ["Hyperparameter", "InfeasibleConfigurationError", "Metric"]

__version__ = "0.1.0"

FROM_PYTHON = ("check", "expand", "open", "train")
"""Functions that are imported on first use: they are slow to import, and a workload needs none."""


def __getattr__(name: str) -> Any:
    """Import a function that works on studies."""
    if name in FROM_PYTHON:
        return getattr(import_module("tuning_playbook.from_python"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
