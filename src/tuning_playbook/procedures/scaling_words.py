"""The conclusion of `batch_scaling` in sentences."""

import math
from collections.abc import Iterator, Sequence

from tuning_playbook.procedures.procedure_history import History
from tuning_playbook.procedures.round_documents import first_document
from tuning_playbook.procedures.scaling_sizes import SizeResult
from tuning_playbook.procedures.scaling_verdict import (
    EDGE,
    EPOCHS,
    FEW,
    FLAT,
    FOUND,
    NEVER,
    PERFECT,
    UNTRAINED,
    Scaling,
)
from tuning_playbook.study.batch_scaling_settings import FEWEST, BatchScalingSettings
from tuning_playbook.study.steps_to import steps_to

WORSE = 1.2
"""Ratio to the steps of a smaller batch size above which chance between searches is ruled out."""

OPEN = 8.0
"""An end of the interval that is farther than this factor beyond the batch sizes tried is open."""

ADVICE = {
    UNTRAINED: "Give a harder target.",
    NEVER: "Give an easier target, more steps, or a wider search under `nuisance`.",
    EPOCHS: "Use a step budget (`budget: steps`) to find the critical batch size.",
    EDGE: "Search the learning rate over a wider range, under `nuisance`.",
    FEW: "Raise `max_train_steps`, give an easier target, or compare other batch sizes.",
    PERFECT: "Use the largest batch size that the hardware supports; compare larger ones to find "
    "where perfect scaling ends.",
    FLAT: "Use a smaller batch size; compare smaller ones to find where it begins to matter.",
}
"""What to do, by the verdict; with a critical batch size see `advice`."""


def sentence(history: History, scaling: Scaling, verdict: str) -> str:
    """Return the sentence on the steps to the target."""
    sizes, there = [item.size for item in scaling.results], scaling.there
    target, budget = target_of_history(history), _settings(history).budget
    tried = f"batch sizes from {sizes[0]:,} to {sizes[-1]:,}"
    examples = f"{history.max_train_steps * sizes[0]:,} examples"
    lost = [item for item in scaling.results if item.steps is None]
    if verdict == UNTRAINED:
        return f"A model is at {target} before it trains, so it needs no steps to get there."
    if verdict == NEVER and all(item.best is None for item in lost):
        return f"No trial is feasible at any of the {tried}."
    if verdict == NEVER:
        said = examples if budget == "epochs" else f"{history.max_train_steps:,} steps"
        return (
            f"No batch size reaches {target}: at none of the {tried} did more than half of the "
            f"runs of the best trial get there in {said}."
        )
    if verdict == EPOCHS:
        not_at = f", and not at {listed(lost)}" if lost else ""
        return (
            f"With an epoch budget of {examples} the target {target} is reached at "
            f"{listed(there)}{not_at}. A larger batch size has fewer steps there, so this tells up "
            "to where scaling is nearly perfect, and not whether more steps at a larger batch size "
            "would save time."
        )
    if verdict == EDGE:
        return (
            f"At each of the {tried} that reach {target} the best learning rate is the highest or "
            "the lowest that was tried, so all of them may need fewer steps than here."
        )
    return _fitted(scaling, verdict, target)


def _fitted(scaling: Scaling, verdict: str, target: str) -> str:
    """Return the sentence on the fit."""
    fit, there = scaling.fit, scaling.there
    if fit is None or scaling.interval is None:
        return (
            f"The target {target} is reached at {listed(there)} alone; a critical batch size takes "
            f"{FEWEST} batch sizes that reach it."
        )
    interval = f"95 % interval {_interval(*scaling.interval, scaling)}"
    steps = (
        f"the steps to {target} go from {there[0].steps:,.0f} at batch size {there[0].size:,} to "
        f"{there[-1].steps:,.0f} at {there[-1].size:,}"
    )
    if verdict == PERFECT:
        return (
            f"No critical batch size is in sight: {steps}, nearly half with each doubling. It is "
            f"above {there[-1].size:,} ({interval})."
        )
    if verdict == FLAT:
        return (
            f"Larger batch sizes save no steps: {steps}. The critical batch size is below "
            f"{there[0].size:,} ({interval})."
        )
    return (
        f"The critical batch size is {fit.critical:,.0f} ({interval}): {steps}. Well below it a "
        "doubling of the batch size nearly halves the steps, at it twice the least steps are "
        f"needed, and well above it about {fit.least_steps:,.0f} steps stay."
    )


def time_sentence(
    scaling: Scaling, verdict: str, fastest: SizeResult | None, cheapest: SizeResult | None
) -> str:
    """Return which batch size takes the least time, and which the least device time."""
    if verdict in (NEVER, UNTRAINED):
        return ""
    if fastest is None or cheapest is None:
        return "The time of a step is not known, and so the fastest batch size is not."
    known = [item for item in scaling.there if item.seconds is not None]
    of_all = "" if len(known) == len(scaling.results) else f"Of {listed(known)} "
    said = f"{of_all}{fastest.size:,} is the fastest, with {fastest.seconds:.3g} s to the target"
    said = said if of_all else f"Batch size {said}"
    if fastest is cheapest:
        return f"{said}, and takes the least device time."
    return (
        f"{said}; {cheapest.size:,} takes the least device time, {cheapest.device_seconds:.3g} s."
    )


def cautions(history: History, scaling: Scaling, verdict: str) -> Iterator[str]:
    """Yield what to be careful about, in sentences."""
    if verdict in (UNTRAINED, NEVER):
        return
    there = scaling.there
    if not _is_tuned(history):
        yield (
            "Nothing was tuned anew at each batch size: the hyperparameters may suit one batch "
            "size better than another."
        )
    edge = [item for item in there if item.side]
    if edge and verdict != EDGE:
        yield (
            f"At {listed(edge)} the best learning rate is the highest or the lowest that was "
            "tried: fewer steps may do there."
        )
    if slower := _slower(there):
        yield (
            f"At {listed(slower)} more steps are needed than at a smaller batch size: the search "
            "found too little there."
        )
    left_out = [item for item in scaling.results if item not in scaling.fitted]
    if left_out and verdict != EPOCHS:
        yield (
            f"At {listed(left_out)} the target was not reached, although it was at a smaller batch "
            "size or the best learning rate is the highest or the lowest that was tried: the "
            "search found too little there, and the fit leaves that out."
        )
    coarse = [item for item in there if item.coarse]
    if coarse:
        yield (
            f"At {listed(coarse)} the target is reached within five evaluations: lower "
            "`eval_every` to know the steps better."
        )
    machines = sorted({name for item in there for name in item.machines})
    if len(machines) > 1:
        yield f"The times are of different machines: {', '.join(machines)}."


def advice(verdict: str, scaling: Scaling, fastest: SizeResult | None) -> str:
    """Return what to do now."""
    if verdict != FOUND or scaling.fit is None:
        return ADVICE[verdict]
    up_to = f"up to about {scaling.fit.critical:,.0f}"
    if fastest is None:
        return f"Use the largest batch size that the hardware supports, {up_to}."
    return (
        f"Train with batch size {fastest.size:,} on this machine. Where more devices share a "
        f"batch, larger ones pay {up_to}."
    )


def listed(items: Sequence[SizeResult]) -> str:
    """Return the names of batch sizes, as `batch sizes 8, 16 and 32`."""
    names = [f"{item.size:,}" for item in items]
    if len(names) == 1:
        return f"batch size {names[0]}"
    return f"batch sizes {', '.join(names[:-1])} and {names[-1]}"


def _slower(there: Sequence[SizeResult]) -> list[SizeResult]:
    """Return the batch sizes that need more steps than a smaller one."""
    found, least = [], math.inf
    for item in there:
        steps = item.steps or 0.0
        if steps > WORSE * least:
            found.append(item)
        least = min(least, steps)
    return found


def _is_tuned(history: History) -> bool:
    document = first_document(history)
    searched = document.get("nuisance") or document.get("conditional")
    return bool(searched) or len(document["search"].get("trials", [])) > 1


def _interval(low: float, high: float, scaling: Scaling) -> str:
    """Return an interval in words; an end far beyond the batch sizes tried is left open."""
    sizes = [item.size for item in scaling.fitted]
    least, most = sizes[0] / OPEN, sizes[-1] * OPEN
    if high <= most:
        return f"{low:,.0f} to {high:,.0f}" if low >= least else f"up to {high:,.0f}"
    if low < least:
        return "without ends: the steps do not tell"
    return f"from {min(low, most):,.0f} up, without an end"


def target_of_history(history: History) -> str:
    """Return the target of a procedure, as `validation/loss <= 0.5`."""
    objective = history.document["objective"]
    said = steps_to(objective["metric"], objective["mode"], objective["target"])
    return said.removeprefix("steps to ")


def _settings(history: History) -> BatchScalingSettings:
    assert isinstance(history.settings, BatchScalingSettings)
    return history.settings
