"""The design of a study: the numbers that decide what the checklist can judge."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from tuning_playbook.declarations import spec_name
from tuning_playbook.planning.expand import StudyTrial
from tuning_playbook.planning.plan import Plan
from tuning_playbook.planning.space_size import configurations
from tuning_playbook.study.needs import LEARNING_RATE
from tuning_playbook.study.searches import BayesianSearch, GridSearch, ListSearch
from tuning_playbook.study.study import Dimension
from tuning_playbook.study.thresholds import Checklist

MOST_WINDOWS = 10
"""Most windows into which the engine divides the steps between evaluations."""

LEAST_LISTED = 3
"""Fewest different numbers in a list that count as an ordered range."""


@dataclass(frozen=True)
class ArmDesign:
    """The search of one arm, in numbers.

    Attributes:
        trials: The number of trials of its search.
        initial: The number of those that do not follow from the results of others.
        most: How many different configurations it has; infinite where a range has no steps.
        searched: How many hyperparameters it searches.
        ordered: How many of them have an order.
        terms: Terms of the simplest surface over them: one a range, one for each further choice.
        learning_rate: Whether a learning rate is among those with an order.
        confirmed: Whether `confirm` gives it its own number of trials.
    """

    trials: float
    initial: float
    most: float
    searched: int
    ordered: int
    terms: int
    learning_rate: bool
    confirmed: bool


@dataclass(frozen=True)
class Sampled:
    """A scientific hyperparameter that a joint design samples over a range.

    Attributes:
        name: As in the spec.
        arms: The arms that have it.
        together: How many hyperparameters its curve is fitted over, itself included.
    """

    name: str
    arms: tuple[str, ...]
    together: int


@dataclass(frozen=True)
class Design:
    """The numbers of a study for its checks and its answer.

    Attributes:
        max_train_steps: The steps of every trial.
        eval_every: Steps between evaluations.
        dense_until: Until this step, every step is evaluated.
        arms: The arms, by their names.
        sampled: The scientific hyperparameters that have no arms.
        reruns: The number of reruns of the best trial of each arm.
        variance_is_known: Whether an earlier study measured the trial variance.
        baseline: Whether there is one to compare with.
        in_rounds: Whether later trials follow from the results of earlier ones.
        checklist: The thresholds of the checks.
    """

    max_train_steps: int
    eval_every: int
    dense_until: int
    arms: Mapping[str, ArmDesign]
    sampled: tuple[Sampled, ...]
    reruns: int
    variance_is_known: bool
    baseline: bool
    in_rounds: bool
    checklist: Checklist

    @cached_property
    def evaluations(self) -> tuple[float, ...]:
        """Return when a trial is evaluated, as parts of its training; the first is 0."""
        steps = {*range(self.dense_until + 1), *range(0, self.max_train_steps + 1, self.eval_every)}
        return tuple(step / self.max_train_steps for step in sorted(steps))

    @property
    def windows(self) -> int:
        """Return the number of windows of steps that the training loss is averaged over."""
        every = self.eval_every
        parts = (n for n in range(MOST_WINDOWS, 0, -1) if every % n == 0)
        return self.max_train_steps // every * next(parts)

    def evaluations_since(self, part: float) -> int:
        """Return how many evaluations lie between a part of training and its end."""
        return sum(part <= fraction for fraction in self.evaluations)

    def with_trials(
        self, factor: float, *, initial: float | None = None, confirmed: bool = False
    ) -> "Design":
        """Return the design with a multiple of the trials in its arms, as far as they can differ.

        Args:
            factor: The factor for the trials.
            initial: The factor for the initial trials among them; left out, the same.
            confirmed: Whether to change the arms with their own number of trials, or the others.
        """
        first = factor if initial is None else initial
        arms = {
            name: replace(
                arm,
                trials=min(int(arm.trials * factor + 1e-9), arm.most),
                initial=min(int(arm.initial * first + 1e-9), arm.most),
            )
            if arm.confirmed == confirmed
            else arm
            for name, arm in self.arms.items()
        }
        return replace(self, arms=arms)


def design_of(plan: Plan) -> Design:
    """Return the design of a study whose trials are yet to be trained."""
    study, training = plan.study, plan.study.spec.training
    again = study.spec.reruns
    counts = plan.trials_per_arm
    extensible = isinstance(study.spec.search, GridSearch | ListSearch)
    by_arm: dict[str, list[StudyTrial]] = {arm.name: [] for arm in study.arms}
    for trial in plan.trials:
        by_arm[trial.arm].append(trial)
    arms = {}
    for arm in study.arms:
        own = by_arm[arm.name]
        kinds = [_kind(item, own) for item in arm.dimensions]
        ordered = [item for item, kind in zip(arm.dimensions, kinds, strict=True) if kind.ordered]
        arms[arm.name] = ArmDesign(
            trials=counts[arm.name],
            initial=sum(item.round == 0 for item in own),
            most=math.inf if extensible else configurations(arm),
            searched=len(kinds),
            ordered=len(ordered),
            terms=sum(kind.terms for kind in kinds),
            learning_rate=any(LEARNING_RATE.fullmatch(spec_name(item.name)) for item in ordered),
            confirmed=arm.trials is not None,
        )
    return Design(
        max_train_steps=training.max_train_steps,
        eval_every=training.eval_every,
        dense_until=training.eval_schedule.dense_until,
        arms=arms,
        sampled=_sampled(plan),
        reruns=again.seeds,
        variance_is_known=again.variance is not None,
        baseline=study.baseline is not None,
        in_rounds=isinstance(study.spec.search, BayesianSearch),
        checklist=study.spec.checklist,
    )


@dataclass(frozen=True)
class _Kind:
    """How a hyperparameter is searched: whether in an order, and in how many terms."""

    ordered: bool
    terms: int


def _kind(item: Dimension, trials: Sequence[StudyTrial]) -> _Kind:
    drawn = item.distribution
    if drawn is None:
        listed = {trial.searched[item.name] for trial in trials if item.name in trial.searched}
        numbers = not any(isinstance(value, bool | str) for value in listed)
        ordered = numbers and len(listed) >= LEAST_LISTED
        return _Kind(ordered, 1 if ordered else max(0, len(listed) - 1))
    if drawn.kind == "choice":
        return _Kind(False, len(drawn.choices) - 1)
    return _Kind(True, 1)


def _sampled(plan: Plan) -> tuple[Sampled, ...]:
    found: dict[tuple[str, str], list[str]] = {}
    searched = {
        arm.name: {(item.name, item.condition) for item in arm.dimensions}
        for arm in plan.study.arms
    }
    for arm in plan.study.arms:
        for item in arm.dimensions:
            if item.role == "scientific":
                found.setdefault((item.name, item.condition), []).append(arm.name)
    return tuple(
        Sampled(
            name=name,
            arms=tuple(arms),
            together=len(set.intersection(*(searched[arm] for arm in arms))) + (len(arms) > 1),
        )
        for (name, _), arms in found.items()
    )
