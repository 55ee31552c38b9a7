"""Every configuration that was trained with several seeds, compared with every other one.

The arms are compared by the reruns of their best trials (`arm_comparison`). Trials of another tool
may be reruns of any configuration; these are distinguished here, whichever arm they are in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.answer import Answer, in_words, left_out
from tuning_playbook.analysis.arm_comparison import (
    Comparison,
    Pair,
    Verdict,
    compare_arms,
    reruns_of,
)
from tuning_playbook.analysis.numbers import json_object
from tuning_playbook.analysis.ranking import arm_names, direction, members, strings
from tuning_playbook.analysis.trial_values import values_of
from tuning_playbook.analysis.variance import TrialVariance, variance_of
from tuning_playbook.dataset.every_seed import every_seed
from tuning_playbook.dataset.imported import CHOSEN_AMONG
from tuning_playbook.study.study import BASELINE, LEAST_RERUNS

NAME = "source_trial"
"""The variable that holds the names of trials of another tool."""

MOST_COMPARED = 60
"""This many have 1,770 pairs. The more pairs, the wider the intervals that hold for all."""


@dataclass(frozen=True)
class ConfigurationRow:
    """One configuration and its reruns.

    Attributes:
        name: That of its first seed in its source.
        arm: The arm that it is in, or `baseline`.
        trial: The id of its searched trial; empty for the baseline.
        hyperparameters: Every value.
        objectives: What each of its seeds reached that counts as a rerun; None for an infeasible
            one, and for one that did not reach the target.
        seeds: The seed of each.
        mean: Of the feasible ones; None where there is none.
        low: Lower end of the 95 % interval of the mean, of it alone; None where the variance is not
            known.
        high: Upper end.
        standard_deviation: Of the feasible ones; None below two.
    """

    name: str
    arm: str
    trial: str
    hyperparameters: Mapping[str, Any]
    objectives: tuple[float | None, ...]
    seeds: tuple[int, ...]
    mean: float | None
    low: float | None
    high: float | None
    standard_deviation: float | None


@dataclass(frozen=True)
class EveryConfiguration:
    """What the reruns say of every configuration that has some.

    Attributes:
        sentence: The same in words.
        verdict: See `arm_comparison.Comparison`.
        best: Those that are not shown to be worse than another one, the best mean first.
        rows: Every configuration with reruns, the best mean first.
        pairs: Every two that have reruns enough; the intervals and p-values of all hold together.
        chosen_among: Among how many of them their own means chose the candidate; 1 where the first
            seed of each did, which then is no rerun.
    """

    sentence: str
    verdict: Verdict
    best: tuple[str, ...]
    rows: tuple[ConfigurationRow, ...]
    pairs: tuple[Pair, ...]
    chosen_among: int

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self, dict_factory=json_object)


def chosen_among(reruns: xr.Dataset | None) -> int:
    """Return among how many configurations reruns chose the candidate; 1 where they did not."""
    return 1 if reruns is None else int(reruns.attrs.get(CHOSEN_AMONG, 1))


def every_configuration(
    study: xr.Dataset, reruns: xr.Dataset | None, *, margin: float
) -> EveryConfiguration | None:
    """Compare every configuration that has reruns.

    Args:
        study: The study.
        reruns: Its reruns.
        margin: What a difference must exceed to matter.

    Returns:
        None where nothing but the best trials of the arms was rerun, or the baseline besides: these
        are compared already.
    """
    reruns = every_seed(study, reruns)
    if reruns is None or NAME not in reruns:
        return None
    labels = list(dict.fromkeys(strings(reruns, "arm").tolist()))
    if set(labels) <= {*arm_names(study), BASELINE}:
        return None
    sign = -direction(study)
    rows = [_row(study, reruns, variance_of(reruns, label)) for label in labels]
    described = [row for row, _ in sorted(rows, key=lambda row: _rank(row[1], sign))]
    named = {row.name: replace(variance, arm=row.name) for row, variance in rows}
    found = [named[row.name] for row in described]
    known = [row for row in found if row.known]
    compared = reruns_of(found, {row.arm: {} for row in found}, sign=sign, margin=margin)
    too_many = len(known) > MOST_COMPARED
    comparison = Comparison("cannot tell") if too_many else compare_arms(compared)
    if comparison.verdict == "cannot tell":
        sentence = _why_not(known)
    else:
        sentence = in_words(comparison, compared, "configurations") + left_out(found)
    return EveryConfiguration(
        sentence=sentence,
        verdict=comparison.verdict,
        best=comparison.best,
        rows=tuple(described),
        pairs=comparison.pairs,
        chosen_among=chosen_among(reruns),
    )


def answer_by(answered: Answer, everything: EveryConfiguration | None) -> Answer:
    """Return the answer of a study, which one of a single arm gives by its configurations.

    Args:
        answered: What its arms say.
        everything: What its configurations say; None where they were not compared.
    """
    if answered.questions or everything is None or not everything.pairs:
        return answered
    return replace(answered, sentence=everything.sentence)


def _row(
    study: xr.Dataset, reruns: xr.Dataset, variance: TrialVariance
) -> tuple[ConfigurationRow, TrialVariance]:
    first = int(members(reruns, variance.arm)[0])
    trial = str(reruns["rerun_of"].values[first])
    source, place = reruns, first
    if trial:
        source, place = study, int(np.flatnonzero(strings(study, "trial") == trial)[0])
    row = ConfigurationRow(
        name=str(source[NAME].values[place]),
        arm=str(source["arm"].values[place]),
        trial=trial,
        hyperparameters=values_of(source, place),
        objectives=variance.reruns,
        seeds=variance.seeds,
        mean=variance.mean,
        low=variance.low,
        high=variance.high,
        standard_deviation=variance.standard_deviation,
    )
    return row, variance


def _rank(row: TrialVariance, sign: float) -> tuple[bool, float]:
    """Return what the best mean comes first by; a configuration without a mean comes last.

    Of steps to a target it is the median, in which a rerun that did not reach it is the worst.
    """
    level = row.mean
    if row.beyond is not None and row.comparable:
        level = float(np.median(row.comparable))
    return level is None, -sign * (level or 0.0)


def _why_not(known: Sequence[TrialVariance]) -> str:
    if len(known) > MOST_COMPARED:
        return (
            f"{len(known)} configurations have reruns enough to be compared, more than the "
            f"{MOST_COMPARED} that are: the intervals of all pairs, which hold together, would "
            "show next to nothing."
        )
    if len(known) > 1 and all(row.missed == len(row.comparable) for row in known):
        return "It is not known whether the configurations differ: no rerun reaches the target."
    if len(known) > 1:
        return (
            "It is not known whether the configurations differ: no rerun differs from its siblings."
        )
    return (
        f"It is not known whether the configurations differ: this takes {LEAST_RERUNS} feasible "
        f"reruns of each, which {len(known) or 'none'} of them has."
    )
