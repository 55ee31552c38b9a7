"""The smallest change of a spec with which its design is enough, and what the change costs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from tuning_playbook.planning.plan import Plan
from tuning_playbook.planning.study_design import Design
from tuning_playbook.study.searches import BayesianSearch, GridSearch, ListSearch
from tuning_playbook.study.study import LEAST_RERUNS

EVAL_EVERY = "training.eval_every"
TRIALS = "search.trials"
INITIAL = "search.initial"
POINTS = "search.points"
CONFIRMED = "confirm.trials"
SEEDS = "reruns.seeds"

MOST_TRIALS = 1_000
"""Most trials of an arm that are proposed."""

FORWARD_AND_BACK = 3
"""A training step takes about this many times the computation of evaluating the same examples."""


Lacking = Callable[[Design], Sequence[str]]
"""Returns the arms in which a design lacks something."""


@dataclass(frozen=True)
class Cure:
    """The smallest change of a spec with which a check can answer, and its cost.

    Attributes:
        key: The key to change, as `training.eval_every`.
        value: Its new value; the trials of an arm where a grid or a list gives them.
        evaluations: Additional evaluations of each trial.
        trainings: Additional trainings in all: trials, reruns, and repeats of the search.
        steps: Additional training steps in all.
        computation: The cost of the evaluations, as a part of the computation of all training
            steps; None where the number of their examples is not known.
        also: A further change that this one needs, with its own cost.
    """

    key: str
    value: int
    evaluations: int = 0
    trainings: int = 0
    steps: int = 0
    computation: float | None = None
    also: "Cure | None" = None

    @property
    def changes(self) -> tuple["Cure", ...]:
        """Return each change of a single key."""
        further = () if self.also is None else self.also.changes
        return (replace(self, also=None), *further)


def smallest_change(plan: Plan, design: Design, key: str, lacking: Lacking) -> Cure | None:
    """Return the smallest change of a spec with which its design meets a need.

    Args:
        plan: The study's.
        design: Its design.
        key: The key to change; empty where no number is enough.
        lacking: Returns the arms in which a design does not meet the need.

    Returns:
        The change; None where there is none.
    """
    if key == EVAL_EVERY:
        found = (every for every in _divisors(design) if not lacking(_every(design, every)))
        every = next(found, None)
        return None if every is None else _more_evaluations(plan, design, every)
    if key == SEEDS:
        least = 1 if design.variance_is_known else LEAST_RERUNS
        count = (least - design.reruns) * (len(design.arms) + design.baseline)
        return Cure(SEEDS, least, trainings=count, steps=count * design.max_train_steps)
    return _more_trials(plan, design, key, lacking) if key else None


def _divisors(design: Design) -> Iterator[int]:
    """Yield the other possible values of `eval_every`, the largest first."""
    steps = design.max_train_steps
    return (every for every in range(design.eval_every - 1, 0, -1) if steps % every == 0)


def _every(design: Design, eval_every: int) -> Design:
    return replace(design, eval_every=eval_every)


def _more_evaluations(plan: Plan, design: Design, every: int) -> Cure:
    more = len(_every(design, every).evaluations) - len(design.evaluations)
    training, examples = plan.study.spec.training, plan.study.workload.examples
    computation = None
    if examples:
        seen = training.validation_sample or examples["validation"]
        # A workload that makes its batches has no training split to evaluate.
        of_training, whole = examples.get("train", 0), training.train_sample == "all"
        seen += of_training if whole else min(seen, of_training)
        smallest = min(arm.batch_size for arm in plan.study.arms)
        computation = more * seen / (FORWARD_AND_BACK * design.max_train_steps * smallest)
    return Cure(EVAL_EVERY, every, evaluations=more, computation=computation)


def _more_trials(plan: Plan, design: Design, key: str, lacking: Lacking) -> Cure | None:
    search = plan.study.spec.search
    if isinstance(search, BayesianSearch):
        if key == INITIAL:
            return _more_initial_trials(plan, search, design, lacking)
        key, now, by = TRIALS, search.trials, search.rounds
    elif isinstance(search, GridSearch | ListSearch):
        key = POINTS if isinstance(search, GridSearch) else TRIALS
        now, by = max(int(arm.trials) for arm in design.arms.values()), 1
    else:
        key, now, by = TRIALS, search.trials, 1
    initial = 1 if isinstance(search, BayesianSearch) else None
    confirmed = {name for name, arm in design.arms.items() if arm.confirmed}
    for value in range(now, now + MOST_TRIALS, by):
        changed = design.with_trials(value / now, initial=initial)
        lack = set(lacking(changed))
        if lack <= confirmed:
            further = _more_confirmed(plan, changed, lacking) if lack else None
            if value == now or (lack and further is None):
                return further
            return replace(_trainings(plan, key, value, design, changed), also=further)
    return None


def _more_initial_trials(
    plan: Plan, search: BayesianSearch, design: Design, lacking: Lacking
) -> Cure | None:
    """Return the change to more initial trials, with the proposals that go with them.

    The number grows in steps of the rounds, so that it fits any number of trials of another cure.
    """
    proposed = search.trials - search.initial
    most = min(arm.most for arm in design.arms.values())
    for value in range(search.initial, search.initial + MOST_TRIALS, search.rounds):
        total = value + proposed
        if total > most:
            return None  # there are no more configurations
        changed = design.with_trials(total / search.trials, initial=value / search.initial)
        if not lacking(changed):
            return Cure(INITIAL, value, also=_trainings(plan, TRIALS, total, design, changed))
    return None


def _more_confirmed(plan: Plan, design: Design, lacking: Lacking) -> Cure | None:
    """Return the change to more trials of the arms under `confirm`, the only ones that lack any."""
    confirm = plan.study.spec.confirm
    assert confirm is not None and confirm.trials is not None  # else no arm has its own number
    for value in range(confirm.trials + 1, confirm.trials + MOST_TRIALS):
        changed = design.with_trials(value / confirm.trials, confirmed=True)
        if not lacking(changed):
            return _trainings(plan, CONFIRMED, value, design, changed)
    return None


def _trainings(plan: Plan, key: str, value: int, before: Design, after: Design) -> Cure:
    """Return a change with the trainings that it adds, including repeats of the search."""
    trainings = (_count(after) - _count(before)) * (1 + plan.study.spec.replicates)
    return Cure(key, value, trainings=trainings, steps=trainings * before.max_train_steps)


def _count(design: Design) -> int:
    return sum(int(arm.trials) for arm in design.arms.values())
