"""The conclusion of `batch_scaling`: values, tables for its plots, the next study."""

import math
from collections.abc import Sequence
from typing import Any

from tuning_playbook.procedures.procedure_history import Conclusion, History, rounded
from tuning_playbook.procedures.round_documents import BATCH_SIZE, first_document, pinned
from tuning_playbook.procedures.scaling_sizes import RATE, SizeResult, size_results
from tuning_playbook.procedures.scaling_verdict import FOUND, Scaling, scaling_of, verdict_of
from tuning_playbook.procedures.scaling_words import advice, cautions, sentence, time_sentence
from tuning_playbook.study.batch_scaling_settings import BatchScalingSettings

DIGITS = 3
"""Digits of a critical batch size."""

AROUND = 4.0
"""The next study searches learning rates from the best one divided by this to it times this."""

TRIALS = 10
"""Trials of that search."""

SEEDS = 5
"""Reruns of that search."""

PLOTS = {
    "scaling": "The steps to the target against the batch size, every run of the best trial of "
    "each. Along the dashed line a doubling of the batch size halves the steps. An arrow is a run "
    "that did not reach the target",
    "rates": "The learning rate of every trial of the search against the batch size",
    "time": "The time to the target at each batch size: steps times the time of a step",
}
"""The plots of the conclusion."""


def conclude(history: History) -> Conclusion:
    """Return the conclusion of a procedure whose rounds are finished."""
    settings = history.settings
    assert isinstance(settings, BatchScalingSettings)
    scaling = scaling_of(size_results(history))
    verdict = verdict_of(settings, scaling)
    there = scaling.there
    fastest = _least(there, [item.seconds for item in there])
    cheapest = _least(there, [item.device_seconds for item in there])
    critical = scaling.fit.critical if scaling.fit and verdict == FOUND else None
    said = [
        sentence(history, scaling, verdict),
        time_sentence(scaling, verdict, fastest, cheapest),
        *cautions(history, scaling, verdict),
    ]
    return Conclusion(
        verdict=verdict,
        values={
            "critical_batch_size": None if critical is None else float(f"{critical:.{DIGITS}g}"),
            "fastest": fastest.size if fastest else None,
            "cheapest": cheapest.size if cheapest else None,
        },
        sentence=" ".join(filter(None, said)),
        advice=advice(verdict, scaling, fastest),
        next_study=_next_study(history, settings, fastest or (there[-1] if there else None)),
        columns={"best": _best_column(history, scaling)},
        numbers=_numbers(scaling, critical),
        tables={"size": _sizes_table(scaling), "run": _runs_table(scaling)},
    )


def _least(items: Sequence[SizeResult], numbers: Sequence[float | None]) -> SizeResult | None:
    """Return the first item with the least number; None where no number is known."""
    known = [(number, item) for item, number in zip(items, numbers, strict=True) if number]
    return min(known, key=lambda pair: pair[0])[1] if known else None


def _next_study(
    history: History, settings: BatchScalingSettings, chosen: SizeResult | None
) -> dict[str, Any]:
    """Return a closer search at the batch size to continue with; else the first round's spec."""
    if chosen is None or chosen.best is None:
        return {**first_document(history), "scientific": {BATCH_SIZE: list(settings.sizes)}}
    goal = (
        "Which learning rate reaches the target in the fewest steps at a batch size of "
        f"{chosen.size}?"
    )
    rate = chosen.best.rate
    study = pinned(history, chosen.best.values, [{RATE: rate}], goal=goal, seeds=SEEDS)
    ends = [rounded(rate / AROUND), rounded(rate * AROUND)]
    return {
        **study,
        "nuisance": {RATE: {"log_uniform": ends}},
        "search": {"algorithm": "halton", "trials": TRIALS},
    }


def _best_column(history: History, scaling: Scaling) -> tuple[float, ...]:
    """Return which trials are the best ones of their batch sizes: [trial]."""
    bests = [item.best for item in scaling.results]
    outcomes = [item for one in history.rounds for item in one.outcomes]
    return tuple(float(any(item is best for best in bests)) for item in outcomes)


def _numbers(scaling: Scaling, critical: float | None) -> dict[str, float]:
    """Return the numbers of the fit; NaN where there is none."""
    fit, interval = scaling.fit, scaling.interval or (math.nan, math.nan)
    return {
        "critical_batch_size": _known(critical),
        "critical_low": interval[0],
        "critical_high": interval[1],
        "fitted_critical": math.nan if fit is None else fit.critical,
        "least_steps": math.nan if fit is None else fit.least_steps,
    }


def _sizes_table(scaling: Scaling) -> dict[str, tuple[float, ...]]:
    """Return the numbers of each batch size, NaN where not known: [size]."""
    rows = [
        {
            "batch_size": item.size,
            "steps": item.steps,
            "reached": len(item.runs.reached),
            "missed": len(item.runs.missed),
            "best_learning_rate": item.best.rate if item.best else None,
            "seconds_per_step": item.cost.seconds if item.cost else None,
            "devices": item.cost.devices if item.cost else None,
            "seconds": item.seconds,
            "device_seconds": item.device_seconds,
        }
        for item in scaling.results
    ]
    return {name: tuple(_known(row[name]) for row in rows) for name in rows[0]}


def _runs_table(scaling: Scaling) -> dict[str, tuple[float, ...]]:
    """Return the steps of each run; all its steps where it missed the target: [run]."""
    runs = [
        (item.size, steps, missed)
        for item in scaling.results
        for missed, told in ((False, item.runs.reached), (True, item.runs.missed))
        for steps in told
    ]
    return {
        "run_batch_size": tuple(float(size) for size, *_ in runs),
        "run_steps": tuple(steps for _, steps, _ in runs),
        "run_missed": tuple(float(missed) for *_, missed in runs),
    }


def _known(value: float | None) -> float:
    return math.nan if value is None else float(value)
