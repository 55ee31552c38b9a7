"""How far a procedure is, by its files."""

from collections.abc import Mapping
from pathlib import Path

from tuning_playbook.errors import TuningPlaybookError
from tuning_playbook.planning.artefacts import SETTLED
from tuning_playbook.planning.chain import Link
from tuning_playbook.procedures.planned import (
    conclusion_key,
    has_rounds,
    most_rounds,
    planning_key,
)
from tuning_playbook.study.planned_round import is_end
from tuning_playbook.study.settled import read_settled


def planned_rounds(link: Link, results: Path) -> tuple[int, ...]:
    """Return the numbers of the rounds that are planned so far, in their order.

    Rounds that were planned from another spec, or before an earlier round was planned again, do not
    count. The first round of a procedure that takes nothing from earlier studies always counts.

    Args:
        link: The procedure.
        results: The folder of all results.
    """
    assert link.procedure is not None
    if not has_rounds(link.procedure):
        return ()
    folder = results / link.plan.study.name
    known = () if link.earlier else (1,)
    try:
        key = planning_key(read_settled(spec_of_procedure(link, results)))
        before = _modified(folder / f"current/planned-{key}")
    except (OSError, TuningPlaybookError):
        return known
    numbers = list(known)
    for number in range(len(known) + 1, most_rounds(link.procedure) + 1):
        file = folder / f"planned/{number}.yaml"
        try:
            planned = _modified(file)
            if planned < before or is_end(file):
                break
        except (OSError, TuningPlaybookError):  # it is missing, or about to be planned again
            break
        numbers.append(number)
        before = planned
    return tuple(numbers)


def reached_rounds(folder: Path) -> tuple[int, ...]:
    """Return the numbers of the rounds up to the planned end, if there is one.

    Results of more rounds may still be there, from an earlier and longer course of the procedure.

    Args:
        folder: The procedure's folder of results.

    Raises:
        SpecError: The plan of a round cannot be read.
    """
    numbers: list[int] = []
    while (file := folder / f"planned/{len(numbers) + 1}.yaml").exists() and not is_end(file):
        numbers.append(len(numbers) + 1)
    return tuple(numbers)


def is_concluded(link: Link, results: Path) -> bool:
    """Return whether the conclusion of a procedure is there and up to date.

    It is outdated while the spec cannot be read, or has changed: the next run concludes again.

    Args:
        link: The procedure.
        results: The folder of all results.
    """
    folder = results / link.plan.study.name
    spec = spec_of_procedure(link, results)
    try:
        stamp = folder / f"current/concluded-{conclusion_key(read_settled(spec))}"
        made = _modified(folder / "conclusion.json")
        taken = [_modified(file) for file in link.files_taken(results)]
        measured = [*folder.glob("rounds/*/study.nc"), *folder.glob("probes/*.json")]
        return made >= max(map(_modified, [stamp, *measured])) and (
            not taken or _modified(spec) >= max(taken)
        )
    except (OSError, TuningPlaybookError):
        return False


def concluded_of(link: Link, chain: Mapping[str, Link], results: Path) -> frozenset[str]:
    """Return the names of the procedures with a current conclusion that a study takes from.

    Args:
        link: The study.
        chain: Every study that it takes from, by name.
        results: The folder of all results.
    """
    return frozenset(name for name in link.concluding if is_concluded(chain[name], results))


def _modified(file: Path) -> int:
    return file.stat().st_mtime_ns


def spec_of_procedure(link: Link, results: Path) -> Path:
    """Return the file with a procedure's spec: its settled spec, if it has one."""
    path = link.plan.study.path
    return results / path.stem / SETTLED if link.earlier else path
