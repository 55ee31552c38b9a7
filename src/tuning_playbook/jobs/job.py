"""What every job of the workflow does around its work: its log, its last words.

Nothing heavy is imported here: a training job need not know what a study is.
"""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tuning_playbook.errors import (
    INTERRUPTED,
    ArtefactError,
    InterruptedTrainingError,
    TuningPlaybookError,
)
from tuning_playbook.files import storage_error
from tuning_playbook.trials.artefact_hashes import check_hash, has_hash, remove_hash, write_hash

USUAL = {"devices": 1, "gpus": 0, "nodes": 1}
"""What a job has if nobody asks for anything."""


NOT_THE_USERS = "the job ended with an error that is not the user's"

PATIENCE = 30.0
"""Seconds that a shared file system may take to show the hash that belongs to a file."""

USERS_PYTHONPATH = "TUNING_PLAYBOOK_USERS_PYTHONPATH"
"""The variable of the environment that keeps PYTHONPATH as it was before `share_code`."""


def resources_of(snakemake: Any) -> dict[str, int]:
    """Return what a job has on each of its nodes: `threads`, `devices`, `gpus`; and its `nodes`."""
    return {"threads": snakemake.threads, **_devices_of(snakemake.resources)}


def options_of(resources: Any) -> str:
    """Return what of a job's resources is not usual, as options of `jobs.train_pack`.

    Args:
        resources: As Snakemake has them.
    """
    given = _devices_of(resources)
    return " ".join(f"--{name} {given[name]}" for name in USUAL if given[name] != USUAL[name])


def _devices_of(resources: Any) -> dict[str, int]:
    nodes = getattr(resources, "nodes", USUAL["nodes"])
    return {
        "devices": getattr(resources, "devices", USUAL["devices"]),
        "gpus": getattr(resources, "gpu", USUAL["gpus"]) // nodes,
        "nodes": nodes,
    }


def share_code(folder: str) -> None:
    """Let the processes that a workflow starts import this package from `folder`.

    So a job in a conda environment of its own runs the code of the checkout it belongs to.
    """
    os.environ.setdefault(USERS_PYTHONPATH, os.environ.get("PYTHONPATH", ""))
    os.environ["PYTHONPATH"] = folder


@contextlib.contextmanager
def job_of(snakemake: Any) -> Iterator[None]:
    """Do the work of a script: log it, check what it is made of, keep the hashes of what it makes.

    Args:
        snakemake: Of the script.

    Raises:
        SystemExit: As `logged` has it.
    """
    log: str = snakemake.log[0]
    study = Path(log[: log.rindex("/logs/")])  # where every rule has its log
    with logged(log), hashed(study, map(Path, snakemake.input), map(Path, snakemake.output)):
        yield


@contextlib.contextmanager
def hashed(study: Path, inputs: Iterable[Path], outputs: Iterable[Path]) -> Iterator[None]:
    """Check the inputs of a job before its work, and keep the hashes of its outputs behind it.

    Args:
        study: Its folder of results.
        inputs: What it is made of.
        outputs: What it makes; what is not in that folder has no hash.

    Raises:
        ArtefactError: An input is not what its job wrote.
    """
    made = [path for path in outputs if path.is_relative_to(study)]
    for path in inputs:
        _check_patiently(path)
    for path in made:
        remove_hash(study, path)
    yield
    for path in made:
        if not has_hash(study, path):  # that of a pack also says which trials it holds
            write_hash(study, path)


def _check_patiently(path: Path) -> None:
    """Check an input; a shared file system may take a while to show a file and its hash as one."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            check_hash(path)
        except ArtefactError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(1.0)
        else:
            return


@contextlib.contextmanager
def logged(log: str) -> Iterator[None]:
    """Log to a file, and end with the message alone on an error that the user can mend.

    What is printed meanwhile, by a workload or by a process that it starts, goes to the log, too. A
    job that was told to stop ends with the status `INTERRUPTED`.

    Snakemake removes the log of the job before. What is there all the same is that of another job
    that has the same trials at this moment, which goes on.
    """
    handler = logging.FileHandler(log, mode="a")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    logging.getLogger("tuning_playbook").setLevel(logging.INFO)
    try:
        with _output_to(log):
            yield
    except TuningPlaybookError as error:
        # What a user's own code raised is told in a line, and logged whole.
        root.error("%s", error, exc_info=error.__cause__)
        sys.exit(f"{type(error).__name__}: {error}")
    except InterruptedTrainingError as error:
        root.warning("%s", error)
        sys.exit(INTERRUPTED)
    except KeyboardInterrupt:
        root.warning("the job was ended with Ctrl-C")
        sys.exit(INTERRUPTED)
    except (OSError, RuntimeError) as error:
        told = storage_error(error)
        if told is None:
            root.exception(NOT_THE_USERS)
            raise
        root.error("%s", told, exc_info=error)
        sys.exit(f"{type(told).__name__}: {told}")
    except BaseException:
        root.exception(NOT_THE_USERS)
        raise
    finally:
        root.removeHandler(handler)
        handler.close()


_terminal: list[int] = []
"""What stderr was before it was led to the log of the job."""


def say(words: str) -> None:
    """Say something in the log, and to whoever started the job."""
    logging.getLogger("tuning_playbook").warning("%s", words)
    if _terminal:
        os.write(_terminal[-1], f"{words}\n".encode(errors="replace"))


@contextlib.contextmanager
def _output_to(log: str) -> Iterator[None]:
    """Append to a file what this process and those that it starts print."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    kept = [os.dup(number) for number in (1, 2)]
    _terminal.append(kept[1])
    with Path(log).open("a", buffering=1, encoding="utf-8") as file:
        try:
            for number in (1, 2):
                os.dup2(file.fileno(), number)
            with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
                yield
        finally:
            _terminal.pop()
            for number, original in zip((1, 2), kept, strict=True):
                os.dup2(original, number)
                os.close(original)
