"""Lines of plain text: what a design cannot tell, what it would need, and the cost."""

from collections.abc import Sequence
from pathlib import Path

from tuning_playbook.planning.budget import read_earlier_trials, training_seconds
from tuning_playbook.planning.cannot_tell import CannotTell, cannot_tell, together
from tuning_playbook.planning.cures import Cure
from tuning_playbook.planning.plan import Plan
from tuning_playbook.report.formatting import duration

NO_NUMBER = "more trials or evaluations do not change that"


def cannot_tell_lines(plan: Plan, results: Path | None = None) -> list[str]:
    """Return a line for each check that cannot answer, and one for all of them; none if all can.

    Args:
        plan: The study's.
        results: The folder whose trials tell how long one takes; None where no time is asked for.
    """
    found = cannot_tell(plan)
    if not found:
        return []
    seconds = _seconds(plan, results)
    lines = [f"  {_name(item)}: needs {item.needs}; {_cure(item.cure, seconds)}" for item in found]
    if len(found) > 1:
        lines.append(f"  {_all(together(found), seconds)}")
    return ["cannot tell with this design:", *lines]


def _all(cures: Sequence[Cure], seconds: float | None) -> str:
    """Write what all of these checks together would need."""
    return f"for all of it: {_changes(cures, seconds)}" if cures else NO_NUMBER


def _changes(cures: Sequence[Cure], seconds: float | None) -> str:
    """Write the changes, each of one key, and their total cost."""
    changes = ", ".join(f"{cure.key}: {cure.value:,}" for cure in cures)
    trainings, steps = sum(cure.trainings for cure in cures), sum(cure.steps for cure in cures)
    costs = [_cost(cure, seconds) for cure in cures if cure.evaluations]
    if trainings:
        costs.append(_cost(Cure("", 0, trainings=trainings, steps=steps), seconds))
    return f"{changes} ({'; '.join(costs)})"


def _seconds(plan: Plan, results: Path | None) -> float | None:
    """Return the expected time of one training; None without earlier trials."""
    if results is None:
        return None
    known = training_seconds(plan, read_earlier_trials(results)).values()
    times = [time for time in known if time is not None]
    return sum(times) / len(times) if times else None


def _name(item: CannotTell) -> str:
    return f"{item.check} in {'; '.join(item.arms)}" if item.arms else item.check


def _cure(cure: Cure | None, seconds: float | None) -> str:
    return NO_NUMBER if cure is None else _changes(cure.changes, seconds)


def _cost(cure: Cure, seconds: float | None) -> str:
    """Write the cost of a change."""
    if cure.evaluations:
        share = cure.computation
        about = "" if share is None else f", about {max(share, 0.01):.0%} more computation"
        return f"{cure.evaluations:,} more evaluations of each trial{about}"
    time = "" if seconds is None else f", about {duration(cure.trainings * seconds)}"
    many = "" if cure.trainings == 1 else "s"
    return f"{cure.trainings:,} more training{many}, {cure.steps:,} steps{time}"
