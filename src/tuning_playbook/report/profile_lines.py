"""The profile of a trial's steps, in lines of plain text and as JSON."""

from typing import TYPE_CHECKING, Any

from tuning_playbook.analysis.input_bound import PARTS, is_input_bound
from tuning_playbook.trials.probe import INPUT_BOUND

if TYPE_CHECKING:
    from tuning_playbook.jobs.profile_trial import Profile

UNITS = ((1.0, "s"), (1e-3, "ms"), (0.0, "µs"))
"""The units of a step's time, each with the shortest time that is written in it."""

FACTORS = {"s": 1.0, "ms": 1e3, "µs": 1e6}


def profile_lines(profile: "Profile") -> list[str]:
    """Return a profile in lines for a person.

    Args:
        profile: The profile.
    """
    lanes = f", {profile.lanes} lanes at once" if profile.lanes > 1 else ""
    lines = [
        f"trial {profile.trial}, {profile.steps:,} steps with real batches on {profile.device}"
        f"{lanes}:",
        f"  a step with real batches:      {step_time(profile.real_step)}",
        f"  a step with a resident batch:  {step_time(profile.resident_step)}",
        f"  {_verdict(profile)}",
    ]
    if profile.input_seconds is None:
        lines.append("  the data is on the device; the host only draws the numbers of examples")
    else:
        spent = [
            f"{part} {step_time(getattr(profile.input_seconds, part) / profile.steps)}"
            for part in PARTS
        ]
        wait = step_time(profile.input_seconds.wait / profile.steps)
        lines += [
            f"  the host, for each step:       {', '.join(spent)}",
            f"  the device waits for it:       {wait}",
        ]
    return [*lines, f"  trace: {profile.trace} (open it at https://ui.perfetto.dev)"]


def profile_json(profile: "Profile") -> dict[str, Any]:
    """Return a profile as a JSON object; all times are seconds for a step.

    Args:
        profile: The profile.
    """
    cost = profile.input_seconds
    host = None
    if cost is not None:
        host = {name: getattr(cost, name) / profile.steps for name in (*PARTS, "wait")}
    return {
        "format": 1,
        "trial": profile.trial,
        "device": profile.device,
        "lanes": profile.lanes,
        "steps": profile.steps,
        "step_seconds_real_batches": profile.real_step,
        "step_seconds_resident_batch": profile.resident_step,
        "ratio": profile.ratio,
        "limit": INPUT_BOUND,
        "input_bound": is_input_bound(profile.ratio),
        "input_seconds": host,
        "trace": profile.trace.name,
    }


def step_time(seconds: float) -> str:
    """Format the time of a step with the unit that suits it.

    Example:
        >>> step_time(0.0123), step_time(2.0), step_time(4.5e-5)
        ('12.3 ms', '2 s', '45 µs')
    """
    unit = next(unit for least, unit in UNITS if seconds >= least)
    return f"{seconds * FACTORS[unit]:.3g} {unit}"


def _verdict(profile: "Profile") -> str:
    ratio = f"real batches take {profile.ratio:.2f} times as long"
    if is_input_bound(profile.ratio):
        return f"input-bound: {ratio} (the limit is {INPUT_BOUND:g})"
    return f"not input-bound: {ratio} (the limit is {INPUT_BOUND:g})"
