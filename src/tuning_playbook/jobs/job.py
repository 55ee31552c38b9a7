"""What every job of the workflow does around its work: log, check hashes, end with a message.

Nothing heavy is imported here: a training job need not know about studies.
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
"""A job's resources if nobody asks for others."""


NOT_THE_USERS = "the job ended with an error that is not the user's"

PATIENCE = 30.0
"""Seconds to wait until a shared file system shows the hash that belongs to a file."""

USERS_PYTHONPATH = "TUNING_PLAYBOOK_USERS_PYTHONPATH"
"""The environment variable that saves the PYTHONPATH from before `share_code`."""


def resources_of(snakemake: Any) -> dict[str, int]:
    """Return a job's resources on each node (`threads`, `devices`, `gpus`) and its `nodes`."""
    return {"threads": snakemake.threads, **_devices_of(snakemake.resources)}


def options_of(resources: Any) -> str:
    """Return the resources that differ from `USUAL`, as options of `jobs.train_pack`.

    Args:
        resources: The resources as Snakemake has them.
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
    """Make the processes that a workflow starts import this package from `folder`.

    So a job in its own conda environment runs the code of the checkout it belongs to.
    """
    os.environ.setdefault(USERS_PYTHONPATH, os.environ.get("PYTHONPATH", ""))
    os.environ["PYTHONPATH"] = folder


@contextlib.contextmanager
def job_of(snakemake: Any) -> Iterator[None]:
    """Wrap the work of a script: log it, check its inputs, and write the hashes of its outputs.

    Args:
        snakemake: The script's `snakemake` object.

    Raises:
            SystemExit: As for `logged`.
    """
    log: str = snakemake.log[0]
    study = Path(log[: log.rindex("/logs/")])  # every rule's log is in the study's folder
    with logged(log), hashed(study, map(Path, snakemake.input), map(Path, snakemake.output)):
        yield


@contextlib.contextmanager
def hashed(study: Path, inputs: Iterable[Path], outputs: Iterable[Path]) -> Iterator[None]:
    """Check the inputs of a job before its work, and write the hashes of its outputs after it.

    Args:
        study: The study's folder of results.
        inputs: The input files.
        outputs: The output files; files outside that folder get no hash.

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
        if not has_hash(study, path):  # a pack's own hash also lists its trials
            write_hash(study, path)


def _check_patiently(path: Path) -> None:
    """Check an input; wait while a shared file system shows a file without its new hash."""
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
    """Log to a file; on an error that the user can fix, end with only its message.

    Output that a workload or a child process prints meanwhile goes to the log, too. A job that was
    told to stop ends with the status `INTERRUPTED`.

    Snakemake removes the log of the previous attempt. If a log exists, another job is training the
    same trials at this moment; the log is appended to.
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
        # An error in a user's own code is reported in one line, and logged in full.
        root.error("%s", error, exc_info=error.__cause__)
        sys.exit(f"{type(error).__name__}: {error}")
    except InterruptedTrainingError as error:
        root.warning("%s", error)
        sys.exit(INTERRUPTED)
    except KeyboardInterrupt:
        root.warning("the job was ended with Ctrl-C")
        sys.exit(INTERRUPTED)
    except (OSError, RuntimeError) as error:
        summary = storage_error(error)
        if summary is None:
            root.exception(NOT_THE_USERS)
            raise
        root.error("%s", summary, exc_info=error)
        sys.exit(f"{type(summary).__name__}: {summary}")
    except BaseException:
        root.exception(NOT_THE_USERS)
        raise
    finally:
        root.removeHandler(handler)
        handler.close()


_terminal: list[int] = []
"""A copy of stderr from before it was redirected to the job's log."""


def say(words: str) -> None:
    """Write words to the log, and to the terminal that started the job."""
    logging.getLogger("tuning_playbook").warning("%s", words)
    if _terminal:
        os.write(_terminal[-1], f"{words}\n".encode(errors="replace"))


@contextlib.contextmanager
def _output_to(log: str) -> Iterator[None]:
    """Append the output of this process and its children to a file."""
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
