"""Measure where the time of training goes if batches come from the host.

The host works ahead of the device, so its own work is not the cost of input. The cost is the time
in which the device had nothing to train on because its batches were still being read, put together
or moved.

Source: the playbook, "Optimizing the input pipeline".
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax

from tuning_playbook.engine.devices import Spread
from tuning_playbook.engine.feed import Feed, HostFeed

WATCHED_AT_ONCE = 6
"""Results awaited at a time: batches, steps and evaluations, for each of two pieces."""


until_ready: Callable[[Any], Any] = jax.block_until_ready
"""Waits until the device has computed its argument, and returns it."""


@dataclass(frozen=True)
class InputSeconds:
    """The cost of batches from the host, in seconds.

    Attributes:
        read: The host waited for batches that were not ready.
        stack: The host put the batches of several steps together.
        transfer: The batches were moved to the device. A CPU moves them after it has finished
            earlier work, and that wait is not counted.
        wait: The device had nothing to train on during these three.
        train: The device trained, without evaluations and compiling.
    """

    read: float
    stack: float
    transfer: float
    wait: float
    train: float


@dataclass
class _Piece:
    """Times of the host's and the device's actions, on one clock.

    Attributes:
        asked: The host began to wait for the batches.
        moved: The host began to move them.
        ready: The batches were on the device.
        told: The device was told to train on them.
        trained: The device had trained on them.
        evaluated: The device had also evaluated; equal to `trained` if no evaluation follows.
    """

    asked: float
    moved: float
    ready: Future[float]
    told: float
    trained: Future[float] | None = None
    evaluated: Future[float] | None = None


@dataclass
class InputClock:
    """Times the pieces of a training that is fed from the host; for others it records nothing."""

    _pool: ThreadPoolExecutor | None
    _pieces: list[_Piece] = field(default_factory=list)

    def place(self, spread: Spread, feed: Feed, steps: int) -> Any:
        """Return the input of the next steps; input from the host is then on its way."""
        asked = time.perf_counter()
        given = feed.next(steps)
        if self._pool is None:
            return spread.feed(given)
        moved = time.perf_counter()
        placed = jax.device_put(given) if spread.mesh is None else spread.feed(given)
        ready = self._pool.submit(_when_ready, placed)
        self._pieces.append(_Piece(asked, moved, ready, time.perf_counter()))
        return placed

    def trains(self, logged: Any, compile_seconds: float) -> None:
        """Record that the device was told to train on the last input.

        Args:
            logged: Becomes ready when the training is done.
            compile_seconds: The time of compiling in between.
        """
        if self._pool is not None:
            piece = self._pieces[-1]
            piece.told += compile_seconds
            piece.trained = piece.evaluated = self._pool.submit(_when_ready, logged)

    def evaluates(self, metrics: Any) -> None:
        """Record that the device was told to evaluate after it."""
        if self._pool is not None:
            self._pieces[-1].evaluated = self._pool.submit(_when_ready, metrics)

    def seconds(self, feed: Feed) -> InputSeconds | None:
        """Return where the time went; None if nothing came from the host.

        Waits until the device has done what it was told.

        Args:
            feed: The source of the batches.
        """
        if not isinstance(feed, HostFeed) or self._pool is None:
            return None
        in_turn = jax.local_devices()[0].platform == "cpu"  # others move batches as they train
        transfer = wait = train = 0.0
        before = free = float("-inf")  # when earlier training, and all earlier work, had ended
        for piece in self._pieces:
            assert piece.trained is not None and piece.evaluated is not None
            ready, trained = piece.ready.result(), piece.trained.result()
            wait += max(0.0, ready - max(piece.asked, free))
            transfer += max(0.0, ready - (max(piece.moved, free) if in_turn else piece.moved))
            # A CPU may evaluate during the training that follows, and end later.
            begun = max(piece.told, ready, free if free < trained else before)
            train += max(0.0, trained - begun)
            before, free = trained, piece.evaluated.result()
        return InputSeconds(feed.read_seconds, feed.stack_seconds, transfer, wait, train)


@contextmanager
def input_clock(feed: Feed) -> Iterator[InputClock]:
    """Yield a clock for a training; when it exits, reading ahead stops.

    Args:
        feed: The source of the batches.
    """
    if not isinstance(feed, HostFeed):
        yield InputClock(None)
        return
    pool = ThreadPoolExecutor(WATCHED_AT_ONCE, thread_name_prefix="input-clock")
    try:
        yield InputClock(pool)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        feed.close()


def _when_ready(result: Any) -> float:
    """Return when the device had computed a result."""
    until_ready(result)
    return time.perf_counter()
