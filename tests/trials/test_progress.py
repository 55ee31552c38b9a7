"""The file that says how far a trial is."""

import json
import math

from tuning_playbook.trials.progress import (
    PROGRESS,
    Evaluation,
    append_progress,
    begin_progress,
    read_progress,
)


def some(step, loss=0.5):
    return Evaluation(step, {"validation/loss": loss}, seconds=step / 10)


def test_each_evaluation_is_a_line_of_json(tmp_path):
    begin_progress(tmp_path, 0)
    append_progress(tmp_path, some(0))
    append_progress(tmp_path, some(10, loss=0.25))
    lines = (tmp_path / PROGRESS).read_text().splitlines()
    assert json.loads(lines[1]) == {"step": 10, "metrics": {"validation/loss": 0.25}, "seconds": 1}
    assert read_progress(tmp_path) == (some(0), some(10, loss=0.25))


def test_a_metric_that_is_not_finite_is_null_which_every_json_parser_reads(tmp_path):
    append_progress(tmp_path, some(0, loss=math.inf))
    assert json.loads((tmp_path / PROGRESS).read_text())["metrics"] == {"validation/loss": None}
    assert math.isnan(read_progress(tmp_path)[0].metrics["validation/loss"])


def test_what_a_killed_process_left_is_read_up_to_its_half_line(tmp_path):
    append_progress(tmp_path, some(0))
    with (tmp_path / PROGRESS).open("a") as file:
        file.write('{"step": 10, "metr')
    assert read_progress(tmp_path) == (some(0),)


def test_a_resumed_trial_goes_on_where_it_repeats_nothing(tmp_path):
    for step in (0, 10, 20, 30):
        append_progress(tmp_path, some(step))
    begin_progress(tmp_path, 20)
    append_progress(tmp_path, some(20, loss=0.1))
    assert read_progress(tmp_path) == (some(0), some(10), some(20, loss=0.1))
    begin_progress(tmp_path, 0)
    assert read_progress(tmp_path) == ()


def test_there_is_no_progress_where_there_is_no_file(tmp_path):
    assert read_progress(tmp_path) == ()
