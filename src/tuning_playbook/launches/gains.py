"""What an improvement comes from: the change that the study is about, or the tuning.

A study tunes every arm, but the baseline was tuned at another time, or never. So part of what the
candidate gains over the baseline is tuning: what the arm with the baseline's own values gains.

Source: playbook, "Determining whether to adopt a training pipeline change or hyperparameter
configuration": the baseline must be as well tuned as what is held against it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuning_playbook.analysis.arm_comparison import Pair
from tuning_playbook.analysis.numbers import interval, told
from tuning_playbook.analysis.variance import TrialVariance
from tuning_playbook.declarations import ONE_MINUS, Value
from tuning_playbook.launches.comparison import Difference, compare_reruns
from tuning_playbook.study.conditions import SEARCHED
from tuning_playbook.study.equality import same_value
from tuning_playbook.study.study import BASELINE


@dataclass(frozen=True)
class Gain:
    """A part of an improvement, in the objective's unit; positive is better.

    Attributes:
        improvement: Difference of the means of reruns.
        low: Lower end of its 95 % interval.
        high: Upper end.
    """

    improvement: float
    low: float
    high: float

    @property
    def sentence(self) -> str:
        """Return the gain with its interval."""
        by = told(self.improvement, (self.high - self.low) / 2)
        return f"{by} (95 % interval {interval(self.low, self.high)})"


@dataclass(frozen=True)
class Gains:
    """The parts of the improvement over the baseline.

    Attributes:
        reference: The arm that has the baseline's values of the scientific hyperparameters; None
            where there is none.
        change: What the candidate gains over that arm; None where it is that arm, or where the
            gain is not known. Its interval holds for all pairs of arms together.
        tuning: What that arm gains over the baseline; None where it is not known.
        sentence: The gains in words.
    """

    reference: str | None
    change: Gain | None
    tuning: Gain | None
    sentence: str


def gains(
    candidate: str,
    variances: Mapping[str, TrialVariance],
    pairs: Sequence[Pair],
    settings: Mapping[str, Mapping[str, Value]],
    baseline: Mapping[str, Any],
    *,
    sign: float,
) -> Gains | None:
    """Return how much of the candidate's improvement is the change and how much is the tuning.

    Args:
        candidate: Its arm.
        variances: The reruns of every arm, and of the baseline, by name.
        pairs: The arms, compared two by two.
        settings: By arm, its values of the scientific hyperparameters.
        baseline: The baseline's hyperparameters.
        sign: 1 where a larger objective is better, -1 where a smaller one is.

    Returns:
        None where the study compares nothing, or has too few reruns.
    """
    names = list(dict.fromkeys(name for setting in settings.values() for name in setting))
    if not names or BASELINE not in variances:
        return None
    reference = next((arm for arm in settings if _is_of(settings[arm], baseline)), None)
    reference = reference or next(
        (arm for arm in settings if _is_of(settings[arm], baseline, searched=True)), None
    )
    named = " and ".join(names)
    if reference is None:
        return Gains(
            None,
            None,
            None,
            f"No arm has the baseline's {named}, so what part of the difference from the baseline "
            "comes from the change, and what from the tuning, is not known.",
        )
    tuned = compare_reruns(variances[reference], variances[BASELINE], sign=sign)
    tuning = None if tuned is None else _gain(tuned)
    if reference == candidate:
        if tuning is None:
            return None
        return Gains(
            reference,
            None,
            tuning,
            f"The candidate has the baseline's {named}: what it gains, {tuning.sentence}, is the "
            "tuning.",
        )
    change = next(
        (
            Gain(pair.difference, pair.low, pair.high)
            if pair.arm == candidate
            else Gain(-pair.difference, -pair.high, -pair.low)
            for pair in pairs
            if {pair.arm, pair.other} == {candidate, reference}
        ),
        None,
    )
    if change is None or tuning is None:
        return None
    return Gains(
        reference,
        change,
        tuning,
        f"Of the difference from the baseline, the change gains {change.sentence}: {candidate} "
        f"over {reference}, which is tuned as well and has the baseline's {named}. The tuning "
        f"gains {tuning.sentence}: {reference} over the baseline.",
    )


def _is_of(
    setting: Mapping[str, Value], baseline: Mapping[str, Any], *, searched: bool = False
) -> bool:
    """Return whether an arm has the baseline's values, or searches ranges that include them."""
    return all(
        (name in baseline and same_value(value, baseline[name]))
        or (searched and name in baseline and value == SEARCHED)
        or _one_minus_is_of(name, value, baseline)
        for name, value in setting.items()
    )


def _one_minus_is_of(name: str, value: Value, baseline: Mapping[str, Any]) -> bool:
    of = baseline.get(name.removeprefix(ONE_MINUS))
    numbers = all(isinstance(item, int | float) for item in (value, of))
    return name.startswith(ONE_MINUS) and numbers and same_value(1.0 - float(of or 0), float(value))


def _gain(found: Difference) -> Gain:
    return Gain(found.improvement, found.low, found.high)
