"""A study of which only some trials have a result: which files it has, and what is made of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from tuning_playbook.errors import ArtefactError, SpecError
from tuning_playbook.planning.artefacts import building_on, keys_of
from tuning_playbook.planning.plan import Plan
from tuning_playbook.planning.rounds import Round
from tuning_playbook.trials.trial import ID_DIGITS, digest, trial_from_json
from tuning_playbook.trials.trial_json import read_trial_json

Use = Literal["refuse", "report", "decide"]
"""What to make of an incomplete study: nothing, all but a decision, or all."""

DECIDED = building_on("launch")
"""The stages that hold a decision, or follow from one."""


def use_of_incomplete(config: Mapping[str, Any]) -> Use:
    """Return what the configuration allows to be made of an incomplete study.

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
    """Return the files that hold finished trials or propose some; None where no pack is missing.

    A round counts only while the results that it was proposed from exist: a new proposal trains.

    Args:
        plan: The study's.
        folder: Its folder of results, from which the files are named.
    """
    packs = {pack.file: [trial.id for trial in pack.trials] for pack in plan.packs.values()}
    proposals = []
    for item in _rounds_there(plan, folder):
        proposals.append(item.proposal)
        proposed = json.loads((folder / item.proposal).read_text())["trials"]
        trials = [trial_from_json(trial).id for trial in proposed]
        for file, (start, end) in zip(item.files, item.parts, strict=True):
            packs[file] = trials[start:end]
    there = [name for name in packs if (folder / name).exists()]
    if len(there) == len(plan.packs) + sum(len(item.files) for item in plan.rounds.values()):
        return None
    missing = packs.keys() - there
    alone = [f"trials/{id}/trial.json" for name in packs if name in missing for id in packs[name]]
    return (*there, *proposals, *(name for name in alone if _is_finished(folder / name)))


def _is_finished(record: Path) -> bool:
    """Return whether the trial of a trial.json need not be trained again."""
    try:
        return bool(read_trial_json(record.parent)["status"] != "failed")
    except ArtefactError:
        return False


def _rounds_there(plan: Plan, folder: Path) -> Iterator[Round]:
    """Yield the rounds that have proposals made from packs that still exist."""
    if not (folder / f"current/rounds-{keys_of(plan)['rounds']}").exists():
        return  # they were proposed by another search
    packs = plan.packs.values()
    cut = {pack.arm for pack in packs if not (folder / pack.file).exists()}
    for item in plan.rounds.values():  # in each arm the earlier ones first
        if item.arm in cut or not (folder / item.proposal).exists():
            cut.add(item.arm)
            continue
        yield item
        if not all((folder / file).exists() for file in item.files):
            cut.add(item.arm)


def incomplete_key(stage: str, key: str, there: Sequence[str], use: Use) -> str:
    """Return the key of a stage that is made of the existing part of a study.

    Args:
        stage: The stage. The proposals of its rounds have the same key, whatever is missing.
        key: Its key for the whole study.
        there: The files that there are.
        use: What is made of them.
    """
    if stage == "rounds":
        return key
    return digest([key, list(there), use if stage in DECIDED else ""])[:ID_DIGITS]
