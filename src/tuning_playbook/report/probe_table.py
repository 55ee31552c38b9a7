"""The probes of a procedure, as the report lists them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from tuning_playbook.report.formatting import MISSING, duration, memory, number

MACHINE = ("host", "device", "threads", "devices")
"""The properties of a machine that the report shows."""

PARTS = ("read", "stack", "transfer")
"""The parts of the time that a step waits for its input."""


@dataclass(frozen=True)
class ProbeRow:
    """A row of the table of probes, with printed values.

    Attributes:
        batch_size: Of the probe.
        throughput: Examples a second.
        gain: The throughput as a multiple of the highest of all smaller sizes.
        pays: Whether the doubling pays.
        step: Time of a step, with its quartiles.
        wait: The share of a step that it waits for its input.
        parts: That share by part, in the order of `PARTS`.
        limited_by: What a step takes its time for.
        compile: Time to compile.
        evaluation: Time of an evaluation.
        memory: By the compiler's estimate, and by the allocator where it says.
        reason: Why it does not fit; empty where it does.
    """

    batch_size: str
    throughput: str = MISSING
    gain: str = MISSING
    pays: str = MISSING
    step: str = MISSING
    wait: str = MISSING
    parts: tuple[str, ...] = ()
    limited_by: str = MISSING
    compile: str = MISSING
    evaluation: str = MISSING
    memory: str = MISSING
    reason: str = ""


def make_probe_rows(dataset: xr.Dataset) -> list[ProbeRow]:
    """Return a row for each probe.

    Args:
        dataset: The conclusion.nc of a procedure that probes.
    """
    return [
        _row({str(name): dataset[name].values[place] for name in dataset.variables})
        for place in range(dataset.sizes["batch_size"])
    ]


def _row(of: Mapping[str, Any]) -> ProbeRow:
    size = f"{int(of['batch_size']):,}"
    estimate = memory(float(of["estimate_bytes"]))
    peak = memory(float(of["peak_bytes"]))
    told = estimate if peak == MISSING else f"{estimate}; allocator {peak}"
    if not of["fits"]:
        return ProbeRow(size, memory=told, reason=str(of["reason"]))
    seconds = float(of["seconds_per_step"])
    pays = {0.0: "no", 1.0: "yes"}.get(float(of["doubling_pays"]), MISSING)
    quartiles = f"{milliseconds(of['seconds_per_step_lower'])} to "
    quartiles += milliseconds(of["seconds_per_step_upper"])
    parts = tuple(_percent(of[f"wait_{part}"] / seconds) for part in PARTS)
    return ProbeRow(
        batch_size=size,
        throughput=three_digits(float(of["examples_per_second"])),
        gain=number(float(of["gain"]), 3),
        pays=pays,
        step=f"{milliseconds(seconds)} ({quartiles})",
        wait=_percent(of["wait_seconds"] / seconds),
        parts=parts,
        limited_by=str(of["bottleneck"]),
        compile=duration(float(of["compile_seconds"])),
        evaluation=f"{milliseconds(of['evaluation_seconds'])} ms",
        memory=told,
    )


def milliseconds(seconds: float) -> str:
    """Format a time in milliseconds, without the unit.

    Example:
        >>> milliseconds(0.00042175), milliseconds(1.9723)
        ('0.422', '1,970')
    """
    return three_digits(1e3 * float(seconds))


def three_digits(value: float) -> str:
    """Format a measurement with three significant digits, never as a power of ten.

    Example:
        >>> three_digits(74123.4), three_digits(3.14159)
        ('74,100', '3.14')
    """
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:g}"


def machine_facts(probes: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return the machine and the software of some probes, as the report shows them.

    Args:
        probes: As conclusion.json has them.
    """
    measured = [probe["machine"] for probe in probes if probe["machine"]]
    facts = [(name, ", ".join(dict.fromkeys(str(of[name]) for of in measured))) for name in MACHINE]
    others = [of["other_cores"] for of in measured if of.get("other_cores") is not None]
    if others:
        busy = f"up to {max(others):.1f} of {measured[0]['cores']} cores"
        facts.append(("other work meanwhile", busy))
    versions = [f"{name} {of['versions'][name]}" for of in measured for name in ("jax", "jaxlib")]
    return [*facts, ("software", ", ".join(dict.fromkeys(versions)))] if measured else []


def _percent(share: float) -> str:
    return f"{100 * float(share):.0f} %"
