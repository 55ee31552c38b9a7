"""A metric's values by step, as a log tells them that a resumed run may have written twice."""

import math


class ByStep(dict[int, float]):
    """A metric's value by step: of several at one step the later.

    A run that was resumed logs some steps again. Where it has equal numbers there, nothing is lost.

    Attributes:
        replaced: Whether a later value took the place of another one.

    Example:
        >>> values = ByStep()
        >>> for value in (0.5, 0.5, 0.25):
        ...     values[10] = value
        >>> values, values.replaced
        ({10: 0.25}, True)
    """

    replaced: bool = False

    def __setitem__(self, step: int, value: float) -> None:
        """Set the value at a step, and see whether another one was there."""
        before = self.get(step, value)
        if before != value and not (math.isnan(before) and math.isnan(value)):
            self.replaced = True
        super().__setitem__(step, value)
