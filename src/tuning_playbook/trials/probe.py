"""A probe: measurements of a machine that trains at one batch size. It is not a trial.

    results/<procedure>/probes/<batch_size>.json

Source: playbook, "Determining the feasible batch sizes and estimating training throughput".
"""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any

from tuning_playbook.errors import ArtefactError

INPUT_BOUND = 1.25
"""A step is input-bound if it takes more than this many times the time of a step with a resident
batch."""

CROWD = 0.25
"""Cores that others may use before a probe counts as crowded: a machine is never quite idle."""

FASTER = 0.8
"""A step of twice as many examples that takes less than this part of the time was timed while the
machine was less busy: kernels of other shapes make up for some tenths at most."""

SAME = ("device", "backend", "machine", "threads", "devices")
"""What must be equal on two machines for their times to be compared."""


@dataclass(frozen=True)
class Timing:
    """A repeated timing, in seconds.

    Attributes:
        median: The median of the repetitions.
        lower: The first quartile.
        upper: The third quartile.
        repeats: The number of repetitions.
    """

    median: float
    lower: float
    upper: float
    repeats: int


@dataclass(frozen=True)
class InputTime:
    """The cost of a step's input on the host, in seconds per step, by part.

    The host prepares a step's input while the device computes the step before.

    Attributes:
        read: Waiting for examples that are being read or made.
        stack: Putting the batches of several steps together.
        transfer: Moving them to the device.
    """

    read: float
    stack: float
    transfer: float


@dataclass(frozen=True)
class Memory:
    """The memory of the device, in bytes.

    Attributes:
        estimate: Arguments, results and temporaries of the largest compiled function, by the
            compiler; None where the compiler gives no estimate.
        peak: The most that the device's allocator held; None if it is not reported, as on a CPU.
        limit: The limit for the estimate; None if there is none.
        limited_by: The source of the limit; empty if there is none.
    """

    estimate: int | None = None
    peak: int | None = None
    limit: int | None = None
    limited_by: str = ""


@dataclass(frozen=True)
class Probe:
    """The measurements at one batch size.

    Attributes:
        batch_size: The examples of a step.
        fits: Whether a step can be trained and evaluated.
        reason: Why not; empty if it can.
        memory: The memory of the device.
        machine: The machine and the software: `device`, `backend`, `host`, `machine`, `threads`,
            `devices`, `versions`, ...; the host's `cores`, and `other_cores`, the number of them
            that other processes kept busy during the measurement; {} if nothing was measured.
        step: A step of training with training's input; None if it does not fit.
        compute: A step whose batch is on the device already.
        input: The cost of the input on the host.
        compile_seconds: The time to compile the functions that train and evaluate.
        evaluation_seconds: The time of an evaluation of all evaluated splits.
        steps_per_repeat: Steps that were timed together.
    """

    batch_size: int
    fits: bool
    reason: str = ""
    memory: Memory = Memory()
    machine: Mapping[str, Any] = field(default_factory=dict)
    step: Timing | None = None
    compute: Timing | None = None
    input: InputTime | None = None
    compile_seconds: float | None = None
    evaluation_seconds: float | None = None
    steps_per_repeat: int = 0

    @property
    def seconds_per_step(self) -> float | None:
        """Return the median time of a step, in seconds; None if it does not fit."""
        return None if self.step is None else self.step.median

    @property
    def examples_per_second(self) -> float | None:
        """Return the throughput of training; None if it does not fit."""
        return None if self.step is None else self.batch_size / self.step.median

    @property
    def waiting(self) -> InputTime | None:
        """Return how long a step waits for its input, by part; None if it does not fit.

        That is the extra time of a step compared with a resident batch, and never more than the
        input costs the host. It is divided into parts in proportion to that cost.
        """
        if self.step is None or self.compute is None or self.input is None:
            return None
        parts = astuple(self.input)
        cost = sum(parts)
        wait = min(max(0.0, self.step.median - self.compute.median), cost)
        return InputTime(*(part * wait / cost if cost else 0.0 for part in parts))

    @property
    def wait_seconds(self) -> float | None:
        """Return how long a step waits for its input, in seconds; None if it does not fit."""
        return None if self.waiting is None else sum(astuple(self.waiting))

    @property
    def bottleneck(self) -> str:
        """Return the main cost of a step: `read`, `stack`, `transfer` or `compute`.

        It is the largest part of the input if the step is input-bound. It is empty if the batch
        does not fit.
        """
        if self.compute is None or self.waiting is None or self.wait_seconds is None:
            return ""
        if self.wait_seconds <= (INPUT_BOUND - 1) * self.compute.median:
            return "compute"
        parts = asdict(self.waiting)
        return max(parts, key=lambda name: float(parts[name]))

    @property
    def is_crowded(self) -> bool:
        """Return whether other processes took cores that the probe had asked for."""
        other, cores = self.machine.get("other_cores"), self.machine.get("cores")
        if other is None or cores is None:
            return False
        return bool(other + self.machine["threads"] > cores + CROWD)

    def to_json(self) -> dict[str, Any]:
        """Return the probe as a JSON object, with derived values before the measurements."""
        derived = ("seconds_per_step", "examples_per_second", "wait_seconds", "bottleneck")
        content = asdict(self)
        first = {name: content.pop(name) for name in ("batch_size", "fits", "reason")}
        first |= {name: getattr(self, name) for name in derived}
        return {**first, "waiting": self.waiting and asdict(self.waiting), **content}


def probe_from_json(content: Mapping[str, Any]) -> Probe:
    """Return the probe that `Probe.to_json` wrote."""
    timings = {
        name: None if content[name] is None else Timing(**content[name])
        for name in ("step", "compute")
    }
    given = content["input"]
    return Probe(
        batch_size=content["batch_size"],
        fits=content["fits"],
        reason=content["reason"],
        memory=Memory(**content["memory"]),
        machine=content["machine"],
        input=None if given is None else InputTime(**given),
        compile_seconds=content["compile_seconds"],
        evaluation_seconds=content["evaluation_seconds"],
        steps_per_repeat=content["steps_per_repeat"],
        **timings,
    )


def read_probes(files: Iterable[Path]) -> tuple[Probe, ...]:
    """Return the probes in some files, smallest batch size first.

    Raises:
        ArtefactError: A file cannot be read as a probe.
    """
    found = []
    for file in files:
        try:
            found.append(probe_from_json(json.loads(file.read_text())))
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise ArtefactError(
                f"{file}: cannot be read as a probe ({type(error).__name__}: {error}); delete it "
                "and run snakemake again"
            ) from None
    return tuple(sorted(found, key=lambda probe: probe.batch_size))


def machines_of(probes: Iterable[Probe]) -> tuple[tuple[str, ...], ...]:
    """Return the different machines of some probes, by everything that their times depend on."""
    found = [
        tuple(str(item.machine.get(name, "")) for name in SAME) for item in probes if item.fits
    ]
    return tuple(dict.fromkeys(found))


def disturbed(probes: Sequence[Probe]) -> list[tuple[Probe, Probe]]:
    """Return the pairs of neighbours of which the larger batch takes clearly less time for a step.

    No machine does more in less time: something else ran while the smaller one was timed.
    """
    feasible = [item for item in probes if item.step is not None]
    return [
        (smaller, larger)
        for smaller, larger in itertools.pairwise(feasible)
        if smaller.step and larger.step and larger.step.median < FASTER * smaller.step.median
    ]
