"""How trials are divided into jobs: by how many there are, how long they take, and the cores."""

import json

import pytest

from tuning_playbook.planning.division import (
    LONGEST_SECONDS,
    JobSizes,
    Work,
    job_counts,
    kept_packs,
    parts_of,
    read_sizes,
    write_sizes,
)

SIZES = JobSizes((("a", "b"), ("c",)), reruns=5, round_trials=2)


@pytest.mark.parametrize(
    ("works", "slots", "counts"),
    [
        ([Work(16)], 2, (2,)),
        ([Work(16), Work(16)], 2, (1, 1)),
        ([Work(16)] * 3, 2, (2, 2, 2)),
        ([Work(16)], 1, (1,)),
        ([Work(3)], 64, (3,)),
        ([Work(0)], 4, (1,)),
        ([], 4, ()),
    ],
    ids=["one arm", "two arms", "three arms", "one core", "many cores", "no trial", "nothing"],
)
def test_there_are_as_many_jobs_as_keep_the_cores_busy(works, slots, counts):
    assert job_counts(works, slots) == counts


def test_an_arm_whose_trials_take_longer_has_more_jobs():
    assert job_counts([Work(16, 30.0), Work(16, 10.0)], 4) == (3, 1)


def test_arms_that_take_nearly_the_same_are_not_split_for_it():
    assert job_counts([Work(2, 0.9), Work(2, 1.3)], 2) == (1, 1)


def test_no_job_is_expected_to_take_very_long_unless_its_trial_does():
    (count,) = job_counts([Work(16, 300.0)], 1)
    assert 16 / count * 300.0 <= LONGEST_SECONDS
    assert job_counts([Work(4, 5000.0)], 1) == (4,)


def test_lanes_are_full():
    assert [len(part) for part in parts_of("abcdefghij", 4, multiple=4)] == [4, 4, 2]


def test_packs_of_before_stay_as_far_as_their_trials_are_still_planned():
    arms = {"a": "sgd", "b": "sgd", "c": "adam", "new": "sgd"}
    assert kept_packs([("a", "gone"), ("c",), ("gone",)], arms) == (("a",), ("c",))
    assert kept_packs([("a", "c", "b"), ("b",)], arms) == (("a", "b"),), "one arm in a job"


def test_a_division_is_written_and_read(tmp_path):
    write_sizes(tmp_path / "packs.json", SIZES)
    assert read_sizes(tmp_path / "packs.json") == SIZES
    assert json.loads((tmp_path / "packs.json").read_text())["packs"] == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"packs": 3, "reruns_per_job": 1, "round_per_job": 1}', '{"packs": [], '],
)
def test_a_damaged_file_is_as_if_there_were_none(tmp_path, content):
    (tmp_path / "packs.json").write_text(content)
    assert read_sizes(tmp_path / "packs.json") is None
    assert read_sizes(tmp_path / "none.json") is None


def test_the_file_is_not_touched_where_it_says_the_same(tmp_path):
    file = tmp_path / "packs.json"
    write_sizes(file, SIZES)
    before = file.stat().st_mtime_ns
    write_sizes(file, SIZES)
    assert file.stat().st_mtime_ns == before
