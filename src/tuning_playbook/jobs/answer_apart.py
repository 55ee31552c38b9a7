"""Write the answer to a question of `study.apart` to a file, whatever the workload prints."""

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
"""The value in <sys/prctl.h>."""


def answer(path: Path, make: Callable[[], object]) -> None:
    """Write what a function returns, or what it reports as wrong with the workload, as JSON.

    Args:
        path: The file.
        make: Returns the answer.
    """
    own = os.getpid()
    _end_with_parent()
    content: dict[str, object]
    try:
        content = {"answer": make()}
    except WorkloadError as error:
        content = {"error": str(error)}
    if os.getpid() == own:  # else a child that the workload forked returned to this code
        write_atomically(path, json.dumps(content), lasting=False)


def _end_with_parent() -> None:
    """Have the kernel kill this process when the asking process ends, even if busy; on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
