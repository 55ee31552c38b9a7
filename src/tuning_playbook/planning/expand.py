"""Expand a study into its trials."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tuning_playbook.declarations import Value, spec_name
from tuning_playbook.errors import SpecError
from tuning_playbook.search.halton import halton, random_points
from tuning_playbook.search.joint import deal, period
from tuning_playbook.study.conditions import parts_of
from tuning_playbook.study.idle_rate import train_steps
from tuning_playbook.study.limits import MOST_TRIALS
from tuning_playbook.study.searches import (
    BayesianSearch,
    GridSearch,
    ListSearch,
    QuasiRandomSearch,
    RandomSearch,
)
from tuning_playbook.study.study import Arm, Study, arm_name, by_spec_name, entries_of
from tuning_playbook.trials.trial import Trial, derive_seed, digest


@dataclass(frozen=True)
class StudyTrial:
    """A trial at its place in a study.

    Attributes:
        index: Its place.
        arm: The name of its arm.
        searched: The searched values, by their names in the spec (`one_minus_` included).
        trial: The trial itself.
        round: The round of a Bayesian search that proposed it; 0 for trials that the spec gives.
    """

    index: int
    arm: str
    searched: Mapping[str, Value]
    trial: Trial
    round: int = 0


@dataclass(frozen=True)
class Expansion:
    """The trials of a study.

    Attributes:
        trials: In the order of arms and points, of points alone in a joint design; of equal
            configurations only the first.
        duplicates: For every repeated configuration, its arm and the trial that it equals.
    """

    trials: tuple[StudyTrial, ...]
    duplicates: tuple[tuple[str, str], ...]


def expand(study: Study, replicate: int = 0) -> Expansion:
    """Return the trials of a study, arm by arm, or as a joint design deals them out.

    Quasi-random arms that are searched separately share their points. So where two arms search the
    same hyperparameters, neither has the luckier sample.

    Args:
        study: The study.
        replicate: The number of a repeat of the whole search, which has its own search seed and its
            own seeds for the trials. 0 for the search itself.

    Raises:
        SpecError: The study has too many trials.
    """
    _check_number(study)
    again = f"replicate {replicate}" if replicate else None
    searched_by = _with_search_seed(study, again) if again else study
    places = (
        (arm.name, searched, make_trial(study, arm.batch_size, set_values(arm, searched), again), 0)
        for arm, searched in _searched(searched_by)
    )
    return place_trials(study, places, Expansion((), ()))


def _check_number(study: Study) -> None:
    """Check, before making any, that a study does not have too many trials.

    Raises:
        SpecError: It has too many.
    """
    joint = study.spec.design == "joint"
    counts = [_number_of(study, arm) for arm in study.arms[: 1 if joint else None]]
    repeats = 1 + study.spec.replicates
    if sum(counts) * repeats > MOST_TRIALS:
        of_repeats = f", {repeats:,} times" if repeats > 1 else ""
        raise SpecError(
            f"{study.path}: search: {sum(counts):,} trials{of_repeats} are more than the "
            f"{MOST_TRIALS:,} of a study, of which each is a folder: ask for fewer trials, arms, "
            "points or replicates"
        )


def _number_of(study: Study, arm: Arm) -> int:
    """Return the largest number of trials of an arm, without making any."""
    search = study.spec.search
    if isinstance(search, ListSearch):
        return len(search.trials)
    if isinstance(search, GridSearch):
        return sum(
            math.prod(
                len(item.distribution.choices) or _points_of(search.points, spec_name(item.name))
                for item in draw.dimensions
                if item.distribution is not None
            )
            for draw in arm.each_draw()
        )
    return search.trials if arm.trials is None else arm.trials


def first_trials(study: Study) -> dict[str, tuple[Mapping[str, Value], Trial]]:
    """Return the searched values and the first trial of each arm; no other trial is made."""
    _check_number(study)
    first: dict[str, tuple[Arm, Mapping[str, Value]]] = {}
    for arm, searched in _searched(study):
        first.setdefault(arm.name, (arm, searched))
    return {
        name: (searched, make_trial(study, arm.batch_size, set_values(arm, searched)))
        for name, (arm, searched) in first.items()
    }


def place_trials(
    study: Study,
    places: Iterable[tuple[str, Mapping[str, Value], Trial, int]],
    earlier: Expansion,
) -> Expansion:
    """Return an expansion with further trials at its end; equal configurations are left out.

    Args:
        study: The study.
        places: The arm, the searched values, the trial and the round of each.
        earlier: The trials before them.

    Raises:
        SpecError: Two different trials have the same id.
    """
    trials = list(earlier.trials)
    duplicates = list(earlier.duplicates)
    seen = {item.trial.id: item.trial.fingerprint for item in trials}
    for arm, searched, trial, number in places:
        fingerprint = trial.fingerprint
        if seen.get(trial.id) == fingerprint:
            duplicates.append((arm, trial.id))
            continue
        if trial.id in seen:
            raise SpecError(
                f"{study.path}: two trials share the id {trial.id}; change training.seed"
            )
        seen[trial.id] = fingerprint
        trials.append(StudyTrial(len(trials), arm, searched, trial, number))
    return Expansion(tuple(trials), tuple(duplicates))


def make_trial(
    study: Study,
    batch_size: int,
    hyperparameters: Mapping[str, Value],
    again: int | str | None = None,
    data_split: int = 0,
) -> Trial:
    """Return the trial of one whole configuration.

    Args:
        study: The study.
        batch_size: Examples a step.
        hyperparameters: The configuration.
        again: The number of a rerun, or another reason to train it again; see `derive_seed`.
        data_split: The number of the division of the data; 0 for the workload's own.
    """
    ordered = {name: hyperparameters[name] for name in sorted(hyperparameters)}
    training, resources = study.spec.training, study.spec.resources
    branch = training.branch
    if branch is not None and branch.batch_size == batch_size:  # the run itself
        branch = None
    seen = batch_size if branch is None else branch.batch_size
    return Trial(
        workload=study.workload.name,
        hyperparameters=ordered,
        traced=study.traced(ordered),
        seed=derive_seed(training.seed, ordered, again),
        max_train_steps=train_steps(training, int(ordered.get("warmup_steps", 0))),
        batch_size=batch_size,
        eval_every=training.eval_every,
        dense_until=training.eval_schedule.dense_until,
        validation_sample=training.validation_sample,
        lanes=resources.lanes,
        versions=dict(study.workload.versions),
        devices=resources.devices * resources.nodes if resources.lanes == 1 else 1,
        nodes=resources.nodes,
        data_split=data_split,
        train_sample=training.train_sample or "",
        microbatch=training.microbatch if training.microbatch < seen else 0,
        branch_step=0 if branch is None else branch.step,
        branch_batch=0 if branch is None else branch.batch_size,
        branch_power=0.0 if branch is None else float(branch.rate_power),
    )


def _with_search_seed(study: Study, stream: str) -> Study:
    """Return a study whose search draws other points, with a seed derived from its own."""
    search = study.spec.search
    assert isinstance(search, QuasiRandomSearch | RandomSearch)
    seed = int(digest([search.seed, stream])[:8], 16)
    other = search.model_copy(update={"seed": seed})
    return replace(study, spec=study.spec.model_copy(update={"search": other}))


def set_values(arm: Arm, searched: Mapping[str, Value]) -> dict[str, Value]:
    """Return the whole configuration of an arm's trial with these searched values."""
    drawn = arm.draw_of(searched)
    having = [item for item in arm.dimensions if item.exists(drawn.choices)]
    values = {
        item.hyperparameter.name: item.resolve(searched[item.name])
        for item in having
        if item.name in searched
    }
    missing = {
        item.hyperparameter.name: item.hyperparameter.default
        for item in having
        if item.name not in searched
    }
    return {**arm.fixed, **drawn.fixed, **missing, **values}


def _points_of(points: int | Mapping[str, int], name: str) -> int:
    """Return the number of values of a hyperparameter in a grid; for a choice, it is not used."""
    return points if isinstance(points, int) else points.get(name, 1)


def _searched(study: Study) -> Iterator[tuple[Arm, dict[str, Value]]]:
    """Yield the searched values of the trials of a study, each with its arm."""
    return _joint(study) if study.spec.design == "joint" else _separate(study)


def _separate(study: Study) -> Iterator[tuple[Arm, dict[str, Value]]]:
    """Yield the searched values of each arm's trials."""
    for arm in study.arms:
        for searched in _points(study, arm):
            yield arm, searched


def _joint(study: Study) -> Iterator[tuple[Arm, dict[str, Value]]]:
    """Yield the searched values of the trials of a joint design, each with its arm."""
    search = study.spec.search
    assert isinstance(search, QuasiRandomSearch | RandomSearch)
    parts = parts_of(study.spec)
    needed = {arm.name: period(parts, arm.scientific) for arm in study.arms}
    if search.trials < max(needed.values()):
        raise SpecError(
            f"{study.path}: search.trials: {search.trials} trials of a joint design do not reach "
            f"each of its {len(study.arms)} arms; give at least {max(needed.values())}"
        )
    arms = {arm.name: arm for arm in study.arms}
    dimensions = max(arm.searched_at_once for arm in study.arms)
    points = _sample(study, search, dimensions, interleaved=math.lcm(*needed.values()))
    for index, point in enumerate(points):
        arm = arms[arm_name(deal(index, parts, search.seed))]
        yield arm, _values(arm, point)


def _sample(
    study: Study,
    search: QuasiRandomSearch | RandomSearch | BayesianSearch,
    dimensions: int,
    interleaved: int = 1,
) -> list[tuple[float, ...]]:
    """Return the points of a search: [trial, dimension]."""
    if isinstance(search, RandomSearch):
        return random_points(search.trials, dimensions, search.seed)
    count = search.initial if isinstance(search, BayesianSearch) else search.trials
    return halton(count, dimensions, search.seed, interleaved=interleaved)


def _values(arm: Arm, point: Sequence[float]) -> dict[str, Value]:
    """Return the values at the first coordinates of a point.

    Hyperparameters that exist under different draws share coordinates.
    """
    searched: dict[str, Value] = {}
    coordinates = iter(point)
    for item in arm.dimensions:
        if item.distribution is not None and item.exists(by_spec_name(searched)):
            searched[item.name] = item.distribution.value(next(coordinates))
    return searched


def _grid(study: Study, search: GridSearch, arm: Arm) -> list[dict[str, Value]]:
    """Return the points of a grid; each draw of an arm has its own grid."""
    found: list[dict[str, Value]] = []
    for draw, choices in zip(arm.each_draw(), _choices(arm), strict=True):
        columns = {
            item.name: item.distribution.grid(_points_of(search.points, spec_name(item.name)))
            for item in draw.dimensions
            if item.distribution is not None
        }
        found += [
            {**choices, **dict(zip(columns, row, strict=True))}
            for row in itertools.product(*columns.values())
        ]
    return found


def _choices(arm: Arm) -> list[dict[str, Value]]:
    """Return the choices of each draw of an arm, by their searched names."""
    return [
        {
            item.name: draw.choices[spec_name(item.name)]
            for item in arm.dimensions
            if spec_name(item.name) in draw.choices and item.exists(draw.choices)
        }
        for draw in arm.draws
    ] or [{}]


def _listed(search: ListSearch, arm: Arm) -> list[dict[str, Value]]:
    """Return the listed trials of an arm, by the searched names of its hyperparameters."""
    entries = [entry for _, entry in entries_of(search, arm.scientific, arm.elsewhere)]
    if not arm.draws:
        return entries
    defaults = {
        item.name: item.hyperparameter.default
        for item in arm.dimensions
        if item.name in arm.draws[0].choices
    }
    found = []
    for entry in entries:
        whole = {**defaults, **entry}
        drawn = arm.draw_of(whole).choices
        names = {spec_name(d.name): d.name for d in arm.dimensions if d.exists(drawn)}
        found.append({names[name]: value for name, value in whole.items()})
    return found


def _points(study: Study, arm: Arm) -> list[dict[str, Value]]:
    """Return the searched values of an arm's trials, by their names in the spec."""
    search = study.spec.search
    if isinstance(search, ListSearch):
        return _listed(search, arm)
    if isinstance(search, GridSearch):
        return _grid(study, search, arm)
    if arm.trials is not None:
        search = search.model_copy(update={"trials": arm.trials})
    return [_values(arm, point) for point in _sample(study, search, arm.searched_at_once)]
