"""What was measured of a best checkpoint, by the objective that says which it is."""

import json

import pytest

from tuning_playbook.trials.best_checkpoint import (
    BestCheckpoint,
    best_file,
    predictions_file,
    read_best,
    write_best,
)
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection, selection_from_json

ERROR = CheckpointSelection("validation/error_rate", "min", 3)
BEST = BestCheckpoint(20, {"loss": 0.5, "error_rate": 0.1}, {"loss": 0.01}, [3, 1], [4, 2])


def test_it_comes_back_as_it_was_written_and_says_its_format(tmp_path):
    write_best(tmp_path, ERROR, BEST)
    assert read_best(tmp_path, ERROR) == BEST
    assert json.loads(best_file(tmp_path, ERROR).read_text())["format"] == 1


@pytest.mark.parametrize(
    "other",
    [
        CheckpointSelection("validation/loss", "min", 3),
        CheckpointSelection("train/error_rate", "min", 3),
        CheckpointSelection("validation/error_rate", "max", 3),
    ],
)
def test_each_objective_has_files_of_its_own(tmp_path, other):
    write_best(tmp_path, ERROR, BEST)
    assert read_best(tmp_path, other) is None
    assert predictions_file(tmp_path, other) != predictions_file(tmp_path, ERROR)


def test_how_many_are_kept_changes_nothing_of_the_best(tmp_path):
    write_best(tmp_path, ERROR, BEST)
    assert read_best(tmp_path, CheckpointSelection("validation/error_rate", "min", 1)) == BEST


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1, "step": 3}'])
def test_a_damaged_file_tells_nothing(tmp_path, content):
    best_file(tmp_path, ERROR).write_text(content)
    assert read_best(tmp_path, ERROR) is None


def test_the_smaller_score_is_the_better_one():
    assert ERROR.score(0.1) < ERROR.score(0.2)
    largest = CheckpointSelection("validation/accuracy", "max", 1)
    assert largest.score(0.2) < largest.score(0.1)


def test_a_selection_comes_back_from_json():
    assert selection_from_json(json.loads(json.dumps(ERROR.to_json()))) == ERROR
