"""A long wait is reported; a short one is not."""

import threading

import pytest

from tuning_playbook.study import waiting
from tuning_playbook.study.waiting import waiting_for

HANGS = 60


@pytest.fixture
def said(monkeypatch):
    """Takes the words, and wakes whoever waits for some."""
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 0.05)
    words, times = [], {n: threading.Event() for n in (1, 2)}

    def say(line):
        words.append(line)
        if len(words) in times:
            times[len(words)].set()

    say.words, say.times = words, times
    return say


def test_it_is_said_again_after_twice_as_long(said):
    with waiting_for("the data of workload 'own'", said):
        assert said.times[2].wait(HANGS)
    assert said.words[:2] == [
        "waiting for the data of workload 'own', for 0 s by now",
        "waiting for the data of workload 'own', for 0 s by now",
    ]


def test_nothing_is_said_of_what_comes_at_once(said, monkeypatch):
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 3600.0)
    with waiting_for("the data", said):
        pass
    assert said.words == []


def test_nothing_is_said_when_it_is_over(said):
    with waiting_for("the data", said):
        assert said.times[1].wait(HANGS)
    before = len(said.words)
    assert not threading.Event().wait(0.5)
    assert len(said.words) <= before + 1


def test_what_comes_now_and_then_is_not_missed(said, monkeypatch):
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 3600.0)
    with waiting_for("its next steps", said) as came:
        came()
    assert said.words == []
