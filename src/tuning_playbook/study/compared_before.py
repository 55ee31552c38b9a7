"""What an earlier round compared without something that this study has.

A round compares the values of one hyperparameter while it holds others fixed. A later round that
takes the winner and changes one of these rests on a comparison that was never made with the change.

Source: playbook, "Identifying scientific, nuisance, and fixed hyperparameters": the conclusion is
conditional on what was fixed.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tuning_playbook.declarations import ONE_MINUS, Value
from tuning_playbook.study.origin import Taken
from tuning_playbook.study.searches import BayesianSearch, GridSearch, ListSearch
from tuning_playbook.study.study import Study, write_value

LEAST_TRIALS = 10
"""Of an arm that is confirmed: the playbook's least for one searched hyperparameter."""

STEPS = "max_train_steps"


@dataclass(frozen=True)
class Doubt:
    """A value that an earlier round compared, beside something that this study changes.

    Attributes:
        name: The hyperparameter.
        value: The value that this study takes.
        study: The earlier round.
        compared: The values that it compared, as written.
        without: By hyperparameter, the values here that it did not have.
        had: By the same, the values that it had.
        runner_up: The best of its other arms; empty where its result is not known.
    """

    name: str
    value: str
    study: str
    compared: tuple[str, ...]
    without: Mapping[str, tuple[str, ...]]
    had: Mapping[str, tuple[str, ...]]
    runner_up: str

    @property
    def sentence(self) -> str:
        """Return what was compared without what, and that the conclusion may not hold."""
        it = "it" if len(self.without) == 1 else "them"
        return (
            f"{self.study} compared {self.name} ({', '.join(self.compared)}) without "
            f"{_settings(self.without)} (it had {_settings(self.had)}). Its conclusion, "
            f"{self.name}={self.value}, may not hold with {it}."
        )


def doubts(study: Study) -> tuple[Doubt, ...]:
    """Return the comparisons of earlier rounds that a study rests on beyond what they had.

    A value that this study compares itself, as with `confirm`, is none of them; nor is a change of
    something that the earlier round searched.

    Args:
        study: The study, with what it takes from earlier ones.
    """
    found = []
    for item in study.taken:
        name = name_of(item)
        if len(item.compared) < 2 or any(name in arm.scientific for arm in study.arms):
            continue
        without = {
            other: new
            for other, had in item.beside.items()
            if other != name
            and (new := tuple(v for v in _values_here(study, other) if not _among(v, had)))
        }
        if without:
            found.append(
                Doubt(
                    name=name,
                    value=item.value,
                    study=item.study,
                    compared=tuple(item.compared),
                    without=without,
                    had={other: tuple(item.beside[other]) for other in without},
                    runner_up=item.runner_up,
                )
            )
    return tuple(found)


def compared_alike(study: Study) -> dict[str, Taken]:
    """Return what earlier rounds compared with all that this study has, by hyperparameter."""
    doubted = {item.name for item in doubts(study)}
    return {
        name_of(item): item
        for item in study.taken
        if len(item.compared) > 1 and name_of(item) not in doubted
    }


def cures(study: Study, doubt: Doubt) -> tuple[str, ...]:
    """Return what would test a doubtful value, as changes of the spec with what they cost.

    Args:
        study: The study.
        doubt: What is doubtful.
    """
    spec, seeds = study.spec, study.spec.reruns.seeds
    search = spec.search
    if isinstance(search, BayesianSearch | GridSearch | ListSearch) or spec.design == "joint":
        return ()
    changed = [name for name in doubt.without if name in spec.scientific]
    if not changed:
        return ()
    arms = sum(
        any(write_value(arm.scientific[name]) in doubt.without[name] for name in changed)
        for arm in study.arms
    )
    again = max(LEAST_TRIALS, math.ceil(search.trials / 2))
    runner_up = doubt.runner_up or f"{doubt.name}=..."
    crossed = len(study.arms) * len(doubt.compared)
    total = max(LEAST_TRIALS * crossed, search.trials * len(study.arms))
    scientific = ", ".join(
        f"{name}: [{', '.join(values)}]"
        for name, values in [
            *((name, _values_here(study, name)) for name in spec.scientific),
            (doubt.name, doubt.compared),
        ]
    )
    return (
        f"to try the runner-up with it, add `confirm: {{arm: {runner_up}, trials: {again}}}`: "
        f"{arms * again} trials and {arms * seeds} reruns more",
        f"to cross them, say `scientific: {{{scientific}}}`, `design: joint` and "
        f"`trials: {total}`: {total} trials and {crossed * seeds} reruns, for "
        f"{search.trials * len(study.arms)} and {len(study.arms) * seeds}",
    )


def new_values(
    taken: Sequence[Taken], names: Collection[str], other: str, values: Sequence[Value]
) -> list[Value]:
    """Return the values of a hyperparameter that an earlier round did not have beside others.

    Args:
        taken: What a spec takes from earlier rounds.
        names: The hyperparameters that the round compared.
        other: The hyperparameter whose values are asked about.
        values: Its values here.

    Returns:
        All of them where nothing is known of that round.
    """
    had = [
        item.beside[other]
        for item in taken
        if name_of(item) in names and len(item.compared) > 1 and other in item.beside
    ]
    return [value for value in values if not any(_among(write_value(value), had_) for had_ in had)]


def name_of(item: Taken) -> str:
    """Return the hyperparameter whose value was taken.

    Example:
        `fixed.learning_rate` is of `learning_rate`.
    """
    return item.place.rpartition(".")[2].removeprefix(ONE_MINUS)


def _values_here(study: Study, name: str) -> tuple[str, ...]:
    """Return the values that a study holds a hyperparameter at, in any arm, as written."""
    if name == STEPS:
        return (str(study.spec.training.max_train_steps),)
    if name == "batch_size":
        return tuple(dict.fromkeys(str(arm.batch_size) for arm in study.arms))
    found = [write_value(arm.fixed[name]) for arm in study.arms if name in arm.fixed]
    return tuple(dict.fromkeys(found))


def _among(value: str, values: Sequence[str]) -> bool:
    """Whether a written value is one of some, however its number is written."""
    return any(_number(value) == _number(other) for other in values)


def _number(text: str) -> float | str:
    try:
        return float(f"{float(text):.12g}")
    except ValueError:
        return text


def _settings(values: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(f"{name}={' or '.join(given)}" for name, given in values.items())
