"""Readings of a test set are on record, and say what was read before."""

import pytest

from tuning_playbook.errors import ArtefactError
from tuning_playbook.launches.test_set import (
    earlier_readings,
    find_reading,
    read_reading,
    write_reading,
)

READING = {
    "study": "first",
    "test_set": "abc",
    "trial": "1",
    "step": 10,
    "read": "2026-01-01T00:00:00+00:00",
    "metrics": {"loss": 0.5},
}


def record(results, **changes):
    reading = READING | changes
    write_reading(results / reading["study"], reading)
    return reading


def test_a_reading_says_what_any_study_read_of_the_same_test_set_before(tmp_path):
    first = record(tmp_path)
    second = record(tmp_path, study="second", read="2026-01-02T00:00:00+00:00")
    third = record(tmp_path, trial="2", read="2026-01-03T00:00:00+00:00")
    record(tmp_path, study="elsewhere", test_set="another", read="2025-01-01T00:00:00+00:00")
    assert earlier_readings(tmp_path, first) == []
    assert earlier_readings(tmp_path, second) == [first]
    assert earlier_readings(tmp_path, third) == [first, second]


def test_readings_of_rounds_and_of_studies_are_on_one_record(tmp_path):
    first = record(tmp_path, study="best/rounds/4")
    second = record(tmp_path, study="second", read="2026-01-02T00:00:00+00:00")
    third = record(tmp_path, study="best/rounds/5", read="2026-01-03T00:00:00+00:00")
    assert earlier_readings(tmp_path, second) == [first]
    assert earlier_readings(tmp_path, third) == [first, second]


def test_a_reading_is_of_one_checkpoint_of_a_trial(tmp_path):
    """Another objective has another best step, whose reading is not that of the first."""
    first = record(tmp_path)
    folder = tmp_path / "first"
    assert find_reading(folder, "1", 10) == first
    assert find_reading(folder, "1", 20) is None
    assert find_reading(folder, "2", 10) is None
    second = record(tmp_path, step=20, read="2026-01-02T00:00:00+00:00")
    assert find_reading(folder, "1", 20) == second
    assert earlier_readings(tmp_path, second) == [first]


def test_a_reading_that_was_filed_by_its_trial_alone_is_found(tmp_path):
    first = record(tmp_path)
    folder = tmp_path / "first"
    (folder / "test/1-10.json").rename(folder / "test/1.json")
    assert find_reading(folder, "1", 10) == first
    assert find_reading(folder, "1", 20) is None


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"study": 1}'])
def test_a_damaged_record_is_no_leave_to_read_again(tmp_path, content):
    path = tmp_path / "first" / "test" / "1.json"
    assert read_reading(path) is None
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(ArtefactError, match=r"1\.json: the record .* is damaged"):
        earlier_readings(tmp_path, READING)
