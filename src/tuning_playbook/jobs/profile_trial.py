"""Profile a trial: its steps with real batches against the same steps with one resident batch.

A step that takes longer with real batches waits for its input. A trace of some steps, viewed in
Perfetto, shows what it waits for.

Source: the playbook, "Optimizing the input pipeline".
"""

import itertools
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from tuning_playbook.engine.devices import share_batches
from tuning_playbook.engine.feed import READING_THREADS, Feed
from tuning_playbook.engine.input_clock import InputClock, InputSeconds, input_clock, until_ready
from tuning_playbook.engine.pieces import FEWEST_STEPS, Pace
from tuning_playbook.engine.program import Program, TrainState
from tuning_playbook.engine.run import open_feed
from tuning_playbook.engine.stream import Stream, stream_of
from tuning_playbook.errors import TuningPlaybookError, WorkloadError
from tuning_playbook.jobs.load_workload import load_data, load_workload
from tuning_playbook.jobs.place_trial import place_trial
from tuning_playbook.jobs.user_code import explain, own_file
from tuning_playbook.trials.request import PackRequest
from tuning_playbook.trials.trial import Trial
from tuning_playbook.workloads.protocol import Arrays

PIECE_SECONDS = 1.0
"""Most seconds that steps timed together should take."""

FEWEST_PIECES = 3
"""Fewest pieces with the resident batch, before and after those with real batches."""

REAL_PARTS = 5
"""Parts of the steps with real batches; their median counts, because a machine has hiccups."""

TRACED_PIECES = 2
"""Pieces in the trace; a longer trace opens slowly."""

TRACE = "perfetto_trace.json.gz"
"""JAX's file name for the trace that Perfetto opens."""


@dataclass(frozen=True)
class Profile:
    """How long the steps of a trial take, in seconds.

    Attributes:
        trial: Its id.
        device: The kind of device.
        lanes: How many lanes trained at once.
        steps: Steps timed with real batches.
        real_step: A step with real batches: the median over some parts, each a mean.
        resident_step: A step with one batch that stays on the device: the median.
        input_seconds: The cost of the batches for all `steps` together; None if the data is on the
            device.
        trace: The file of the trace.
    """

    trial: str
    device: str
    lanes: int
    steps: int
    real_step: float
    resident_step: float
    input_seconds: InputSeconds | None
    trace: Path

    @property
    def ratio(self) -> float:
        """Return the ratio of step times: with real batches to with a resident batch."""
        return self.real_step / self.resident_step


def profile_trial(request: PackRequest, folder: Path, *, seconds: float) -> Profile:
    """Measure the steps of a trial, and write a trace of some to a folder.

    Nothing of the trial is kept. Set up JAX's environment first (`environment.prepare`).

    Args:
        request: A request with one trial.
        folder: The folder for the trace.
        seconds: About how long to measure, without compilation and the trace.

    Raises:
        DeviceError: The trial needs more devices than there are.
        InfeasibleConfigurationError: The workload cannot run the trial.
        WorkloadError: Its data cannot be read, or its code raised an error.
    """
    (trial,) = request.trials
    workload = load_workload(trial.workload, request.import_from, request.data_folder)
    splits = load_data(trial.workload, workload, trial.data_split)
    spread = share_batches(trial.devices)
    try:
        data, host_data, examples = place_trial(trial, workload, splits, spread)
        program = Program(trial, workload, data, examples, spread)
        return _Profiler(program, trial, host_data, stream_of(workload)).profile(folder, seconds)
    except TuningPlaybookError:
        raise
    except Exception as error:  # a user's model may raise anything
        raise WorkloadError(
            f"workload '{trial.workload}': trial {trial.id} cannot be profiled: "
            f"{explain(error, own_file(workload))}"
        ) from error


class _Profiler:
    """Trains some steps of one trial repeatedly."""

    def __init__(
        self, program: Program, trial: Trial, host_data: Arrays | None, stream: Stream | None
    ) -> None:
        self._program, self._trial = program, trial
        self._lanes: Sequence[Trial] = [trial] * trial.lanes
        self._host_data, self._stream = host_data, stream
        self._seed, self._traced = program.arguments(self._lanes)
        self._state: TrainState = program.init(self._seed, self._traced)

    def profile(self, folder: Path, seconds: float) -> Profile:
        """Measure, then write a trace."""
        steps = self._piece_steps()
        resident = self._resident(steps)
        times = self._with_resident(resident, steps, seconds / 4)
        ends, cost = self._with_real(steps, seconds / 2)
        count = steps * (len(ends) - 1)
        times += self._with_resident(resident, steps, seconds / 4)
        return Profile(
            trial=self._trial.id,
            device=jax.local_devices()[0].device_kind,
            lanes=self._trial.lanes,
            steps=count,
            real_step=statistics.median(part_means(ends, steps)),
            resident_step=statistics.median(times) / steps,
            input_seconds=cost,
            trace=self._trace(folder, steps),
        )

    def _feed(self) -> Feed:
        return open_feed(
            self._program, self._lanes, 0, host_data=self._host_data, stream=self._stream
        )

    def _piece_steps(self) -> int:
        """Return how many steps are timed together: a training interval, or part of one."""
        pace = Pace()
        pace.begin(self._program.compile_seconds)
        until_ready(self._program.evaluate(self._state.variables, self._traced))
        pace.evaluated(self._program)
        trial = self._trial
        steps = min(trial.eval_every, trial.max_train_steps, self._feed().most_steps)
        while steps * pace.seconds > PIECE_SECONDS and steps // 2 >= FEWEST_STEPS:
            steps //= 2
        return steps

    def _resident(self, steps: int) -> Any:
        """Return the batches of the first steps on the device, after compiling with them."""
        feed = self._feed()
        fed = feed.next(steps)
        feed.close()
        spread = self._program.spread
        placed = jax.device_put(fed) if spread.mesh is None else spread.feed(fed)
        until_ready(self._train(0, steps, placed))
        return placed

    def _train(self, first: int, steps: int, fed: Any) -> Any:
        self._state, logged = self._program.train(
            self._state, first, steps, self._seed, self._traced, fed
        )
        return logged

    def _with_resident(self, resident: Any, steps: int, seconds: float) -> list[float]:
        """Return the seconds of each piece; each is dispatched while the one before trains."""
        before = self._train(0, steps, resident)
        ends = [time.perf_counter()]
        while len(ends) <= FEWEST_PIECES or ends[-1] - ends[0] < seconds:
            logged = self._train(0, steps, resident)
            until_ready(before)
            ends.append(time.perf_counter())
            before = logged
        until_ready(before)
        return [after - begun for begun, after in itertools.pairwise(ends)]

    def _with_real(self, steps: int, seconds: float) -> tuple[list[float], InputSeconds | None]:
        """Return the start time and the end time of each piece, and the cost of the batches.

        The next piece is prepared while the device trains, as in training. The clock starts before
        anything is read, so batches that readers prepared in advance do not improve the result.
        """
        ends = [time.perf_counter()]
        feed = self._feed()
        first, before = 0, None
        with input_clock(feed) as clock:
            while first == 0 or (
                first + steps <= self._trial.max_train_steps
                and time.perf_counter() - ends[0] < seconds
            ):
                logged = self._real_piece(feed, clock, first, steps)
                first += steps
                if before is not None:
                    until_ready(before)
                    ends.append(time.perf_counter())
                before = logged
            until_ready(before)
            ends.append(time.perf_counter())
            return ends, clock.seconds(feed)

    def _real_piece(self, feed: Feed, clock: InputClock, first: int, steps: int) -> Any:
        with jax.profiler.TraceAnnotation("input"):
            fed = clock.place(self._program.spread, feed, steps)
        with jax.profiler.TraceAnnotation("hand over the steps"):
            logged = self._train(first, steps, fed)
        clock.trains(logged, 0.0)  # already compiled
        return logged

    def _trace(self, folder: Path, steps: int) -> Path:
        """Write a trace of some pieces with real batches to a folder; return its file."""
        folder.mkdir(parents=True, exist_ok=True)
        feed = self._feed()
        with tempfile.TemporaryDirectory(prefix=".trace-", dir=folder) as place:
            with (
                jax.profiler.trace(place, create_perfetto_trace=True),
                input_clock(feed) as clock,
            ):
                first = 0
                while first == 0 or (
                    first < TRACED_PIECES * steps and first + steps <= self._trial.max_train_steps
                ):
                    logged = self._real_piece(feed, clock, first, steps)
                    first += steps
                until_ready(logged)
            (made,) = Path(place).rglob(TRACE)
            return Path(shutil.move(made, folder / TRACE))


def part_means(ends: Sequence[float], steps: int) -> list[float]:
    """Return the mean seconds of a step in each of some parts of a training.

    Each part includes one batch from every reader, because their batches come in bursts.

    Args:
        ends: The start time, then the end time of each piece.
        steps: Steps of a piece.
    """
    pieces = len(ends) - 1
    count = max(1, min(REAL_PARTS, pieces, pieces * steps // READING_THREADS))
    cuts = [pieces * part // count for part in range(count + 1)]
    return [(ends[b] - ends[a]) / ((b - a) * steps) for a, b in itertools.pairwise(cuts)]
