"""Run a command to its end: watch it, and end it at its timeout or when the job must stop."""

import contextlib
import errno
import fcntl
import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from tuning_playbook.errors import WorkloadError

logger = logging.getLogger(__name__)

GUARD = Path(__file__).with_name("command_guard.py")

GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL, in which a script may save its state."""

LOOKS = (0.05, 0.5)
"""Seconds before the first look at a command's measurements, and at most between two looks."""

MOST_OUTPUT = 32 * 2**20
"""Most bytes of a command's output that are kept while it runs."""

KEPT_OUTPUT = 2**20
"""Bytes kept from the end of an output that is too long."""

CUT = b"(the output before this was more than %d MB, and is not kept)\n"

Cause = Literal["ended", "timeout", "stopped"]


@dataclass(frozen=True)
class Ending:
    """How a command ended.

    Attributes:
        cause: `ended` by itself; `timeout` or `stopped` if it was told to.
        status: Its exit status; for a signal, the negative signal number.
        seconds: How long it ran.
        cpu_seconds: CPU time of the command and of the processes that it waited for; 0 if its guard
            was killed, so that nobody measured it.
        peak_memory_bytes: The most memory of any one process of it; 0 likewise.
    """

    cause: Cause
    status: int
    seconds: float
    cpu_seconds: float
    peak_memory_bytes: int


def run_command(
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    output: Path,
    lock: int,
    timeout: float | None,
    should_stop: Callable[[], bool],
    look: Callable[[], None],
    grace: float = GRACE,
) -> Ending:
    """Run a command, and return how it ended once no process of its group runs any more.

    Args:
        arguments: The program and its arguments.
        folder: Its working directory.
        environment: Its environment.
        output: The file that its output is appended to.
        lock: The descriptor of a `locked` file, which stays locked while any process of it runs.
        timeout: Seconds after which it is ended; None for never.
        should_stop: Returns whether to end it now.
        look: Called every now and then, and once when it has ended.
        grace: Seconds between SIGTERM and SIGKILL.

    Raises:
        WorkloadError: The program cannot be run.
    """
    with output.open("ab") as written:
        control, ends = os.pipe()
        reads, report = os.pipe()
        command = [sys.executable, "-I", "-S", str(GUARD)]
        command += [*map(str, (control, report, lock, grace)), *arguments]
        started = time.monotonic()
        try:
            # Its own session: signals from a terminal to the job must not end the guard.
            guard = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(control, report, lock),
            )
        except (OSError, ValueError) as error:  # too long, or with a byte that is not allowed
            os.close(ends)
            os.close(reads)
            raise WorkloadError(f"the command cannot be run: {arguments[0]}: {error}") from None
        finally:
            os.close(control)
            os.close(report)
        guarded = _Guarded(reads, ends, started, timeout, should_stop, look, output)
        try:
            cause, reports = guarded.watch()
        finally:
            guarded.end()
            guard.wait()
            os.close(reads)
        seconds = time.monotonic() - started
        look()
    bound(output)
    return _ending(arguments, cause, reports, guard.returncode, seconds)


@dataclass
class _Guarded:
    """A running command and what `run_command` was given for it.

    Attributes:
        reads: The file that its guard reports to.
        ends: Closing this file ends the command; None once it is closed.
        started: When it was started.
        timeout: As for `run_command`, like the remaining attributes.
    """

    reads: int
    ends: int | None
    started: float
    timeout: float | None
    should_stop: Callable[[], bool]
    look: Callable[[], None]
    output: Path

    def watch(self) -> tuple[Cause, dict[str, Any]]:
        """Wait until the command has ended; return the cause, and what its guard reported."""
        cause: Cause = "ended"
        reports = b""
        pause, most = LOOKS
        while True:
            if select.select([self.reads], [], [], pause)[0]:
                part = os.read(self.reads, 4096)
                if not part:
                    break
                reports += part
                continue
            pause = min(pause * 2, most)
            self.look()
            bound(self.output)
            if cause == "ended" and (cause := self._why_to_end()) != "ended":
                self.end()
        found: dict[str, Any] = {}
        for line in reports.splitlines():
            found |= json.loads(line)
        if "group" in found and "status" not in found:  # the guard was killed, and it alone
            with contextlib.suppress(ProcessLookupError):
                os.killpg(found["group"], signal.SIGKILL)
        return cause, found

    def end(self) -> None:
        """End the command if it runs."""
        if self.ends is not None:
            os.close(self.ends)
            self.ends = None

    def _why_to_end(self) -> Cause:
        if self.should_stop():
            return "stopped"
        late = self.timeout is not None and time.monotonic() - self.started > self.timeout
        return "timeout" if late else "ended"


def _ending(
    arguments: Sequence[str], cause: Cause, content: Mapping[str, Any], status: int, seconds: float
) -> Ending:
    if "error" in content:
        raise WorkloadError(f"the command cannot be run: {arguments[0]}: {content['error']}")
    if "status" not in content:
        return Ending(cause, status, seconds, 0.0, 0)
    peak = content["peak_memory"]
    return Ending(
        cause,
        content["status"],
        seconds,
        content["cpu_seconds"],
        peak if sys.platform == "darwin" else peak * 1024,
    )


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int]:
    """Yield the descriptor of a locked file; wait while another process has it locked.

    So two starts of a command never run at once, even if the job of the first one was killed.
    """
    with path.open("ab") as file:
        try:
            _lock(file)
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
            logger.warning("%s: this file system knows no locks (%s)", path, error.strerror)
        yield file.fileno()


def _lock(file: IO[bytes]) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        logger.info("waiting until what a killed job left running has ended (%s)", file.name)
        fcntl.flock(file, fcntl.LOCK_EX)


def bound(output: Path, most: int = MOST_OUTPUT, kept: int = KEPT_OUTPUT) -> None:
    """Cut the output of a command to its last part if it has become too long.

    The command appends to the file, so it continues after what is kept.
    """
    size = output.stat().st_size
    if size <= most:
        return
    with output.open("r+b") as file:
        file.seek(size - kept)
        end = file.read(kept)
        file.seek(0)
        file.write(CUT % (most // 2**20) + end)
        file.truncate()
