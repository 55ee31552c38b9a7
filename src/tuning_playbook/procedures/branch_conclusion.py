"""The conclusion of branched training: the estimate, its cost, a comparison with a full sweep."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuning_playbook.procedures.branch_excess import critical_size
from tuning_playbook.procedures.branch_runs import (
    POWERS,
    Branch,
    Fork,
    branches_of,
    examples_of,
    examples_of_full_sweep,
    fork_of,
    run_of,
    settings_of,
)
from tuning_playbook.procedures.procedure_history import Conclusion, History, Outcome, rounded
from tuning_playbook.procedures.round_documents import BATCH_SIZE, first_document, pinned
from tuning_playbook.procedures.scaling_conclusion import AROUND, DIGITS, SEEDS, TRIALS
from tuning_playbook.procedures.scaling_sizes import RATE, SEARCHES, of_size, outermost
from tuning_playbook.procedures.scaling_words import target_of_history

FOUND, ABOVE, BELOW = (
    "critical batch size estimated",
    "every branch is within the tolerance",
    "the run is near or above the critical batch size",
)
STALLED, SHORT, NEVER, UNTRAINED = (
    "the run gains nothing after the branch",
    "the run is too short to branch",
    "the target was not reached",
    "the untrained model is at the target",
)
"""The verdicts."""

ADVICE = {
    FOUND: "It is an estimate: compare batch sizes around it by a full sweep (`branch: false`) "
    "before much depends on it.",
    ABOVE: "Use the largest batch size that the hardware supports; compare larger ones (`to`).",
    BELOW: "Use a smaller batch size; branch from a smaller one (`from`).",
    STALLED: "Give a harder target, or branch from a larger batch size (`from`), whose loss is "
    "smoother.",
    SHORT: "Give a harder target, so that the run has more steps.",
    NEVER: "Give an easier target, more steps, or a wider search under `nuisance`.",
    UNTRAINED: "Give a harder target.",
}

PLOTS = {
    "branches": "What training at each batch size loses to the run that it branches from, after as "
    "many examples: 1 is what the run gains over the second half of these examples",
    "losses": "The training loss of the run and of its branches, on the seed of the run",
}
"""The plots of the conclusion."""

AT_LEAST = 2.5
"""Up to this multiple of the run's batch size an estimate says nothing: where the run is far above
the critical batch size, branches at twice its batch size lose just what is tolerated, because they
need twice the examples for the same number of steps."""

FAR = 16.0
"""Beyond this multiple of the run's batch size, scaled learning rates do badly."""

AGREES = 1.0
"""Estimates of a full sweep and of branches agree within this many powers of two."""


def conclude(history: History) -> Conclusion:
    """Return the conclusion of a procedure whose rounds are finished."""
    run = run_of(history)
    fork = None if run is None or run.censored or not run.loss else fork_of(history, run)
    branches = () if fork is None else branches_of(history, fork)
    verdict, critical = _verdict(run, branches)
    spent = examples_of(history)
    full = examples_of_full_sweep(history.document, settings_of(history))
    said = [
        _sentence(history, fork, branches, verdict, critical),
        _agreement(history, critical),
        *_cautions(history, verdict, critical),
        f"This took {spent:,} examples, and a full sweep takes {full:,} at least: "
        f"{spent / full:.1%} of that.",
    ]
    value = None if critical is None else float(f"{critical:.{DIGITS}g}")
    compared = settings_of(history).compare
    return Conclusion(
        verdict=verdict,
        values={"critical_batch_size": value, "fastest": None, "cheapest": None},
        sentence=" ".join(filter(None, said)),
        advice=ADVICE[verdict],
        next_study=_next_study(history, run, branches, critical),
        numbers={
            "critical_batch_size": math.nan if critical is None else critical,
            "compared_critical": math.nan if compared is None else float(compared),
            "branch_step": math.nan if fork is None else float(fork.step),
            "last_step": math.nan if fork is None else float(fork.last),
            "examples": float(spent),
            "examples_of_full_sweep": float(full),
        },
        listed=_listed(branches),
        tables={
            "size": {
                "batch_size": tuple(float(item.size) for item in branches),
                "excess": tuple(item.excess for item in branches),
                "rate_power": tuple(POWERS[item.scaling] for item in branches),
            }
        },
    )


def _verdict(run: Outcome | None, branches: Sequence[Branch]) -> tuple[str, float | None]:
    """Return the verdict, and the critical batch size where it lies among the branches."""
    if run is None or run.censored:
        return NEVER, None
    if not run.loss:
        return UNTRAINED, None
    if not branches[1:]:
        return SHORT, None
    if math.isnan(branches[0].excess):
        return STALLED, None
    critical = critical_size({item.size: item.excess for item in branches})
    if critical is not None and critical <= AT_LEAST * branches[0].size:
        return BELOW, None
    return (ABOVE if critical is None else FOUND), critical


def _sentence(
    history: History,
    fork: Fork | None,
    branches: Sequence[Branch],
    verdict: str,
    critical: float | None,
) -> str:
    """Return what the branches say."""
    base, target = settings_of(history).sizes[0], target_of_history(history)
    if fork is None:
        if verdict == UNTRAINED:
            return f"A model is at {target} before it trains, so there is no run to branch from."
        return f"No trial at batch size {base:,} reaches {target}, so there is none to branch from."
    if verdict == SHORT:
        return (
            f"The best run at batch size {base:,} reaches {target} in {fork.last:,} steps, which "
            "are too few for branches at larger batch sizes."
        )
    where = (
        f"branches leave the best run at batch size {base:,} at step {fork.step:,} and are "
        f"compared with it at step {fork.last:,}, where it reaches {target}"
    )
    lost = "more than it gains over the second half of these steps"
    ends = {
        STALLED: f"The training loss of the run gains nothing over its last steps: {where}.",
        BELOW: f"The critical batch size is below {2 * base:,} by an estimate: {where}. They lose "
        f"{lost} from about twice the batch size of the run on, as they do wherever it is above "
        "the critical one.",
        ABOVE: f"The critical batch size is above {branches[-1].size:,} by an estimate: {where}. "
        f"None of them loses {lost}.",
    }
    if critical is None:
        return ends[verdict]
    return (
        f"The critical batch size is about {critical:,.0f} by an estimate: {where}. At larger "
        f"batch sizes they lose {lost}."
    )


def _agreement(history: History, critical: float | None) -> str:
    """Return whether the estimate agrees with a full sweep, where one is given."""
    compared = settings_of(history).compare
    if compared is None or critical is None:
        return ""
    apart = abs(math.log2(critical / compared))
    within = "within" if apart <= AGREES else "not within"
    return f"A full sweep finds {compared:,.0f}: the estimate is {within} one power of two of it."


def _cautions(history: History, verdict: str, critical: float | None) -> Iterator[str]:
    """Yield what to be careful about, in sentences."""
    base = settings_of(history).sizes[0]
    tried = list(of_size(history, base, SEARCHES))
    if critical is not None and critical > FAR * base:
        yield (
            f"That is more than {FAR:g} times the batch size of the run, where scaled learning "
            "rates are far from the best: branch from a larger one (`from`)."
        )
    if verdict in (FOUND, ABOVE, BELOW) and outermost(tried):
        yield (
            "The learning rate of the run is the highest or the lowest that was tried: a better "
            "one may change the estimate."
        )


def _listed(branches: Sequence[Branch]) -> Mapping[str, Mapping[str, str]]:
    """Return the excess of each branch, for the report."""
    rows = {
        f"batch size {item.size:,}": f"{item.excess:.2f}, learning rate scaled: {item.scaling}"
        for item in branches[1:]
    }
    return {"Lost to the run, as a part of what is tolerated": rows} if rows else {}


def _next_study(
    history: History, run: Outcome | None, branches: Sequence[Branch], critical: float | None
) -> dict[str, Any]:
    """Return a search at the largest batch size within the tolerance; else a full comparison."""
    within = [item for item in branches[1:] if item.size <= (critical or 0.0)]
    if run is None or not within:
        sizes = list(settings_of(history).sizes)
        return {**first_document(history), "scientific": {BATCH_SIZE: sizes}}
    chosen = within[-1]
    rate = run.rate * (chosen.size / branches[0].size) ** POWERS[chosen.scaling]
    goal = (
        "Which learning rate reaches the target in the fewest steps at a batch size of "
        f"{chosen.size}?"
    )
    values = {**run.values, BATCH_SIZE: chosen.size}
    study = pinned(history, values, [{RATE: rounded(rate)}], goal=goal, seeds=SEEDS)
    return {
        **study,
        "nuisance": {RATE: {"log_uniform": [rounded(rate / AROUND), rounded(rate * AROUND)]}},
        "search": {"algorithm": "halton", "trials": TRIALS},
    }
