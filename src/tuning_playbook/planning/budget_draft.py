"""A draft of a plan for a budget: what is left of a study, and what each arm needs.

Source: the playbook, "Striking a balance between informative and affordable experiments" and "How
should Adam's hyperparameters be tuned?".
"""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

from tuning_playbook.declarations import spec_name
from tuning_playbook.search.joint import period
from tuning_playbook.study.advice import (
    FEW_TRIALS,
    MANY_TRIALS,
    VERY_MANY_TRIALS,
    adam_hyperparameters,
    optimizer_members,
)
from tuning_playbook.study.advice_on_design import TRIALS_PER_DIMENSION
from tuning_playbook.study.conditions import Part, settings_of
from tuning_playbook.study.limits import MOST_TRIALS
from tuning_playbook.study.searches import BayesianSearch, GridSearch, ListSearch
from tuning_playbook.study.study import BASELINE, Arm, Dimension, Study, arm_name
from tuning_playbook.study.yaml import Location

RERUNS = 5
"""Fewest reruns that measure a variance: `analysis.variance.LEAST_RERUNS`, which needs NumPy."""

ADAM_TRIALS = (1, FEW_TRIALS, MANY_TRIALS, VERY_MANY_TRIALS)
"""From how many trials on Adam's hyperparameters are worth tuning, the most important first."""

SLACK = 1e-9
"""The part of a budget by which rounding may make a sum of times exceed it."""


@dataclass(frozen=True)
class PlannedArm:
    """The share of an arm, or of the baseline, in the plan.

    Attributes:
        arm: Its name.
        trials: Its trials, at most, those of repeats of the search included.
        searched: What they search, by the names in the spec.
        reruns: How often its best trial, or the baseline, is trained again.
        cost: The cost of all of these, in trainings or in seconds.
    """

    arm: str
    trials: int
    searched: tuple[str, ...]
    reruns: int
    cost: float


@dataclass(frozen=True)
class Draft:
    """A draft of a plan.

    Attributes:
        study: The study.
        prices: What one training costs, in each arm and of the baseline.
        parts: The parts of its spec, with the remaining scientific values.
        fixed: What is no longer searched: the location of its part, and its name there.
        seeds: Reruns on fresh seeds.
        splits: Reruns on other divisions of the data.
        replicates: Repeats of the search.
        trials: As in `search.trials`: the trials of an arm; of all arms in a joint design.
    """

    study: Study
    prices: Mapping[str, float]
    parts: tuple[Part, ...]
    fixed: tuple[tuple[Location, str], ...] = ()
    seeds: int = 0
    splits: int = 0
    replicates: int = 0
    trials: int = 0

    @functools.cached_property
    def arms(self) -> tuple[Arm, ...]:
        """Return the arms that are left."""
        left = {arm_name(setting) for setting in settings_of(self.parts)}
        return tuple(arm for arm in self.study.arms if arm.name in left)

    def place(self, dimension: Dimension) -> tuple[Location, str]:
        """Return the place of a searched hyperparameter in the spec."""
        for part in self.parts:
            name = spec_name(dimension.name)
            alike = part.condition == dimension.condition and part.drawn_when == dimension.when
            if alike and (name in part.nuisance or name in part.sampled):
                return part.location, name
        raise AssertionError(dimension)

    def searched(self, arm: Arm) -> tuple[Dimension, ...]:
        """Return what an arm searches, without what is fixed now."""
        return tuple(item for item in arm.dimensions if self.place(item) not in self.fixed)

    def is_the_only_one(self, dimension: Dimension) -> bool:
        """Return whether some arm searches nothing else; a spec lets no arm search nothing."""
        place = self.place(dimension)
        searched = ([self.place(item) for item in self.searched(arm)] for arm in self.arms)
        return [place] in searched

    def period(self, arm: Arm) -> int:
        """Return how many of `trials` there are for one trial of an arm."""
        joint = self.study.spec.design == "joint"
        return period(self.parts, arm.scientific) if joint else 1

    def trials_of(self, arm: Arm) -> int:
        """Return the trials of an arm in one search; equal configurations are trained once."""
        return min(self.trials // self.period(arm), self.different(arm))

    def different(self, arm: Arm) -> int:
        """Return how many trials of an arm can differ, each draw counted by itself."""
        choices = {name for draw in arm.draws for name in draw.choices}
        return sum(
            configurations(tuple(d for d in searched if spec_name(d.name) not in choices))
            for searched in self._by_draw(arm)
        )

    def _by_draw(self, arm: Arm) -> list[tuple[Dimension, ...]]:
        """Return what the trials of an arm search, for each draw."""
        searched = self.searched(arm)
        if not arm.draws:
            return [searched]
        return [tuple(d for d in searched if d.exists(draw.choices)) for draw in arm.draws]

    def needed(self, arm: Arm) -> int:
        """Return the trials that an arm needs for what it searches."""
        names = [item.hyperparameter.name for item in self.searched(arm)]
        if not names:
            return 1
        adam = adam_hyperparameters(optimizer_members(self.study, arm))
        least = zip(adam, ADAM_TRIALS, strict=False)
        return max(
            FEW_TRIALS,
            TRIALS_PER_DIMENSION * max(map(len, self._by_draw(arm))),
            *(trials for name, trials in least if name in names),
        )

    @property
    def counts(self) -> range:
        """Return the possible values of `search.trials`."""
        search = self.study.spec.search
        if isinstance(search, BayesianSearch):
            return range(search.initial + search.rounds, MOST_TRIALS + 1, search.rounds)
        every = math.lcm(*(self.period(arm) for arm in self.arms))
        return range(every, MOST_TRIALS + 1, every)

    def suffices(self) -> bool:
        """Return whether every arm has the trials that it needs, or all that can differ."""
        return all(
            self.trials_of(arm) >= min(self.needed(arm), self.different(arm)) for arm in self.arms
        )

    @property
    def rows(self) -> tuple[PlannedArm, ...]:
        """Return what each arm has, and the baseline where it is rerun."""
        again = self.seeds + self.splits
        trials = {arm.name: (1 + self.replicates) * self.trials_of(arm) for arm in self.arms}
        names = {arm.name: tuple(item.name for item in self.searched(arm)) for arm in self.arms}
        if self.study.baseline and again:
            trials[BASELINE], names[BASELINE] = 0, ()
        return tuple(
            PlannedArm(arm, count, names[arm], again, (count + again) * self.prices[arm])
            for arm, count in trials.items()
        )

    @property
    def cost(self) -> float:
        """Return the cost of all of that."""
        return sum(row.cost for row in self.rows)

    def fits(self, limit: float) -> bool:
        """Return whether the cost is within a limit."""
        return self.cost <= limit * (1 + SLACK)


def configurations(dimensions: tuple[Dimension, ...]) -> int:
    """Return how many configurations a search can distinguish."""
    count = 1
    for item in dimensions:
        drawn = item.distribution
        if drawn and drawn.kind == "choice":
            count *= len(drawn.choices)
        elif drawn and drawn.integer:
            count *= int(drawn.high - drawn.low) + 1
        else:
            return MOST_TRIALS
    return min(count, MOST_TRIALS)


def enough(draft: Draft, arm: Arm) -> int:
    """Return the number of trials of an arm above which more gain little.

    The best of 50 that are spread evenly is expected in the best fiftieth of the space; with more
    hyperparameters the space is larger.
    """
    searched = draft.searched(arm)
    return min(max(VERY_MANY_TRIALS, FEW_TRIALS * len(searched)), configurations(searched))


def written_trials(study: Study) -> int:
    """Return `search.trials` as the spec has it; 0 for a grid, which has none."""
    search = study.spec.search
    return 0 if isinstance(search, GridSearch | ListSearch) else search.trials
