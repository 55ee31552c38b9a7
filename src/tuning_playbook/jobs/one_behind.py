"""Do work in a thread of its own, one piece behind whoever gives it.

Writing a trial takes some tenths of a second, in which the device can train the next one.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from types import TracebackType
from typing import Generic, TypeVar

Result = TypeVar("Result")


class OneBehind(Generic[Result]):
    """Does pieces of work in their order, each while its giver goes on to the next.

    A context: at its end all that was given is done, also where its giver failed.

    Attributes:
        done: What the pieces came to, in their order; complete when the context has ended.
    """

    def __init__(self) -> None:
        self.done: list[Result] = []
        self._thread = ThreadPoolExecutor(1)
        self._lock = Lock()  # of those who give work
        self._given: Callable[[], Result] | None = None
        self._under_way: Future[Result] | None = None

    def give(self, work: Callable[[], Result]) -> None:
        """Take a piece of work, as soon as the one before is done.

        It waits for that, so that never more than two pieces' worth is held in memory.

        Raises:
            Exception: What the piece before raised.
        """
        with self._lock:
            self._finish()
            self._given = work

    def begin(self) -> None:
        """Begin what was given, if it has not begun.

        A giver that first needs the interpreter to itself says so when it does no longer.
        """
        if self._given:  # else another giver may have the lock for as long as a piece takes
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
