"""A process that is told to stop ends: as soon as it asks, or without asking where it hangs."""

import signal
import subprocess
import sys

import pytest

from tuning_playbook.errors import INTERRUPTED

HANGS = 120

HANGING = """
import logging, sys, threading
from tuning_playbook.jobs import sigterm
logging.basicConfig(stream=sys.stderr)
sigterm.PATIENCE = 0.2
with sigterm.noted_sigterm(ends={ends}) as should_stop:
    print("ready", flush=True)
    {body}
print("came to its end", flush=True)
"""

ASKS = "while not should_stop(): threading.Event().wait(0.01)"
WAITS = "threading.Event().wait()"
IN_A_LIBRARY = (
    "import ctypes; lock = ctypes.CDLL(None).pthread_mutex_lock; m = (ctypes.c_long * 8)()"
)
IN_A_LIBRARY += "; lock(m), lock(m)"
"""No handler of Python's runs while its main thread waits there."""


def told_to_stop(number, **parts):
    command = [sys.executable, "-c", HANGING.format(**parts)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    try:
        output, error = process.communicate(timeout=HANGS)
    finally:
        process.kill()
    return process.returncode, output, error


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_that_asks_goes_on_to_its_own_end(number):
    assert told_to_stop(number, ends=True, body=ASKS) == (0, "came to its end\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("body", [WAITS, IN_A_LIBRARY])
def test_one_that_hangs_is_ended_without_a_traceback(number, body):
    status, output, error = told_to_stop(number, ends=True, body=body)
    assert (status, output) == (INTERRUPTED, "")
    assert "stopped: the training did not come to the end of a piece" in error
    assert "Traceback" not in error
