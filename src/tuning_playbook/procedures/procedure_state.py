"""How far a procedure is, told by its files."""

from pathlib import Path

from tuning_playbook.errors import TuningPlaybookError
from tuning_playbook.planning.artefacts import SETTLED
from tuning_playbook.planning.chain import Link
from tuning_playbook.procedures.planned import most_rounds, planning_key
from tuning_playbook.study.planned_round import is_end
from tuning_playbook.study.settled import read_settled


def planned_rounds(link: Link, results: Path) -> tuple[int, ...]:
    """Return the numbers of the rounds that are planned so far, the first of them first.

    Rounds that were planned of another spec, or before an earlier round was planned anew, do not
    count. The first round of a procedure that takes nothing from earlier studies always does.

    Args:
        link: The procedure.
        results: The folder of all results.
    """
    assert link.procedure is not None
    folder = results / link.plan.study.name
    known = () if link.earlier else (1,)
    try:
        key = planning_key(read_settled(spec_of_procedure(link, results)))
        before = (folder / f"current/planned-{key}").stat().st_mtime_ns
    except (OSError, TuningPlaybookError):
        return known
    numbers = list(known)
    for number in range(len(known) + 1, most_rounds(link.procedure) + 1):
        file = folder / f"planned/{number}.yaml"
        try:
            planned = file.stat().st_mtime_ns
            if planned < before or is_end(file):
                break
        except (OSError, TuningPlaybookError):  # it is not there, or about to be planned anew
            break
        numbers.append(number)
        before = planned
    return tuple(numbers)


def spec_of_procedure(link: Link, results: Path) -> Path:
    """Return the file that a procedure is read from: its settled spec, where it has one."""
    path = link.plan.study.path
    return results / path.stem / SETTLED if link.earlier else path
