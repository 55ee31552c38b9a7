"""A rule of thumb of the playbook, and what the rules have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tuning_playbook.declarations import ONE_MINUS
from tuning_playbook.study.conditions import parts_of
from tuning_playbook.study.study import Study


@dataclass(frozen=True)
class Advice:
    """One rule of thumb that a study does not follow.

    Attributes:
        rule: The name of its function.
        text: What the spec does, and what to do instead.
        reason: Why, in the playbook's sense.
        section: The playbook's section.
    """

    rule: str
    text: str
    reason: str
    section: str

    def __str__(self) -> str:
        return f"{self.text} {self.reason} (playbook: {self.section})"


Trials = Mapping[str, int]
"""The number of trials of each arm, by its name."""

Rule = Callable[[Study, Trials], Advice | None]


def scientific_names(study: Study) -> list[str]:
    """Return the names of the scientific hyperparameters, `one_minus_` taken off."""
    names = [name for part in parts_of(study.spec) for name in (*part.values, *part.sampled)]
    return list(dict.fromkeys(name.removeprefix(ONE_MINUS) for name in names))


def architectural(study: Study, name: str) -> bool:
    """Whether a hyperparameter is one of the workload's whose values need programs of their own."""
    declared = study.workload.hyperparameters.get(name)
    return declared is not None and declared.static


def named(arms: Mapping[str, int] | list[str]) -> str:
    """Name some arms, with their numbers of trials where these are given."""
    if isinstance(arms, Mapping):
        return "; ".join(f"{arm} ({count})" for arm, count in arms.items())
    return "; ".join(arms)
