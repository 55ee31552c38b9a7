"""A study of which only some trials have a result: what there is, told by its files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from tuning_playbook.errors import SpecError
from tuning_playbook.search.fingerprint import ID_DIGITS, digest
from tuning_playbook.search.plan import Plan

Use = Literal["refuse", "report", "decide"]
"""What is made of an incomplete study: nothing, all but a decision, or all."""

DECIDED = ("launch", "test", "final", "report")
"""The stages that hold a decision, or follow from one."""


def use_of_incomplete(config: Mapping[str, Any]) -> Use:
    """Return what the configuration lets be made of an incomplete study.

    Raises:
        SpecError: It is no known use.
    """
    given = config.get("incomplete", "refuse")
    for use in ("refuse", "report", "decide"):
        if given == use:
            return use
    raise SpecError(
        f"configuration key 'incomplete' is refuse, report or decide, not {given!r}: report what "
        "there is of a study without a decision, or decide on it as well"
    )


def what_is_there(plan: Plan, folder: Path) -> tuple[str, ...] | None:
    """Return the files that hold finished trials; None where no pack is missing.

    Args:
        plan: The study's.
        folder: Its folder of results, from which the files are named.
    """
    packs = {f"packs/{pack.id}.nc": pack.trials for pack in plan.packs.values()}
    names = [*packs, *(name for item in plan.rounds.values() for name in item.files)]
    absent = [name for name in names if not (folder / name).exists()]
    if not absent:
        return None
    alone = [f"trials/{trial.id}/trial.json" for name in absent for trial in packs.get(name, ())]
    return tuple(name for name in (*names, *alone) if (folder / name).exists())


def incomplete_key(stage: str, key: str, there: Sequence[str], use: Use) -> str:
    """Return the key of a stage that is made of what there is of a study.

    Args:
        stage: The stage.
        key: Its key for the whole study.
        there: What there is.
        use: What is made of it.
    """
    return digest([key, list(there), use if stage in DECIDED else ""])[:ID_DIGITS]
