"""Run a program, and measure the whole of it: wall time, CPU time, peak memory."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Measured:
    """A program that has ended.

    Attributes:
        wall: Seconds from its start to its end.
        cpu: CPU seconds, user and system, of it and its children.
        peak_bytes: The most memory that it, or one of its children, held.
        output: What it printed on the standard output.
    """

    wall: float
    cpu: float
    peak_bytes: int
    output: str


def measure(
    command: Sequence[str],
    *,
    cache: Path,
    cwd: Path,
    given: Any = None,
    environment: Mapping[str, str] | None = None,
) -> Measured:
    """Run a command to its end.

    Args:
        command: Program and arguments.
        cache: The user's cache folder, where compiled programs are found again. A bare script
            is given it too, under a name of its own, with the project's settings of that cache.
        cwd: The working directory.
        given: A JSON value for its standard input.
        environment: Further variables.

    Raises:
        SystemExit: It failed; the message is the end of what it printed.
    """
    variables = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "XDG_CACHE_HOME": str(cache),
        "JAX_COMPILATION_CACHE_DIR": str(cache / "bare"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        **(environment or {}),
    }
    with (
        tempfile.TemporaryFile("w+") as source,
        tempfile.TemporaryFile("w+") as output,
        tempfile.TemporaryFile("w+") as errors,
    ):
        json.dump(given, source)
        source.seek(0)
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=source, stdout=output, stderr=errors, cwd=cwd, env=variables
        )
        # `wait4` counts what this process and its children used, and nothing else's.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read())
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{''.join(texts)[-3000:]}")
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * kilobyte, texts[0])


def at_once(*sides: Callable[[], Measured]) -> tuple[Measured, ...]:
    """Run processes side by side; for those that take one core each, where there are as many.

    What others do to the machine meanwhile, they do to all of them.
    """
    with ThreadPoolExecutor(len(sides)) as pool:
        return tuple(pool.map(lambda side: side(), sides))
