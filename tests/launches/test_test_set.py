"""Readings of a test set are on record, and say what was read before."""

import pytest

from tuning_playbook.errors import ArtefactError
from tuning_playbook.launches.test_set import earlier_readings, read_reading, write_reading

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
    write_reading(results / reading["study"] / "test" / f"{reading['trial']}.json", reading)
    return reading


def test_a_reading_says_what_any_study_read_of_the_same_test_set_before(tmp_path):
    first = record(tmp_path)
    second = record(tmp_path, study="second", read="2026-01-02T00:00:00+00:00")
    third = record(tmp_path, trial="2", read="2026-01-03T00:00:00+00:00")
    record(tmp_path, study="elsewhere", test_set="another", read="2025-01-01T00:00:00+00:00")
    assert earlier_readings(tmp_path, first) == []
    assert earlier_readings(tmp_path, second) == [first]
    assert earlier_readings(tmp_path, third) == [first, second]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"study": 1}'])
def test_a_damaged_record_is_no_leave_to_read_again(tmp_path, content):
    path = tmp_path / "first" / "test" / "1.json"
    assert read_reading(path) is None
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(ArtefactError, match=r"1\.json: the record .* is damaged"):
        earlier_readings(tmp_path, READING)
