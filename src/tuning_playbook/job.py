"""What every job of the workflow does around its work: its log, its last words.

Nothing heavy is imported here: a training job need not know what a study is.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

from tuning_playbook.errors import TuningPlaybookError


def resources_of(snakemake: Any) -> dict[str, int]:
    """Return what a job has on each of its nodes: `threads`, `devices`, `gpus`; and its `nodes`."""
    given = snakemake.resources
    nodes = getattr(given, "nodes", 1)
    return {
        "threads": snakemake.threads,
        "devices": getattr(given, "devices", 1),
        "gpus": getattr(given, "gpu", 0) // nodes,
        "nodes": nodes,
    }


def share_source(folder: str) -> None:
    """Let the processes that a workflow starts import this package from `folder`.

    So a job in a conda environment of its own runs the code of the checkout it belongs to.
    """
    os.environ["PYTHONPATH"] = folder


@contextlib.contextmanager
def logged(log: str) -> Iterator[None]:
    """Log to a file, and end with the message alone on an error that the user can mend."""
    handler = logging.FileHandler(log, mode="w")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    logging.getLogger("tuning_playbook").setLevel(logging.INFO)
    try:
        yield
    except TuningPlaybookError as error:
        root.error("%s", error)
        sys.exit(f"{type(error).__name__}: {error}")
    except BaseException:
        root.exception("the job ended with an error that is not the user's")
        raise
    finally:
        root.removeHandler(handler)
        handler.close()
