"""A study of imported trials: its arms, its hyperparameters and what competes, found in them."""

import itertools
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuning_playbook.declarations import Hyperparameter, Metric, same
from tuning_playbook.errors import SourceError
from tuning_playbook.sources.archived import read_archive
from tuning_playbook.sources.arms import arms_of, batch_size_of, place_of
from tuning_playbook.sources.checks import (
    Written,
    check_objective,
    check_parts,
    check_range,
    check_roles,
    check_source,
    chosen,
    incumbent_of,
    with_fixed,
    with_target,
)
from tuning_playbook.sources.configurations import configurations, equal
from tuning_playbook.sources.found import Found
from tuning_playbook.sources.found_cache import keep_found, read_found, stamps_of
from tuning_playbook.sources.known_ranges import with_ranges
from tuning_playbook.sources.metric_ranges import range_of
from tuning_playbook.sources.readers import found_in_logs, read_source
from tuning_playbook.sources.rename import check_rename, renamed
from tuning_playbook.study import shape
from tuning_playbook.study.conditions import Part, parts_of
from tuning_playbook.study.import_spec import ArchiveSource, ImportSpec
from tuning_playbook.study.searches import ListSearch
from tuning_playbook.study.study import (
    LEAST_RERUNS,
    Arm,
    Incumbent,
    Study,
    arm_name,
    write_value,
)
from tuning_playbook.study.workload_description import WorkloadDescription
from tuning_playbook.trials.imported_trial import ImportedTrial


def import_study(path: Path, spec: ImportSpec, text: str) -> Study:
    """Return the study of the trials that a spec's source holds.

    Its `spec` is the list search that would train them, so that all that asks a study for its
    trials, arms or training need not know where they come from.

    Raises:
        SourceError: A file of the source cannot be read.
        SpecError: The spec and the trials do not fit together.
    """
    written = Written(path, spec, text)
    check_objective(written)
    parts = check_parts(written)
    found = _read(written)
    check_source(written, found)
    written = with_target(written, found)
    written, ranges = with_ranges(written, found)
    spec, parts = written.spec, parts_of(written.spec)
    imported, repeats = _apart(with_fixed(written, chosen(written, found), parts), found)
    check_range(written, imported)
    training = _training(written, imported, found)
    incumbent = incumbent_of(written, imported, found.incumbent)
    searched = [
        trials[0]
        for trials in configurations(imported)
        if incumbent is None or not equal(trials[0].hyperparameters, incumbent)
    ]
    if not searched:
        raise written.error(("baseline",), "no trial has another configuration than this one")
    check_roles(written, searched, parts, incumbent)
    known = _hyperparameters(imported) | dict(found.known)
    # The arms of the source are those of the study, unless its spec makes others.
    own = spec.scientific or spec.nuisance or spec.conditional
    arms = () if own else _arms_with(found.arms, searched)
    reruns = _reruns(imported)
    if not arms:
        arms = arms_of(parts, searched, known, training, found.inverted)
        names = {arm.name for arm in arms}
        imported = tuple(_in_arm(trial, parts, names) for trial in imported)
    return Study(
        name=path.stem,
        path=path,
        spec=shape.StudySpec(
            goal=spec.goal,
            notes=spec.notes,
            workload=spec.workload,
            objective=shape.Objective.model_validate(spec.objective.model_dump()),
            training=training,
            design=spec.design,
            scientific=spec.scientific or _scientific(arms),
            nuisance=spec.nuisance,
            conditional=spec.conditional,
            search=ListSearch(
                algorithm="list", trials=[dict(trial.hyperparameters) for trial in searched]
            ),
            reruns=reruns,
            isolation=spec.isolation,
            launch=spec.launch,
            checklist=spec.checklist,
        ),
        text=text,
        workload=_describe(spec, imported, known, found),
        arms=arms,
        baseline=None
        if incumbent is None
        else Incumbent(str(spec.baseline), batch_size_of(incumbent, training), incumbent),
        imported=imported,
        chosen_on_all_seeds=_chosen_on_all_seeds(imported, searched),
        import_notes=(*found.notes, *ranges, *repeats),
        renamed=spec.source.rename if isinstance(spec.source, ArchiveSource) else {},
    )


PLACES = ("trials", "measurements", "path")
"""The keys of a source that name its files or its folder."""


def _read(written: Written) -> Found:
    """Return what the source holds, under the spec's names."""
    source = written.spec.source
    if isinstance(source, ArchiveSource):
        found = read_archive(_place(written, "path", "archive"))
        names = [trial.hyperparameters.keys() for trial in found.trials]
        check_rename(written, names, "hyperparameter")
        return renamed(written, found)
    keys = [key for key in PLACES if getattr(source, key, None) is not None]
    stamps = stamps_of([_where(written, key) for key in keys])
    kept = read_found(written, stamps)
    if kept is not None:
        return kept
    logs = read_source(written, lambda key, what: _place(written, key, what))
    found = found_in_logs(written, logs)
    keep_found(written, stamps, found)
    return found


def _place(written: Written, key: str, what: str) -> Path:
    """Return where a file or a folder is that the source names: beside the spec, or from here."""
    path = _where(written, key)
    if not path.exists():
        raise written.error(
            ("source", key), f"{path}: there is no such {what}, beside the spec or from here"
        )
    return path


def _where(written: Written, key: str) -> Path:
    """Return where the source says that a file or a folder is, which may not be there."""
    given = getattr(written.spec.source, key)
    beside = written.path.parent / given
    return beside if beside.exists() else Path(given)


def _training(written: Written, imported: Sequence[ImportedTrial], found: Found) -> shape.Training:
    """Return how the trials were trained, as the spec, their source or their measurements say."""
    evaluated = [trial.record.evaluations.steps for trial in imported]
    last = max((int(steps[-1]) for steps in evaluated if len(steps)), default=0)
    told = written.spec.training or found.training
    if told is None or told.eval_every is None:
        gaps = [
            later - earlier for steps in evaluated for earlier, later in itertools.pairwise(steps)
        ]
        every = max(1, round(statistics.median(gaps))) if gaps else 1
        if told is None:
            # Runs stop at a target, so the longest may be shorter than what all were allowed.
            allowed = 0 if written.spec.objective.target is None else found.steps
            return shape.Training(max_train_steps=max(1, last, allowed), eval_every=every)
        told = shape.Training.model_validate(told.model_dump() | {"eval_every": every})
    if written.spec.training and told.max_train_steps < last:
        raise written.error(
            ("training", "max_train_steps"),
            f"a trial was evaluated at step {last}, after {told.max_train_steps}",
        )
    for trial in imported:
        value = trial.hyperparameters.get("batch_size")
        if value is not None and told.batch_size not in (None, value):
            raise written.error(
                ("training", "batch_size"),
                f"trial '{trial.name}' has {write_value(value)}, by the table or 'fixed'; "
                "give the batch size in one place",
            )
    return told


def _apart(
    imported: Sequence[ImportedTrial], found: Found
) -> tuple[tuple[ImportedTrial, ...], list[str]]:
    """Return trials of which no two are one, and what is said of those that were left out.

    The same configuration trained with the same seed is one trial. In a table that somebody wrote
    it is a mistake; a tool has it where a run was begun again, and the first that was completed
    stands for it. Two trials with every number in common are one too, unless their source tells
    that their seeds differ: an accuracy on few examples is often the same for two seeds.

    Raises:
        SourceError: A table has a trial twice.
    """
    kept: dict[str, ImportedTrial] = {trial.name: trial for trial in imported}
    notes = []
    for trials in configurations(imported):
        seeds: dict[int, ImportedTrial] = {}
        measured: dict[str, list[ImportedTrial]] = {}
        for trial in trials:
            first = seeds.get(trial.seed)
            if first is not None and not found.begun_again:
                raise SourceError(
                    f"{trial.where}: trial '{trial.name}' repeats the configuration and the seed "
                    f"{trial.seed} of '{first.name}'; give each trial once"
                )
            if first is not None:
                worse = trial.record.status != "completed" or first.record.status == "completed"
                gone, stays = (trial, first) if worse else (first, trial)
                del kept[gone.name]
                seeds[trial.seed] = stays
                notes.append(
                    f"Left out: {gone.name} repeats the configuration and the seed {trial.seed} of "
                    f"{stays.name}."
                )
                continue
            numbers = trial.record.sha256
            alike = measured.setdefault(numbers, [])
            twin = next((one for one in alike if not (one.seed_told and trial.seed_told)), None)
            if twin is not None and _varies(trial):
                del kept[trial.name]
                notes.append(
                    f"Left out: {trial.name} has the configuration and every number of "
                    f"{twin.name}, and it is not known whether their seeds differ: the same run "
                    "twice is no trial variance."
                )
                continue
            alike.append(trial)
            seeds[trial.seed] = trial
    return tuple(kept.values()), notes


def _varies(trial: ImportedTrial) -> bool:
    """Whether what was measured of a trial can tell it from another: constants cannot."""
    completed = trial.record.status == "completed"
    return completed and any(
        len(set(values)) > 1 or len(values) == 1
        for values in trial.record.evaluations.values.values()
    )


def _hyperparameters(imported: Sequence[ImportedTrial]) -> dict[str, Hyperparameter]:
    known: dict[str, Hyperparameter] = {}
    for trial in imported:
        for name, value in trial.hyperparameters.items():
            known.setdefault(
                name, Hyperparameter(name, value, "as the source of the trials names it")
            )
    return known


def _describe(
    spec: ImportSpec,
    imported: Sequence[ImportedTrial],
    known: Mapping[str, Hyperparameter],
    found: Found,
) -> WorkloadDescription:
    measured: dict[str, list[float]] = {spec.objective.metric.partition("/")[2]: []}
    for trial in imported:
        for column, values in trial.record.evaluations.values.items():
            measured.setdefault(column.partition("/")[2], []).extend(map(float, values))
    return WorkloadDescription(
        name=spec.workload,
        import_from="",
        data_folder="",
        description=found.description,
        hyperparameters=known,
        metrics={
            name: Metric(name, f"{name}, as its source measured it", "", *range_of(name, values))
            for name, values in sorted(measured.items())
        }
        | dict(found.metrics),
        splits=("train", "validation"),
        optax={},
        versions={},
    )


def _reruns(imported: Sequence[ImportedTrial]) -> shape.Reruns:
    """Return how often configurations were trained again, as far as the trials tell.

    An archive says which trials are reruns, and on which division of the data. Of other sources
    every seed may be one.
    """
    seeds, splits = [], []
    for trials in configurations(imported):
        divided = [trial for trial in trials if (trial.trained or {}).get("data_split")]
        seeds.append(len(trials) - len(divided) - bool(trials[0].arm))
        splits.append(len(divided))
    return shape.Reruns(seeds=max(seeds), splits=max(splits))


def _chosen_on_all_seeds(
    imported: Sequence[ImportedTrial], searched: Sequence[ImportedTrial]
) -> bool:
    """Whether several configurations compete of which each has seeds enough.

    An archive says which of its trials are reruns: those of its best trials alone.
    """
    competing = {trial.name for trial in searched}
    groups = [trials for trials in configurations(imported) if trials[0].name in competing]
    return len(groups) > 1 and all(
        len(trials) >= LEAST_RERUNS and all(trial.trained is None for trial in trials)
        for trials in groups
    )


def _in_arm(trial: ImportedTrial, parts: Sequence[Part], names: Collection[str]) -> ImportedTrial:
    """Return a trial that says in which of the arms it is; a baseline may be in none."""
    name = arm_name(place_of(parts, trial.hyperparameters).setting)
    return replace(trial, arm=name if name in names else "")


def _arms_with(arms: Sequence[Arm], searched: Sequence[ImportedTrial]) -> tuple[Arm, ...]:
    """Return those arms of the source in which there is a trial."""
    held = {trial.arm for trial in searched}
    return tuple(arm for arm in arms if arm.name in held)


def _scientific(arms: Sequence[Arm]) -> dict[str, Any]:
    """Return the values of the scientific hyperparameters, as a spec lists them."""
    values: dict[str, Any] = {}
    for arm in arms:
        for name, value in arm.scientific.items():
            listed = values.setdefault(name, [])
            if not any(same(value, item) for item in listed):
                listed.append(value)
    return values
