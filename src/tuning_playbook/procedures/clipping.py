"""The norm to clip gradients at, so that an unstable learning rate becomes stable.

Rounds: those of `stability`, where the unstable rate is not given; else a run at the spec's rate
and one at the unstable rate, or the spec's search and then its best trial at the unstable rate;
the same with different clip norms; a whole run with the chosen norm against the baseline.

Source: playbook, "Gradient clipping".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tuning_playbook.procedures import stability
from tuning_playbook.procedures.instability import instability, is_lost
from tuning_playbook.procedures.norms import Norms, first_threshold, norms_of
from tuning_playbook.procedures.procedure_history import (
    Conclusion,
    History,
    Next,
    Outcome,
    StudyDocument,
    rounded,
)
from tuning_playbook.procedures.round_documents import pinned
from tuning_playbook.study.procedure_settings import ClippingSettings, StabilitySettings
from tuning_playbook.study.thresholds import DEFAULTS

MAX_ROUNDS = stability.MAX_ROUNDS + 3
"""The rounds of `stability`, or two of unclipped trials; the clip norms; the comparison."""

UNCLIPPED, CLIPPED, COMPARE = "unclipped", "clipped", "compare"
"""The purposes of its rounds."""

TIMES = (4.0, 2.0, 1.0, 0.5, 0.25, 0.125)
"""The clip norms to try, as multiples of the first: higher where that clips too much, lower where
the instability remains."""

COMPARED = 5
"""Reruns of the clipped run and of the baseline."""

AGGRESSIVE = DEFAULTS.gradient_norms.aggressive
"""Share of clipped steps above which a lower learning rate is the better choice."""

FOUND, LOWER_RATE, NOT_NEEDED, UNKNOWN = (
    *("clip norm found", "a lower learning rate instead"),
    *("no instability to clip for", "cannot tell"),
)

PLOTS = {
    "gradients": "The gradient norm against the step, without clipping, with the norm to clip at "
    "and the one below which more than half of the steps would be clipped (playbook, figure 9)",
    "norms": "The histogram of the gradient norms over all steps, of a good and of an unstable "
    "trial, with the norm to clip at (playbook: Gradient clipping)",
    "clipped": "The training loss at the unstable rate without and with clipping, and that of the "
    "baseline",
}
"""The plots of the conclusion."""


@dataclass(frozen=True)
class Start:
    """The trials without clipping.

    Attributes:
        good: The best stable trial, with which the result is compared.
        unstable: The trial at the lowest unstable rate.
        norms: The gradient norms of the good trial.
    """

    good: Outcome
    unstable: Outcome
    norms: Norms


def most_trials(document: Mapping[str, Any], settings: ClippingSettings) -> int:
    """Return the most trials of the rounds after the first one, reruns aside.

    Args:
        document: The procedure's spec.
        settings: The settings of the procedure.
    """
    own = len(TIMES) + 1
    if settings.unstable_rate is not None:
        return own + _searches(document)
    return own + stability.most_trials(document, StabilitySettings(name="stability"))


def next(history: History) -> Next:
    """Return the next round of a history, or its conclusion."""
    settings = history.settings
    assert isinstance(settings, ClippingSettings)
    if settings.unstable_rate is None:
        before = _stability(history)
        answer = stability.next(before)
        if isinstance(answer, StudyDocument):
            return answer
        rate = answer.values["unstable_rate"]
        trained = [*before.of(*stability.FULL_LENGTH)]
        if rate is None:
            verdict = UNKNOWN if answer.verdict == stability.UNKNOWN else NOT_NEEDED
            return _conclude(history, verdict, answer.sentence, None, None)
    else:
        rate = float(settings.unstable_rate)
        planned = _unclipped(history, rate)
        if planned is not None:
            return planned
        trained = [*history.of(UNCLIPPED)]
    good = _best_stable(trained)
    # The last one counts: an earlier trial of a search may have this rate and differ elsewhere.
    lost = [item for item in trained if math.isclose(item.rate, float(rate), rel_tol=1e-5)]
    norms = None if good is None else norms_of(good)
    if good is None or norms is None or not lost:
        said = "No stable trial without clipping has gradient norms to choose a threshold by."
        return _conclude(history, UNKNOWN, said, None, None)
    start = Start(good, lost[-1], norms)
    if not is_lost(start.unstable, start.good):
        said = f"Training is stable at a learning rate of {start.unstable.rate:.3g}."
        return _conclude(history, NOT_NEEDED, said, start, None)
    return _search(history, start)


def _search(history: History, start: Start) -> Next:
    """Return the next round, given what is unstable without clipping."""
    if not history.has(CLIPPED):
        first = first_threshold(start.norms)
        trials = [{"clip_norm": rounded(times * first)} for times in TIMES]
        goal = f"Which clip norm makes a learning rate of {start.unstable.rate:.3g} stable?"
        return StudyDocument(CLIPPED, pinned(history, start.unstable.values, trials, goal=goal))
    chosen = choose(history, start)
    if chosen is None:
        return _conclude(history, LOWER_RATE, _why_not(history, start), start, None)
    if not history.has(COMPARE):
        clip = float(chosen.values["clip_norm"])
        goal = (
            f"Is a learning rate of {chosen.rate:.3g} with gradients clipped at {clip:.3g} better?"
        )
        seeds = int(history.document.get("reruns", {}).get("seeds", COMPARED))
        trials = [{"clip_norm": clip}]
        document = pinned(history, start.unstable.values, trials, goal=goal, seeds=seeds)
        if "launch" in history.document:
            document["launch"] = history.document["launch"]
        return StudyDocument(COMPARE, document, baseline=start.good)
    return _conclude(history, FOUND, "", start, chosen)


def choose(history: History, start: Start) -> Outcome | None:
    """Return the clipped trial that is stable and clips at most half of its steps.

    Of several it is the one with the norm nearest to the first threshold; None if there is none.
    """
    first = first_threshold(start.norms)
    fit = [
        item
        for item in history.of(CLIPPED)
        if item.loss is not None
        and not is_lost(item, start.good)
        and item.clipped_share <= AGGRESSIVE
    ]
    return min(fit, key=lambda item: _apart(item, first), default=None)


def _apart(outcome: Outcome, first: float) -> float:
    return abs(math.log(float(outcome.values["clip_norm"]) / first))


def _why_not(history: History, start: Start) -> str:
    stable = [item for item in history.of(CLIPPED) if item.loss is not None]
    stable = [item for item in stable if not is_lost(item, start.good)]
    rate = start.unstable.rate
    if not stable:
        lowest = min(float(item.values["clip_norm"]) for item in history.of(CLIPPED))
        return (
            f"At a learning rate of {rate:.3g} training is unstable with every clip norm down to "
            f"{lowest:.3g}."
        )
    least = min(stable, key=lambda item: item.clipped_share)
    return (
        f"At a learning rate of {rate:.3g} training is stable only where more than half of the "
        f"updates are clipped: {least.clipped_share:.0%} at a clip norm of "
        f"{float(least.values['clip_norm']):.3g}. So much clipping is a strange way to lower the "
        "learning rate."
    )


def _stability(history: History) -> History:
    """Return the part of a history that `stability` planned."""
    purposes = (*stability.FULL_LENGTH, stability.LOOK)
    rounds = tuple(item for item in history.rounds if item.purpose in purposes)
    return replace(history, settings=StabilitySettings(name="stability"), rounds=rounds)


def _best_stable(trained: Sequence[Outcome]) -> Outcome | None:
    stable = [item for item in trained if item.loss is not None and not is_lost(item)]
    return min(stable, key=lambda item: item.loss or 0.0, default=None)


def _searches(document: Mapping[str, Any]) -> bool:
    """Return whether a spec searches anything beyond what the procedure varies."""
    return any(document.get(key) for key in ("scientific", "nuisance", "conditional"))


def _unclipped(history: History, unstable_rate: float) -> StudyDocument | None:
    """Return the next round without clipping; None where those are finished.

    The trial at the unstable rate comes after a search, which decides its other values.
    """
    if not history.rounds:
        return StudyDocument(UNCLIPPED, _first(history, unstable_rate))
    good = _best_stable([*history.of(UNCLIPPED)])
    if len(history.rounds) > 1 or good is None or not _searches(history.document):
        return None
    goal = f"Is a learning rate of {unstable_rate:.3g} unstable without clipping?"
    document = pinned(history, good.values, [{"learning_rate": unstable_rate}], goal=goal)
    return StudyDocument(UNCLIPPED, document)


def _first(history: History, unstable_rate: float) -> dict[str, Any]:
    """Return the spec's search; else its rate, or half the unstable one, and the unstable rate."""
    document = {"reruns": {"seeds": 0}, **history.document}
    kept = {key: value for key, value in document.items() if key != "baseline"}
    if _searches(document):
        return kept
    fixed = dict(document.get("fixed", {}))
    good = float(fixed.pop("learning_rate", rounded(unstable_rate / 2)))
    rates: Sequence[float] = sorted({good, unstable_rate})
    trials = [{"learning_rate": rate} for rate in rates]
    return {**kept, "fixed": fixed, "search": {"algorithm": "list", "trials": trials}}


def _conclude(
    history: History, verdict: str, said: str, start: Start | None, chosen: Outcome | None
) -> Conclusion:
    outcomes = [item for one in history.rounds for item in one.outcomes]
    marked = (None, None) if start is None else (start.good, start.unstable)
    seen = [instability(item) for item in outcomes]
    good = marked[0]
    bad = [stability.is_unstable(item, good) if good else is_lost(item) for item in outcomes]
    clip = None if chosen is None else float(chosen.values["clip_norm"])
    first = math.nan if start is None else first_threshold(start.norms)
    aggressive = math.nan if start is None else start.norms.quantile(1 - AGGRESSIVE)
    if start is not None and chosen is not None:
        said = _sentence(history, start, chosen)
    return Conclusion(
        verdict=verdict,
        values={"clip_norm": clip},
        sentence=said,
        advice=_advice(verdict),
        next_study=_next_study(history, start, chosen),
        columns={
            "unstable": tuple(map(float, bad)),
            "onset_step": tuple(math.nan if item is None else float(item.step) for item in seen),
            "is_good": tuple(float(item is marked[0]) for item in outcomes),
            "is_at_unstable_rate": tuple(float(item is marked[1]) for item in outcomes),
            "clipped_share": tuple(item.clipped_share for item in outcomes),
        },
        numbers={
            "clip_norm": math.nan if clip is None else clip,
            "first_clip_norm": first,
            "aggressive_clip_norm": aggressive,
            "unstable_rate": math.nan if start is None else start.unstable.rate,
            "good_rate": math.nan if start is None else start.good.rate,
        },
    )


def _sentence(history: History, start: Start, chosen: Outcome) -> str:
    clip = float(chosen.values["clip_norm"])
    said = (
        f"With gradients clipped at a norm of {clip:.3g} a learning rate of {chosen.rate:.3g} is "
        f"stable, which it is not without. That clips {chosen.clipped_share:.0%} of the steps"
    )
    said += (
        f", and {start.norms.share_above(clip):.0%} of those of the good trial without clipping."
    )
    compared = [item for item in history.rounds if item.purpose == COMPARE]
    reruns = [outcome for item in compared for outcome in item.reruns if _is_clipped(outcome)]
    if reruns:
        stable = sum(not is_lost(item, start.good) for item in reruns)
        said += f" {stable} of {len(reruns)} reruns are stable."
    decided = [str(item.launch["decision"]) for item in compared if item.launch]
    words = {
        "adopt": " Against the good trial the run is shown to be better.",
        "reject": " Against the good trial the run is not better.",
        "provisional": " Whether the run is better than the good trial is not certain yet.",
    }
    return said + (words.get(decided[-1], "") if decided else "")


def _is_clipped(outcome: Outcome) -> bool:
    return float(outcome.values.get("clip_norm", 0.0)) > 0


def _advice(verdict: str) -> str:
    return {
        FOUND: "Use it in the next study, and tune the learning rate with it.",
        LOWER_RATE: "Lower the learning rate, or try another optimizer, as Adam instead of "
        "momentum, or a warmup: the procedure `warmup`.",
        NOT_NEEDED: "Nothing is to be done about gradient norms.",
        UNKNOWN: "Give a learning rate at which training is stable, under `fixed`.",
    }[verdict]


def _next_study(history: History, start: Start | None, chosen: Outcome | None) -> dict[str, Any]:
    """Return a search of the learning rate, with the clip norm where there is one."""
    if start is None:
        document = {"search": {"algorithm": "random", "trials": 1}, **history.document}
        return {**document, "reruns": {"seeds": 5}}
    values = start.good.values if chosen is None else chosen.values
    high = start.unstable.rate * (2 if chosen else 1)
    low = min(start.good.rate, start.unstable.rate) / 10
    goal = "Which learning rate is the best of those at which training is stable?"
    if chosen is not None:
        goal = "Which learning rate is the best with clipped gradients?"
    study = pinned(history, values, [{"learning_rate": high}], goal=goal, seeds=5)
    return {
        **study,
        "nuisance": {"learning_rate": {"log_uniform": [rounded(low), rounded(high)]}},
        "search": {"algorithm": "halton", "trials": 10},
    }
