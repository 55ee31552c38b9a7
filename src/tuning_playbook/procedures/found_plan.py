"""The plan of a study, completed by its existing results."""

import contextlib
from pathlib import Path

from tuning_playbook.analysis.known_plan import known_plan
from tuning_playbook.errors import ChangedDuringRunError, TuningPlaybookError
from tuning_playbook.planning.artefacts import SETTLED
from tuning_playbook.planning.chain import Link, plan_chain
from tuning_playbook.planning.job_sizes import available_cores, divided_by, with_division
from tuning_playbook.planning.plan import Plan, plan_study, with_proposals
from tuning_playbook.procedures.planned import first_plan_of, has_rounds
from tuning_playbook.procedures.procedure_state import planned_rounds
from tuning_playbook.study.read import WrittenSpec, read_spec
from tuning_playbook.study.settled import read_settled, settle


def found_plan(path: Path, results: Path) -> Plan:
    """Return the plan of a study; for a procedure that of its first round.

    Args:
        path: The study's spec.
        results: The folder of all results.

    Raises:
        TuningPlaybookError: The spec cannot be carried out, or needs results that are not there.
    """
    link = plan_chain([path])[path.stem]
    plan = _settled(link, results) if link.earlier else link.plan
    return with_results(first_round(link, results) if link.procedure else plan, results)


def found_plans(path: Path, results: Path) -> list[Plan]:
    """Return the plan of a study, or those of the rounds of a procedure that are planned so far.

    Its arguments and errors are those of `found_plan`.
    """
    link = plan_chain([path])[path.stem]
    if link.procedure is None:
        return [found_plan(path, results)]
    if not has_rounds(link.procedure):
        return []
    plans = [first_round(link, results)]
    for number in planned_rounds(link, results):
        file = results / link.plan.study.name / f"planned/{number}.yaml"
        try:
            plans += [plan_study(file)] if number > 1 else []
        except TuningPlaybookError:
            if file.exists():  # else it is about to be planned again
                raise
    return [with_results(plan, results) for plan in plans]


def with_results(plan: Plan, results: Path) -> Plan:
    """Return a plan with its division into jobs, and the trials that its rounds have proposed.

    Args:
        plan: The study's.
        results: The folder of all results.
    """
    name = plan.study.name
    division = divided_by(results, name, available_cores(), trials_per_job=0)
    plan = with_division(plan, division)
    proposals = [results / name / item.proposal for item in plan.rounds.values()]
    return with_proposals(plan, [file for file in proposals if file.exists()])


def found_procedure(link: Link, results: Path) -> WrittenSpec:
    """Return the spec from which a procedure's first round, or its probes, are planned.

    If it takes values from earlier studies, that is the settled spec. Before that is written, or
    after the spec was edited, the values come from the existing results.

    Args:
        link: The procedure.
        results: The folder of all results.

    Raises:
        SpecError: The spec cannot be carried out as written.
        TuningPlaybookError: It takes values from earlier studies that have no results.
    """
    path = link.plan.study.path
    if not link.earlier:
        return read_settled(path)
    settled = results / path.stem / SETTLED
    if settled.exists():
        with contextlib.suppress(ChangedDuringRunError):  # the spec was edited since then
            return read_settled(settled)
    if not all(file.exists() for file in link.files_taken(results)):
        raise TuningPlaybookError(
            f"{path}: takes values from {', '.join(link.names)}, and its rounds follow from them: "
            f"run snakemake --config study={path} first, or say where with --results"
        )
    from tuning_playbook.analysis.best_result import best_results  # noqa: PLC0415 - slow to import

    folders = {name: results / name for name in link.names}
    taken = best_results(link.earlier, folders, link.variances, link.concluding)
    return settle(read_spec(path), taken, link.plan.study.workload)


def first_round(link: Link, results: Path) -> Plan:
    """Return the plan of a procedure's first round; see `found_procedure`.

    Raises:
        TuningPlaybookError: It has none, as it trains nothing.
    """
    if link.procedure is not None and not has_rounds(link.procedure):
        raise TuningPlaybookError(
            f"{link.plan.study.path}: this procedure measures the machine and has no trials; run "
            f"snakemake --config study={link.plan.study.path}"
        )
    return first_plan_of(found_procedure(link, results))[-1]


def _settled(link: Link, results: Path) -> Plan:
    """Return the plan of a study as it was settled; else with the existing earlier results."""
    path = link.plan.study.path
    settled = results / path.stem / SETTLED
    if settled.exists():
        with contextlib.suppress(ChangedDuringRunError):  # the spec was edited since then
            return plan_study(settled)
    plan = known_plan(link, results)
    if plan is None:
        raise TuningPlaybookError(
            f"{path}: takes values from {', '.join(link.names)}, and their results are not in "
            f"{results}: run snakemake --config study={path} first, or say where with --results"
        )
    return plan
