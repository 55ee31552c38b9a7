"""Which batch sizes fit the machine, and up to which a doubling pays.

There are no rounds of trials: the conclusion follows from probes, one at each batch size.

Source: playbook, "Determining the feasible batch sizes and estimating training throughput".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuning_playbook.procedures.procedure_history import Conclusion, History, rounded
from tuning_playbook.procedures.round_documents import KEPT, SPAN, default_rate
from tuning_playbook.study.batch_sizes_settings import LARGEST_BATCH, BatchSizesSettings
from tuning_playbook.trials.probe import Probe, Timing, disturbed, machines_of

NOTCH = 1.57
"""Half width of a median's interval, in interquartile ranges over the root of the repetitions. Two
medians whose intervals do not overlap differ at the 5 % level (McGill, Tukey and Larsen, 1978)."""

NEAR = 10.0
"""A given learning rate is searched from its value divided by this factor to its value times it."""

FURTHER = 8
"""If no batch size is found, the next probes begin at one that is smaller by this factor."""

TRIALS = 16
"""Trials of the search at the batch size that was found."""

SEEDS = 5
"""Reruns of that search."""

NONE, UNKNOWN, ALONE = "no batch size fits", "cannot tell", "one batch size fits"
NO_DOUBLING, ALL_PAY, SOME_PAY = (
    "no doubling pays",
    "doubling pays up to the largest batch size",
    "doubling stops paying",
)
"""The verdicts."""

PLOTS = {
    "throughput": "Examples that training sees in a second against the batch size, with the line "
    "of perfect doubling",
    "step_time": "The time of a training step against the batch size: flat while doubling is "
    "free, and rising as the batch size where it gives nothing",
}
"""The plots of the conclusion."""

PARTS = {
    "read": "reading or making the examples",
    "stack": "putting batches together on the host",
    "transfer": "moving batches to the device",
    "compute": "the computation",
}
"""What a step may spend its time on, in words."""

CURES = {
    "read": "make reading cheaper: prepare the examples beforehand, or keep them in memory",
    "stack": "give the job more threads or faster memory, or feed smaller examples",
    "transfer": "feed smaller examples, as bytes in place of floats, and convert them on the "
    "device",
}
"""What helps against a bottleneck of the input."""


@dataclass(frozen=True)
class Doubling:
    """The step from one batch size to twice as much.

    Attributes:
        probe: At the larger size.
        gain: Its throughput, as a multiple of the highest of all smaller sizes.
        low: The lower end of the interval of the gain.
        high: The upper end.
        pays: Whether the gain is at least what the spec asks for.
    """

    probe: Probe
    gain: float
    low: float
    high: float
    pays: bool


def next(history: History) -> Conclusion:
    """Return the conclusion from the probes of a history."""
    settings = history.settings
    assert isinstance(settings, BatchSizesSettings)
    probes = history.probes
    feasible = [item for item in probes if item.fits]
    doublings = doublings_of(feasible, float(settings.pays))
    largest = feasible[-1].batch_size if feasible else None
    paying = [item.probe.batch_size for item in doublings if item.pays]
    worthwhile = paying[-1] if paying else None
    if largest is None:
        verdict = NONE
    elif len(machines_of(probes)) > 1 or disturbed(feasible):
        verdict, worthwhile = UNKNOWN, None
    elif not doublings:
        verdict = ALONE
    elif worthwhile is None:
        verdict = NO_DOUBLING
    else:
        verdict = ALL_PAY if worthwhile == largest else SOME_PAY
    found = _Found(probes, doublings, largest, worthwhile, verdict, settings)
    return Conclusion(
        verdict=verdict,
        values={"largest": largest, "worthwhile": worthwhile},
        sentence=_sentence(found),
        advice=_advice(found),
        next_study=_next_study(history, found),
        columns=_columns(found),
        numbers={
            "largest": math.nan if largest is None else largest,
            "worthwhile": math.nan if worthwhile is None else worthwhile,
            "pays": float(settings.pays),
        },
    )


def doublings_of(feasible: Sequence[Probe], pays: float) -> tuple[Doubling, ...]:
    """Return what each doubling of the batch size gains.

    The gain is over the best of all smaller sizes, so that a size that was measured while the
    machine was busy does not make the next one look good.

    Args:
        feasible: The probes that fit, the smallest batch size first.
        pays: The gain from which a doubling pays.
    """
    found = []
    for place in range(1, len(feasible)):
        probe = feasible[place]
        best = max(feasible[:place], key=lambda item: item.examples_per_second or 0.0)
        low, throughput, high = _throughput(probe)
        best_low, best_throughput, best_high = _throughput(best)
        gain = throughput / best_throughput
        found.append(Doubling(probe, gain, low / best_high, high / best_low, gain >= pays))
    return tuple(found)


def notch(timing: Timing) -> tuple[float, float]:
    """Return the interval of the median of a timing, in seconds."""
    half = NOTCH * (timing.upper - timing.lower) / math.sqrt(timing.repeats)
    return max(timing.median - half, timing.median / 2), timing.median + half


def _throughput(probe: Probe) -> tuple[float, float, float]:
    """Return the throughput of a probe between the ends of its interval."""
    assert probe.step is not None
    fast, slow = notch(probe.step)
    size = probe.batch_size
    return size / slow, size / probe.step.median, size / fast


@dataclass(frozen=True)
class _Found:
    """The facts that the words of a conclusion use."""

    probes: Sequence[Probe]
    doublings: Sequence[Doubling]
    largest: int | None
    worthwhile: int | None
    verdict: str
    settings: BatchSizesSettings

    @property
    def refused(self) -> Probe | None:
        """Return the smallest batch size that does not fit; None where all fit."""
        refused = [item for item in self.probes if not item.fits]
        return refused[0] if refused else None

    @property
    def stop(self) -> Doubling | None:
        """Return the first doubling that does not pay."""
        below = self.worthwhile or 0
        beyond = [item for item in self.doublings if item.probe.batch_size > below]
        return beyond[0] if beyond else None

    @property
    def reported(self) -> Probe | None:
        """Return the probe whose bottleneck is reported: where doubling stops, else the largest."""
        if self.stop is not None:
            return self.stop.probe
        fitting = [item for item in self.probes if item.fits]
        return fitting[-1] if fitting else None


def _sentence(found: _Found) -> str:
    if found.largest is None:
        refused = found.refused
        assert refused is not None
        return f"Not even a batch size of {refused.batch_size:,} fits: {refused.reason}."
    said = f"Batch sizes up to {found.largest:,} fit; {_end(found)}."
    if found.verdict == UNKNOWN:
        return f"{said} {_why_unknown(found)}"
    if found.verdict == ALONE:
        return f"{said} As one size alone fits, no doubling was measured."
    if found.verdict == ALL_PAY:
        said += f" Doubling pays up to {found.worthwhile:,}, the largest of them."
    elif found.worthwhile is not None:
        said += f" Doubling pays up to {found.worthwhile:,}."
    weak = [
        d for d in found.doublings if not d.pays and d.probe.batch_size < (found.worthwhile or 0)
    ]
    if weak:
        sizes = ", ".join(f"to {item.probe.batch_size:,} by {item.gain:.3g}" for item in weak)
        said += f" A doubling below that gains less: {sizes}."
    if (stop := found.stop) is not None:
        size, before = stop.probe.batch_size, stop.probe.batch_size // 2
        said += (
            f" From {before:,} to {size:,} the throughput is multiplied by {stop.gain:.3g}, less "
            f"than the {found.settings.pays:g} from which it pays"
        )
        close = stop.high >= float(found.settings.pays)
        said += f", though the timings allow for {stop.high:.3g}." if close else "."
    return " ".join(filter(None, [said, _bottleneck(found), _crowd(found)]))


def _why_unknown(found: _Found) -> str:
    """Return why the times of the probes cannot be compared."""
    machines = machines_of(found.probes)
    if len(machines) > 1:
        kinds = "; ".join(", ".join(machine) for machine in machines)
        return (
            f"Their times cannot be compared, as they were measured on different machines: {kinds}."
        )
    smaller, larger = disturbed(found.probes)[0]
    assert smaller.step is not None and larger.step is not None
    return (
        f"Their times contradict each other: a step took {1e3 * smaller.step.median:.3g} ms at a "
        f"batch size of {smaller.batch_size:,} and {1e3 * larger.step.median:.3g} ms at "
        f"{larger.batch_size:,}. {_crowd(found)}"
    ).strip()


def _crowd(found: _Found) -> str:
    """Return how much other work used the machine; empty where none did."""
    crowded = [item.machine for item in found.probes if item.is_crowded]
    if not crowded:
        return ""
    most = max(crowded, key=lambda machine: float(machine["other_cores"]))
    return (
        f"Other work took up to {most['other_cores']:.1f} of the {most['cores']} cores meanwhile, "
        "so the times are not those of the machine alone."
    )


def _end(found: _Found) -> str:
    """Return what ended the search."""
    assert found.largest is not None
    refused, after = found.refused, 2 * found.largest
    if refused is not None:
        return f"{refused.batch_size:,} does not: {refused.reason}"
    if found.settings.to is not None and after > found.settings.to:
        return "the spec asks for no larger one"
    if after > LARGEST_BATCH:
        return "no larger one is probed"
    return f"the training set has fewer than {after:,} examples"


def _bottleneck(found: _Found) -> str:
    """Return what a step spends its time on, where that is a limit."""
    probe = found.reported
    if probe is None or probe.seconds_per_step is None or probe.wait_seconds is None:
        return ""
    if probe.bottleneck == "compute":
        if found.stop is None:
            return ""
        devices = int(probe.machine.get("devices", 1))
        shared = " or the synchronization of its devices" if devices > 1 else ""
        return f"The bottleneck there is the computation{shared}: input does not hold it up."
    share = probe.wait_seconds / probe.seconds_per_step
    return (
        f"The bottleneck at {probe.batch_size:,} is the input: a step waits for it "
        f"{100 * share:.0f} % of its time, most of it for {PARTS[probe.bottleneck]}."
    )


def _advice(found: _Found) -> str:
    if found.largest is None:
        return (
            "Begin with a smaller batch size (`from`), use a device with more memory, or a smaller "
            "model."
        )
    if found.verdict == UNKNOWN:
        if len(machines_of(found.probes)) > 1:
            return "Probe on one kind of machine: ask for it in the profile of the cluster."
        return (
            "Probe again while nothing else runs on the machine: delete the folder `probes` beside "
            "this conclusion and run snakemake again."
        )
    said = []
    probe = found.reported
    if probe is not None and probe.bottleneck not in ("", "compute"):
        said.append(f"Fix the input first: {CURES[probe.bottleneck]}. Then probe again.")
    if found.verdict == NO_DOUBLING:
        said.append(
            "Begin with a smaller batch size (`from`) to see where doubling pays."
            if found.settings.from_ > 1
            else "Use the smallest batch size that trains well."
        )
    elif found.worthwhile is not None:
        said.append(
            f"Use no batch size above {found.worthwhile:,}: all benefits of a larger one assume "
            "that the throughput rises."
        )
    said.append(
        "Gradient accumulation (`training.microbatch`) simulates a larger batch and gives no "
        "throughput. Tune the learning rate and the regularization again at the batch size that "
        "you choose."
    )
    return " ".join(said)


def _columns(found: _Found) -> Mapping[str, tuple[float, ...]]:
    """Return the columns of the conclusion, NaN where there is no value: [batch_size]."""
    by_size = {item.probe.batch_size: item for item in found.doublings}
    listed = [by_size.get(item.batch_size) for item in found.probes]
    return {
        "gain": tuple(math.nan if item is None else item.gain for item in listed),
        "gain_low": tuple(math.nan if item is None else item.low for item in listed),
        "gain_high": tuple(math.nan if item is None else item.high for item in listed),
        "doubling_pays": tuple(math.nan if item is None else float(item.pays) for item in listed),
    }


def _next_study(history: History, found: _Found) -> dict[str, Any]:
    """Return a search of the learning rate at the batch size that was found.

    Where none was found, it probes smaller ones.
    """
    document = {key: history.document[key] for key in KEPT if key in history.document}
    fixed = dict(history.document.get("fixed", {}))
    smallest = found.settings.from_
    size = found.worthwhile or found.largest
    if found.verdict in (NONE, NO_DOUBLING):
        size = smallest if found.verdict == NO_DOUBLING and smallest == 1 else None
    if size is None:
        asked = found.settings.model_dump(by_alias=True, exclude_defaults=True)
        again = {**asked, "name": "batch_sizes", "from": max(1, smallest // FURTHER)}
        goal = {"goal": history.document["goal"]}
        return {**goal, **document, "fixed": fixed, "procedure": again}
    given = fixed.pop("learning_rate", None)
    centre, span = default_rate(document | {"fixed": fixed}), SPAN
    if given is not None:
        centre, span = float(given), NEAR
    rates = [rounded(centre / span), rounded(centre * span)]
    return {
        "goal": f"Which learning rate is the best at a batch size of {size:,}?",
        **document,
        "training": {**document["training"], "batch_size": size},
        "fixed": fixed,
        "nuisance": {"learning_rate": {"log_uniform": rates}},
        "search": {"algorithm": "halton", "trials": TRIALS},
        "reruns": {"seeds": SEEDS},
    }
