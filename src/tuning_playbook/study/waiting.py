"""What is waited for is said after ten seconds, and again each time after twice as long."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

FIRST_SECONDS = 10.0
"""After how long it is said for the first time; then each time after twice as long."""


def to_stderr(words: str) -> None:
    """Say something to whoever started this process."""
    print(words, file=sys.stderr, flush=True)


@contextlib.contextmanager
def waiting_for(what: str, say: Callable[[str], None] = to_stderr) -> Iterator[Callable[[], None]]:
    """Say what is waited for while the block takes long.

    Args:
        what: What the block waits for.
        say: Takes the words.

    Returns:
        A function that says that something came, from when on the waiting is counted anew.
    """
    ended, begun = threading.Event(), [time.monotonic()]

    def watch() -> None:
        since, seconds = begun[0], FIRST_SECONDS
        while not ended.wait(max(since + seconds - time.monotonic(), 0.01)):
            if begun[0] != since:
                since, seconds = begun[0], FIRST_SECONDS
            elif time.monotonic() - since >= seconds:
                say(f"waiting for {what}, for {seconds:.0f} s by now")
                seconds *= 2

    def came() -> None:
        begun[0] = time.monotonic()

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield came
    finally:
        ended.set()
