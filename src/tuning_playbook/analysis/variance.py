"""Trial variance: how much reruns of one configuration on fresh seeds differ.

Reruns on other divisions of the data differ by more than their seeds, and are left out here; see
`data_variance`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.metric_range import ANY_NUMBER, MetricRange, metric_range
from tuning_playbook.analysis.numbers import all_equal, error_of, number, text
from tuning_playbook.analysis.quantiles import chi_square_quantile, student_quantile
from tuning_playbook.analysis.ranking import (
    Indices,
    arm_names,
    best_trial,
    beyond_the_budget,
    censored,
    members,
    strings,
    target,
    trial_id,
    trial_ids,
)
from tuning_playbook.dataset.every_seed import every_seed
from tuning_playbook.errors import ArtefactError
from tuning_playbook.study.study import BASELINE, LEAST_RERUNS

CONFIDENCE = 0.95

LEAST_DEGREES = 4
"""Of a deviation that is taken for known: those of five reruns."""


@dataclass(frozen=True)
class KnownVariance:
    """The trial variance that an earlier study measured.

    It counts where a configuration has fewer than five feasible reruns, together with what these
    add to it.

    Source: playbook, "Determining whether to adopt a training pipeline change or hyperparameter
    configuration": the trial variance is measured again only after major changes.

    Attributes:
        deviation: Standard deviation of the objective over seeds.
        degrees: Its degrees of freedom.
        study: The study that measured it; may be empty.
    """

    deviation: float
    degrees: int
    study: str

    def pooled(self, samples: Sequence[Sequence[float]]) -> tuple[float, float]:
        """Return the variance with what some samples add to it, and its degrees of freedom."""
        degrees = [len(sample) - 1 for sample in samples]
        squares = [
            own * float(np.var(sample, ddof=1))
            for own, sample in zip(degrees, samples, strict=True)
            if own > 0
        ]
        together = self.degrees + sum(degrees)
        return (self.degrees * self.deviation**2 + sum(squares)) / together, float(together)


@dataclass(frozen=True)
class TrialVariance:
    """The reruns of one configuration, beside the search score of the trial that was rerun.

    Attributes:
        arm: The arm whose best trial was rerun, or `baseline`.
        trial: The id of that trial; empty for the baseline and an arm without a feasible trial.
        search_objective: Its objective in the search, the best of many and so biased by selection:
            to be shown beside the reruns, never instead of them. None where there is none.
        reruns: The objective of each rerun in order; None for an infeasible one.
        mean: Of the feasible reruns; None where there is none.
        standard_deviation: Of the feasible reruns; None below two.
        deviation_low: Lower end of the 95 % interval of the standard deviation (chi-square, for
            normal values); None where the variance is not known.
        deviation_high: Upper end.
        low: Lower end of the 95 % interval of the mean (Student's t), no lower than the metric can
            be; None where the variance is not known.
        high: Upper end.
        seeds: The seed of each rerun.
        trials: The id of each rerun, which is a trial too.
        earlier: The variance that an earlier study measured, where there are fewer than five
            feasible reruns; None where there are enough, or none was given.
        censored: Whether each rerun did not reach the target; empty without a target. Then there is
            no objective of it, and of the reruns no mean.
        beyond: The fewest steps that such a rerun can have needed; None without a target.
    """

    arm: str
    trial: str
    search_objective: float | None
    reruns: tuple[float | None, ...]
    mean: float | None
    standard_deviation: float | None
    deviation_low: float | None
    deviation_high: float | None
    low: float | None
    high: float | None
    seeds: tuple[int, ...] = ()
    trials: tuple[str, ...] = ()
    earlier: KnownVariance | None = None
    censored: tuple[bool, ...] = ()
    beyond: float | None = None

    @property
    def missed(self) -> int:
        """How many feasible reruns did not reach the target."""
        return sum(self.censored)

    @property
    def comparable(self) -> tuple[float, ...]:
        """The objectives of the feasible reruns, or the fewest steps that each can have needed."""
        if self.beyond is None:
            return self.feasible
        pairs = zip(self.reruns, self.censored, strict=True)
        found = (self.beyond if missed else value for value, missed in pairs)
        return tuple(value for value in found if value is not None)

    @property
    def middle(self) -> float | None:
        """The median of the feasible reruns; None where it is one that did not reach the target."""
        values = self.comparable
        middle = float(np.median(values)) if values else None
        # The mean of the middle two is no number of steps where one of them is none.
        known = sum(value != self.beyond for value in values) > len(values) / 2
        return middle if known else None

    @property
    def by_seed(self) -> dict[int, float]:
        """The objectives of the feasible reruns by their seeds, where no two share one."""
        known = len(set(self.seeds)) == len(self.seeds) == len(self.reruns)
        pairs = zip(self.seeds, self.reruns, strict=True) if known else ()
        return {seed: value for seed, value in pairs if value is not None}

    @property
    def feasible(self) -> tuple[float, ...]:
        """The objectives of the feasible reruns."""
        return tuple(value for value in self.reruns if value is not None)

    @property
    def feasible_trials(self) -> tuple[str, ...]:
        """The ids of the feasible reruns, where they are known."""
        pairs = zip(self.trials, self.reruns, strict=False)
        return tuple(trial for trial, value in pairs if value is not None)

    @property
    def error(self) -> float:
        """Half the width of the mean's interval, before it is cut off; 0 where it is not known."""
        if self.mean is None or self.low is None or self.high is None:
            return 0.0
        return error_of(self.mean, self.low, self.high)

    @property
    def infeasible(self) -> int:
        """How many reruns were infeasible."""
        return len(self.reruns) - len(self.feasible) - self.missed

    @property
    def known(self) -> bool:
        """Whether the variance is known: by feasible reruns enough, or by an earlier study."""
        least = LEAST_RERUNS if self.earlier is None or self.missed else 1
        return len(self.comparable) >= least

    @property
    def of_reruns(self) -> str:
        """How many of the reruns did not reach the target, and their median, in a sentence."""
        count = f"{self.missed} of {len(self.reruns)} reruns do not reach the target"
        if self.middle is None:
            return f"{count}, so there is no mean, and the median is not known either"
        return f"{count}, so there is no mean; the median is {text(self.middle)} steps"

    @property
    def summary(self) -> str:
        """What the reruns say, in sentences."""
        if not self.reruns:
            return "There are no reruns, so the variance is not known."
        sentences = [f"{len(self.reruns)} reruns"]
        if self.mean is not None:
            sentences[0] += f", mean {text(self.mean)}"
        if self.missed:
            sentences.append(self.of_reruns)
        if self.earlier is not None and self.known:
            whose = f" of the study {self.earlier.study}" if self.earlier.study else ""
            sentences.append(
                f"The standard deviation{whose} is used, {text(self.earlier.deviation)} "
                f"({self.earlier.degrees} degrees of freedom)"
            )
        elif self.known and self.standard_deviation is not None:
            sentences[0] += f", standard deviation {text(self.standard_deviation)}"
            if self.deviation_low is not None and self.deviation_high is not None:
                sentences[0] += (
                    f" (95 % interval {text(self.deviation_low)} to {text(self.deviation_high)})"
                )
        elif not self.missed:
            sentences.append(f"With fewer than {LEAST_RERUNS} the variance is not known")
        if self.infeasible:
            sentences.append(f"{self.infeasible} of them infeasible")
        if self.search_objective is not None:
            sentences.append(
                f"The search score, {text(self.search_objective)}, is the best of many trials and "
                "so biased by selection"
            )
        return ". ".join(sentences) + "."


def trial_variance(study: xr.Dataset, reruns: xr.Dataset | None) -> tuple[TrialVariance, ...]:
    """Summarise the reruns of each arm's best trial, and of the baseline if there are some.

    The variance is that over seeds alone, at one configuration; it says nothing of the variance
    that another search would bring (study variance).

    Source: playbook, "Determining whether to adopt a training pipeline change or hyperparameter
    configuration".

    Args:
        study: The study.
        reruns: Its reruns; None where there are none.

    Returns:
        One entry for each arm in the study's order, then the baseline.

    Raises:
        ArtefactError: The reruns are of a trial that the study does not have.
    """
    reruns = every_seed(study, reruns)
    rows = [_of_arm(study, reruns, arm) for arm in arm_names(study)]
    if reruns is not None and len(members(reruns, BASELINE)):
        rows.append(variance_of(reruns, BASELINE))
    return tuple(rows)


def variance_of(reruns: xr.Dataset, arm: str) -> TrialVariance:
    """Summarise the reruns that stand under one name, be it that of an arm or another one."""
    return summarise(
        arm,
        *_rerun(reruns, arm),
        possible=metric_range(reruns),
        earlier=known_variance(reruns),
        **_missed(reruns, reruns, arm),
    )


def _missed(study: xr.Dataset, reruns: xr.Dataset | None, arm: str) -> dict[str, Any]:
    """Return which of an arm's reruns did not reach the target, as `summarise` takes it."""
    if target(study) is None:
        return {}
    lost = [] if reruns is None else censored(reruns)[_in_order(reruns, arm)].tolist()
    return {"censored": lost, "beyond": beyond_the_budget(study)}


def known_variance(reruns: xr.Dataset | None) -> KnownVariance | None:
    """Return the trial variance that the reruns of a study were given; None where none was."""
    if reruns is None or "known_deviation" not in reruns.attrs:
        return None
    of = reruns.attrs
    return KnownVariance(
        float(of["known_deviation"]), int(of["known_degrees"]), str(of["known_from"])
    )


def pooled_deviation(reruns: xr.Dataset) -> tuple[float, int] | None:
    """Return the standard deviation over seeds of all rerun configurations together.

    Args:
        reruns: The reruns of a study.

    Returns:
        It, and its degrees of freedom; None where these are fewer than four, nothing differs, or a
        rerun did not reach the target.
    """
    labels = dict.fromkeys(strings(reruns, "arm").tolist())
    if censored(reruns).any():
        return None  # those that reached the target differ by less than all do
    samples = [np.array(summarise(label, *_rerun(reruns, label)).feasible) for label in labels]
    degrees = sum(max(0, len(sample) - 1) for sample in samples)
    if degrees < LEAST_DEGREES:
        return None
    squares = sum(
        (len(one) - 1) * float(one.var(ddof=1))
        for one in samples
        if len(one) > 1 and not all_equal(one)
    )
    return (math.sqrt(squares / degrees), degrees) if squares > 0 else None


def summarise(
    arm: str,
    reruns: Sequence[float],
    seeds: Sequence[int] = (),
    trials: Sequence[str] = (),
    *,
    trial: str = "",
    search_objective: float | None = None,
    possible: MetricRange = ANY_NUMBER,
    earlier: KnownVariance | None = None,
    censored: Sequence[bool] = (),
    beyond: float | None = None,
) -> TrialVariance:
    """Summarise the objectives of an arm's reruns; NaN stands for an infeasible rerun.

    Where one did not reach the target there is no mean of them, and no standard deviation: over
    those that reached it either would flatter an arm that is not reliable.

    Args:
        arm: Its name.
        reruns: Their objectives.
        seeds: The seed of each, where they are known.
        trials: Their ids, likewise.
        trial: The id of the trial that was rerun.
        search_objective: What it reached in the search.
        possible: What the objective can be: the interval of the mean is cut off at its ends.
        earlier: The variance that an earlier study measured; it counts below five feasible reruns.
        censored: Whether each rerun did not reach the target; its objective is NaN then.
        beyond: The fewest steps that such a rerun can have needed; None without a target.
    """
    values = np.array([value for value in reruns if math.isfinite(value)])
    if any(censored):
        values = values[:0]
    count = len(values)
    with np.errstate(over="ignore", invalid="ignore"):  # values too large to be squared
        mean = number(values.mean()) if count else None
        deviation = number(values.std(ddof=1)) if count >= 2 else None
    deviation_low = deviation_high = low = high = None
    if count >= LEAST_RERUNS and mean is not None and deviation is not None:
        tail = (1 - CONFIDENCE) / 2
        deviation_low, deviation_high = (
            deviation * math.sqrt((count - 1) / chi_square_quantile(probability, count - 1))
            for probability in (1 - tail, tail)
        )
        margin = student_quantile(1 - tail, count - 1) * deviation / math.sqrt(count)
        low, high = possible.clip(np.array([mean - margin, mean + margin])).tolist()
    # A standard deviation says nothing of steps that are not known.
    earlier = None if count >= LEAST_RERUNS or any(censored) else earlier
    if earlier is not None and mean is not None:
        variance, degrees = earlier.pooled([values.tolist()])
        margin = student_quantile((1 + CONFIDENCE) / 2, degrees) * math.sqrt(variance / count)
        low, high = possible.clip(np.array([mean - margin, mean + margin])).tolist()
    return TrialVariance(
        arm=arm,
        trial=trial,
        search_objective=search_objective,
        reruns=tuple(number(value) for value in reruns),
        mean=mean,
        standard_deviation=deviation,
        deviation_low=deviation_low,
        deviation_high=deviation_high,
        low=low,
        high=high,
        seeds=tuple(seeds),
        trials=tuple(trials),
        earlier=earlier,
        censored=tuple(censored),
        beyond=beyond,
    )


def _of_arm(study: xr.Dataset, reruns: xr.Dataset | None, arm: str) -> TrialVariance:
    position = _rerun_trial(study, reruns, arm)
    again: tuple[Any, ...] = ([],) if reruns is None else _rerun(reruns, arm)
    if position is None:
        return summarise(
            arm,
            *again,
            possible=metric_range(study),
            earlier=known_variance(reruns),
            **_missed(study, reruns, arm),
        )
    return summarise(
        arm,
        *again,
        **_missed(study, reruns, arm),
        earlier=known_variance(reruns),
        possible=metric_range(study),
        trial=trial_id(study, position),
        search_objective=number(study["objective"].values[position]),
    )


def _rerun_trial(study: xr.Dataset, reruns: xr.Dataset | None, arm: str) -> int | None:
    """Return the position in the study of the trial that was rerun, or would be: the best."""
    if reruns is None or not len(members(reruns, arm)):
        return best_trial(study, arm)
    name = str(reruns["rerun_of"].values[members(reruns, arm)[0]])
    found = np.flatnonzero(strings(study, "trial") == name)
    if not len(found):
        raise ArtefactError(
            f"the reruns of {arm} are of trial {name}, which the study does not have; "
            "run the study again"
        )
    return int(found[0])


def _rerun(reruns: xr.Dataset, arm: str) -> tuple[list[float], list[int], list[str]]:
    """Return the objectives of an arm's reruns, in their order, their seeds and their ids."""
    order = _in_order(reruns, arm)
    objectives = [float(value) for value in reruns["objective"].values[order]]
    seeds = [int(seed) for seed in reruns["seed"].values[order]]
    return objectives, seeds, list(trial_ids(reruns, order))


def _in_order(reruns: xr.Dataset, arm: str) -> Indices:
    """Return the positions of an arm's reruns on the usual data, by their number."""
    positions = on_the_usual_data(reruns, members(reruns, arm))
    return np.asarray(positions[np.argsort(reruns["rerun"].values[positions], kind="stable")])


def on_the_usual_data(reruns: xr.Dataset, positions: Indices) -> Indices:
    """Return the positions, among some, of the reruns on the division of the data of all trials."""
    if "data_split" not in reruns:
        return positions
    return np.asarray(positions[reruns["data_split"].values[positions] == 0])
