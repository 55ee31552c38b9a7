"""Work that is done while its giver goes on."""

import threading

import pytest

from tuning_playbook.training.one_behind import OneBehind


def test_work_goes_on_while_its_giver_does():
    gone_on = threading.Event()
    worker = OneBehind()
    with worker:
        worker.do(lambda: gone_on.wait(60))
        gone_on.set()
    assert worker.done == [True]


def test_pieces_are_done_in_their_order():
    worker = OneBehind()
    with worker:
        for number in range(5):
            worker.do(lambda number=number: number)
            assert worker.done == list(range(number))
    assert worker.done == list(range(5))


def test_what_a_piece_raises_reaches_its_giver():
    worker = OneBehind()
    with pytest.raises(OSError, match="disk is full"), worker:
        worker.do(fail)
        worker.do(lambda: pytest.fail("the piece before failed"))


def test_what_was_given_is_done_though_its_giver_fails():
    worker = OneBehind()
    with pytest.raises(KeyboardInterrupt), worker:
        worker.do(lambda: 1)
        raise KeyboardInterrupt
    assert worker.done == [1]


def fail():
    raise OSError("the disk is full")
