"""The parts of the table of artefacts: stages, the rules that make them, the jobs of a rule."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tuning_playbook.planning.plan import Plan


@dataclass(frozen=True)
class Job:
    """One job of a rule; its files are relative to the study's folder of results.

    Attributes:
        made: Its outputs.
        of: Its inputs, without stamps. An input that a study does not have is named all the same.
        trials: The ids of the trials that it trains; None if they are known only from its pack.
    """

    made: tuple[str, ...]
    of: tuple[str, ...] = ()
    trials: tuple[str, ...] | None = ()


@dataclass(frozen=True)
class Step:
    """A rule of the workflow.

    Attributes:
        rule: Its name, which is also the name of the script or the module that it runs.
        does: What it does, as a phrase after "to".
        jobs: The jobs that it has for a plan.
    """

    rule: str
    does: str
    jobs: Callable[[Plan], Iterable[Job]]


def always(plan: Plan) -> bool:
    """Return True: every study has the stage."""
    del plan
    return True


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Artefacts that are current or stale together.

    Attributes:
        name: Its name, with which the names of its stamps begin.
        steps: The rules that make it, in the order of their work.
        builds_on: The stages whose keys are part of its key.
        decided_by: What else in a plan decides it; None if it has no key, because the names of its
            files, or other stages, show whether it is current.
        code: The files and folders of this package whose code decides it.
        present: Whether a study has it.
        leaves: Other files that its rules leave in the study's folder, as a pattern.
    """

    name: str
    steps: tuple[Step, ...]
    builds_on: tuple[str, ...] = ()
    decided_by: Callable[[Plan], Any] | None = None
    code: tuple[str, ...] = ()
    present: Callable[[Plan], bool] = always
    leaves: str = ""
