"""The shortest warmup that allows learning rates far above the unstable one.

Rounds: those of `stability`, if the unstable rate is not given; warmups of different orders of
magnitude, up to a tenth of the run; warmups between the longest unstable and the shortest stable
one, on several seeds; a whole run with the shortest stable one, against the baseline.

Source: playbook, "Learning rate warmup".
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tuning_playbook.procedures import stability
from tuning_playbook.procedures.instability import instability, is_lost
from tuning_playbook.procedures.procedure_history import (
    Conclusion,
    History,
    Next,
    Outcome,
    StudyDocument,
    best_of,
    rounded,
)
from tuning_playbook.procedures.round_documents import first_document, pinned
from tuning_playbook.study.procedure_settings import StabilitySettings, WarmupSettings
from tuning_playbook.study.schedule_hyperparameters import OF_SCHEDULES

MAX_ROUNDS = stability.MAX_ROUNDS + 5
"""Most rounds: those of `stability`, a baseline, the magnitudes, two between, the comparison."""

BASELINE, MAGNITUDES, BETWEEN, COMPARE = "baseline", "magnitudes", "warmups", "compare"
"""The purposes of its rounds."""

LONGEST = 0.1
"""The longest warmup, as a part of the run."""

LONG = 0.05
"""The part of the run above which a warmup takes too much training time."""

MAGNITUDE = 10
"""Each warmup of the first round is shorter than the one before by this factor."""

ORDERS = 3
"""The number of warmups in the first round, beside none."""

AFTER = 2
"""The rate stays constant for this multiple of the longest warmup."""

BETWEEN_TWO = 3
"""Warmups to try between two: neighbours are within a factor of 1.8."""

MOST_BETWEEN = 2
"""Most rounds of these; the second has longer warmups if the first was not stable on all seeds."""

COMPARED = 5
"""Reruns of the run with a warmup and of the baseline."""

FOUND, NONE, NOT_NEEDED, UNKNOWN = (
    *("warmup found", "no warmup up to a tenth of the run is stable"),
    *("no instability to warm up for", "cannot tell"),
)

PLOTS = {
    "warmups": "The training loss during warmups of different lengths to the same learning rate; "
    "the axis of steps is logarithmic (playbook, figure 6)",
    "benefit": "The training loss at that learning rate without a warmup and with the shortest "
    "stable one, and that of the baseline (playbook, figure 8)",
}
"""The plots of the conclusion."""


@dataclass(frozen=True)
class Start:
    """The starting point of the search for a warmup.

    Attributes:
        unstable_rate: The rate at which training becomes unstable.
        reference: The trial without a warmup that the result is compared with.
    """

    unstable_rate: float
    reference: Outcome


def most_trials(document: Mapping[str, Any], settings: WarmupSettings) -> int:
    """Return the most trials of the rounds after the first one, reruns aside.

    Args:
        document: The procedure's spec.
        settings: The settings of the procedure.
    """
    own = ORDERS + 1 + MOST_BETWEEN * (BETWEEN_TWO + 1) + 1
    if settings.unstable_rate is not None:
        return own
    return own + stability.most_trials(document, StabilitySettings(name="stability"))


def next(history: History) -> Next:
    """Return the next round of a history, or its conclusion."""
    settings = _settings(history)
    if settings.unstable_rate is None:
        before = _stability(history)
        answer = stability.next(before)
        if isinstance(answer, StudyDocument):
            return answer
        rate = answer.values["unstable_rate"]
        reference = _best_stable(before)
        if rate is None or reference is None:
            verdict = UNKNOWN if reference is None else NOT_NEEDED
            return _conclude(history, verdict, answer.sentence, None, None)
        start = Start(float(rate), reference)
    elif not history.rounds:
        return StudyDocument(BASELINE, _baseline(history, settings.unstable_rate))
    else:
        reference = best_of(history.of(BASELINE))
        if reference is None:
            said = "The baseline is infeasible, so nothing can be compared with it."
            return _conclude(history, UNKNOWN, said, None, None)
        start = Start(float(settings.unstable_rate), reference)
    return _search(history, settings, start)


def _search(history: History, settings: WarmupSettings, start: Start) -> Next:
    """Return the next round, given the starting point."""
    rate = rounded(settings.times * start.unstable_rate)
    if not history.has(MAGNITUDES):
        lengths = magnitudes(history.max_train_steps)
        goal = f"Warmups of which order of magnitude allow a learning rate of {rate:.3g}?"
        return StudyDocument(MAGNITUDES, _warmups(history, start, rate, lengths, goal, seeds=1))
    stable = stable_warmups(history, start.reference)
    if not stable:
        said = (
            f"At {settings.times:g} times the unstable rate ({rate:.3g}) no warmup of up to "
            f"{max(magnitudes(history.max_train_steps)):,} steps, a tenth of the run, is stable."
        )
        return _conclude(history, NONE, said, start, None)
    rounds = sum(item.purpose == BETWEEN for item in history.rounds)
    sure = [steps for steps in stable if seeds_of(history, steps) >= settings.seeds]
    if rounds < MOST_BETWEEN and (rounds == 0 or not sure):
        lengths = between(history, stable[0])
        goal = f"What is the shortest warmup that allows a learning rate of {rate:.3g}?"
        document = _warmups(history, start, rate, lengths, goal, seeds=settings.seeds)
        return StudyDocument(BETWEEN, document)
    if not sure:
        said = (
            f"At a learning rate of {rate:.3g} no warmup is stable on {settings.seeds} seeds; "
            f"{stable[0]:,} steps are the shortest that is on one."
        )
        return _conclude(history, NONE, said, start, None)
    if not history.has(COMPARE):
        return StudyDocument(
            COMPARE, _compared(history, start, rate, sure[0]), baseline=start.reference
        )
    return _conclude(history, FOUND, "", start, sure[0])


def magnitudes(max_train_steps: int) -> list[int]:
    """Return warmups of different orders of magnitude, with 0 as the first.

    Example:
        >>> magnitudes(10_000), magnitudes(300)
        ([0, 10, 100, 1000], [0, 1, 3, 30])
    """
    longest = max(1, math.floor(LONGEST * max_train_steps))
    lengths = {max(1, round(longest / MAGNITUDE**order)) for order in range(ORDERS)}
    return [0, *sorted(lengths)]


def tried(history: History) -> Iterator[tuple[int, Outcome]]:
    """Yield the length of each warmup and its result, on every seed."""
    for item in history.rounds:
        if item.purpose in (MAGNITUDES, BETWEEN):
            for outcome in (*item.outcomes, *item.reruns):
                yield int(outcome.values["warmup_steps"]), outcome


def stable_warmups(history: History, reference: Outcome) -> list[int]:
    """Return the warmups that are stable on every seed tried, the shortest first."""
    lengths = {steps for steps, _ in tried(history)}
    lost = {
        steps
        for steps, outcome in tried(history)
        if outcome.loss is None or is_lost(outcome, reference)
    }
    return sorted(lengths - lost)


def seeds_of(history: History, steps: int) -> int:
    """Return the number of seeds on which a warmup was tried: at most those of one round."""
    return max(
        sum(int(o.values["warmup_steps"]) == steps for o in (*item.outcomes, *item.reruns))
        for item in history.rounds
        if item.purpose in (MAGNITUDES, BETWEEN)
    )


def between(history: History, shortest: int) -> list[int]:
    """Return warmups above the longest unstable one, up to the shortest stable one.

    They divide the range evenly in the logarithm.

    Args:
        history: The procedure so far.
        shortest: The shortest stable warmup.
    """
    below = [steps for steps, _ in tried(history) if steps < shortest]
    low, high = max(1, max(below, default=1)), max(1, shortest)
    parts = BETWEEN_TWO + 1
    lengths = {round(low * (high / low) ** (part / parts)) for part in range(1, parts + 1)}
    return sorted({*(length for length in lengths if length > max(below, default=-1)), shortest})


def _settings(history: History) -> WarmupSettings:
    assert isinstance(history.settings, WarmupSettings)
    return history.settings


def _stability(history: History) -> History:
    """Return the part of a history that `stability` planned."""
    purposes = (*stability.FULL_LENGTH, stability.LOOK)
    rounds = tuple(item for item in history.rounds if item.purpose in purposes)
    return replace(history, settings=StabilitySettings(name="stability"), rounds=rounds)


def _best_stable(history: History) -> Outcome | None:
    """Return the best of the stable trials that train as long as the spec says."""
    found = [
        item
        for item in history.of(*stability.FULL_LENGTH)
        if item.loss is not None and not instability(item)
    ]
    return min(found, key=lambda item: item.loss or 0.0, default=None)


def _baseline(history: History, unstable_rate: float) -> dict[str, Any]:
    """Return the run without a warmup: at the spec's rate, or at half the unstable one."""
    document = {"reruns": {"seeds": 0}, **history.document}
    searches = any(document.get(key) for key in ("scientific", "nuisance", "conditional"))
    if searches:
        return document
    fixed = {"learning_rate": rounded(unstable_rate / 2), **document.get("fixed", {})}
    return {**document, "fixed": fixed, "search": {"algorithm": "random", "trials": 1}}


def _warmups(
    history: History, start: Start, rate: float, lengths: Sequence[int], goal: str, *, seeds: int
) -> dict[str, Any]:
    """Return a study of warmups of different lengths, each followed by a constant rate.

    Each length is an arm, so that each can be rerun on other seeds.
    """
    every = int(history.document["training"]["eval_every"])
    steps = (1 + AFTER) * max(*lengths, 1)
    interval = max(1, min(every, steps // 10))
    training: dict[str, Any] = {"max_train_steps": max(10, -(-steps // interval)) * interval}
    # The early look of the spec may be longer than these short runs.
    training |= {"eval_every": interval, "eval_schedule": {"dense_until": 0}}
    values = {
        key: value for key, value in start.reference.values.items() if key not in OF_SCHEDULES
    }
    values |= {"schedule": "constant", "learning_rate": rate}
    values.pop("warmup_steps", None)
    document = pinned(history, values, [{}], goal=goal, training=training, seeds=seeds - 1)
    search = {"algorithm": "random", "trials": 1}
    return {**document, "scientific": {"warmup_steps": list(lengths)}, "search": search}


def _compared(history: History, start: Start, rate: float, warmup: int) -> dict[str, Any]:
    """Return the whole run after a warmup, which adds its steps to those of the baseline."""
    goal = f"Is a learning rate of {rate:.3g} after {warmup:,} steps of warmup better?"
    trial = {"learning_rate": rate, "warmup_steps": warmup}
    training = {"warmup_extends": True}
    seeds = int(history.document.get("reruns", {}).get("seeds", COMPARED))
    document = pinned(
        history, start.reference.values, [trial], goal=goal, training=training, seeds=seeds
    )
    launch = history.document.get("launch")
    return {**document, "launch": launch} if launch else document


def _conclude(
    history: History, verdict: str, said: str, start: Start | None, warmup: int | None
) -> Conclusion:
    settings = _settings(history)
    outcomes = [item for one in history.rounds for item in one.outcomes]
    seen = [instability(item) for item in outcomes]
    lost = [
        is_lost(item) if start is None else stability.is_unstable(item, start.reference)
        for item in outcomes
    ]
    rate = None if start is None else rounded(settings.times * start.unstable_rate)
    numbers = {
        "base_rate": math.nan if rate is None else rate,
        "warmup_steps": math.nan if warmup is None else float(warmup),
    }
    if start is not None and warmup is not None and rate is not None:
        said = _sentence(history, start, rate, warmup)
    return Conclusion(
        verdict=verdict,
        values={"warmup_steps": warmup, "learning_rate": None if warmup is None else rate},
        sentence=said,
        advice=_advice(history, verdict, warmup),
        next_study=_next_study(history, start, rate, warmup),
        columns={
            "unstable": tuple(map(float, lost)),
            "onset_step": tuple(math.nan if item is None else float(item.step) for item in seen),
        },
        numbers=numbers,
    )


def _sentence(history: History, start: Start, rate: float, warmup: int) -> str:
    settings = _settings(history)
    below = [
        steps
        for steps, outcome in tried(history)
        if steps < warmup and is_lost(outcome, start.reference)
    ]
    said = (
        f"A warmup of {warmup:,} steps is the shortest that allows a learning rate of {rate:.3g}, "
        f"{settings.times:g} times the unstable one: it is stable on {settings.seeds} seeds"
    )
    said += f"; {max(below):,} steps are not." if below else "."
    said += f" It takes {warmup / history.max_train_steps:.1%} of the run."
    return f"{said} {_decided(history)}".strip()


def _decided(history: History) -> str:
    """Return a sentence on the comparison with the baseline."""
    launches = [item.launch for item in history.rounds if item.purpose == COMPARE and item.launch]
    if not launches:
        return ""
    words = {
        "adopt": "Against the baseline without it the run is shown to be better",
        "reject": "Against the baseline without it the run is not better",
        "provisional": "Whether the run is better than the baseline without it is not certain yet",
    }
    decision = str(launches[-1]["decision"])
    return f"{words.get(decision, 'Nothing was decided about the baseline')}."


def _advice(history: History, verdict: str, warmup: int | None) -> str:
    if verdict == NONE:
        return "Try a lower `times`, or clip the gradients: the procedure `clipping`."
    if verdict != FOUND or warmup is None:
        return "Nothing is to be done about a warmup."
    if warmup > LONG * history.max_train_steps:
        return (
            "The warmup takes more than 5 % of the run: raise `max_train_steps` by its length, as "
            "`training.warmup_extends` does."
        )
    return "Use it in the next study, and tune the learning rate and its decay with it."


def _next_study(
    history: History, start: Start | None, rate: float | None, warmup: int | None
) -> dict[str, Any]:
    """Return a search of the learning rate with the warmup."""
    document = first_document(history)
    if start is None or rate is None or warmup is None:
        return {**document, "search": document.get("search", {"algorithm": "random", "trials": 1})}
    goal = "Which learning rate is the best after the warmup?"
    trials: list[dict[str, Any]] = [{"learning_rate": rate}]
    values = {**start.reference.values, "warmup_steps": warmup}
    study = pinned(history, values, trials, goal=goal, training={"warmup_extends": True}, seeds=5)
    high, low = rate, min(start.reference.rate, rate / 10)
    return {
        **study,
        "nuisance": {"learning_rate": {"log_uniform": [rounded(low), rounded(high)]}},
        "search": {"algorithm": "halton", "trials": 10},
    }
