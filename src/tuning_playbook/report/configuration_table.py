"""The comparison of all configurations of another tool's trials that have reruns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuning_playbook.analysis.numbers import error_of
from tuning_playbook.report.answer_section import PAIRS_SHOWN, PairRow, make_pairs
from tuning_playbook.report.formatting import is_missing, measured, number, text
from tuning_playbook.study.study import BASELINE


@dataclass(frozen=True)
class ConfigurationLine:
    """One configuration.

    Attributes:
        name: That of its first seed in its source.
        standing: `candidate`, `baseline` or nothing.
        trial: The id of its searched trial; empty for the baseline.
        settings: The hyperparameters that are not the same in all configurations.
        objectives: What each of its seeds reached.
        mean: Of these.
        standard_deviation: Of these.
    """

    name: str
    standing: str
    trial: str
    settings: str
    objectives: tuple[str, ...]
    mean: str
    standard_deviation: str


@dataclass(frozen=True)
class ConfigurationTable:
    """What the reruns say of every configuration.

    Attributes:
        sentence: The same in words.
        verdict: As in launch.json.
        best: Those that are not shown to be worse than another one.
        lines: Every configuration, the best mean first.
        pairs: Every two, the clearest first.
        more_pairs: How many pairs are left out.
    """

    sentence: str
    verdict: str
    best: tuple[str, ...]
    lines: tuple[ConfigurationLine, ...]
    pairs: tuple[PairRow, ...]
    more_pairs: int


def make_configurations(launch: Mapping[str, Any]) -> ConfigurationTable | None:
    """Return the table of configurations; nothing if only the best trials of arms were rerun."""
    found = launch.get("configurations")
    if not found:
        return None
    candidate = (launch.get("candidate") or {}).get("trial")
    settings = _settings([row["hyperparameters"] for row in found["rows"]])
    return ConfigurationTable(
        sentence=found["sentence"],
        verdict=found["verdict"],
        best=tuple(found["best"]),
        lines=tuple(
            ConfigurationLine(
                name=row["name"],
                standing=_standing(row, candidate),
                trial=row["trial"],
                settings=setting,
                objectives=tuple(number(value) for value in row["objectives"]),
                mean=measured(row["mean"], _error(row)),
                standard_deviation=number(row["standard_deviation"], digits=2),
            )
            for row, setting in zip(found["rows"], settings, strict=True)
        ),
        pairs=make_pairs(found["pairs"]),
        more_pairs=max(0, len(found["pairs"]) - PAIRS_SHOWN),
    )


def _standing(row: Mapping[str, Any], candidate: str | None) -> str:
    if row["arm"] == BASELINE:
        return BASELINE
    return "candidate" if row["trial"] == candidate else ""


def _error(row: Mapping[str, Any]) -> float | None:
    return None if row["low"] is None else error_of(row["mean"], row["low"], row["high"])


def _settings(configurations: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return each configuration's values of the hyperparameters in which they differ."""
    names = dict.fromkeys(name for values in configurations for name in values)
    varied = [
        name for name in names if len({repr(values.get(name)) for values in configurations}) > 1
    ]
    return [
        ", ".join(
            f"{name} {text(values[name])}" for name in varied if not is_missing(values.get(name))
        )
        for values in configurations
    ]
