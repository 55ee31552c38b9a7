"""From a budget to a plan: the arms, searched hyperparameters, trials and reruns that it pays for.

Where a budget is too small, the plan gives up, in this order: repeats of the search and reruns
beyond the rules; searched hyperparameters, the least important first; arms, as long as two are
left to compare; at last all reruns. Where it is larger than needed, the plan adds trials to every
arm, until these gain little, then repeats of the search.

Source: the playbook, "Striking a balance between informative and affordable experiments" and "How
should Adam's hyperparameters be tuned?".
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from tuning_playbook.errors import BudgetError
from tuning_playbook.planning.budget_changes import Change, changes_of, notes_of
from tuning_playbook.planning.budget_draft import (
    RERUNS,
    Draft,
    PlannedArm,
    configurations,
    enough,
    written_trials,
)
from tuning_playbook.planning.plan import Plan
from tuning_playbook.study.advice import (
    DIVISORS,
    FEW_TRIALS,
    adam_hyperparameters,
    optimizer_members,
)
from tuning_playbook.study.conditions import SEARCHED, parts_of
from tuning_playbook.study.regularization import regularizes
from tuning_playbook.study.rule_of_thumb import named
from tuning_playbook.study.searches import BayesianSearch, ListSearch
from tuning_playbook.study.study import BASELINE, Arm, Dimension, Study

FEWEST_REPEATS = 2
"""Fewest repeats of the search: measuring study variance takes three searches."""

MOST_REPEATS = RERUNS - 1
"""Most repeats of the search: five searches measure a variance as well as five reruns."""

WRITTEN = re.compile(r"(?P<sign>-?)(?P<amount>\d{1,9}(?:\.\d{1,9})?) *(?P<unit>trials?|h|min)")

SECONDS = {"h": 3600.0, "min": 60.0}


@dataclass(frozen=True)
class Budget:
    """What a study may cost.

    Attributes:
        amount: How much of the unit.
        unit: `trials` counts every training, reruns too; `h` and `min` are the time of all
            trainings, one after another.
    """

    amount: float
    unit: Literal["trials", "h", "min"]

    @property
    def limit(self) -> float:
        """Return the budget in trainings, or in seconds."""
        return self.amount * SECONDS.get(self.unit, 1.0)

    @property
    def timed(self) -> bool:
        """Return whether the budget is a time."""
        return self.unit in SECONDS

    def __str__(self) -> str:
        return f"{self.amount:.10g} {'trainings' if self.unit == 'trials' else self.unit}"


@dataclass(frozen=True)
class BudgetPlan:
    """The playbook's plan for a budget.

    Attributes:
        budget: The budget.
        arms: The share of each arm; the baseline comes last where it is rerun.
        changes: The changes of the spec.
        notes: Further remarks on the plan.
    """

    budget: Budget
    arms: tuple[PlannedArm, ...]
    changes: tuple[Change, ...]
    notes: tuple[str, ...]

    @property
    def cost(self) -> float:
        """Return the cost of the plan, in trainings or in seconds."""
        return sum(arm.cost for arm in self.arms)

    @property
    def left_over(self) -> float:
        """Return what the plan leaves over."""
        return max(0.0, self.budget.limit - self.cost)


def read_budget(text: str) -> Budget:
    """Return the budget in a text, such as `200trials`, `12h` or `90min`.

    Raises:
        BudgetError: The text is no budget.
    """
    found = WRITTEN.fullmatch(text.strip())
    if not found:
        raise BudgetError(
            f"'{text}' is no budget: give a number of trainings, as 200trials, or a time, as 12h "
            "or 90min"
        )
    amount, unit = float(found["amount"]), found["unit"]
    if found["sign"] or not amount:
        raise BudgetError(f"'{text}' is no budget: it must be more than 0")
    if unit in SECONDS:
        return Budget(amount, "h" if unit == "h" else "min")
    if not amount.is_integer():
        raise BudgetError(f"'{text}' is no budget: trials are counted in whole numbers")
    return Budget(amount, "trials")


def plan_budget(
    plan: Plan, budget: Budget, seconds: Mapping[str, float | None] | None = None
) -> BudgetPlan:
    """Return the arms, searched hyperparameters, trials and reruns that a budget pays for.

    Args:
        plan: The plan of the study as its spec has it.
        budget: What it may cost.
        seconds: The expected time of one training in each arm, and of one of the baseline; only
            used where the budget is a time.

    Raises:
        BudgetError: The time of a training is not known, the spec leaves no choice, or the budget
            is too small for the trials of one arm.
    """
    study = plan.study
    if study.imported:
        raise BudgetError(f"{study.path}: its trials are finished; there is nothing to plan")
    if isinstance(study.spec.search, ListSearch):
        raise BudgetError(
            f"{study.path}: its trials are written out one by one; a budget is planned for a "
            "search by halton, random, grid or bayesian"
        )
    prices = _prices(study, seconds or {}) if budget.timed else dict.fromkeys(_names(study), 1.0)
    draft = _first_that_fits(study, budget, prices)
    draft = _spend_the_rest(draft, budget)
    return BudgetPlan(
        budget, draft.rows, tuple(changes_of(draft)), tuple(notes_of(draft, budget.limit))
    )


def _names(study: Study) -> tuple[str, ...]:
    arms = tuple(arm.name for arm in study.arms)
    return (*arms, BASELINE) if study.baseline else arms


def _prices(study: Study, seconds: Mapping[str, float | None]) -> dict[str, float]:
    """Return the time of one training in each arm, and of the baseline."""
    unknown = [name for name in _names(study) if not seconds.get(name)]
    if unknown:
        raise BudgetError(
            f"{study.path}: no earlier trial of {study.workload.name} at the batch size of "
            f"{named(unknown)} shows how long one takes: give the budget as a number of trainings "
            "(200trials), or say with --results where earlier trials are"
        )
    return {name: time for name, time in seconds.items() if time}


def _first_that_fits(study: Study, budget: Budget, prices: Mapping[str, float]) -> Draft:
    """Return the plan that gives up the least, with as few trials as it needs."""
    spec = study.spec
    whole = Draft(study, prices, parts_of(spec))
    seeds = max(RERUNS, spec.reruns.seeds)
    wishes = [
        replace(whole, seeds=seeds, splits=spec.reruns.splits, replicates=spec.replicates),
        replace(whole, seeds=seeds, splits=spec.reruns.splits),
        replace(whole, seeds=seeds),
    ]
    # Two arms compared without reruns say more than one arm with reruns.
    by_arms = [*_fewer_arms(whole)]
    several = [item for item in by_arms if len(item.arms) > 1]
    alone = [item for item in by_arms if len(item.arms) == 1]
    modest = [
        replace(item, seeds=reruns)
        for kept in (several, alone)
        for reruns in (RERUNS, 0)
        for item in kept
    ]
    ways = itertools.chain(
        (fitting for wish in wishes if (fitting := _with_least_trials(wish, budget))),
        (fitting for wish in modest if (fitting := _with_fewer_hyperparameters(wish, budget))),
    )
    found = next(ways, None)
    if found is None:
        raise BudgetError(
            f"{study.path}: a budget of {budget} is too small for the trials that even one arm of "
            f"this study needs, {FEW_TRIALS} at least: spend more, or train for fewer steps"
        )
    return found


def _with_least_trials(draft: Draft, budget: Budget) -> Draft | None:
    """Return a plan with as few trials as it needs; None if it exceeds the budget."""
    for trials in draft.counts:
        tried = replace(draft, trials=trials)
        if not tried.fits(budget.limit):
            return None
        if tried.suffices():
            return tried
    return None


def _with_fewer_hyperparameters(draft: Draft, budget: Budget) -> Draft | None:
    """Return the plan within a budget that fixes the fewest hyperparameters; None if none is.

    One after another it fixes the least important hyperparameter of the arm that needs the most
    trials.
    """
    while True:
        found = _with_least_trials(draft, budget)
        if found:
            return found
        most = max(draft.needed(arm) for arm in draft.arms)
        if most <= FEW_TRIALS:
            return None
        neediest = next(arm for arm in draft.arms if draft.needed(arm) == most)
        ranked = [
            (rank, -place, item)
            for place, item in enumerate(draft.searched(neediest))
            if (rank := _importance(draft.study, neediest, item)) is not None
            and not draft.is_the_only_one(item)
        ]
        if not ranked:
            return None
        least = min(ranked, key=lambda entry: entry[:2])[-1]
        draft = replace(draft, fixed=(*draft.fixed, draft.place(least)))


def _importance(study: Study, arm: Arm, item: Dimension) -> int | None:
    """Return how important it is to search a hyperparameter; None if it is searched in any case.

    Adam's b2 and epsilon are the least important: below the trials that they need the playbook does
    not tune them. The optimizer's others interact with any change, and with the learning rate the
    most, so momentum and b1 are the last to be fixed. In between is what the playbook ranks less
    clearly, regularization before the rest. The subject of a question is always searched, and so
    is a choice that others depend on.
    """
    name = item.hyperparameter.name
    if any(name in draw.choices for draw in arm.draws):
        return None
    is_question = item.role == "scientific" or f"{name}={SEARCHED}" in item.condition.split(", ")
    if name == "learning_rate" or is_question:
        return None
    members = optimizer_members(study, arm)
    if name in members and name not in DIVISORS:
        return 0 if name == "b2" and adam_hyperparameters(members) else 4
    if name in DIVISORS:
        return 1
    return 3 if regularizes(study, name) else 2


def _fewer_arms(draft: Draft) -> Iterator[Draft]:
    """Yield plans with fewer and fewer arms: each drops a value of the question asked last.

    At least one value of each question stays, so that the spec keeps its conditions.
    """
    yield draft
    parts = list(draft.parts)
    for place in reversed(range(len(parts))):
        for name in reversed([*parts[place].values]):
            while len(parts[place].values[name]) > 1:
                fewer = {**parts[place].values, name: parts[place].values[name][:-1]}
                parts[place] = replace(parts[place], values=fewer)
                yield replace(draft, parts=tuple(parts))


def _spend_the_rest(draft: Draft, budget: Budget) -> Draft:
    """Return a plan with as many trials as are useful, then repeats of the search."""
    searching = [arm for arm in draft.arms if draft.searched(arm)]
    written = written_trials(draft.study)
    if not searching:
        return replace(draft, trials=max(draft.trials, written))
    most = max(written, *(enough(draft, arm) * draft.period(arm) for arm in searching))
    for trials in draft.counts:
        more = replace(draft, trials=trials)
        if trials > most or not more.fits(budget.limit):
            break
        draft = replace(draft, trials=max(draft.trials, trials))
    tried_all = all(
        draft.trials_of(arm) == configurations(draft.searched(arm)) for arm in searching
    )
    if draft.replicates or tried_all or isinstance(draft.study.spec.search, BayesianSearch):
        return draft
    for repeats in range(MOST_REPEATS, FEWEST_REPEATS - 1, -1):
        repeated = replace(draft, replicates=repeats)
        if repeated.seeds and repeated.fits(budget.limit):
            return repeated
    return draft
