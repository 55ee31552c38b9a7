"""Lines about a Bayesian search that asks for more trials than there are configurations."""

from tuning_playbook.planning.plan import Plan
from tuning_playbook.planning.space_size import configurations
from tuning_playbook.study.searches import BayesianSearch


def exhausted_lines(plan: Plan) -> list[str]:
    """Return a line for each arm whose rounds would propose more trials than its space has."""
    if not plan.rounds:
        return []
    search = plan.study.spec.search
    assert isinstance(search, BayesianSearch)  # no other search has rounds
    return [
        f"{arm.name}: its space has {configurations(arm):,.0f} configurations, fewer than the "
        f"{search.trials:,} trials that are asked for, so later rounds propose fewer or none: "
        "lower search.trials, or search more"
        for arm in plan.study.arms
        if configurations(arm) < search.trials
    ]
