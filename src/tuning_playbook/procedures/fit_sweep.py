"""The result of each learning rate of `steps_to_fit`: which one fits the training set first."""

import math
from dataclasses import dataclass
from typing import Literal

from tuning_playbook.procedures.procedure_history import FinishedRound, History, Outcome

SWEEP, WIDER, LONGER, CHECK = "sweep", "wider", "longer", "check"
"""The purposes of its rounds."""

Side = Literal["lower", "higher"]


@dataclass(frozen=True)
class Sweep:
    """The results of every rate at one number of steps.

    Attributes:
        steps: The steps of each trial.
        outcomes: By rate, from the lowest. They include rates that were infeasible in fewer steps,
            which would be infeasible again.
    """

    steps: int
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class Check:
    """The results of one rate on fresh seeds.

    Attributes:
        steps: The steps of each trial.
        rate: Its learning rate.
        fits: The step at which each seed fits, that of the sweep among them; None where it does
            not.
    """

    steps: int
    rate: float
    fits: tuple[int | None, ...]

    @property
    def slowest(self) -> int | None:
        """Return the steps of the slowest seed; None where one does not fit."""
        known = [step for step in self.fits if step is not None]
        return max(known) if len(known) == len(self.fits) else None


def fit_step(outcome: Outcome) -> int | None:
    """Return the step at which a trial fits the training set; None where it does not."""
    if outcome.loss is None or outcome.censored:
        return None
    return math.ceil(outcome.loss)


def sweep_of(history: History) -> Sweep:
    """Return the results of every rate at the largest number of steps trained."""
    rounds = [item for item in history.rounds if item.purpose != CHECK]
    steps = max(steps_of(item) for item in rounds)
    found = [outcome for item in rounds if steps_of(item) == steps for outcome in item.outcomes]
    known = {item.rate for item in found}
    lost = {
        outcome.rate: outcome
        for item in rounds
        for outcome in item.outcomes
        if is_lost(outcome) and outcome.rate not in known
    }
    return Sweep(steps, tuple(sorted([*found, *lost.values()], key=lambda item: item.rate)))


def leaders(sweep: Sweep) -> list[Outcome]:
    """Return the trials that fit first; where none fits, those with the best metric."""
    fitting = by_fit(sweep)
    if fitting:
        return [item for item in fitting if fit_step(item) == fit_step(fitting[0])]
    feasible = [item for item in sweep.outcomes if not is_lost(item)]
    best = min((_metric(item) for item in feasible), default=math.inf)
    return [item for item in feasible if _metric(item) == best]


def sides(sweep: Sweep, every: int) -> list[Side]:
    """Return on which side of the sweep an even better rate may lie, the likelier side first.

    Where trials fit, a rate at an edge counts only if it is faster than every rate inside by more
    than one evaluation: if all rates are equally fast, there is nothing beyond. A rate that broke
    down is itself beyond the edge.

    Args:
        sweep: The results of every rate.
        every: Steps between evaluations.
    """
    best = leaders(sweep)
    if not best:
        return ["lower"]
    lowest, highest = sweep.outcomes[0], sweep.outcomes[-1]
    at_an_edge = [item for item in (highest, lowest) if item in best]
    first = fit_step(best[0])
    if first is not None:
        others = [fit_step(item) or 0 for item in by_fit(sweep) if item not in at_an_edge]
        if first <= every or (others and min(others) <= first + every):
            return []
    return ["higher" if item is highest else "lower" for item in at_an_edge]


def checks_of(history: History) -> list[Check]:
    """Return the results of each rate that was trained on fresh seeds."""
    return [
        Check(
            steps_of(item),
            item.outcomes[0].rate,
            tuple(fit_step(outcome) for outcome in (*item.outcomes, *item.reruns)),
        )
        for item in history.rounds
        if item.purpose == CHECK
    ]


def by_fit(sweep: Sweep) -> list[Outcome]:
    """Return the trials that fit, the fastest first; of equal ones the lowest rate first."""
    fitting = [item for item in sweep.outcomes if fit_step(item) is not None]
    return sorted(fitting, key=lambda item: (fit_step(item) or 0, item.rate))


def is_lost(outcome: Outcome) -> bool:
    """Return whether a trial broke down. One that learnt nothing may only need more steps."""
    return outcome.loss is None and not outcome.nowhere


def _metric(outcome: Outcome) -> float:
    return math.inf if outcome.best_value is None else outcome.best_value


def steps_of(item: FinishedRound) -> int:
    """Return how many steps the trials of a round train."""
    return int(item.document["training"]["max_train_steps"])
