"""Do work in a separate thread, one piece behind the caller.

Writing a trial takes some tenths of a second; meanwhile the device can train the next one.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from types import TracebackType
from typing import Generic, TypeVar

Result = TypeVar("Result")


class OneBehind(Generic[Result]):
    """Does pieces of work in order, each while the caller continues with the next.

    A context manager: when it exits, all pieces are done, even if the caller raised an error.

    Attributes:
        done: The results of the pieces, in order; complete when the context has exited.
    """

    def __init__(self) -> None:
        self.done: list[Result] = []
        self._thread = ThreadPoolExecutor(1)
        self._lock = Lock()  # held by callers that give work
        self._given: Callable[[], Result] | None = None
        self._under_way: Future[Result] | None = None

    def give(self, work: Callable[[], Result]) -> None:
        """Start a piece of work as soon as the one before is done.

        It waits for that, so that memory never holds more than two pieces.

        Raises:
            Exception: What the piece before raised.
        """
        with self._lock:
            self._finish()
            self._given = work

    def begin(self) -> None:
        """Begin the given piece, if it has not begun.

        A caller that first needs the interpreter for itself calls this when it no longer does.
        """
        if self._given:  # else another caller may hold the lock for as long as a piece takes
            with self._lock:
                self._begin()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._thread:
            self._finish()

    def _begin(self) -> None:
        given, self._given = self._given, None
        if given:
            self._under_way = self._thread.submit(given)

    def _finish(self) -> None:
        self._begin()
        under_way, self._under_way = self._under_way, None
        if under_way:
            self.done.append(under_way.result())
