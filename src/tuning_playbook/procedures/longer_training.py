"""Whether the ranking of short training holds when the best trials train for longer.

Rounds: a search of short trials; the best few of them for `times` as many steps, with extended
learning rate schedules.

Source: playbook, "Deciding how long to train when training is compute-bound".
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuning_playbook.declarations import Value
from tuning_playbook.errors import SpecError
from tuning_playbook.procedures.extended_schedule import DECAY, PLATEAU, extended, extended_part
from tuning_playbook.procedures.instability import instability
from tuning_playbook.procedures.listed_trials import listed_trials, own_values, varied_names
from tuning_playbook.procedures.procedure_history import (
    Conclusion,
    History,
    Next,
    Outcome,
    StudyDocument,
)
from tuning_playbook.procedures.rank_agreement import Agreement, agreement
from tuning_playbook.procedures.round_documents import first_document, is_given
from tuning_playbook.procedures.transfer import transfer_list
from tuning_playbook.study.longer_training_settings import LongerTrainingSettings

MAX_ROUNDS = 2
"""The search, and the longer training."""

SHORT, LONG = "search", "longer"
"""The purposes of its rounds."""

HOLDS = 0.5
"""Least rank correlation of a ranking that holds: three pairs of four are in the same order."""

LEAST_RERUNS = 3
"""Fewest reruns of the best short trial that show how far chance moves an objective."""

CHANCE = 2.0
"""Trials closer than this multiple of the scatter of reruns may be ordered by chance."""

MOST_NAMED = 6
"""Most trials that changed place that a sentence names, the best first."""

RERUNS = 5
"""Reruns of the trials that the next study compares at the longer length."""

HELD, PARTLY, NOT_HELD, TURNED, UNKNOWN = (
    "the ranking holds",
    "the ranking holds in part",
    "the ranking does not hold",
    "the ranking turns",
    "cannot tell",
)

PLOTS = {
    "ranks": "The objective of the best trials at the short length and at the long one; each is "
    "marked by its place at both",
    "curves": "The training loss of the best of these trials in short training, dashed, and in "
    "longer training",
}
"""The plots of the conclusion."""


@dataclass(frozen=True)
class Candidate:
    """A trial of the search that was trained for longer.

    Attributes:
        short: Its result in short training.
        long: Its result in longer training.
        place: Its place among the candidates in short training; equal ones share the first.
        long_place: The same in longer training, where infeasible ones come last.
    """

    short: Outcome
    long: Outcome
    place: int
    long_place: int

    @property
    def moved(self) -> bool:
        """Return whether its place changed."""
        return self.place != self.long_place


def most_trials(document: Mapping[str, Any], settings: LongerTrainingSettings) -> int:
    """Return the most trials of the rounds after the first one.

    Args:
        document: The procedure's spec.
        settings: The settings of the procedure.
    """
    del document
    return settings.trials


def next(history: History) -> Next:
    """Return the next round of a history, or its conclusion.

    Raises:
        SpecError: The spec has one trial, ranks trials by their steps to a target, or has too few
            evaluations for a longer training.
    """
    settings = _settings(history)
    if not history.rounds:
        _check(history, settings)
        return StudyDocument(SHORT, first_document(history))
    chosen = best_few(history, settings.trials)
    if chosen and not history.has(LONG):
        return StudyDocument(LONG, _longer(history, settings, chosen))
    return _conclude(history, settings, candidates(history, settings))


def long_steps(history: History, settings: LongerTrainingSettings) -> int:
    """Return the steps of the longer training: a whole number of evaluation intervals."""
    every = int(history.document["training"]["eval_every"])
    return max(1, round(settings.times * history.max_train_steps / every)) * every


def best_few(history: History, trials: int) -> list[Outcome]:
    """Return the best feasible trials of the search, the best first, each configuration once."""
    found: list[Outcome] = []
    feasible = [item for item in history.of(SHORT) if item.loss is not None]
    for item in sorted(feasible, key=lambda outcome: outcome.loss or 0.0):
        if not any(_alike(item.values, other.values) for other in found):
            found.append(item)
    return found[:trials]


def candidates(history: History, settings: LongerTrainingSettings) -> list[Candidate]:
    """Return the trials of both lengths, the best in short training first."""
    longer = list(history.of(LONG))
    pairs = []
    for short in best_few(history, settings.trials):
        values = _extended(history, settings, short)
        long = [item for item in longer if _alike(item.values, values)]
        pairs += [(short, long[0])] if long else []
    places = _places([_ranked_by(short) for short, _ in pairs])
    long_places = _places([_ranked_by(long) for _, long in pairs])
    return [
        Candidate(short, long, place, long_place)
        for (short, long), place, long_place in zip(pairs, places, long_places, strict=True)
    ]


def verdict_of(found: Agreement) -> str:
    """Return the verdict on a ranking from a rank correlation and its interval."""
    if found.low > 0:
        return HELD if found.correlation >= HOLDS else PARTLY
    if found.high < 0:
        return TURNED
    return NOT_HELD if found.high < HOLDS else UNKNOWN


def _check(history: History, settings: LongerTrainingSettings) -> None:
    """Check that there will be several trials, and that longer training may help them."""
    if history.document["objective"].get("target") is not None:
        raise SpecError(
            "objective.target: it ranks trials by their steps to it, which longer training makes "
            "no fewer: leave it out, so that their best values rank them"
        )
    search = history.document.get("search", {})
    alone = search.get("trials") == 1 and not history.document.get("scientific")
    if is_given(history.document) or alone:
        raise SpecError(
            "procedure: longer_training ranks trials of a search, and this spec has one trial: "
            "search the learning rate under 'nuisance', in several trials"
        )
    steps = long_steps(history, settings)
    if steps <= history.max_train_steps:
        every = history.document["training"]["eval_every"]
        raise SpecError(
            f"procedure.times: {settings.times:g} times {history.max_train_steps} steps is no "
            f"whole evaluation (eval_every {every}) longer: raise 'times', or lower 'eval_every'"
        )


def _settings(history: History) -> LongerTrainingSettings:
    assert isinstance(history.settings, LongerTrainingSettings)
    return history.settings


def _extended(
    history: History, settings: LongerTrainingSettings, outcome: Outcome
) -> dict[str, Value]:
    steps = long_steps(history, settings)
    return extended(outcome.values, history.document["training"], steps, settings.extend)


def _longer(
    history: History, settings: LongerTrainingSettings, chosen: Sequence[Outcome]
) -> dict[str, Any]:
    steps = long_steps(history, settings)
    few = "the best trial" if len(chosen) == 1 else f"the best {len(chosen)} trials"
    goal = f"Does the ranking of {few} at {history.max_train_steps:,} steps hold at {steps:,}?"
    values = [_extended(history, settings, item) for item in chosen]
    return listed_trials(history, values, goal=goal, steps=steps)


def _alike(one: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
    """Return whether two trials have the same values."""
    ones, others = own_values(one), own_values(other)
    return ones.keys() == others.keys() and all(_same(ones[name], others[name]) for name in ones)


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return math.isclose(one, other, rel_tol=1e-9)


def _ranked_by(outcome: Outcome) -> float:
    return math.inf if outcome.loss is None else outcome.loss


def _places(losses: Sequence[float]) -> list[int]:
    """Return the place of each: 1 for the best; equal ones share the best of their places."""
    return [1 + sum(other < loss for other in losses) for loss in losses]


def _conclude(
    history: History, settings: LongerTrainingSettings, found: Sequence[Candidate]
) -> Conclusion:
    # Differences of infinite losses are undefined; the places rank the trials as well.
    agreed = agreement([c.place for c in found], [c.long_place for c in found])
    feasible = [item for item in found if item.long.loss is not None]
    verdict = verdict_of(agreed) if feasible else UNKNOWN
    short, long = history.max_train_steps, long_steps(history, settings)
    better = is_better(found)
    tuning = {HELD: short, UNKNOWN: None}.get(verdict, long)
    values: dict[str, Value | None] = {
        "max_train_steps": None if not found else long if better else short,
        "tuning_steps": short if feasible and not better else tuning,
    }
    places = {id(item.short): item.place for item in found}
    places |= {id(item.long): item.long_place for item in found}
    numbers = {id(o): n for n, item in enumerate(found, 1) for o in (item.short, item.long)}
    outcomes = [item for one in history.rounds for item in one.outcomes]
    seen = [instability(item) for item in outcomes]
    return Conclusion(
        verdict=verdict,
        values=values,
        sentence=_sentence(history, found, agreed, verdict, (short, long)),
        advice=_advice(settings, found, verdict, values, (short, long)),
        next_study=_next_study(history, settings, found, verdict, values),
        columns={
            "unstable": tuple(float(bool(item)) for item in seen),
            "onset_step": tuple(math.nan if item is None else float(item.step) for item in seen),
            "candidate": tuple(float(numbers.get(id(item), math.nan)) for item in outcomes),
            "place": tuple(float(places.get(id(item), math.nan)) for item in outcomes),
        },
        numbers={
            "rank_correlation": agreed.correlation,
            "rank_correlation_low": agreed.low,
            "rank_correlation_high": agreed.high,
            "long_train_steps": float(long),
        },
        listed={"Expected to transfer to longer training": transfer_list(_searched(history))},
    )


def is_better(found: Sequence[Candidate]) -> bool:
    """Return whether longer training is better, for most trials and for the best of each length."""
    if not _most_are_better(found):
        return False
    best = min(_ranked_by(item.long) for item in found)
    return best < min(_ranked_by(item.short) for item in found)


def _most_are_better(found: Sequence[Candidate]) -> bool:
    gained = sum(_ranked_by(item.long) < _ranked_by(item.short) for item in found)
    return 2 * gained > len(found)


def _searched(history: History) -> list[str]:
    """Return the hyperparameters that have several values in the search.

    Those that only some trials have, such as those of one optimizer, do not count.
    """
    trials = [item.values for item in history.of(SHORT)]
    return [
        name
        for name in varied_names(trials)
        if len({trial[name] for trial in trials if name in trial}) > 1
    ]


def _sentence(
    history: History,
    found: Sequence[Candidate],
    agreed: Agreement,
    verdict: str,
    lengths: tuple[int, int],
) -> str:
    short, long = lengths
    if not found:
        if history.has(LONG):
            return "None of the longer trials has a result, so there is nothing to compare."
        return "No trial of the search is feasible, so none was trained for longer."
    lost = sum(item.long.loss is None for item in found)
    if lost == len(found):
        which = "The only trial" if lost == 1 else f"All {lost} trials"
        return f"{which} trained for {long:,} steps got nowhere or diverged there."
    gain = _gain(history, found, lengths)
    if len(found) == 1:
        return f"Only one trial of the search is feasible, so there is no ranking. {gain}"
    words = {
        HELD: f"The ranking at {short:,} steps holds at {long:,}",
        PARTLY: f"The ranking at {short:,} steps holds in part at {long:,}",
        NOT_HELD: f"The ranking at {short:,} steps does not hold at {long:,}",
        TURNED: f"The ranking at {short:,} steps turns round at {long:,}",
        UNKNOWN: f"Whether the ranking at {short:,} steps holds at {long:,} cannot be told",
    }
    said = (
        f"{words[verdict]}: the rank correlation of the best {len(found)} trials is "
        f"{agreed.correlation:.2f} (95 % interval {agreed.low:.2f} to {agreed.high:.2f})."
    )
    said += f" {_moves(found, long)}{_chance(history, found)}"
    if lost:
        said += f" {lost} of {len(found)} got nowhere or diverged in longer training."
    return f"{said} {gain}"


def _moves(found: Sequence[Candidate], long: int) -> str:
    """Return which trials changed place in a training of `long` steps, in words."""
    place = found[0].long_place
    kept = "is still the best" if place == 1 else f"is number {place} at {long:,} steps"
    said = f"The best short trial {kept}."
    moved = [item for item in found if item.moved]
    if not moved:
        return f"{said} None changed place."
    changes = ", ".join(f"{item.place} to {item.long_place}" for item in moved[:MOST_NAMED])
    more = f", and {len(moved) - MOST_NAMED} more" if len(moved) > MOST_NAMED else ""
    return f"{said} {len(moved)} of {len(found)} changed place: {changes}{more}."


def _chance(history: History, found: Sequence[Candidate]) -> str:
    """Return a warning that chance may have ordered the short trials, if reruns show it."""
    again = [
        item.loss
        for round_ in history.rounds
        if round_.purpose == SHORT
        for item in round_.reruns
        if item.loss is not None and _alike(item.values, found[0].short.values)
    ]
    if len(again) < LEAST_RERUNS:
        return ""
    scatter = statistics.stdev(again)
    spread = statistics.stdev(_ranked_by(item.short) for item in found)
    if spread > CHANCE * scatter:
        return ""
    return (
        f" Chance may have ordered the short trials: they differ by {spread:.2g}, and reruns of "
        f"the best one scatter by {scatter:.2g} (standard deviations)."
    )


def _gain(history: History, found: Sequence[Candidate], lengths: tuple[int, int]) -> str:
    """Return what longer training does to the best objective, in words."""
    sign = 1.0 if history.document["objective"]["mode"] == "min" else -1.0
    before = sign * min(_ranked_by(item.short) for item in found)
    after = sign * min(_ranked_by(item.long) for item in found)
    metric = history.document["objective"]["metric"]
    gained = sum(_ranked_by(item.long) < _ranked_by(item.short) for item in found)
    return (
        f"The best {metric} goes from {before:.4g} at {lengths[0]:,} steps to {after:.4g} at "
        f"{lengths[1]:,}; {gained} of {len(found)} trials are better there."
    )


def _advice(
    settings: LongerTrainingSettings,
    found: Sequence[Candidate],
    verdict: str,
    values: Mapping[str, Value | None],
    lengths: tuple[int, int],
) -> str:
    short, long = lengths
    if not any(item.long.loss is not None for item in found):
        return "Look at why training diverges: the procedure `stability`."
    said = f"{_schedules(settings, found)} ".lstrip()
    if values["max_train_steps"] == short:
        gained = "the best one is not" if _most_are_better(found) else "most trials are not"
        return (
            f"{said}Training for {long:,} steps is no gain, as {gained} better: stay at {short:,}."
        )
    if verdict == HELD:
        return f"{said}Go on tuning at {short:,} steps, and train the best alone for {long:,}."
    if verdict == UNKNOWN:
        return (
            f"{said}Compare more trials: raise `trials` of the procedure above {settings.trials}, "
            "and search enough of them."
        )
    return (
        f"{said}Tune what is not expected to transfer at {long:,} steps: what {short:,} steps say "
        "of it does not hold there."
    )


def _schedules(settings: LongerTrainingSettings, found: Sequence[Candidate]) -> str:
    """Return how the schedules were extended, in words."""
    names = dict.fromkeys(str(item.short.values["schedule"]) for item in found)
    words = {
        PLATEAU: "kept the length of its decay, after a longer time at the base rate",
        DECAY: "kept its base rate, and decayed over the whole run",
        "": "stayed as it is",
    }
    parts = {name: words[extended_part(name, settings.extend)] for name in names}
    return " ".join(f"The {name} schedule {words}." for name, words in parts.items())


def _next_study(
    history: History,
    settings: LongerTrainingSettings,
    found: Sequence[Candidate],
    verdict: str,
    values: Mapping[str, Value | None],
) -> dict[str, Any]:
    """Return the next spec: the final comparison, or the search at the longer length."""
    long = long_steps(history, settings)
    feasible = [item for item in found if item.long.loss is not None]
    if not feasible or values["max_train_steps"] != long:
        return first_document(history)
    ranked = sorted(feasible, key=lambda item: item.long_place)
    if verdict in (NOT_HELD, TURNED, PARTLY):
        goal = f"Which of the best trials is the best at {long:,} steps?"
        kept = ranked
    else:
        goal = f"How good is the best trial at {long:,} steps, and how far do its reruns spread?"
        kept = ranked[:1]
    document = listed_trials(history, [item.long.values for item in kept], goal=goal, steps=long)
    return {**document, "reruns": {"seeds": RERUNS}}
