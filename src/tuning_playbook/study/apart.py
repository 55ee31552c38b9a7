"""Ask something of a workload in a process of its own: its code imports JAX, and may do anything.

The answer comes in a file. What the workload prints, and what processes it leaves behind, has
nothing to do with it.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tuning_playbook.errors import WorkloadError
from tuning_playbook.study.waiting import waiting_for

LAST_LINES = 5
"""Lines of output that are shown of a process that ended without an answer."""


def ask(module: str, arguments: Sequence[str], question: object = None) -> Any:
    """Return what a module of `jobs` answers about a workload; see `jobs.answer_apart`.

    Args:
        module: Its name within `jobs`.
        arguments: The workload, the folder of its module, and that of its data.
        question: What the module reads from its standard input, as JSON.

    Raises:
        WorkloadError: The answer is that something is wrong with the workload, or there is none.
    """
    with tempfile.TemporaryDirectory(prefix="tuning-playbook-") as folder:
        answer, output = Path(folder) / "answer.json", Path(folder) / "output.txt"
        command = [sys.executable, "-m", f"tuning_playbook.jobs.{module}", str(answer), *arguments]
        # Not a pipe: a process that the workload leaves behind would keep it open.
        what = f"workload '{arguments[0]}', whose code is imported and looked at (jobs.{module})"
        with output.open("wb") as log, waiting_for(what):
            done = subprocess.run(
                command,
                input=json.dumps(question).encode(),
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
                env=os.environ | {"JAX_PLATFORMS": "cpu"},
            )
        if not answer.exists():
            lines = output.read_text(errors="replace").splitlines()
            if done.returncode == -signal.SIGKILL:
                raise WorkloadError(
                    f"workload '{arguments[0]}': the process that looked at its code was killed, "
                    "as the kernel does where memory runs out: give it more memory, or let "
                    "load_data return less"
                )
            last = "".join(f"\n    {line}" for line in lines[-LAST_LINES:])
            raise WorkloadError(
                f"workload '{arguments[0]}': its code ended the process that looked at it, with "
                f"exit status {done.returncode}; its last output was:{last or ' nothing'}"
            )
        content = json.loads(answer.read_text())
    if "error" in content:
        raise WorkloadError(content["error"])
    return content["answer"]
