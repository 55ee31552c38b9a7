"""The answer of a study to its goal, in words: arm against arm, for each scientific hyperparameter.

The decision is about the baseline; the answer is about the arms.

Source: playbook, "The incremental tuning strategy": a round of experiments has one goal.
"""

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import xarray as xr

from tuning_playbook.analysis.arm_comparison import (
    STEPS,
    Comparison,
    Pair,
    Reruns,
    Verdict,
    beside_what,
    compare_arms,
    compare_values,
    reruns_of,
)
from tuning_playbook.analysis.interactions import Interaction, interaction
from tuning_playbook.analysis.numbers import at_least, interval, json_object, text, told
from tuning_playbook.analysis.ranking import arm_settings, direction
from tuning_playbook.analysis.sampled_values import SampledValues
from tuning_playbook.analysis.simultaneous import CONFIDENCE, MOST_VALUES
from tuning_playbook.analysis.variance import TrialVariance
from tuning_playbook.study.study import LEAST_RERUNS, write_value

PERCENT = f"{100 * CONFIDENCE:.0f} %"

MOST_NAMED = 4
"""This many values are named in a sentence; of more, their number."""


@dataclass(frozen=True)
class Question:
    """What a study says about one scientific hyperparameter, or about all its arms together.

    Attributes:
        hyperparameter: Its name; None for all arms together.
        verdict: See `Comparison`, as `needed_reruns` and `pairs`.
        best: The values, or arms, that are not shown to be worse than another one, the best mean
            first.
        sentence: The same in words.
        needed_reruns: None unless no difference is shown.
        pairs: Every two that can be compared.
    """

    hyperparameter: str | None
    verdict: Verdict
    best: tuple[str, ...]
    sentence: str
    needed_reruns: int | None
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Answer:
    """The answer to the goal of a study.

    Attributes:
        goal: As in the spec.
        sentence: What a colleague would repeat.
        evidence: `reruns`; or `search` where no arm was rerun.
        questions: One for each scientific hyperparameter, then one for all arms together; none
            where there is one arm.
        interactions: Of each two scientific hyperparameters that are crossed, with a sentence.
        curves: Of each scientific hyperparameter that was sampled over a range.
    """

    goal: str
    sentence: str
    evidence: Literal["reruns", "search"]
    questions: tuple[Question, ...]
    interactions: tuple[dict[str, Any], ...]
    curves: tuple[SampledValues, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the answer as a JSON object."""
        return asdict(self, dict_factory=json_object)


@dataclass(frozen=True)
class Compared:
    """What the reruns say of the arms, before it is put into words.

    Attributes:
        reruns: What was compared.
        arms: All arms together.
        values: By scientific hyperparameter, its values.
        interactions: Of each two that are crossed.
    """

    reruns: Reruns
    arms: Comparison
    values: dict[str, Comparison]
    interactions: tuple[Interaction, ...]


def compare_all(
    study: xr.Dataset, variances: Sequence[TrialVariance], min_improvement: float
) -> Compared:
    """Compare the arms of a study, and the values of each scientific hyperparameter.

    Args:
        study: The study.
        variances: The reruns of the best trial of each arm.
        min_improvement: What a difference must exceed to matter.
    """
    settings = arm_settings(study)
    reruns = reruns_of(variances, settings, sign=-direction(study), margin=min_improvement)
    names = tuple(dict.fromkeys(name for setting in settings.values() for name in setting))
    crossed = [interaction(*pair, reruns) for pair in itertools.combinations(names, 2)]
    return Compared(
        reruns,
        compare_arms(reruns),
        {name: compare_values(name, reruns) for name in names},
        tuple(found for found in crossed if found is not None),
    )


def answer(
    study: xr.Dataset,
    variances: Sequence[TrialVariance],
    compared: Compared,
    curves: Sequence[SampledValues] = (),
    *,
    goal: str,
) -> Answer:
    """Answer the goal of a study.

    Args:
        study: The study.
        variances: The reruns of the best trial of each arm.
        compared: What they say, as from `compare_all`.
        curves: Of what was sampled over a range, as from `sampled_values`.
        goal: As in the spec.
    """
    arms = [row for row in variances if row.arm in arm_settings(study)]
    rerun = any(row.reruns for row in arms)
    questions = [
        Question(
            curve.label,
            curve.verdict,
            () if curve.best is None else (f"{curve.hyperparameter}={curve.best:.3g}",),
            curve.sentence,
            None,
            (),
        )
        for curve in curves
    ]
    if len(arms) > 1:
        aside = left_out(arms) if rerun else ""
        why = _why_not(arms) if rerun else _of_the_search(arms, direction(study))
        listed = [*compared.values.items(), (None, compared.arms)]
        questions += [_question(name, item, compared.reruns, why, aside) for name, item in listed]
    crossed = [asdict(item) | {"sentence": _crossed(item)} for item in compared.interactions]
    return Answer(
        goal=goal,
        sentence=_altogether(questions, compared, arms),
        evidence="reruns" if rerun and (len(arms) > 1 or not curves) else "search",
        questions=tuple(questions),
        interactions=tuple(crossed),
        curves=tuple(curves),
    )


def _question(
    name: str | None, found: Comparison, reruns: Reruns, why_not: str, aside: str
) -> Question:
    if found.verdict == "cannot tell":
        if reruns.vary:
            why_not = (
                f"Which value of {name} is the best is not known: of no two of its values are "
                "there reruns enough beside the same values of the others."
            )
        return Question(name, found.verdict, (), why_not, None, ())
    if name is not None and len(reruns.settings[0]) > 1:
        rests = beside_what(name, reruns)
        over = f"beside {_listed(rests)}" if rests else "on average over the other hyperparameters"
        aside = f" That is {over}.{aside}"
    if found.uncompared:
        aside = f" Beside nothing else, and so not compared: {_listed(found.uncompared)}.{aside}"
    of_what = "arms" if name is None else f"values of {name}"
    sentence = in_words(found, reruns, of_what) + aside
    return Question(name, found.verdict, found.best, sentence, found.needed_reruns, found.pairs)


def in_words(found: Comparison, reruns: Reruns, of_what: str) -> str:
    """Say what a comparison says, in sentences.

    Args:
        found: The comparison, which can tell something.
        reruns: What was compared.
        of_what: What its values are, as `arms`.
    """
    if len(found.ordered) == 2:
        sentence = _of_two(found, reruns)
    else:
        sentence = _of_many(f"{len(found.ordered)} {of_what}", found, reruns)
    return f"{sentence} {_by_ranks(reruns)}".rstrip()


def _by_ranks(reruns: Reruns) -> str:
    """Say how reruns were compared that have no mean; nothing where they have one."""
    if reruns.values is None:
        return ""
    if not reruns.missed:
        return "Compared by ranks (Wilcoxon's test), because the steps of no rerun vary."
    count = sum(map(len, reruns.values))
    return (
        f"{reruns.missed} of {count} reruns do not reach the target: what they belong to is "
        "compared by ranks (Wilcoxon's test), in which they are worse than any that does. "
        "Differences take "
        f"each of them to need {text(reruns.reach)} steps, the fewest that it can have needed."
    )


def _of_two(found: Comparison, reruns: Reruns) -> str:
    (pair,) = found.pairs
    if found.verdict == "differs":
        return f"{pair.arm} is better than {pair.other} by {_with_interval(pair, reruns)}."
    if found.verdict == "practically the same":
        return (
            f"{pair.arm} and {pair.other} are practically the same: they differ by "
            f"{_with_interval(pair, reruns)}, within the margin of {text(reruns.margin)}."
        )
    return (
        f"No difference between {pair.arm} and {pair.other} is shown: "
        f"{_with_interval(pair, reruns)} in favour of {pair.arm}. "
        f"{_one_sided(found)}{_what_would_settle(found, reruns)}"
    )


def _one_sided(found: Comparison) -> str:
    """Say where the comparison with the best sees more than the intervals of all pairs."""
    worse = [level for level in found.ordered if level not in found.best]
    verb = "is" if len(worse) == 1 else "are"
    return f"Asked one-sidedly, {_listed(worse)} {verb} worse (5 %). " if worse else ""


def _of_many(several: str, found: Comparison, reruns: Reruns) -> str:
    widest = max(found.pairs, key=lambda pair: pair.difference)
    if found.verdict == "practically the same":
        return (
            f"The {several} are practically the same: no two differ by more than the margin of "
            f"{text(reruns.margin)}."
        )
    if found.verdict == "no difference shown":
        return (
            f"No difference between the {several} is shown: the largest, of {widest.arm} over "
            f"{widest.other}, is {_with_interval(widest, reruns)}. {_one_sided(found)}"
            f"{_what_would_settle(found, reruns)}"
        )
    beaten = [level for level in found.ordered if level not in found.best]
    if not beaten:
        clearest = min(found.pairs, key=lambda pair: pair.p)
        return (
            f"{clearest.arm} is better than {clearest.other} by "
            f"{_with_interval(clearest, reruns)}, but "
            f"which of the {several} is the best is not shown."
        )
    if not found.best:
        return (
            f"Each of the {several} is shown to be worse than another one beside some values, so "
            "none is the best everywhere."
        )
    best = found.best[0]
    if len(found.best) == 1:
        return (
            f"{best} is the best of the {several}: each other is shown to be worse (one-sided "
            f"5 %); {_by_how_much(found, beaten, reruns)}."
        )
    return (
        f"Which is the best of the {several} is not shown: {_listed(found.best)} may be. Shown to "
        f"be worse than another: {_listed(beaten)}."
    )


def _by_how_much(found: Comparison, beaten: Sequence[str], reruns: Reruns) -> str:
    """Name those that the best one beats, each by how much; of many the nearest."""
    pairs = {pair.other: pair for pair in found.pairs if pair.arm == found.best[0]}
    known = [level for level in beaten if level in pairs]
    if not known:
        return "by the ranks of their reruns"
    if len(known) > MOST_NAMED:
        return f"the nearest, {known[0]}, by {_with_interval(pairs[known[0]], reruns)}"
    return _listed([f"{level} by {_with_interval(pairs[level], reruns)}" for level in known])


def _what_would_settle(found: Comparison, reruns: Reruns) -> str:
    widest = max(max(abs(pair.low), abs(pair.high)) for pair in found.pairs)
    half = max((pair.high - pair.low) / 2 for pair in found.pairs)
    if found.needed_reruns is None or found.needed_reruns >= MOST_VALUES:
        more = "No number of reruns would settle it"
    else:
        more = f"If that is what there is, {found.needed_reruns:,} reruns of each would settle it"
    if reruns.margin > 0 or reruns.values is not None:
        return f"{more}."
    return (
        f"{more}. With a min_improvement of 0 nothing can be called the same; with one of "
        f"{at_least(widest, half)} these would be."
    )


def _with_interval(pair: Pair, reruns: Reruns) -> str:
    if pair.high - pair.low >= 2 * reruns.reach:
        few = f"too few reruns for a {PERCENT} interval"
        return f"{text(pair.difference)}{reruns.unit} ({few})"
    by = told(pair.difference, (pair.high - pair.low) / 2)
    return f"{by}{reruns.unit} ({PERCENT} interval {interval(pair.low, pair.high)})"


def _listed(names: Sequence[str]) -> str:
    """Name a few things; of many, the first and how many more there are."""
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[: MOST_NAMED - 1])} and {len(names) - MOST_NAMED + 1} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _crossed(found: Interaction) -> str:
    one, other = found.hyperparameters
    if found.difference is None or found.low is None or found.high is None:
        return f"Whether {one} and {other} interact is not known: {found.why_not}."
    (mine, instead), (with_this, with_that) = map(_written, (found.values, found.beside))
    by = told(found.difference, (found.high - found.low) / 2)
    gain = (
        f"{one}={mine} gains {by} more over {instead} with {other}={with_this} than with "
        f"{with_that} ({PERCENT} interval {interval(found.low, found.high)})"
    )
    if found.verdict == "interact":
        return f"{one} and {other} interact: {gain}. So each is judged beside the other, not alone."
    return f"No interaction of {one} and {other} is shown; the clearest: {gain}."


def _written(values: Sequence[Any]) -> list[str]:
    return [write_value(value) for value in values]


def left_out(arms: Sequence[TrialVariance]) -> str:
    """Name those that are not compared for want of reruns; nothing where all are compared."""
    missing = [row.arm for row in arms if not row.known]
    if not missing:
        return ""
    one = len(missing) == 1
    return (
        f" {_listed(missing)} {'is' if one else 'are'} not compared: fewer than {LEAST_RERUNS} "
        f"reruns {'of it' if one else 'of each'} are feasible."
    )


def _why_not(arms: Sequence[TrialVariance]) -> str:
    known = [row for row in arms if row.known]
    if len(known) > 1 and all(row.missed == len(row.comparable) for row in known):
        return (
            "It is not known whether the arms differ: no rerun reaches the target. Train longer, "
            "or take a target that is easier to reach."
        )
    if len(known) > 1:
        return (
            "It is not known whether the arms differ: no rerun differs from its siblings, so there "
            "is no variance to judge by. Check that the seeds reach the training, and that the "
            "metric is not too coarse."
        )
    counts = _listed([f"{row.arm} has {len(row.comparable)}" for row in arms])
    return (
        f"It is not known whether the arms differ: this takes {LEAST_RERUNS} feasible reruns of "
        f"each ({counts}), or a trial variance that is known before."
    )


def _of_the_search(arms: Sequence[TrialVariance], sign: float) -> str:
    """Say what the search alone says, and that it is not enough."""
    scores = {row.arm: row.search_objective for row in arms if row.search_objective is not None}
    found = sorted(scores, key=lambda arm: sign * scores[arm])
    counted = any(row.beyond is not None for row in arms)
    if not found:
        return (
            "No trial is feasible, or none reaches the target, so the arms cannot be compared."
            if counted
            else "No trial is feasible, so the arms cannot be compared."
        )
    unit = STEPS if counted else ""
    each = _listed([f"{arm} {text(scores[arm])}{unit}" for arm in found])
    return (
        f"In the search alone {found[0]} came out best ({each}). Whether the arms differ "
        "is not known without reruns: each value is the best of many trials, trained once. "
        "Set `reruns: {seeds: 5}` to compare them."
    )


def _altogether(
    questions: Sequence[Question], compared: Compared, arms: Sequence[TrialVariance]
) -> str:
    """Say what a colleague would repeat."""
    if not questions:
        (row,) = arms
        if row.missed:
            return f"The study has one arm, so it compares nothing. {row.of_reruns}."
        if row.mean is not None and row.low is not None:
            mean = told(row.mean, row.error)
            does = f"reaches {mean}" if row.beyond is None else f"needs {mean}{STEPS}"
            return (
                "The study has one arm, so it compares nothing: its best "
                f"configuration {does} on average over {len(row.feasible)} reruns."
            )
        return "The study has one arm, so it compares nothing: it looks for a good configuration."
    of_values = [item for item in questions if item.hyperparameter is not None]
    if len(of_values) < 2 or all(item.verdict == "cannot tell" for item in questions):
        return questions[0].sentence
    parts = [item.sentence for item in of_values if item.verdict != "cannot tell"]
    crossed = [_crossed(item) for item in compared.interactions if item.verdict == "interact"]
    names = [item.hyperparameter for item in of_values]
    if any(beside_what(str(name), compared.reruns) for name in names):
        crossed.append(questions[-1].sentence)  # what not every combination of values tells
    return " ".join([*crossed, *parts]) or questions[-1].sentence
