"""A job of several nodes: a process on each, which train every trial of the job together.

The job starts the processes, with `srun` in a Slurm allocation and otherwise on this machine, sends
each the same request and waits. The job itself does not import JAX.

    python -m tuning_playbook.jobs.nodes [ADDRESS PROCESS]    runs one of them

Without an address, the process takes it from Slurm's environment.

Source: the playbook, "Considerations for multi-host pipelines".
"""

import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO

from tuning_playbook.errors import (
    INTERRUPTED,
    InterruptedTrainingError,
    NodesError,
    TuningPlaybookError,
)
from tuning_playbook.jobs.environment import Resources, prepare
from tuning_playbook.jobs.sigterm import noted_sigterm
from tuning_playbook.trials.request import PackRequest, request_from_json

logger = logging.getLogger(__name__)

GRACE_SECONDS = 15.0
"""Seconds that the other processes get to end by themselves after one has failed."""

IDENTITY = ("SLURM_JOB_ID", "SLURM_JOBID", "SLURM_CLUSTER_NAME")
"""What `srun` must know about the allocation; it would take a job step's variables as options."""

STOPPED = {INTERRUPTED, -signal.SIGTERM, 128 + signal.SIGTERM}
"""Exit statuses of a process that was told to stop, while it trained or before."""

LAST_WORDS = "last-words-"
"""Beginning of the name of the file with a failed process's reason; its number follows."""


def train_on_nodes(request: PackRequest, study: Path, resources: Resources) -> None:
    """Train the trials of a request with a process on each node; the first process writes them.

    Args:
        request: The request with its trials.
        study: The study's folder of results, which every node sees.
        resources: The job's resources.

    Raises:
        InterruptedTrainingError: The job was told to stop; what was trained is saved.
        NodesError: A process failed.
    """
    with (
        tempfile.TemporaryDirectory(prefix=".nodes-", dir=study) as words,
        noted_sigterm() as should_stop,
    ):
        content = {"request": request.to_json(), "study": str(study), "words": words}
        message = json.dumps(content | {"resources": asdict(resources)})
        processes = _start(resources)
        readers = []
        for process in processes:
            reader = threading.Thread(target=_relay, args=(process.stderr,))
            reader.start()
            readers.append(reader)
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(message)
        failed = _wait(processes, should_stop)
        for reader in readers:
            reader.join()
        to_stop = should_stop()
        last_words = [path.read_text() for path in sorted(Path(words).glob(f"{LAST_WORDS}*"))]
    ended = {process.returncode for process in processes} - {0}
    if to_stop and ended and ended <= STOPPED and not last_words:
        raise InterruptedTrainingError("stopped; the state of its trials is saved")
    if failed is not None:
        code = processes[failed].returncode
        raise NodesError(
            f"training on {resources.nodes} nodes ended, process {failed} with exit status {code}: "
            f"{last_words[0] if last_words else 'see the log of the job'}"
        )


def _start(resources: Resources) -> list[subprocess.Popen[str]]:
    """Start the processes: through one `srun` in an allocation, otherwise one by one."""
    module = [sys.executable, "-m", __name__]
    if "SLURM_JOB_ID" in os.environ and shutil.which("srun"):
        srun = [
            *("srun", "--overlap", "--kill-on-bad-exit=1", "--ntasks-per-node=1"),
            *(f"--nodes={resources.nodes}", f"--ntasks={resources.nodes}"),
            f"--cpus-per-task={resources.threads}",
        ]
        if resources.gpus:
            srun.append(f"--gpus-per-node={resources.gpus}")
        scheduler = ("SLURM_", "SRUN_", "SBATCH_")
        environment = {
            name: value
            for name, value in os.environ.items()
            if name in IDENTITY or not name.startswith(scheduler)
        }
        return [_popen([*srun, *module], environment)]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    numbers = range(resources.nodes)
    return [_popen([*module, address, str(number)], dict(os.environ)) for number in numbers]


def _popen(command: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def _relay(lines: IO[str]) -> None:
    """Log the output of a process."""
    with lines:
        for line in lines:
            logger.info("%s", line.rstrip())


def _wait(
    processes: Sequence[subprocess.Popen[str]], should_stop: Callable[[], bool]
) -> int | None:
    """Wait for all processes to end; return the number of the first that failed.

    They are told to stop when the job is. All are ended when one has failed, because the others
    would wait for it.
    """
    stop_sent, failed, deadline = False, None, float("inf")
    while any(process.poll() is None for process in processes):
        if should_stop() and not stop_sent:
            stop_sent = True
            for process in processes:
                process.send_signal(signal.SIGTERM)
        if failed is None:
            failed = _failed(processes)
            deadline = deadline if failed is None else time.monotonic() + GRACE_SECONDS
        if time.monotonic() > deadline:
            for process in processes:
                process.kill()
        time.sleep(0.1)
    return _failed(processes) if failed is None else failed


def _failed(processes: Sequence[subprocess.Popen[str]]) -> int | None:
    codes = [process.poll() for process in processes]
    return next((number for number, code in enumerate(codes) if code), None)


def main(arguments: Sequence[str]) -> int:
    """Train the request on stdin, together with the other processes."""
    _end_with_parent()
    message = json.loads(sys.stdin.read())
    resources = Resources(**message["resources"])
    address, process = (arguments[0], int(arguments[1])) if arguments else (None, None)
    number = int(os.environ["SLURM_PROCID"]) if process is None else process
    logging.basicConfig(format="%(levelname)s %(message)s")
    logging.getLogger("tuning_playbook").setLevel(logging.WARNING if number else logging.INFO)
    try:
        prepare(resources, join=lambda: _join(resources, address, process))
        # JAX is imported here, after its environment is set.
        from tuning_playbook.jobs.groups import train_request  # noqa: PLC0415

        request = request_from_json(message["request"])
        train_request(request, Path(message["study"]), devices=resources.devices)
    except TuningPlaybookError as error:
        _leave(message["words"], number, error)
        return 1
    except InterruptedTrainingError as error:
        logger.warning("%s", error)
        return INTERRUPTED
    except Exception as error:  # logged in full; the waiting job fails with it as its last words
        logger.exception("a process of several ended with an error that is not the user's")
        _leave(message["words"], number, error)
        return 1
    return 0


def _leave(words: str, number: int, error: Exception) -> None:
    """Report why this process ends, to the job that waits for it and in its log."""
    said = f"{type(error).__name__}: {error}"
    print(said, file=sys.stderr, flush=True)
    (Path(words) / f"{LAST_WORDS}{number}").write_text(said)


def _join(resources: Resources, address: str | None, process: int | None) -> None:
    """Connect to the other processes."""
    import jax  # noqa: PLC0415 - its environment is set

    # Processes on one machine, as in a test of several nodes, have separate devices.
    here = int(os.environ.get("SLURM_LOCALID", "0")) if process is None else process
    devices = list(range(here * resources.devices, (here + 1) * resources.devices))
    nodes = None if address is None else resources.nodes
    with _without_proxies():
        jax.distributed.initialize(address, nodes, process, local_device_ids=devices)
    if jax.process_count() != resources.nodes:
        raise NodesError(
            f"{jax.process_count()} processes began, and the job is one of {resources.nodes} nodes "
            "(resources.nodes): srun must start one on each"
        )


@contextlib.contextmanager
def _without_proxies() -> Iterator[None]:
    """Remove proxies from the environment: gRPC would use them to reach the other processes."""
    names = [name for name in os.environ if name.lower().endswith("_proxy")]
    proxies = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ |= proxies


def _end_with_parent() -> None:
    """End when the job that started this process no longer exists, however it ended."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
