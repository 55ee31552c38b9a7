"""What training says of itself while it goes on."""

import itertools

import pytest

from tests.engine.quadratic import BEST_LOSS, make_trial
from tuning_playbook.errors import InterruptedTrainingError
from tuning_playbook.jobs import progress_files
from tuning_playbook.jobs.progress_files import ProgressFiles
from tuning_playbook.jobs.resume import SavedStates
from tuning_playbook.trials.progress import read_progress
from tuning_playbook.trials.trial_files import trial_folder

GOOD = {"learning_rate": 0.05}


@pytest.fixture
def seconds():
    """A clock that goes on by two seconds whenever it is looked at."""
    return itertools.count(2, 2).__next__


def steps_of(study, trial):
    return [item.step for item in read_progress(trial_folder(study, trial))]


@pytest.mark.parametrize("lanes", [1, 2])
def test_every_evaluation_is_written_with_the_numbers_of_the_record(
    train, tmp_path, seconds, lanes
):
    trials = [make_trial(seed=n, lanes=lanes, **GOOD) for n in range(lanes)]
    progress = ProgressFiles(tmp_path, BEST_LOSS, seconds)
    for item in train(*trials, evaluated=progress.evaluated):
        written = read_progress(trial_folder(tmp_path, item.trial))
        curves = item.record.evaluations
        assert [one.step for one in written] == curves.steps.tolist() == [0, 10, 20, 30, 40]
        assert [one.seconds for one in written] == [2, 4, 6, 8, 10]
        assert written[0].metrics.keys() == curves.values.keys()
        for name, values in curves.values.items():
            assert [one.metrics[name] for one in written] == values.tolist()


def test_a_lane_without_a_trial_writes_nothing(train, tmp_path, seconds):
    progress = ProgressFiles(tmp_path, BEST_LOSS, seconds)
    train(make_trial(lanes=2, **GOOD), evaluated=progress.evaluated)
    assert len(list((tmp_path / "trials").iterdir())) == 1


def test_a_trial_that_diverges_says_nothing_further(train, tmp_path, seconds):
    trials = [make_trial(seed=1, lanes=2, learning_rate=rate) for rate in (0.05, 1e3)]
    progress = ProgressFiles(tmp_path, BEST_LOSS, seconds)
    train(*trials, evaluated=progress.evaluated)
    assert steps_of(tmp_path, trials[0]) == [0, 10, 20, 30, 40]
    assert steps_of(tmp_path, trials[1]) == [0]


def test_a_resumed_trial_has_each_evaluation_once(train, tmp_path):
    trial = make_trial(**GOOD)
    folder = trial_folder(tmp_path, trial)
    stops = itertools.count(1)

    def go(stop):
        states = SavedStates([folder / "checkpoints"], 1, BEST_LOSS, stop)
        progress = ProgressFiles(tmp_path, BEST_LOSS, states.seconds)
        hooks = {"resume": states.resume, "between": states.between}
        train(trial, evaluated=progress.evaluated, **hooks)

    with pytest.raises(InterruptedTrainingError):
        go(lambda: next(stops) == 2)
    assert steps_of(tmp_path, trial) == [0, 10, 20]
    go(lambda: False)
    written = read_progress(folder)
    assert [item.step for item in written] == [0, 10, 20, 30, 40]
    times = [item.seconds for item in written]
    assert times == sorted(times), "the seconds of the interrupted process count too"


def test_the_log_says_the_step_the_best_value_and_the_time_left(
    train, tmp_path, seconds, monkeypatch, caplog
):
    monkeypatch.setattr(progress_files, "LOG_SECONDS", 0.0)
    caplog.set_level("INFO", "tuning_playbook")
    trial = make_trial(**GOOD)
    progress = ProgressFiles(tmp_path, BEST_LOSS, seconds)
    (item,) = train(trial, evaluated=progress.evaluated)
    losses = item.record.evaluations.values["validation/loss"]
    expected = (
        f"{trial.id}: step 30 of 40; best validation/loss {losses[3]:.4g}, at step 30; "
        "about 2 s left"
    )
    assert expected in caplog.messages


def test_the_log_is_silent_in_between(train, tmp_path, seconds, caplog):
    caplog.set_level("INFO", "tuning_playbook")
    progress = ProgressFiles(tmp_path, BEST_LOSS, seconds, _logged=float("inf"))
    train(make_trial(**GOOD), evaluated=progress.evaluated)
    assert "left" not in caplog.text
