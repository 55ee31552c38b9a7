"""What every job of the workflow does around its work: its log, its plan, its last words."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from tuning_playbook.errors import ChangedDuringRunError, TuningPlaybookError
from tuning_playbook.search.plan import Plan, plan_study


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


def current_plan(spec: str, stage: str, key: str) -> Plan:
    """Return the plan of a study, provided that what decides a stage is as it was planned.

    Raises:
        ChangedDuringRunError: The spec, the code or the data changed since the workflow began.
    """
    plan = plan_study(Path(spec))
    if plan.keys[stage] != key:
        raise ChangedDuringRunError(
            f"{spec}, or the code or data behind it, changed while the workflow ran; "
            "run snakemake again"
        )
    return plan
