"""What a study takes from earlier ones, in lines of plain text."""

from collections.abc import Collection

from tuning_playbook.planning.plan import Plan


def taken_lines(plan: Plan, *, known: bool, outdated: Collection[str] = ()) -> list[str]:
    """Return a line for each key of a spec whose value comes from an earlier result.

    Args:
        plan: The study's.
        known: Whether the values come from results. If not, each earlier study has a placeholder
            for its best trial, and the values are not shown.
        outdated: The earlier studies that will run again, after which another trial may be best.
    """
    return [
        f"{item.place} is {item.value}, from {item.study}"
        + f": {item.trial}" * bool(item.trial)  # what a procedure concludes is of no one trial
        + (f" ({item.study} changed since then, and runs again)" * (item.study in outdated))
        if known
        else f"{item.place} comes from {item.study}, whose result is not known yet"
        for item in plan.study.taken
    ]
