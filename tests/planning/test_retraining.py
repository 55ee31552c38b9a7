"""What is said of trials that were trained before and train again."""

import json

import pytest

from tests.specs import plan_of
from tuning_playbook.planning.retraining import retraining_lines
from tuning_playbook.trials.trial_files import FORMAT


@pytest.fixture
def plan(tmp_path):
    return plan_of(tmp_path, {"search.trials": 2})


def leave(folder, trial, **changes):
    """Leave the record of a trial as it was trained with other versions or settings."""
    content = {"format": FORMAT, "trial": trial.to_json() | changes}
    name = "0" * 9 + str(len(list(folder.glob("trials/*"))))
    place = folder / "trials" / (name if changes else trial.id)
    place.mkdir(parents=True)
    (place / "trial.json").write_text(json.dumps(content))
    return place / "trial.json"


def test_nothing_is_said_of_a_study_that_was_never_trained(plan, tmp_path):
    assert list(retraining_lines(plan, tmp_path / "results")) == []


def test_nothing_is_said_of_trials_that_are_there(plan, tmp_path):
    for item in plan.trials:
        leave(tmp_path, item.trial)
    assert list(retraining_lines(plan, tmp_path)) == []


def test_what_changed_is_said_and_how_many_trials_it_concerns(plan, tmp_path):
    first, *_ = [item.trial for item in plan.trials]
    leave(tmp_path, first, versions=dict(first.versions) | {"engine": "another"})
    (line,) = retraining_lines(plan, tmp_path)
    assert line.startswith(f"1 of {len(plan.trials)} trials train again")
    assert line.endswith("the code of the engine changed")


def test_another_setting_is_named_with_both_values(plan, tmp_path):
    first = plan.trials[0].trial
    leave(tmp_path, first, max_train_steps=7)
    (line,) = retraining_lines(plan, tmp_path)
    assert f"max_train_steps is {first.max_train_steps}, and was 7" in line


def test_results_of_an_earlier_version_are_known_as_such(plan, tmp_path):
    record = leave(tmp_path, plan.trials[0].trial, lanes=2)
    content = json.loads(record.read_text())
    del content["format"]
    record.write_text(json.dumps(content))
    (line,) = retraining_lines(plan, tmp_path)
    assert "an earlier version of this software trained them" in line


def test_a_damaged_record_is_passed_over(plan, tmp_path):
    leave(tmp_path, plan.trials[0].trial, lanes=2).write_text("[")
    assert list(retraining_lines(plan, tmp_path)) == []
