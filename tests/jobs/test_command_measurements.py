"""Files of measurements as scripts leave them: cut, repeated, written anew, or no table at all."""

import json
import math

import pytest

from tests.commands import write_command
from tuning_playbook.jobs.command_measurements import (
    LONGEST_LINE,
    Rows,
    Tail,
    complete_last_line,
    read_measurements,
    tail_of,
)
from tuning_playbook.study.command_file import read_command

ERROR = "validation/error"


@pytest.fixture
def command(tmp_path):
    columns = {"file": "log", "step": "step", ERROR: "val/error", "train_loss": "loss"}
    return read_command(write_command(tmp_path, changes={"measurements": columns}))


@pytest.fixture
def read(tmp_path, command):
    """Return what is read of a text, or of bytes."""

    def read(content, starts=(0,), whole=True):
        path = tmp_path / "log"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_measurements(path, command, starts, whole=whole)

    return read


def rows(*steps, error=1.0):
    return "".join(json.dumps({"step": step, "val/error": error}) + "\n" for step in steps)


SAME = {
    "JSON lines": '{"step": 1, "val/error": 0.5, "loss": 2}\n{"step": 2, "val/error": 0.25}\n',
    "nested": '{"step": 1, "val": {"error": 0.5}, "loss": 2}\n{"step": 2, "val": {"error": 0.25}}',
    "CSV": "step,loss,val/error\n1,2,0.5\n2,,0.25\n",
    "CSV of Windows": "step,loss,val/error\r\n1,2,0.5\r\n2,,0.25\r\n",
    "CSV with blanks and quotes": '"step", loss ,"val/error"\n\n1, 2, 0.5\n2,,"0.25"\n',
    "texts and real steps": '{"step": "1", "val/error": "0.5", "loss": "2"}\n'
    '{"step": 2.0, "val/error": 0.25, "loss": null}\n',
    "two rows of a step": '{"step": 1, "val/error": 0.5}\n{"step": 1, "loss": 2}\n'
    '{"step": 2, "val/error": 0.25}\n',
    "a mark of the order of bytes": "\ufeffstep,loss,val/error\n1,2,0.5\n2,,0.25\n",
    "a header again": "step,loss,val/error\n1,2,0.5\nstep,loss,val/error\n2,,0.25\n",
    "other rows between": '{"lr": 0.1, "step": 0}\n{"step": 1, "val/error": 0.5, "loss": 2}\n'
    '{"step": 2, "val/error": 0.25}\n',
}


@pytest.mark.parametrize("content", SAME.values(), ids=SAME)
def test_measurements_are_read_in_any_of_these_forms(read, content):
    found = read(content)
    assert found.values == {ERROR: {1: 0.5, 2: 0.25}, "train_loss": {1: 2.0}}
    assert found.unreadable == 0


def test_a_number_is_as_precise_as_it_was_written(read):
    assert read('{"step": 1, "val/error": 0.1234567890123456789}').values[ERROR][1] == (
        0.1234567890123456789
    )


@pytest.mark.parametrize("written", ["NaN", "Infinity", '"nan"', '"inf"'])
def test_what_is_not_finite_is_read(read, written):
    (value,) = read(f'{{"step": 1, "val/error": {written}}}').values[ERROR].values()
    assert not math.isfinite(value)


@pytest.mark.parametrize(
    "line",
    [
        "Epoch 1: done",
        '{"step": 1, "val/err',
        '{"step": -1, "val/error": 1}',
        '{"step": 1.5, "val/error": 1}',
        '{"step": true, "val/error": 1}',
        '{"step": 1, "val/error": "tensor(0.5)"}',
        '{"step": 1, "val/error": [1]}',
        "[1, 2, 3]",
        '"text"',
        "\x00\x01",
        "x" * 200_000,
        '{"step": 1, "val/error": "a", "loss": "b"}',
    ],
)
def test_a_line_that_is_no_row_is_counted_and_the_others_are_read(read, line):
    found = read(f"{line}\n{rows(5)}")
    assert found.values[ERROR] == {5: 1.0}
    assert found.unreadable == 1
    assert found.example == line[:100]


def test_a_cut_line_of_csv_is_no_row_unless_the_command_ended_by_itself(read):
    content = "step,val/error,loss\n1,0.5,0.25\n2,0.5,0.2"
    assert read(content, whole=False).values["train_loss"] == {1: 0.25}
    assert read(content, whole=True).values["train_loss"] == {1: 0.25, 2: 0.2}


def test_a_whole_object_of_json_needs_no_end_of_line(read):
    assert read(rows(1).strip(), whole=False).values[ERROR] == {1: 1.0}


def test_the_later_value_of_a_step_holds(read):
    assert read(rows(1, 2, error=1.0) + rows(1, 2, error=2.0)).values[ERROR] == {1: 2.0, 2: 2.0}


def test_another_start_replaces_what_it_measures_again_and_what_followed(read):
    before = rows(0, 10, 20, 30, error=1.0)
    found = read(before + rows(20, 25, error=2.0), starts=(0, len(before)))
    assert found.values[ERROR] == {0: 1.0, 10: 1.0, 20: 2.0, 25: 2.0}
    assert (found.first, found.again) == (0, (20, 30))


def test_another_start_that_goes_on_replaces_nothing(read):
    before = rows(0, 10)
    found = read(before + rows(20), starts=(0, len(before)))
    assert list(found.values[ERROR]) == [0, 10, 20]
    assert found.again == (20, 10)


def test_a_start_that_measures_nothing_leaves_what_there_was(read):
    before = rows(0, 10)
    found = read(before, starts=(0, len(before), len(before)))
    assert list(found.values[ERROR]) == [0, 10]
    assert found.again is None


def test_a_file_that_was_written_anew_has_no_earlier_starts(read):
    found = read(rows(0, 10, 20), starts=(0, len(rows(0)), 0))
    assert list(found.values[ERROR]) == [0, 10, 20]
    assert found.again is None


def test_a_line_without_end_does_not_fill_the_memory(read):
    found = read("x" * (3 * LONGEST_LINE) + "\n" + rows(5))
    assert found.values[ERROR] == {5: 1.0}


def test_no_file_is_no_measurement(tmp_path, command):
    found = read_measurements(tmp_path / "nothing", command, (0,), whole=True)
    assert (found.first, found.values[ERROR]) == (None, {})


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (rows(1) + '{"step": 2, "va', rows(1)),
        (rows(1) + rows(2).strip(), rows(1, 2)),
        ("step,val/error\n1,0.5\n2,0.1", "step,val/error\n1,0.5\n"),
        (rows(1), rows(1)),
        ("", ""),
        ("half", ""),
    ],
)
def test_half_a_line_is_taken_off_before_another_start(tmp_path, content, kept):
    path = tmp_path / "log"
    path.write_text(content)
    assert complete_last_line(path) == len(kept)
    assert path.read_text() == kept


def test_rows_behind_a_place_have_the_header_of_their_file(tmp_path, command):
    path = tmp_path / "log"
    path.write_text("# a comment\nstep,val/error\n1,0.5\n")
    tail = tail_of(path, command, path.stat().st_size)
    assert tail.new_rows() == []
    with path.open("a") as file:
        file.write("2,0.25\n")
    assert tail.new_rows() == [(2, {ERROR: 0.25})]


def test_new_rows_are_given_once_as_their_lines_are_whole(tmp_path, command):
    path = tmp_path / "log"
    tail = Tail(path, Rows(command.step, command.columns))
    assert tail.new_rows() == []
    path.write_text(rows(1) + '{"step": 2,')
    assert tail.new_rows() == [(1, {ERROR: 1.0})]
    with path.open("a") as file:
        file.write(' "val/error": 3}\n')
    assert tail.new_rows() == [(2, {ERROR: 3.0})]
    assert tail.new_rows() == []
    path.write_text(rows(7))
    assert tail.new_rows() == [(7, {ERROR: 1.0})]
    assert tail.shrunk
