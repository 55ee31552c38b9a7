"""Answer what `study.apart` asks of a workload: in a file, whatever the workload prints."""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tuning_playbook.errors import WorkloadError
from tuning_playbook.files import write_atomically

PR_SET_PDEATHSIG = 1
"""As <sys/prctl.h> has it."""


def answer(path: Path, make: Callable[[], object]) -> None:
    """Write what a function returns, or what it says is wrong with the workload, as JSON.

    Args:
        path: The file.
        make: Gives the answer.
    """
    own = os.getpid()
    _end_with_parent()
    content: dict[str, object]
    try:
        content = {"answer": make()}
    except WorkloadError as error:
        content = {"error": str(error)}
    if os.getpid() == own:  # else a fork of the workload's, which came back with a copy of this
        write_atomically(path, json.dumps(content), lasting=False)


def _end_with_parent() -> None:
    """Have this process killed when the one that asks ends, however either is busy; on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
