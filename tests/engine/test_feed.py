"""How far batches are read ahead of training."""

import time

import numpy as np
import pytest

from tuning_playbook.engine import feed
from tuning_playbook.engine.order import Order

EXAMPLES, BATCH, STEPS = 71, 8, 500


class CountedReads:
    """A training split on the host that counts the batches that are read of it."""

    def __init__(self) -> None:
        self.count = 0
        self._array = np.arange(EXAMPLES, dtype=np.float32)

    def __getitem__(self, index: slice | np.ndarray) -> np.ndarray:
        self.count += isinstance(index, np.ndarray)
        return self._array[index]

    def settled(self) -> int:
        """Return the count once nothing more is read."""
        before = -1
        while before != self.count:
            before = self.count
            time.sleep(0.3)
        return before


@pytest.mark.parametrize(("piece_batches", "ahead"), [(1, 4), (100, 64)])
def test_large_batches_are_read_less_far_ahead(
    monkeypatch: pytest.MonkeyPatch, piece_batches: int, ahead: int
) -> None:
    monkeypatch.setattr(feed, "PIECE_BYTES", piece_batches * BATCH * 4)
    reads = CountedReads()
    batches = feed.array_feed({"x": reads}, Order([0], EXAMPLES, BATCH), 0, STEPS)
    assert batches.most_steps == piece_batches
    for asked in (3, 6):
        batches.next(3)
        assert reads.settled() == asked + ahead
