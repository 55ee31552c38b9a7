"""What a check says of a spec: its trials, its cost, advice, and what it cannot tell."""

from collections.abc import Iterator
from pathlib import Path

from tuning_playbook.analysis.known_plan import known_plan, outdated
from tuning_playbook.planning.budget_plan import Budget
from tuning_playbook.planning.chain import plan_chain
from tuning_playbook.planning.class_signatures import check_class
from tuning_playbook.planning.plan import Plan
from tuning_playbook.planning.probes import probes_of
from tuning_playbook.procedures.found_plan import first_round, found_procedure, with_results
from tuning_playbook.procedures.planned import has_rounds, most_of
from tuning_playbook.procedures.procedure_state import concluded_of
from tuning_playbook.report.budget_lines import (
    budget_lines,
    budget_plan_lines,
    doubt_lines,
    evaluation_lines,
)
from tuning_playbook.report.cannot_tell_lines import cannot_tell_lines
from tuning_playbook.report.exhausted_lines import exhausted_lines
from tuning_playbook.report.import_lines import import_lines
from tuning_playbook.report.probe_lines import probe_cost_lines
from tuning_playbook.report.taken_lines import taken_lines


def check_lines(path: Path, results: Path, budget: Budget | None = None) -> Iterator[str]:
    """Yield what a check says of a spec, a line at a time; nothing is trained.

    Args:
        path: The spec.
        results: The folder of all results, which tell what training takes and earlier values.
        budget: What the playbook is to make a plan of, too.

    Raises:
        TuningPlaybookError: The spec or its workload is invalid.
    """
    chain = plan_chain([path])
    link = chain[path.stem]
    if link.procedure and not has_rounds(link.procedure):
        probes = probes_of(found_procedure(link, results))
        check_class(probes.plan)
        yield from probe_cost_lines(path, probes)
        return
    known = known_plan(link, results) if link.earlier else link.plan
    if known is None:
        listed = ", ".join(link.names)
        yield f"{path}: the results of {listed} are not known yet; a trial of theirs stands in"
    plan = known or link.plan
    if link.procedure:
        plan = first_round(link, results)
        rounds, trials = most_of(found_procedure(link, results), plan)
        yield f"{path}: at most {rounds} rounds and {trials} trials; round 1 is:"
    plan = with_results(plan, results)
    again = outdated(link, chain, results, concluded_of(link, chain, results))
    taken = taken_lines(plan, known=known is not None, outdated=again)
    check_class(plan)
    yield from _trial_lines(plan, taken)
    if plan.study.imported:
        yield from import_lines(plan.study)
    else:
        yield from budget_lines(plan, results)
        yield from evaluation_lines(plan)
        yield from doubt_lines(plan)
        yield from exhausted_lines(plan)
        yield from (f"advice: {advice}" for advice in plan.advice)
        yield from cannot_tell_lines(plan, results)
    if budget is not None:
        yield from budget_plan_lines(plan, budget, results)


def _trial_lines(plan: Plan, taken: list[str]) -> Iterator[str]:
    """Yield the number of trials, the arms, and the values taken from earlier studies."""
    study, counts = plan.study, plan.trials_per_arm
    to_come = sum(counts.values()) - len(plan.trials)
    more = f", and {to_come} to be proposed in rounds" if to_come else ""
    jobs = len(plan.packs) + sum(len(item.parts) for item in plan.rounds.values())
    yield from (f"  {line}" for line in taken)
    where = ", finished" if study.imported else f", in {jobs} jobs"
    yield f"{study.path}: {len(plan.trials)} trials{more}{where}"
    if study.spec.objective.target is not None:
        yield f"  ranked by: {study.spec.objective.written}"
    for arm in study.arms:
        searched = ", ".join(dimension.name for dimension in arm.dimensions) or "nothing"
        yield f"  {arm.name}: {counts[arm.name]} trials over {searched}"
    for arm_name, trial in plan.expansion.duplicates:
        yield f"  {arm_name}: a configuration equals trial {trial} and is trained once"
