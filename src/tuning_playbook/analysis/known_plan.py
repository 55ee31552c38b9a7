"""The plan of a study that takes from earlier ones, where their results are there."""

import contextlib
from collections.abc import Container, Mapping
from pathlib import Path

from tuning_playbook.errors import ChangedDuringRunError
from tuning_playbook.planning.artefacts import SETTLED, keys_of
from tuning_playbook.planning.chain import Link
from tuning_playbook.planning.plan import Plan, plan_study


def known_plan(link: Link, results: Path) -> Plan | None:
    """Return the plan of a study with the values that the results of earlier studies hold.

    Args:
        link: The study, which takes from earlier ones.
        results: The folder of all results.

    Returns:
        The plan; None where an earlier study has no result yet.

    Raises:
        ArtefactError: An earlier study has no result to take, as where no trial is feasible.
        SpecError: With these values the spec cannot be carried out as written.
    """
    folders = {name: results / name for name in link.names}
    needed = link.files_taken(results)
    if not all(file.exists() for file in needed):
        return None
    spec = link.plan.study.path
    settled = results / spec.stem / SETTLED
    newest = max(file.stat().st_mtime_ns for file in needed)
    if settled.exists() and settled.stat().st_mtime_ns >= newest:
        with contextlib.suppress(ChangedDuringRunError):  # the spec was edited since then
            return plan_study(settled)
    from tuning_playbook.analysis.best_result import best_results  # noqa: PLC0415 - slow to import

    return plan_study(spec, best_results(link.earlier, folders, link.variances, link.concluding))


def outdated(
    link: Link, chain: Mapping[str, Link], results: Path, concluded: Container[str]
) -> tuple[str, ...]:
    """Return the earlier studies whose results are there, but of another spec or of other code.

    Args:
        link: The study that takes from them.
        chain: Every study that it takes from, by name.
        results: The folder of all results.
        concluded: The names of the procedures whose conclusion is up to date.
    """
    return tuple(
        name
        for name in link.names
        if (
            name not in concluded and (results / name / "conclusion.json").exists()
            if name in link.concluding
            else _changed(chain[name], results)
        )
    )


def is_certain(
    link: Link, chain: Mapping[str, Link], results: Path, concluded: Container[str]
) -> bool:
    """Return whether all that a study takes from is there, and no earlier study runs again.

    Args:
        link: The study that takes from them.
        chain: Every study that it takes from, by name.
        results: The folder of all results.
        concluded: The names of the procedures whose conclusion is up to date.
    """
    there = all(file.exists() for file in link.files_taken(results))
    return there and not outdated(link, chain, results, concluded)


def _changed(link: Link, results: Path) -> bool:
    """Whether what decides the dataset of a study is another than when it was made."""
    plan = known_plan(link, results) if link.earlier else link.plan
    stamps = {path.name for path in (results / link.plan.study.name).glob("current/study-*")}
    return bool(stamps) and (plan is None or f"study-{keys_of(plan)['study']}" not in stamps)
