"""The candidate with one of its changes set back to the baseline, for each change.

Source: playbook, "The incremental tuning strategy": before a launch, unhelpful features are found
and removed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from tuning_playbook.dataset.collect import collect
from tuning_playbook.dataset.rows import Row
from tuning_playbook.declarations import Value
from tuning_playbook.planning.budget import SET_BACK
from tuning_playbook.planning.expand import make_trial
from tuning_playbook.planning.plan import Plan
from tuning_playbook.study.equality import differing
from tuning_playbook.study.families import choices_of, families
from tuning_playbook.study.simplicity import is_off
from tuning_playbook.study.study import Study, available
from tuning_playbook.trials.trial import Trial, trial_from_json

BATCH_SIZE = "batch_size"

LEAST_CHANGES = 2
"""A single change is the whole difference from the baseline, which the launch has measured."""


@dataclass(frozen=True)
class SetBack:
    """The candidate with one change undone.

    Attributes:
        names: What is set back: a hyperparameter; or an optimizer or a schedule, with what exists
            only under it.
        candidate: The candidate's values; a name that it does not have is left out.
        baseline: The baseline's values, likewise.
        adds: Whether the change adds something that the baseline does not have.
        batch_size: Examples a step.
        hyperparameters: The whole configuration.
    """

    names: tuple[str, ...]
    candidate: Mapping[str, Value]
    baseline: Mapping[str, Value]
    adds: bool
    batch_size: int
    hyperparameters: Mapping[str, Value]

    @property
    def name(self) -> str:
        """Return the name of the change: the first of its hyperparameters."""
        return self.names[0]


def set_backs(study: Study, trial: Trial) -> tuple[SetBack, ...]:
    """Return a candidate with each of its changes set back; empty where it changes one thing.

    What exists only under the candidate's optimizer, or the baseline's, is set back with the
    optimizer, because the learning rates of two optimizers are different hyperparameters. The
    same holds for the schedule. Everything else is a change of its own.

    Args:
        study: The study, which has a baseline.
        trial: Its candidate.
    """
    baseline = study.baseline
    if baseline is None:
        return ()
    mine = {BATCH_SIZE: trial.batch_size, **trial.hyperparameters}
    theirs = {BATCH_SIZE: baseline.batch_size, **baseline.hyperparameters}
    groups = _groups(study, mine, theirs)
    if len(groups) < LEAST_CHANGES:
        return ()
    found = []
    for names in groups:
        changed = {name: value for name, value in mine.items() if name not in names}
        changed |= {name: theirs[name] for name in names if name in theirs}
        batch_size = int(changed.pop(BATCH_SIZE))
        exist = available(study.workload, choices_of(changed))
        configuration = {name: changed.get(name, item.default) for name, item in exist.items()}
        first = names[0]
        adds = first in mine and first in theirs and first != BATCH_SIZE
        found.append(
            SetBack(
                names=names,
                candidate={name: mine[name] for name in names if name in mine},
                baseline={name: theirs[name] for name in names if name in theirs},
                adds=adds
                and is_off(study, first, theirs[first])
                and not is_off(study, first, mine[first]),
                batch_size=batch_size,
                hyperparameters=configuration,
            )
        )
    return tuple(found)


def _groups(
    study: Study, mine: Mapping[str, Value], theirs: Mapping[str, Value]
) -> list[tuple[str, ...]]:
    """Return the names that are set back together, for each change."""
    changed = differing(mine, theirs)
    groups: list[tuple[str, ...]] = []
    taken: set[str] = set()
    for family in families(study.workload.optax):
        choice = family.choice.name
        if choice in changed:
            chosen = (str(mine[choice]), str(theirs[choice]))
            members = {item.name for name in chosen for item in family.members[name]}
            groups.append((choice, *(name for name in changed if name in members)))
            taken |= set(groups[-1])
    groups += [(name,) for name in changed if name not in taken and name in mine and name in theirs]
    return groups


def choose_set_backs(plan: Plan, trial: Trial | None) -> list[dict[str, Any]]:
    """Return what is trained for each change, as JSON: its names, values and trials.

    Args:
        plan: The study's.
        trial: The candidate; None where there is none.
    """
    if trial is None:
        return []
    again = plan.study.spec.reruns.back
    return [
        {
            "names": list(item.names),
            "candidate": dict(item.candidate),
            "baseline": dict(item.baseline),
            "adds": item.adds,
            "trials": [
                make_trial(
                    plan.study, item.batch_size, item.hyperparameters, f"set back {number}"
                ).to_json()
                for number in range(again)
            ],
        }
        for item in set_backs(plan.study, trial)
    ]


def trials_of(chosen: Sequence[Mapping[str, Any]], number: int) -> list[Trial]:
    """Return the trials with one number, one of each change: those of one training job."""
    return [trial_from_json(change["trials"][number]) for change in chosen]


def collect_set_backs(
    plan: Plan, chosen: Sequence[Mapping[str, Any]], packs: Sequence[Path], folder: Path
) -> xr.Dataset:
    """Return the dataset of these trials: `study.nc`'s schema, with `rerun` and `set_back`.

    Args:
        plan: The study's.
        chosen: As from `choose_set_backs`.
        packs: Their pack files.
        folder: The study's folder of results.
    """
    rows: list[Row] = []
    for change in chosen:
        for number, content in enumerate(change["trials"]):
            extra: dict[str, Value] = {"rerun": number, "set_back": change["names"][0]}
            rows.append(Row(len(rows), SET_BACK, trial_from_json(content), {}, extra))
    dataset = collect(plan.study, rows, packs, folder)
    dataset.attrs["title"] = f"Changes of the candidate of the study {plan.study.name} set back"
    dataset.attrs["summary"] = (
        "The candidate with one change after the other set back to the baseline: "
        f"{plan.study.workload.description}"
    )
    return dataset
