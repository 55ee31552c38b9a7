"""Expand a study into its trials."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from tuning_playbook.errors import SpecError
from tuning_playbook.search.fingerprint import Trial, derive_seed
from tuning_playbook.search.halton import MAX_POINTS, halton, random_points
from tuning_playbook.spec import shape
from tuning_playbook.spec.declarations import Value
from tuning_playbook.spec.study import Arm, Study, entries_of


@dataclass(frozen=True)
class StudyTrial:
    """A trial at its place in a study.

    Attributes:
        index: Its place.
        arm: The name of its arm.
        searched: The searched values, by their names in the spec (`one_minus_` included).
        trial: What is trained.
    """

    index: int
    arm: str
    searched: Mapping[str, Value]
    trial: Trial


@dataclass(frozen=True)
class Expansion:
    """The trials of a study.

    Attributes:
        trials: In the order of arms and points; equal configurations stand once.
        duplicates: For every configuration met again: the arm, and the trial that it equals.
    """

    trials: tuple[StudyTrial, ...]
    duplicates: tuple[tuple[str, str], ...]


def expand(study: Study) -> Expansion:
    """Return the trials of a study, arm by arm.

    Quasi-random arms share their points: where two arms search the same hyperparameters, neither
    is luckier with its sample.

    Raises:
        SpecError: The study has an absurd number of trials.
    """
    trials: list[StudyTrial] = []
    duplicates: list[tuple[str, str]] = []
    seen: dict[str, str] = {}
    for arm in study.arms:
        for searched in _points(study, arm):
            trial = make_trial(study, arm.batch_size, _configure(arm, searched))
            fingerprint = trial.fingerprint
            if seen.get(trial.id) == fingerprint:
                duplicates.append((arm.name, trial.id))
                continue
            if trial.id in seen:
                raise SpecError(
                    f"{study.path}: two trials share the id {trial.id}; change training.seed"
                )
            seen[trial.id] = fingerprint
            trials.append(StudyTrial(len(trials), arm.name, searched, trial))
    return Expansion(tuple(trials), tuple(duplicates))


def make_trial(
    study: Study,
    batch_size: int,
    hyperparameters: Mapping[str, Value],
    rerun: int | None = None,
) -> Trial:
    """Return the trial, or the rerun of that number, of one whole configuration."""
    ordered = {name: hyperparameters[name] for name in sorted(hyperparameters)}
    training = study.spec.training
    steps = training.max_train_steps
    if training.warmup_extends:
        # Evaluations stay at whole intervals, so the run is longer by whole intervals too.
        steps += -(-int(ordered["warmup_steps"]) // training.eval_every) * training.eval_every
    return Trial(
        workload=study.workload.name,
        hyperparameters=ordered,
        seed=derive_seed(training.seed, ordered, rerun),
        max_train_steps=steps,
        batch_size=batch_size,
        eval_every=training.eval_every,
        dense_until=training.eval_schedule.dense_until,
        validation_sample=training.validation_sample,
        keep_best=training.keep_best,
        objective=study.spec.objective.model_dump(),
        lanes=study.spec.resources.lanes,
        versions=dict(study.workload.versions),
    )


def _configure(arm: Arm, searched: Mapping[str, Value]) -> dict[str, Value]:
    values = {
        dimension.hyperparameter.name: dimension.resolve(searched[dimension.name])
        for dimension in arm.dimensions
        if dimension.name in searched
    }
    missing = {
        dimension.hyperparameter.name: dimension.hyperparameter.default
        for dimension in arm.dimensions
        if dimension.name not in searched
    }
    return {**arm.fixed, **missing, **values}


def _points_of(points: int | Mapping[str, int], name: str) -> int:
    """Return the values of a hyperparameter in a grid; a choice, which needs none, has its own."""
    return points if isinstance(points, int) else points.get(name, 1)


def _points(study: Study, arm: Arm) -> list[dict[str, Value]]:
    """Return the searched values of an arm's trials, by their names in the spec."""
    search = study.spec.search
    if isinstance(search, shape.ListSearch):
        return [entry for _, entry in entries_of(search, arm.scientific)]
    named = [
        (dimension.name, dimension.distribution)
        for dimension in arm.dimensions
        if dimension.distribution is not None
    ]
    if isinstance(search, shape.GridSearch):
        points = search.points
        columns = [distribution.grid(_points_of(points, name)) for name, distribution in named]
        total = 1
        for column in columns:
            total *= len(column)
        if total > MAX_POINTS:
            raise SpecError(
                f"{study.path}: search.points: a grid of {total:,} trials in the arm "
                f"'{arm.name}'; give fewer points, or use halton with 'trials'"
            )
        names = [name for name, _ in named]
        return [dict(zip(names, row, strict=True)) for row in itertools.product(*columns)]
    if search.trials > MAX_POINTS:
        raise SpecError(
            f"{study.path}: search.trials: {search.trials:,} is more than the "
            f"{MAX_POINTS:,} trials an arm may have"
        )
    sample = halton if isinstance(search, shape.QuasiRandomSearch) else random_points
    return [
        {
            name: distribution.value(coordinate)
            for (name, distribution), coordinate in zip(named, point, strict=True)
        }
        for point in sample(search.trials, len(named), search.seed)
    ]
