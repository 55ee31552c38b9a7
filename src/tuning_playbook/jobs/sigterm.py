"""Note Ctrl-C and SIGTERM, which a scheduler sends some time before it kills, and act on them.

A training checks after every piece, saves its state and ends. If it never gets to check, because
user code hangs, a thread ends the process: the main thread may wait in a library, where Python
calls no signal handler.
"""

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from tuning_playbook.errors import INTERRUPTED

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)

PATIENCE = 20.0
"""Seconds in which a training must check; a piece takes eight. A scheduler kills after some
thirty."""


@contextlib.contextmanager
def noted_sigterm(*, ends: bool = False) -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether the process was told to stop.

    Args:
        ends: Whether to end the process, with the status `INTERRUPTED`, if the function is not
            called within `PATIENCE` seconds after that.
    """
    came, asked = threading.Event(), threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        del number, frame
        came.set()

    if threading.current_thread() is not threading.main_thread():  # other threads get no signals
        yield lambda: False
        return

    def should_stop() -> bool:
        if came.is_set():
            asked.set()
        return came.is_set()

    def watch(signals: int) -> None:
        while number := os.read(signals, 1):
            if number[0] in SIGNALS:
                came.set()
                if ends and not asked.wait(PATIENCE):
                    logger.warning(
                        "stopped: the training did not come to the end of a piece for %.0f s; it "
                        "goes on from its last saved state, if there is one",
                        PATIENCE,
                    )
                    os._exit(INTERRUPTED)

    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = {number: signal.signal(number, note) for number in SIGNALS}
    woken_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watcher = threading.Thread(target=watch, args=(reading,), daemon=True)
    watcher.start()
    try:
        yield should_stop
    finally:
        asked.set()
        signal.set_wakeup_fd(woken_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(writing)
        watcher.join()
        os.close(reading)
