"""Whether a workload is unstable where it matters: just above its best learning rate.

Rounds: a sweep of the learning rate, if no rate is given; a few multiples of the best rate; an
early look at twice the best rate, with every step evaluated; rates between the highest stable and
the lowest unstable one.

Source: playbook, "Identifying unstable workloads" and "Potential fixes for common instability
patterns".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuning_playbook.procedures.instability import (
    Rise,
    instability,
    is_early,
    is_lost,
    rise,
)
from tuning_playbook.procedures.procedure_history import (
    Conclusion,
    History,
    Next,
    Outcome,
    StudyDocument,
    best_of,
    rounded,
)
from tuning_playbook.procedures.round_documents import first_document, is_given, pinned
from tuning_playbook.study.procedure_settings import StabilitySettings

MAX_ROUNDS = 6
"""Most rounds: the sweep, rates, look, lower rates twice or higher ones once, and between."""

MOST_BETWEEN = 12
"""Most rates between two neighbours: a factor of ten is cut into eleven steps."""

SWEEP, RATES, LOOK, LOWER, HIGHER, BETWEEN = (
    *("sweep", "rates", "look", "lower", "higher", "between"),
)
"""The purposes of its rounds."""

FULL_LENGTH = (SWEEP, RATES, LOWER, HIGHER, BETWEEN)
"""The rounds whose trials train as long as the spec says."""

APART = 1.25
"""Largest ratio of the lowest unstable rate to a stable one."""

BISECTED = 1e-9
"""Tolerance of that ratio, because rates are rounded."""

SAME_RATE = 1e-5
"""Relative tolerance for equal rates: specs have rates rounded to six digits."""

FALLS = (2, 4, 8)
"""Where not even the best rate is stable, rates lower by these factors are trained."""

MOST_LOWER = 2
"""Most rounds of lower rates."""

RISES = (20, 50, 100)
"""Where every multiple of the best rate is stable, rates higher by these factors are trained."""

MATTERS = 3.0
"""Largest multiple of the best rate at which an instability matters: half a factor of ten."""

NEAR = 2.5
"""Unstable trials up to this multiple of the lowest unstable rate show when instability begins; at
that rate itself the loss may rise so slowly that it is seen late."""

LOOKED_AT = 2
"""The early look is at this multiple of the best rate."""

LOOK_EVERY = 10
"""Steps between the regular evaluations of the look. They give ten windows of the training loss,
one step each."""

UNSTABLE, FAR, STABLE = (
    "unstable where it matters",
    "unstable only far above the best rate",
    "stable",
)
UNKNOWN = "cannot tell"

PLOTS = {
    "training": "Training loss at the best learning rate and above it (playbook, figure 7b)",
    "rates": "The objective against the learning rate, up to where training becomes unstable "
    "(playbook, figure 7a)",
    "look": "The first steps at twice the best learning rate, as regular evaluations show them and "
    "as those of every step do (playbook, figure 5)",
}
"""The plots of the conclusion."""


@dataclass(frozen=True)
class Bracket:
    """The rates between which training becomes unstable.

    Attributes:
        stable: The highest stable rate below every unstable one; None where there is none.
        unstable: The lowest unstable trial; None where all are stable.
        near: The unstable trials at up to 2.5 times that rate, itself among them.
    """

    stable: float | None
    unstable: Outcome | None
    near: tuple[Outcome, ...] = ()


def most_trials(document: Mapping[str, Any], settings: StabilitySettings) -> int:
    """Return the most trials of the rounds after the first one.

    Args:
        document: The procedure's spec.
        settings: The settings of the procedure.
    """
    rates = 0 if is_given(document) else sum(times > 1 for times in settings.rates)
    return rates + 1 + max(MOST_LOWER * len(FALLS), len(RISES)) + MOST_BETWEEN


def next(history: History) -> Next:
    """Return the next round of a history, or its conclusion."""
    settings = history.settings
    assert isinstance(settings, StabilitySettings)
    if not history.rounds:
        return _first(history, settings)
    reference = _reference(history)
    if reference is None:
        return _conclude(history, None, Bracket(None, None))
    planned = _planned(history, settings, reference, bracket_of(history, reference))
    return planned or _conclude(history, reference, bracket_of(history, reference))


def _first(history: History, settings: StabilitySettings) -> StudyDocument:
    document = first_document(history)
    if not is_given(history.document):
        return StudyDocument(SWEEP, document)
    best = float(history.document["fixed"]["learning_rate"])
    rates = [rounded(times * best) for times in settings.rates]
    fixed = {k: v for k, v in document["fixed"].items() if k != "learning_rate"}
    trials = [{"learning_rate": rate} for rate in rates]
    search = {"algorithm": "list", "trials": trials}
    return StudyDocument(RATES, {**document, "fixed": fixed, "search": search})


def _planned(
    history: History, settings: StabilitySettings, reference: Outcome, bracket: Bracket
) -> StudyDocument | None:
    """Return the next rates to train; None if nothing is left."""
    best = reference.rate
    purpose, rates, what = BETWEEN, list[float](), "between the highest stable and the unstable one"
    above = [best * times for times in settings.rates if times > 1]
    if not history.has(RATES) and _untrained(history, reference, above):
        purpose, rates, what = RATES, above, "above the best one"
    elif not history.has(LOOK):
        return StudyDocument(LOOK, _look(history, settings, reference))
    elif bracket.unstable is None:
        if not history.has(HIGHER):
            times = [item for item in RISES if item > max(settings.rates)]
            purpose, rates, what = HIGHER, [best * item for item in times], "far above the best one"
    elif bracket.stable is None:
        lowered = [item for item in history.rounds if item.purpose == LOWER]
        # If lower rates learnt nothing they are too low, so even lower ones would not help.
        led_on = not lowered or bracket.unstable in lowered[-1].outcomes
        if len(lowered) < MOST_LOWER and led_on:
            lowest = bracket.unstable.rate
            purpose, rates, what = LOWER, [lowest / fall for fall in FALLS], "below the best one"
    elif not history.has(BETWEEN):
        rates = rates_between(bracket.stable, bracket.unstable.rate)
    trials = [{"learning_rate": rate} for rate in _untrained(history, reference, rates)]
    goal = f"Is training stable at learning rates {what}?"
    document = pinned(history, reference.values, trials, goal=goal)
    return StudyDocument(purpose, document) if trials else None


def rates_between(stable: float, unstable: float) -> list[float]:
    """Return rates between two rates, in steps of at most a factor of 1.25.

    They are trained side by side, so the lowest unstable one has a stable neighbour even if chance
    makes a trial in between stable.

    Example:
        >>> rates_between(0.1, 0.2)
        [0.118921, 0.141421, 0.168179]
    """
    ratio = unstable / stable
    steps = math.ceil(math.log(ratio) / math.log(APART) - BISECTED)
    steps = min(steps, MOST_BETWEEN + 1)
    return [rounded(stable * ratio ** (number / steps)) for number in range(1, steps)]


def bracket_of(history: History, reference: Outcome) -> Bracket:
    """Return the highest stable and the lowest unstable rate of a history.

    Args:
        history: The procedure so far.
        reference: The trial at the best rate; only trials that differ in the rate alone count.
    """
    comparable = [item for item in history.of(*FULL_LENGTH) if _alike(item, reference)]
    unstable = [item for item in comparable if is_unstable(item, reference)]
    lowest = min(unstable, key=lambda item: item.rate, default=None)
    stable = [item.rate for item in comparable if item.loss is not None and item not in unstable]
    below = [rate for rate in stable if lowest is None or rate < lowest.rate]
    near = [
        item for item in unstable if lowest and item.rate <= NEAR * lowest.rate * (1 + BISECTED)
    ]
    return Bracket(max(below, default=None), lowest, tuple(near))


def is_unstable(outcome: Outcome, reference: Outcome) -> bool:
    """Return whether a trial is unstable, or learnt nothing at a rate above the best one.

    Below the best rate a trial may learn nothing because the rate is too low.

    Args:
        outcome: The result of the trial.
        reference: The trial at the best rate.
    """
    if outcome.rate > reference.rate:
        return is_lost(outcome, reference)
    return instability(outcome) is not None


def _reference(history: History) -> Outcome | None:
    """Return the trial at the best rate: the best of the sweep, or that with the spec's rate."""
    first = history.rounds[0]
    if first.purpose == SWEEP:
        return best_of(iter(first.outcomes))
    return min(first.outcomes, key=lambda item: item.rate)


def _alike(one: Outcome, other: Outcome) -> bool:
    names = {*one.values, *other.values} - {"learning_rate"}
    return all(one.values.get(name) == other.values.get(name) for name in names)


def _untrained(history: History, reference: Outcome, rates: Sequence[float]) -> list[float]:
    """Return the rates that no earlier trial has which differs in the rate alone."""
    trained = [item.rate for item in history.of(*FULL_LENGTH) if _alike(item, reference)]
    return [
        rate
        for rate in map(rounded, rates)
        if not any(math.isclose(rate, other, rel_tol=SAME_RATE) for other in trained)
    ]


def _look(history: History, settings: StabilitySettings, reference: Outcome) -> dict[str, Any]:
    """Return a short run at twice the best rate in which every step is evaluated.

    Its rate decays as in a whole run, not within the look.
    """
    steps = min(settings.look_steps, history.max_train_steps)
    every = evaluation_interval(steps)
    training = {
        "max_train_steps": steps,
        "eval_every": every,
        "eval_schedule": {"dense_until": steps},
    }
    rate = rounded(LOOKED_AT * reference.rate)
    trial: dict[str, Any] = {"learning_rate": rate}
    if reference.values.get("decay_steps") == 0:
        before = sum(int(reference.values.get(n, 0)) for n in ("warmup_steps", "hold_steps"))
        trial["decay_steps"] = max(1, history.max_train_steps - before)
    goal = f"Is training unstable in its first {steps} steps, at twice the best learning rate?"
    return pinned(history, reference.values, [trial], goal=goal, training=training)


def evaluation_interval(steps: int) -> int:
    """Return the largest number up to ten that divides a number of steps.

    Example:
        >>> evaluation_interval(500), evaluation_interval(99)
        (10, 9)
    """
    return max(every for every in range(1, LOOK_EVERY + 1) if steps % every == 0)


def onset_of(history: History, bracket: Bracket) -> tuple[str, Rise | None]:
    """Return when the instability begins: `early`, `middle` or `none`; and the rise that shows it.

    The earliest rise at the lowest unstable rates decides; after that the early look, where short
    rises count too.
    """
    rises = [instability(item) or Rise(0, lasting=True) for item in bracket.near]
    found = min(rises, key=lambda item: item.step, default=None)
    if found and is_early(found.step, history.max_train_steps):
        return "early", found
    for item in history.of(LOOK):
        seen = instability(item) or rise(item.steps, item.train_losses)
        if seen and is_early(seen.step, history.max_train_steps):
            return "early", seen
    return ("middle", found) if found else ("none", None)


def _conclude(history: History, reference: Outcome | None, bracket: Bracket) -> Conclusion:
    outcomes = [item for one in history.rounds for item in one.outcomes]
    onset, where = onset_of(history, bracket)
    unstable = None if bracket.unstable is None else bracket.unstable.rate
    best = None if reference is None else best_of(history.of(*FULL_LENGTH))
    if best is None or reference is None:
        verdict = UNKNOWN
    elif unstable is None:
        verdict = STABLE
    else:
        verdict = UNSTABLE if unstable <= MATTERS * best.rate else FAR
    numbers = {"best_rate": math.nan if best is None else best.rate}
    numbers["unstable_rate"] = math.nan if unstable is None else unstable
    seen = [instability(item) for item in outcomes]
    bad = [
        is_unstable(item, reference) if reference else one is not None
        for item, one in zip(outcomes, seen, strict=True)
    ]
    columns = {
        "unstable": tuple(map(float, bad)),
        "onset_step": tuple(math.nan if item is None else float(item.step) for item in seen),
    }
    return Conclusion(
        verdict=verdict,
        values={"unstable_rate": unstable, "onset": None if verdict == UNKNOWN else onset},
        sentence=_sentence(history, verdict, best, bracket, onset, where),
        advice=_advice(verdict, onset),
        next_study=_next_study(history, verdict, onset, best, unstable),
        columns=columns,
        numbers=numbers,
    )


def _sentence(
    history: History,
    verdict: str,
    best: Outcome | None,
    bracket: Bracket,
    onset: str,
    where: Rise | None,
) -> str:
    if verdict == UNKNOWN or best is None:
        return "No trial of the sweep is feasible, so there is no best learning rate to begin with."
    if bracket.unstable is None:
        highest = max(item.rate for item in history.of(*FULL_LENGTH) if item.loss is not None)
        said = (
            f"No instability was found: training is stable up to a learning rate of {highest:.3g}, "
            f"{highest / best.rate:.3g} times the best one ({best.rate:.3g})."
        )
        if onset == "early":
            said += " Its loss rises at the start of training at twice that rate, and recovers."
        return said
    said = (
        f"Training becomes unstable at a learning rate of {bracket.unstable.rate:.3g}, "
        f"{bracket.unstable.rate / best.rate:.3g} times the best one ({best.rate:.3g})"
    )
    said += (
        f"; {bracket.stable:.3g} is the highest stable one."
        if bracket.stable
        else "; no rate that was tried is stable."
    )
    step = 0 if where is None else where.step
    if step:
        said += f" There the loss begins to rise {_when(onset)}, at step {step:,}."
    else:
        said += " There training fails from its first steps on."
    if verdict == FAR:
        said += " Rates in between are stable and no better, so the instability costs nothing."
    return said


def _when(onset: str) -> str:
    return "early in training" if onset == "early" else "in the middle of training"


def _advice(verdict: str, onset: str) -> str:
    if verdict == UNKNOWN:
        return "Sweep the learning rate over a wider range, under `nuisance`."
    if onset == "early" and verdict != FAR:
        return (
            "Use a learning rate warmup: the procedure `warmup` finds the shortest that allows "
            "higher rates."
        )
    if verdict != UNSTABLE:
        return "Nothing is to be done about instability."
    return (
        "Clip the gradients: the procedure `clipping` finds the norm to clip at. If that does not "
        "help, try another optimizer, as Adam instead of momentum, or as a last resort a lower "
        "learning rate."
    )


def _next_study(
    history: History, verdict: str, onset: str, best: Outcome | None, unstable: float | None
) -> dict[str, Any]:
    """Return the procedure that fixes the instability; else a search below the unstable rates."""
    document = first_document(history)
    if best is None:
        return document
    values = best.values
    if verdict == UNSTABLE:
        name = "warmup" if onset == "early" else "clipping"
        goal = f"What does {name} do about the instability?"
        study = pinned(history, values, [{}], goal=goal)
        kept = {key: value for key, value in study.items() if key not in ("search", "reruns")}
        return {**kept, "procedure": {"name": name, "unstable_rate": unstable}}
    high = min(rate for rate in (10 * best.rate, unstable) if rate is not None)
    low = min(best.rate, high) / 10
    goal = "Which learning rate is the best of those at which training is stable?"
    study = pinned(history, values, [{"learning_rate": best.rate}], goal=goal, seeds=5)
    return {
        **study,
        "nuisance": {"learning_rate": {"log_uniform": [rounded(low), rounded(high)]}},
        "search": {"algorithm": "halton", "trials": 10},
    }
