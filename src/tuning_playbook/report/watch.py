"""Show lines that change, until they are final."""

import contextlib
import sys
import time
from collections.abc import Callable

Look = Callable[[], tuple[list[str], bool]]
"""Returns the lines to show, and whether they are the last ones."""


def watch(look: Look, *, every: float) -> None:
    """Show what `look` returns: in place on a terminal, elsewhere as new lines when it changes.

    Ctrl-C ends it quietly.

    Args:
        look: Called again and again.
        every: Seconds between two calls.
    """
    with contextlib.suppress(KeyboardInterrupt):
        if sys.stdout.isatty():
            _on_a_terminal(look, every)
        else:
            _below_each_other(look, every)


def _on_a_terminal(look: Look, every: float) -> None:
    # Flax brings it. Its Live redraws lines of any number and width in place.
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.live import Live  # noqa: PLC0415 - likewise
    from rich.text import Text  # noqa: PLC0415 - likewise

    lines, last = look()
    with Live(Text("\n".join(lines)), console=Console(), auto_refresh=False) as live:
        while not last:
            time.sleep(every)
            lines, last = look()
            live.update(Text("\n".join(lines)), refresh=True)


def _below_each_other(look: Look, every: float) -> None:
    shown: list[str] = []
    while True:
        lines, last = look()
        if lines != shown:
            print("\n".join(lines), flush=True)
            shown = lines
        if last:
            return
        time.sleep(every)
