"""What other processes compute, from the counts that Linux keeps."""

import pytest

from tuning_playbook.jobs import other_work
from tuning_playbook.jobs.other_work import OtherWork


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine whose counts, in hundredths of a second, a test sets."""
    stat, clocks = tmp_path / "stat", {}
    monkeypatch.setattr(other_work, "STAT", stat)
    monkeypatch.setattr(other_work.os, "sysconf", lambda name: 100)
    monkeypatch.setattr(other_work.time, "monotonic", lambda: clocks["monotonic"])
    monkeypatch.setattr(other_work.time, "process_time", lambda: clocks["process_time"])

    def set_to(monotonic, own, counts):
        clocks.update(monotonic=monotonic, process_time=own)
        stat.write_text(f"cpu  {' '.join(map(str, counts))}\ncpu0 1 2 3\n")

    return set_to


def test_the_cores_of_others_are_all_that_are_busy_less_our_own(machine):
    """In ten seconds 25 are computed, of which 10 are ours; the rest is idle or waits for disks."""
    machine(100.0, 1.0, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    others = OtherWork()
    machine(110.0, 11.0, [1500, 200, 300, 1400, 100, 100, 200, 200, 900, 900])
    assert others.cores() == pytest.approx(1.5)


def test_nobody_else_computes_less_than_nothing(machine):
    machine(0.0, 0.0, [0] * 10)
    others = OtherWork()
    machine(1.0, 1.0, [99, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    assert others.cores() == 0


def test_without_counts_nothing_is_known(monkeypatch, tmp_path):
    monkeypatch.setattr(other_work, "STAT", tmp_path / "nowhere")
    assert OtherWork().cores() is None
