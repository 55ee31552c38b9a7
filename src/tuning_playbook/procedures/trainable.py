"""A spec that continues finished trials: what they searched, as a search of this project.

What their spec leaves out and the trials show (ranges that were taken from them, values that each
arm held fixed) is written into it, under a condition where it holds in some arms only.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import xarray as xr

from tuning_playbook.analysis.ranking import arm_names, members
from tuning_playbook.declarations import ONE_MINUS, Value, spec_name
from tuning_playbook.errors import SpecError, WorkloadError
from tuning_playbook.procedures.role_entries import Entry, distinct, put_entry
from tuning_playbook.study import shape
from tuning_playbook.study.conditions import parts_of, settings_of
from tuning_playbook.study.distributions import SIGNIFICANT_DIGITS
from tuning_playbook.study.draft import Draft, describe_any
from tuning_playbook.study.resolve import resolve
from tuning_playbook.study.roles import check_rules
from tuning_playbook.study.study import Arm, Dimension, Study, arm_name, write_value
from tuning_playbook.study.workload_description import WorkloadDescription

BATCH_SIZE = "batch_size"

KEPT = ("goal", "notes", "workload", "objective", "design", "isolation", "launch", "checklist")
"""The keys that are copied from the spec of the finished trials."""

MOST_NEW_ARMS = 5
"""Most arms without finished trials that a message names."""


@dataclass(frozen=True)
class Trainable:
    """A study of finished trials as one that trains.

    Attributes:
        study: The study; its spec has all that is known.
        document: That spec, as YAML gives it.
        workload: The description of the workload; None where no workload of this name exists here.
        left: What a reader must know or do before it runs, in sentences.
        objection: Why it is not a valid spec as it is; empty where it is one.
    """

    study: Study
    document: dict[str, Any]
    workload: WorkloadDescription | None
    left: tuple[str, ...] = ()
    objection: str = ""


def trainable(study: Study, dataset: xr.Dataset) -> Trainable:
    """Return a study of finished trials as a spec that trains more of them.

    It has as many trials of each arm as the largest arm has, drawn by Halton's sequence.

    Args:
        study: The study.
        dataset: Its trials.
    """
    document = study.spec.model_dump(mode="json", exclude_unset=True, include=set(KEPT))
    document["training"] = _training(study)
    for entry in (*_scientific(study), *_searched_and_fixed(study)):
        put_entry(document, entry, study.arms)
    document["conditional"] = document.pop("conditional", [])  # after the other roles
    if any(item.role == "scientific" for arm in study.arms for item in arm.dimensions):
        document["design"] = "joint"
    counts = [len(members(dataset, arm)) for arm in arm_names(dataset)]
    trials = sum(counts) if document.get("design") == "joint" else max(counts)
    document["search"] = {"algorithm": "halton", "trials": trials}
    unsaid: tuple[Any, ...] = ({}, [], "", "separate")
    document = {key: value for key, value in document.items() if value not in unsaid}
    spec = shape.StudySpec.model_validate(document)
    whole = replace(study, spec=spec, arms=tuple(_rearmed(arm, spec) for arm in study.arms))
    return _judged(Trainable(whole, document, None))


def objection_to(found: Trainable, document: Mapping[str, Any]) -> str:
    """Return why a document is no valid spec of its workload; empty where it is one.

    If the workload cannot be trained here only the rules are checked, and faults that the spec has
    already are no objection to a change of it.

    Raises:
        ValidationError: It does not have the right shape.
    """
    study, workload = found.study, found.workload
    broken = ""
    spec = shape.StudySpec.model_validate(document)
    try:
        if workload is None:
            check_rules(Draft(study.path, spec, "", study.workload))
        else:
            resolve(Draft(study.path, spec, "", workload))
    except SpecError as error:
        broken = str(error).removeprefix(f"{study.path}: ")
    return "" if broken == found.objection else broken


def _judged(found: Trainable) -> Trainable:
    """Return the same with what must be done before it runs."""
    study, left = found.study, []
    try:
        workload = describe_any(study.spec.workload, folder=study.path.parent, data=None)
    except WorkloadError:
        workload = None
        left.append(
            f"There is no workload '{study.spec.workload}' here: name the one to train, as "
            'package.module:Class or the YAML file of a command, under "workload". Whether it has '
            "these hyperparameters and this metric is checked then."
        )
    found = replace(found, workload=workload)
    if objection := objection_to(found, found.document):
        left.append(f"It cannot run as it stands: {objection}")
        found = replace(found, workload=None)
        found = replace(found, objection=objection_to(found, found.document))
    before = {arm.name for arm in study.arms}
    arms = itertools.islice(settings_of(parts_of(study.spec)), len(before) + MOST_NEW_ARMS)
    if new := [name for setting in arms if (name := arm_name(setting)) not in before]:
        left.append(f"The source has no trials of some of its arms, such as {'; '.join(new)}.")
    if study.baseline is not None:
        values = (f"{n}: {write_value(v)}" for n, v in study.baseline.hyperparameters.items())
        left.append(
            f"The baseline was the trial {study.baseline.path} of the source. To compare with it, "
            f"write a baseline file and name it under 'baseline': {', '.join(values)}."
        )
    return replace(found, left=tuple(left))


def _training(study: Study) -> dict[str, Any]:
    """Return how long to train: as long as the finished trials, in whole evaluations."""
    imported = study.spec.training
    training = imported.model_dump(mode="json", exclude_unset=True)
    whole = -(-imported.max_train_steps // imported.eval_every) * imported.eval_every
    training |= {"max_train_steps": whole, "eval_every": imported.eval_every}
    sizes = {arm.batch_size for arm in study.arms}
    if BATCH_SIZE in study.arms[0].scientific:
        training.pop(BATCH_SIZE, None)
    elif len(sizes) == 1 and (size := sizes.pop()):
        training[BATCH_SIZE] = size
    return training


def _scientific(study: Study) -> Iterator[Entry]:
    for name in dict.fromkeys(name for arm in study.arms for name in arm.scientific):
        arms = tuple(arm for arm in study.arms if name in arm.scientific)
        values = distinct([arm.scientific[name] for arm in arms])
        yield Entry("scientific", name, values, arms)


def _searched_and_fixed(study: Study) -> Iterator[Entry]:
    """Yield what arms search and hold fixed, each with all the arms that share it."""
    found: dict[str, Entry] = {}
    for arm in study.arms:
        entries = [
            Entry(d.role, spec_name(d.name), _drawn(study, d), (arm,), d.when)
            for d in arm.dimensions
        ]
        entries += [
            Entry("fixed", name, value, (arm,), {n: (v,) for n, v in draw.choices.items()})
            for draw in arm.draws
            for name, value in draw.fixed.items()
        ]
        entries += [
            Entry("fixed", name, value, (arm,))
            for name, value in arm.fixed.items()
            if name not in arm.scientific and name != BATCH_SIZE
        ]
        for entry in entries:
            key = repr((entry.role, entry.name, entry.content, entry.when))
            arms = found[key].arms if key in found else ()
            found[key] = replace(entry, arms=(*arms, arm))
    yield from found.values()


def _drawn(study: Study, item: Dimension) -> dict[str, list[Value]]:
    """Return a distribution as a spec writes it; without one, a choice of the values tried."""
    drawn, name = item.distribution, item.hyperparameter.name
    if drawn is None:
        arms = {arm.name for arm in study.arms if item in arm.dimensions}
        tried = [
            trial.hyperparameters[name]
            for trial in study.imported
            if trial.arm in arms and name in trial.hyperparameters
        ]
        if item.name.startswith(ONE_MINUS):
            tried = [float(f"{1.0 - float(value):.12g}") for value in tried]
        return {"choice": distinct(tried)}
    if drawn.kind == "choice":
        return {"choice": list(drawn.choices)}
    ends = [drawn.low, drawn.high]
    if drawn.integer:
        return {drawn.kind: [int(end) for end in ends]}
    rounded = [float(f"{end:.{SIGNIFICANT_DIGITS}g}") for end in ends]
    return {drawn.kind: list(rounded if rounded[0] < rounded[1] else ends)}


def _rearmed(arm: Arm, spec: shape.StudySpec) -> Arm:
    """Return an arm whose dimensions have the conditions that the spec has for them."""
    conditions = {
        part.searched_name(name): part.condition
        for part in parts_of(spec)
        if any(part.holds(setting) for setting in arm.settings)
        for name in (*part.sampled, *part.nuisance)
    }
    return replace(
        arm,
        dimensions=tuple(
            replace(item, condition=conditions.get(item.name, item.condition))
            for item in arm.dimensions
        ),
    )
