"""Where the time of training goes where batches come from the host.

The host works ahead of the device, so its own work is not what input costs. What counts is how long
the device had nothing to train on because its batches were still read, put together or moved.

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
"""Results that are waited for at a time: batches, steps and evaluations, each of two pieces."""


until_ready: Callable[[Any], Any] = jax.block_until_ready
"""Returns what it is given once the device has computed it."""


@dataclass(frozen=True)
class InputSeconds:
    """What the batches from the host cost, in seconds.

    Attributes:
        read: The host waited for batches that were not read or made yet.
        stack: The host put the batches of several steps together.
        transfer: They were moved to the device; a CPU does so once it has done what came before,
            and that is not counted.
        wait: The device had nothing to train on meanwhile, of these three together.
        train: The device trained; evaluations and compiling apart.
    """

    read: float
    stack: float
    transfer: float
    wait: float
    train: float


@dataclass
class _Piece:
    """When the host and the device did what, on one clock.

    Attributes:
        asked: The host began to wait for the batches.
        moved: It began to move them.
        ready: They were on the device.
        told: The device was told to train on them.
        trained: It had.
        evaluated: It had evaluated, too; the same where no evaluation follows.
    """

    asked: float
    moved: float
    ready: Future[float]
    told: float
    trained: Future[float] | None = None
    evaluated: Future[float] | None = None


@dataclass
class InputClock:
    """Follows the pieces of a training that is fed from the host; of any other it notes nothing."""

    _pool: ThreadPoolExecutor | None
    _pieces: list[_Piece] = field(default_factory=list)

    def place(self, spread: Spread, feed: Feed, steps: int) -> Any:
        """Return what the next steps are fed; what comes from the host is on its way then."""
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
        """Take note that the device was told to train on what was placed last.

        Args:
            logged: What is there once it has.
            compile_seconds: What compiling took in between.
        """
        if self._pool is not None:
            piece = self._pieces[-1]
            piece.told += compile_seconds
            piece.trained = piece.evaluated = self._pool.submit(_when_ready, logged)

    def evaluates(self, metrics: Any) -> None:
        """Take note that the device was told to evaluate after it."""
        if self._pool is not None:
            self._pieces[-1].evaluated = self._pool.submit(_when_ready, metrics)

    def seconds(self, feed: Feed) -> InputSeconds | None:
        """Return where the time went; None where nothing came from the host.

        Waits until the device has done what it was told.

        Args:
            feed: What gave the batches.
        """
        if not isinstance(feed, HostFeed) or self._pool is None:
            return None
        in_turn = jax.local_devices()[0].platform == "cpu"  # others move batches as they train
        transfer = wait = train = 0.0
        before = free = float("-inf")  # when the device had trained, and done all, that came before
        for piece in self._pieces:
            assert piece.trained is not None and piece.evaluated is not None
            ready, trained = piece.ready.result(), piece.trained.result()
            wait += max(0.0, ready - max(piece.asked, free))
            transfer += max(0.0, ready - (max(piece.moved, free) if in_turn else piece.moved))
            # A CPU may evaluate beside the training that follows, and end later.
            begun = max(piece.told, ready, free if free < trained else before)
            train += max(0.0, trained - begun)
            before, free = trained, piece.evaluated.result()
        return InputSeconds(feed.read_seconds, feed.stack_seconds, transfer, wait, train)


@contextmanager
def input_clock(feed: Feed) -> Iterator[InputClock]:
    """Give a clock for a training; the reading ahead ends with it.

    Args:
        feed: What gives the batches.
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
    """Return when the device had computed something."""
    until_ready(result)
    return time.perf_counter()
