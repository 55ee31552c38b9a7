"""Lines about a Bayesian search that asks for more trials than there are configurations."""

from tuning_playbook.planning.plan import Plan
from tuning_playbook.planning.study_design import design_of


def exhausted_lines(plan: Plan) -> list[str]:
    """Return a line for each arm whose rounds would propose more trials than its space has."""
    if not plan.rounds:
        return []
    return [
        f"{name}: its space has {arm.most:,.0f} configurations, fewer than the "
        f"{arm.trials:,.0f} trials that are asked for, so later rounds propose fewer or none: "
        "lower search.trials, or search more"
        for name, arm in design_of(plan).arms.items()
        if arm.most < arm.trials
    ]


def trials_to_come(plan: Plan) -> int:
    """Return the number of trials still to propose, at most the remaining configurations."""
    if not plan.rounds:
        return 0
    most = {name: arm.most for name, arm in design_of(plan).arms.items()}
    there = dict.fromkeys(most, 0)
    for item in plan.trials:
        there[item.arm] += 1
    asked = plan.trials_per_arm
    return sum(int(max(min(asked[name], most[name]) - there[name], 0)) for name in most)
