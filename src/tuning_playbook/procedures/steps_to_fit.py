"""A first number of steps: as many as it takes to fit the training set at a constant rate.

Rounds: a sweep of the learning rate with the spec's number of steps; further rates where the
fastest lies at an edge; twice as many steps where no rate fits; the fastest rate on fresh
seeds.

Source: playbook, "Algorithm for picking an initial candidate for max_train_steps using a learning
rate sweep".
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tuning_playbook.procedures.fit_sweep import (
    CHECK,
    LONGER,
    SWEEP,
    WIDER,
    Check,
    Side,
    Sweep,
    by_fit,
    checks_of,
    fit_step,
    is_lost,
    leaders,
    sides,
    steps_of,
    sweep_of,
)
from tuning_playbook.procedures.instability import instability
from tuning_playbook.procedures.procedure_history import (
    Conclusion,
    History,
    Next,
    StudyDocument,
    rounded,
)
from tuning_playbook.procedures.round_documents import POINTS, first_document, pinned
from tuning_playbook.study.steps_to_fit_settings import StepsToFitSettings

MOST_WIDER = 4
"""Most rounds of further rates: six factors of ten beyond the sweep."""

FURTHER = 3
"""Rates in such a round."""

RATIO = 10**0.5
"""The ratio of two neighbouring rates."""

MOST_LONGER = 4
"""How often the number of steps is doubled at most: up to sixteen times that of the spec."""

MOST_CHECKS = 6
"""Most rounds of fresh seeds."""

CHECKS_OF_A_LENGTH = 2
"""Most of these before the number of steps is doubled: seeds that do not fit may need more."""

MAX_ROUNDS = 1 + MOST_WIDER + MOST_LONGER + MOST_CHECKS

LEAST_EVALUATIONS = 20
"""Fewest evaluations of a trial in the study that follows."""

TUNED = 10.0
"""The study that follows searches from the fastest rate divided by this to it times this."""

NOT_FIT, SOME_SEEDS, AT_AN_EDGE, UNKNOWN = (
    *("the training set is not fit", "the training set is not fit on every seed"),
    *("cannot tell: the best rate lies at an edge", "cannot tell"),
)

PLOTS = {
    "steps": "The steps until the training set is fit against the learning rate (playbook, "
    "Algorithm for picking an initial candidate for max_train_steps)",
    "losses": "The training loss at the fastest rate that fits on every seed, and at the rates "
    "around it, as far as they were trained",
}
"""The plots of the conclusion."""


def most_trials(document: Mapping[str, Any], settings: StepsToFitSettings) -> int:
    """Return the most trials of the rounds after the first one, reruns aside.

    Args:
        document: The procedure's spec.
        settings: The settings of the procedure.
    """
    rates = FURTHER * MOST_WIDER
    return rates + (rates_of(document) + rates) * MOST_LONGER + MOST_CHECKS


def rates_of(document: Mapping[str, Any]) -> int:
    """Return the number of learning rates in the sweep of a spec."""
    search = document.get("search", {"points": POINTS})
    rates = document.get("nuisance", {}).get("learning_rate", {})
    points = search.get("points", search.get("trials"))
    if "choice" in rates and search.get("algorithm") == "grid":
        points = rates["choice"]
    if isinstance(points, Mapping):
        points = points["learning_rate"]
    return len(points) if isinstance(points, list) else int(points)


def next(history: History) -> Next:
    """Return the next round of a history, or its conclusion."""
    settings = history.settings
    assert isinstance(settings, StepsToFitSettings)
    if not history.rounds:
        return StudyDocument(SWEEP, _first(history))
    answer = _planned(history, settings)
    return answer if isinstance(answer, StudyDocument) else _conclude(history, answer)


def _planned(history: History, settings: StepsToFitSettings) -> StudyDocument | str | Check:
    """Return the next round; else the check that found a rate, or the verdict where none did."""
    sweep, checks = sweep_of(history), checks_of(history)
    found = [item for item in checks if item.slowest is not None]
    beyond = sides(sweep, _every(history))
    answer: StudyDocument | str | Check = SOME_SEEDS if by_fit(sweep) else NOT_FIT
    if any(fit_step(item) == 0 for item in sweep.outcomes):
        answer = UNKNOWN
    elif beyond and _count(history, WIDER) < MOST_WIDER:
        answer = StudyDocument(WIDER, _wider(history, sweep, beyond[0]))
    elif beyond:
        answer = AT_AN_EDGE
    elif found:
        answer = found[0]
    elif len(checks) < MOST_CHECKS:
        rate = _unchecked(sweep, checks)
        if rate is not None:
            answer = StudyDocument(CHECK, _checked(history, sweep, rate, settings.seeds))
        elif _count(history, LONGER) < MOST_LONGER:
            answer = StudyDocument(LONGER, _longer(history, sweep))
    return answer


def _unchecked(sweep: Sweep, checks: Sequence[Check]) -> float | None:
    """Return the rate to train on fresh seeds; None where more steps are needed, or none fits."""
    here = [item.rate for item in checks if item.steps == sweep.steps]
    rates = [item.rate for item in by_fit(sweep) if item.rate not in here]
    if not rates or len(here) == CHECKS_OF_A_LENGTH:
        return None
    # A rate that failed in fewer steps comes after those that did not.
    failed = [item.rate for item in checks]
    return min(rates, key=failed.count)


def _count(history: History, purpose: str) -> int:
    return sum(item.purpose == purpose for item in history.rounds)


def _every(history: History) -> int:
    return int(history.document["training"]["eval_every"])


def _first(history: History) -> dict[str, Any]:
    """Return the sweep: it evaluates the whole training set, and not the test set."""
    document = first_document(history)
    kept = {key: item for key, item in document.items() if key not in ("test", "final")}
    return {**kept, "training": {**document["training"], "train_sample": "all"}}


def _listed(
    history: History, rates: Sequence[float], steps: int, goal: str, *, seeds: int = 0
) -> dict[str, Any]:
    """Return a study of some rates for a number of steps, on the whole training set."""
    values = history.rounds[0].outcomes[0].values
    trials = [{"learning_rate": rate} for rate in rates]
    training = {"max_train_steps": steps, "train_sample": "all"}
    return pinned(history, values, trials, goal=goal, training=training, seeds=seeds)


def _wider(history: History, sweep: Sweep, side: Side) -> dict[str, Any]:
    edge = sweep.outcomes[0 if side == "lower" else -1].rate
    factor = 1 / RATIO if side == "lower" else RATIO
    rates = sorted(rounded(edge * factor**number) for number in range(1, FURTHER + 1))
    goal = f"Is a {side} learning rate than {edge:.3g} faster to fit the training set?"
    return _listed(history, rates, sweep.steps, goal)


def _longer(history: History, sweep: Sweep) -> dict[str, Any]:
    """Return twice as many steps for every rate that did not break down.

    The rate with the best metric so far need not be the one that fits first.
    """
    rates = [item.rate for item in sweep.outcomes if not is_lost(item)]
    goal = f"Is the training set fit in {2 * sweep.steps:,} steps?"
    return _listed(history, rates, 2 * sweep.steps, goal)


def _checked(history: History, sweep: Sweep, rate: float, seeds: int) -> dict[str, Any]:
    goal = f"Does a learning rate of {rate:.3g} fit the training set on other seeds too?"
    return _listed(history, [rate], sweep.steps, goal, seeds=seeds)


def _conclude(history: History, found: str | Check) -> Conclusion:
    check = found if isinstance(found, Check) else None
    verdict = found if isinstance(found, str) else ""
    sweep, every = sweep_of(history), _every(history)
    needed = None if check is None else check.slowest
    # The spec may have every early step evaluated; the last evaluation interval is a regular one.
    steps = None if needed is None else math.ceil(needed / every) * every
    rate = None if check is None else check.rate
    trials = [(steps_of(item), outcome) for item in history.rounds for outcome in item.outcomes]
    seen = [instability(outcome) for _, outcome in trials]
    return Conclusion(
        verdict=verdict or f"begin with max_train_steps = {steps}",
        values={"max_train_steps": steps, "learning_rate": rate},
        sentence=_sentence(history, verdict, sweep, check, steps),
        advice=_advice(history, verdict, steps),
        next_study=_next_study(history, steps, rate),
        columns={
            "trained_steps": tuple(float(length) for length, _ in trials),
            "fit_step": tuple(_known(fit_step(outcome)) for _, outcome in trials),
            "unstable": tuple(float(item is not None) for item in seen),
            "onset_step": tuple(math.nan if item is None else float(item.step) for item in seen),
        },
        numbers={
            "found_steps": math.nan if steps is None else float(steps),
            "found_rate": math.nan if rate is None else rate,
        },
    )


def _known(step: int | None) -> float:
    return math.nan if step is None else float(step)


def _sentence(
    history: History, verdict: str, sweep: Sweep, check: Check | None, steps: int | None
) -> str:
    target = _target(history)
    rates = [item.rate for item in history.of(SWEEP, WIDER, LONGER)]
    tried = (
        f"of {len(set(rates))} constant learning rates from {min(rates):.3g} to {max(rates):.3g}"
    )
    if check is not None and steps is not None:
        best = min(item for item in check.fits if item is not None)
        said = (
            f"At a constant learning rate of {check.rate:.3g} the whole training set is fit "
            f"({target}) within {steps:,} steps on each of {len(check.fits)} seeds, on the fastest "
            f"of them after {best:,}; it is the best {tried}"
        )
        failed = [item for item in checks_of(history) if item.slowest is None]
        said += " that fits on every seed." if failed else "."
        return said
    if verdict == UNKNOWN:
        return f"A model that is not trained yet is at the target already ({target})."
    if verdict == AT_AN_EDGE:
        edge = leaders(sweep)
        if not edge:
            return f"Not one {tried} is feasible."
        return (
            f"The best {tried} is {edge[0].rate:.3g}, at an edge of them, so another may need far "
            "fewer steps."
        )
    if verdict == SOME_SEEDS:
        checked = ", ".join(dict.fromkeys(f"{item.rate:.3g}" for item in checks_of(history)))
        return (
            f"Some trials fit the training set ({target}) within {sweep.steps:,} steps, but none "
            f"of the rates that were tried on other seeds ({checked}) does on every seed."
        )
    return (
        f"None {tried} fits the training set ({target}) within {sweep.steps:,} steps; "
        f"{2 ** _count(history, LONGER)} times as many as the spec says were tried."
    )


def _target(history: History) -> str:
    objective = history.document["objective"]
    sign = "<=" if objective["mode"] == "min" else ">="
    return f"{objective['metric']} {sign} {objective['target']:g}"


def _advice(history: History, verdict: str, steps: int | None) -> str:
    if verdict == UNKNOWN:
        return "Give a stricter target, as 0 for an error rate."
    if verdict == AT_AN_EDGE:
        return (
            "Give another range of learning rates under `nuisance`, and look at the training loss."
        )
    if verdict == SOME_SEEDS:
        return "Raise max_train_steps, or lower the target a little if a few examples never fit."
    if steps is None:
        return (
            "Look whether the training loss still falls: then raise max_train_steps. If not, make "
            "the model larger, or accept a target that is less strict. A training set that cannot "
            "be fit makes training compute-bound: tune in a short round, then train the best few "
            "for longer, as the procedure `longer_training` does."
        )
    every = _every(history)
    said = (
        "Tune with this many steps. After that the check `best_steps` says whether to lengthen "
        "(best steps late) or to shorten (best steps early). Data augmentation or regularization "
        "may take more."
    )
    if steps < 10 * every:
        said += (
            f" It is known to one evaluation, {every:,} steps: evaluate more often to know more."
        )
    return said


def _next_study(history: History, steps: int | None, rate: float | None) -> dict[str, Any]:
    """Return a search of the learning rate by the validation split, for as many steps as found."""
    if steps is None or rate is None:
        return {**_first(history), "procedure": history.settings.model_dump(mode="json")}
    document = _listed(
        history, [rate], steps, "Which learning rate is the best on validation data?", seeds=5
    )
    objective = history.document["objective"]
    metric = "validation/" + str(objective["metric"]).partition("/")[2]
    kept = {key: value for key, value in objective.items() if key not in ("metric", "target")}
    left = ("train_sample", "eval_schedule")
    training = {key: value for key, value in document["training"].items() if key not in left}
    training |= {"eval_every": evaluation_interval(steps)}
    low, high = rounded(rate / TUNED), rounded(rate * TUNED)
    return {
        **document,
        "objective": {"metric": metric, **kept},
        "training": training,
        "nuisance": {"learning_rate": {"log_uniform": [low, high]}},
        "search": {"algorithm": "halton", "trials": 10},
    }


def evaluation_interval(steps: int) -> int:
    """Return the longest interval that gives a number of steps at least 20 evaluations.

    Example:
        >>> evaluation_interval(600), evaluation_interval(7)
        (30, 1)
    """
    most = max(1, steps // LEAST_EVALUATIONS)
    return max(every for every in range(1, most + 1) if steps % every == 0)
