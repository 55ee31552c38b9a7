"""SIGTERM, which a scheduler sends some time before it kills: noted, and acted on when it suits."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def noted_sigterm() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether SIGTERM has come."""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        came.append(number)

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGTERM, before)
