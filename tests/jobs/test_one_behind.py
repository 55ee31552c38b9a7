"""Work that is done while its giver goes on."""

import threading

import pytest

from tuning_playbook.jobs.one_behind import OneBehind


def test_work_goes_on_while_its_giver_does():
    gone_on = threading.Event()
    worker = OneBehind()
    with worker:
        worker.give(lambda: gone_on.wait(60))
        worker.begin()
        gone_on.set()
    assert worker.done == [True]


def test_work_waits_until_its_giver_has_gone_on():
    seen, begun = [], threading.Event()
    worker = OneBehind()
    with worker:
        worker.begin()
        worker.give(lambda: begun.set() or seen.append("done"))
        assert not begun.wait(0.1)
        seen.append("gone on")
        worker.begin()
        assert begun.wait(60)
        worker.begin()
    assert seen == ["gone on", "done"]


def test_pieces_are_done_in_their_order():
    worker = OneBehind()
    with worker:
        for number in range(5):
            worker.give(lambda number=number: number)
            assert worker.done == list(range(number))
    assert worker.done == list(range(5))


def test_what_a_piece_raises_reaches_its_giver():
    worker = OneBehind()
    with pytest.raises(OSError, match="disk is full"), worker:
        worker.give(fail)
        worker.give(lambda: pytest.fail("the piece before failed"))


def test_what_was_given_is_done_though_its_giver_fails():
    worker = OneBehind()
    with pytest.raises(KeyboardInterrupt), worker:
        worker.give(lambda: 1)
        raise KeyboardInterrupt
    assert worker.done == [1]


def fail():
    raise OSError("the disk is full")
