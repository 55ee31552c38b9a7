"""The table of effects of a crossed study, which shows whether they depend on each other.

Source: Box, Hunter and Hunter, "Statistics for Experimenters": the effects of a factorial design.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from tuning_playbook.analysis.numbers import interval, probability, told
from tuning_playbook.analysis.ranking import arm_settings
from tuning_playbook.declarations import Value
from tuning_playbook.study.study import write_value

MOST_ROWS = 60
"""Most rows of the table; launch.json has all pairs."""


@dataclass(frozen=True)
class EffectRow:
    """One effect: what a value of a hyperparameter gains over another.

    Attributes:
        effect: The two values.
        beside: Beside what: `on average`, or the values of the other hyperparameters; of an
            interaction, what it is the difference between.
        difference: By how much the first is better.
        interval: Its interval.
        p: The p-value.
        shown: Whether it is shown.
    """

    effect: str
    beside: str
    difference: str
    interval: str
    p: str
    shown: bool


def make_effects(study: xr.Dataset, launch: Mapping[str, Any]) -> tuple[EffectRow, ...]:
    """List the effects of a study with two or more scientific hyperparameters; none of another.

    Intervals hold together for all effects on average of one hyperparameter, for all pairs of arms,
    and for all interactions of two hyperparameters.

    Args:
        study: The dataset, which has the settings of its arms.
        launch: Its `launch.json`.
    """
    questions = launch["answer"]["questions"]
    names = [item["hyperparameter"] for item in questions if item["pairs"]]
    if len([name for name in names if name is not None]) < 2:
        return ()
    settings = arm_settings(study)
    rows: list[EffectRow] = []
    for question in questions:
        name = question["hyperparameter"]
        if name is None:
            continue
        beside = [*_beside_each(name, questions, settings)]
        if _everywhere(name, settings):
            rows += [
                _row(_over(pair["arm"], pair["other"]), "on average", pair)
                for pair in question["pairs"]
            ]
        rows += beside
    crossed = [item for item in launch["answer"]["interactions"] if item["p"] is not None]
    rows += [_interaction(item) for item in crossed]
    return tuple(rows) if len(rows) <= MOST_ROWS else ()


def _everywhere(name: str, settings: Mapping[str, Mapping[str, Value]]) -> bool:
    """Whether a hyperparameter's values are crossed with every setting of the others."""
    values: dict[str, set[str]] = {}
    for setting in settings.values():
        if name in setting:
            rest = repr(sorted((n, repr(v)) for n, v in setting.items() if n != name))
            values.setdefault(rest, set()).add(repr(setting[name]))
    return len({frozenset(of) for of in values.values()}) == 1


def _beside_each(
    name: str, questions: Any, settings: Mapping[str, Mapping[str, Value]]
) -> Iterator[EffectRow]:
    """Yield the effects of a hyperparameter under equal values of all others."""
    for question in questions:
        if question["hyperparameter"] is not None:
            continue
        for pair in question["pairs"]:
            one, other = settings[pair["arm"]], settings[pair["other"]]
            different = [key for key in {**one, **other} if one.get(key) != other.get(key)]
            if different == [name] and name in one and name in other:
                rest = ", ".join(
                    f"{key}={write_value(value)}" for key, value in one.items() if key != name
                )
                effect = _over(*(f"{name}={write_value(of[name])}" for of in (one, other)))
                yield _row(effect, f"with {rest}", pair)


def _interaction(found: Mapping[str, Any]) -> EffectRow:
    one, other = found["hyperparameters"]
    mine, theirs = ([write_value(value) for value in found[key]] for key in ("values", "beside"))
    return _row(
        f"interaction of {one} and {other}",
        f"{one}={mine[0]} over {mine[1]}, with {other}={theirs[0]} against {theirs[1]}",
        found,
    )


def _over(one: str, other: str) -> str:
    return f"{one} over {other.rpartition('=')[2]}"


def _row(effect: str, beside: str, found: Mapping[str, Any]) -> EffectRow:
    low, high = found["low"], found["high"]
    return EffectRow(
        effect=effect,
        beside=beside,
        difference=told(found["difference"], (high - low) / 2),
        interval=interval(low, high),
        p=probability(found["p"]),
        shown=low > 0,
    )
