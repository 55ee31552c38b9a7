"""Probe one batch size: whether it fits the machine, how long a step takes, and what it waits for.

Each probe has its own process, so that no other probe's data is in memory. It trains no trial: its
model is thrown away.

Source: playbook, "Determining the feasible batch sizes and estimating training throughput".
"""

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tuning_playbook.engine.devices import share_batches
from tuning_playbook.engine.input_clock import until_ready
from tuning_playbook.engine.program import Program
from tuning_playbook.engine.run import open_feed
from tuning_playbook.engine.stream import stream_of
from tuning_playbook.errors import InfeasibleConfigurationError, TuningPlaybookError
from tuning_playbook.jobs.describe_workload import current_versions
from tuning_playbook.jobs.device_memory import OutOfMemoryError, WatchedSpread, memory_limit
from tuning_playbook.jobs.environment import provenance
from tuning_playbook.jobs.groups import check_versions
from tuning_playbook.jobs.load_workload import load_data, load_workload
from tuning_playbook.jobs.other_work import OtherWork
from tuning_playbook.jobs.place_trial import place_trial
from tuning_playbook.jobs.step_times import step_times
from tuning_playbook.jobs.training_errors import as_user_error, out_of_memory
from tuning_playbook.trials.probe import Probe
from tuning_playbook.trials.request import PackRequest
from tuning_playbook.trials.trial import Trial
from tuning_playbook.workloads.protocol import Arrays, Workload

logger = logging.getLogger(__name__)

ENDLESS = 2**31 - 1
"""A length whose end no probe reaches."""

EVALUATIONS = 3
"""Number of timed evaluations; their median counts."""


def measure_probe(
    request: PackRequest,
    *,
    memory_mb: int | None,
    asked_mb: int | None,
    repeats: int,
) -> Probe:
    """Return the measurements of a trial's configuration at its batch size.

    Call it in a separate process that is set up for the job.

    Args:
        request: One trial, which is not trained.
        memory_mb: The memory limit for a step by the compiler's estimate; None for the device's
            memory.
        asked_mb: The memory of the job in the spec's `resources`, if it is set.
        repeats: Number of timed repetitions.

    Raises:
        ChangedDuringRunError: Code or data is not what the probe was planned with.
        DeviceError: There are fewer devices than the number that share a batch.
        WorkloadError: The workload's own code raised an error.
    """
    (trial,) = request.trials
    workload = load_workload(trial.workload, request.import_from, request.data_folder)
    splits = load_data(trial.workload, workload)
    check_versions(request, current_versions(workload, splits, request.import_from))
    spread = WatchedSpread(share_batches(trial.devices).mesh, memory_limit(memory_mb, asked_mb))
    machine = provenance() | {"devices": trial.devices}
    empty = Probe(trial.batch_size, fits=False, machine=machine)
    try:
        return _measured(empty, trial, workload, splits, spread, repeats)
    except OutOfMemoryError as error:
        reason = f"out of memory: {error}"
    except InfeasibleConfigurationError as error:
        reason = str(error)
    except TuningPlaybookError:
        raise
    except (Exception, SystemExit) as error:  # a user's model may raise anything
        if not out_of_memory(error):
            raise as_user_error(error, trial.workload, workload) from error
        reason = f"out of memory: {str(error).splitlines()[0]}"
    logger.info("batch size %d does not fit: %s", trial.batch_size, reason)
    return replace(empty, reason=reason, memory=spread.memory())


def _measured(
    empty: Probe,
    trial: Trial,
    workload: Workload,
    splits: Mapping[str, Arrays],
    spread: WatchedSpread,
    repeats: int,
) -> Probe:
    """Return a probe with its measurements.

    Raises:
        OutOfMemoryError: A compiled function needs more memory than there is.
    """
    data, host_data, examples = place_trial(trial, workload, splits, spread)
    endless = replace(trial, max_train_steps=ENDLESS)
    program = Program(endless, workload, data, examples, spread)
    seed, traced = program.arguments([trial])
    state = program.init(seed, traced)
    feed = open_feed(program, [trial], 0, host_data=host_data, stream=stream_of(workload))
    others = OtherWork()
    times = step_times(program, state, seed, traced, feed, repeats)
    feed.close()
    load = {"cores": os.cpu_count(), "other_cores": others.cores()}
    evaluation = _evaluation_seconds(program, state.variables, traced)
    return replace(
        empty,
        fits=True,
        machine={**empty.machine, **load},
        memory=spread.memory(),
        step=times.step,
        compute=times.compute,
        input=times.input,
        compile_seconds=program.compile_seconds,
        evaluation_seconds=evaluation,
        steps_per_repeat=times.steps_per_lap,
    )


def _evaluation_seconds(program: Program, variables: Any, traced: Any) -> float:
    """Return how long an evaluation takes, without compilation."""
    until_ready(program.evaluate(variables, traced))
    seconds = []
    for _ in range(EVALUATIONS):
        started = time.perf_counter()
        until_ready(program.evaluate(variables, traced))
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))
