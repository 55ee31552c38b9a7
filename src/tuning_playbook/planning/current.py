"""The plan of a study for one of its jobs, checked to be the one that the job was made for."""

from collections.abc import Iterable
from pathlib import Path

from tuning_playbook.errors import ChangedDuringRunError
from tuning_playbook.planning.artefacts import keys_of
from tuning_playbook.planning.chain import Link, plan_chain
from tuning_playbook.planning.plan import Plan, plan_study, with_proposals


def current_plan(spec: str, stage: str, key: str, *, proposals: Iterable[str] = ()) -> Plan:
    """Return the plan of a study, if what decides a stage is still as it was planned.

    Args:
        spec: The study's file; its settled spec where it takes from earlier studies.
        stage: What the job makes.
        key: The stage's key when the job was planned.
        proposals: Files of the proposals of its rounds, whose trials the plan includes.

    Raises:
        ChangedDuringRunError: The spec, the code or the data changed since the workflow began.
    """
    plan = plan_study(Path(spec))
    if keys_of(plan)[stage] != key:
        raise _changed(plan.study.path)
    return with_proposals(plan, map(Path, proposals))


def current_link(spec: str, key: str) -> Link:
    """Return a study with those that it takes from, if what it takes is still as planned.

    Raises:
        ChangedDuringRunError: The spec or the code changed since the workflow began.
    """
    path = Path(spec)
    link = plan_chain([path])[path.stem]
    if link.key != key:
        raise _changed(path)
    return link


def _changed(spec: Path) -> ChangedDuringRunError:
    return ChangedDuringRunError(
        f"{spec}, or the code or data behind it, changed while the workflow ran; "
        "run snakemake again"
    )
