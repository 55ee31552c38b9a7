"""The Deep Learning Tuning Playbook as a Snakemake workflow.

What a workload's class needs to declare itself is imported from here, layers and the like from
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
"""What is imported once it is asked for: it is slow, and a workload's class does not need it."""


def __getattr__(name: str) -> Any:
    """Import a function that works on studies."""
    if name in FROM_PYTHON:
        return getattr(import_module("tuning_playbook.from_python"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
