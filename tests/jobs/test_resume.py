"""Trials that are stopped go on as if nothing had been, however their checkpoints are ranked."""

import itertools
import logging
import shutil
import time
from collections import deque

import jax
import numpy as np
import pytest

from tests.engine.bits import differing
from tests.engine.quadratic import BEST_LOSS, make_trial
from tests.engine.texts import as_stream
from tests.jobs.damage import flip_a_bit
from tuning_playbook.engine import pieces, program, run
from tuning_playbook.engine.program import Program
from tuning_playbook.engine.run import train_group
from tuning_playbook.errors import InterruptedTrainingError
from tuning_playbook.jobs import resume
from tuning_playbook.jobs.resume import SavedStates
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection
from tuning_playbook.trials.resume_states import remove_resumes, resume_name, resume_steps

GOOD = {"learning_rate": 0.05}


@pytest.fixture
def resumable(train, tmp_path):
    """Train trials of one signature in one group, from the states that were saved of them."""

    def resumable(*trials, stop=lambda: False, selection=BEST_LOSS, **others):
        folders = [tmp_path / trial.id for trial in trials]
        states = SavedStates(folders, trials[0].lanes, selection, stop)
        hooks = {"resume": states.resume, "between": states.between}
        return train(*trials, selection=selection, **hooks, **others)

    return resumable


@pytest.mark.parametrize("features", [{}, {"polyak_decay": 0.9, "noise": 0.1, "clip_norm": 1.0}])
@pytest.mark.parametrize("lanes", [1, 2])
def test_a_resumed_trial_equals_an_uninterrupted_one(resumable, tmp_path, lanes, features):
    trials = [
        make_trial(
            seed=n,
            optimizer="adam",
            lanes=lanes,
            momentum=0.9,
            b1=0.9,
            b2=0.99,
            epsilon=1e-8,
            **GOOD,
            **features,
        )
        for n in range(lanes)
    ]
    whole = resumable(*trials)
    for stop_after in (1, 2, 3):
        calls = itertools.count(1)
        with pytest.raises(InterruptedTrainingError, match="stopped after step"):
            resumable(*trials, stop=lambda c=calls, s=stop_after: next(c) == s)
        resumed = resumable(*trials)
        for one, other in zip(whole, resumed, strict=True):
            assert differing(one.record, other.record) == []
            assert [step for step, _ in one.best] == [step for step, _ in other.best]
            for (_, a), (_, b) in zip(one.best, other.best, strict=True):
                same = jax.tree.map(np.array_equal, a, b)
                assert all(jax.tree.leaves(same))
        for trial in trials:
            remove_resumes(tmp_path / trial.id)


@pytest.mark.parametrize("lanes", [1, 4])
def test_where_an_interval_is_cut_into_pieces_changes_no_bit(resumable, monkeypatch, lanes):
    """Steps so slow that an interval of ten is cut, and a stop between two evaluations."""
    trials = [make_trial(seed=n, **GOOD, lanes=lanes) for n in range(lanes)]
    whole = resumable(*trials)
    monkeypatch.setattr(pieces, "PIECE_SECONDS", 1e-9)
    monkeypatch.setattr(pieces, "KEPT_SECONDS", (0.0, 0.0))
    calls = itertools.count(1)
    with pytest.raises(InterruptedTrainingError, match="stopped after step 17"):
        resumable(*trials, stop=lambda: next(calls) == 7)
    resumed = resumable(*trials)
    for one, other in zip(whole, resumed, strict=True):
        assert differing(one.record, other.record) == []


class SimulatedDevice:
    """A device that takes the time that a test says, and the clock of whoever waits for it.

    What it is given it begins when it has done what came before.
    """

    def __init__(self):
        self.now = self._free = 0.0
        self._ends = deque()

    def takes(self, method, seconds_of):
        def call(*arguments):
            self._free = max(self._free, self.now) + seconds_of(*arguments)
            self._ends.append(self._free)
            return method(*arguments)

        return call

    def waits(self, function):
        def call(*arguments):
            self.now = max(self.now, self._ends.popleft())
            return function(*arguments)

        return call

    def perf_counter(self):
        return self.now

    monotonic = perf_counter


@pytest.mark.parametrize("step_seconds", [0.1, 1.0, 3.0])
def test_a_kill_repeats_less_than_a_minute(train, monkeypatch, step_seconds):
    """Evaluations lie 200 steps apart, which take up to ten minutes."""
    device, saves = SimulatedDevice(), [0.0]
    for module in (resume, pieces, program):
        monkeypatch.setattr(module, "time", device)

    def of_steps(_, state, first, steps, *__):
        return steps * step_seconds

    def of_evaluation(*_):  # of 50 and 21 examples, at a third of what they take in training
        return step_seconds / 3 * 71 / 8

    def save(states, lanes, progress):
        saves.append(device.now)

    monkeypatch.setattr(Program, "train", device.takes(Program.train, of_steps))
    monkeypatch.setattr(Program, "evaluate", device.takes(Program.evaluate, of_evaluation))
    monkeypatch.setattr(run, "_log", device.waits(run._log))
    monkeypatch.setattr(run, "_record", device.waits(run._record))
    monkeypatch.setattr(SavedStates, "_save", save)
    states = SavedStates([], 1, BEST_LOSS, lambda: False, _begun=0.0, _saved=0.0)
    train(make_trial(**GOOD, max_train_steps=1000, eval_every=200), between=states.between)
    assert device.now > 1000 * step_seconds
    # All that is computed between two saves is what a kill just before the second one repeats.
    repeated = [later - earlier for earlier, later in itertools.pairwise([*saves, device.now])]
    assert len(saves) > 2 and max(repeated) < 60


def test_the_time_before_an_interruption_counts_and_its_step_is_told(workload, data, tmp_path):
    trial = make_trial(**GOOD)
    program = Program(trial, workload, data, 50)

    def trained(stop):
        states = SavedStates([tmp_path], 1, BEST_LOSS, lambda: stop)
        hooks = {"resume": states.resume, "between": states.between}
        return states, train_group(program, [trial], BEST_LOSS, **hooks)

    states, undisturbed = trained(stop=False)
    assert (states.earlier_seconds, undisturbed.resumed_at) == (0, 0)
    begun = time.perf_counter()
    for _ in range(2):
        with pytest.raises(InterruptedTrainingError):
            trained(stop=True)
    passed = time.perf_counter() - begun
    states, interrupted = trained(stop=False)
    assert 0 < states.earlier_seconds < passed
    assert interrupted.resumed_at > 0


def test_a_damaged_state_is_passed_over_for_the_start(resumable, tmp_path, caplog):
    trial = make_trial(seed=1, **GOOD)
    (whole,) = resumable(trial)
    calls = itertools.count(1)
    with pytest.raises(InterruptedTrainingError):
        resumable(trial, stop=lambda: next(calls) == 2)
    (state,) = (tmp_path / trial.id).glob("resume_*/d/*")
    flip_a_bit(state)
    (again,) = resumable(trial)
    assert "is not what was saved" in caplog.text and "it is not resumed from" in caplog.text
    assert differing(whole.record, again.record) == []


def test_a_damaged_state_is_passed_over_for_the_one_before(resumable, tmp_path, caplog):
    """A job killed between writing a state and removing the one before leaves both."""
    trial = make_trial(seed=1, **GOOD)
    (whole,) = resumable(trial)
    folder, kept = tmp_path / trial.id, tmp_path / "kept"
    for _ in range(2):
        count = itertools.count(1)
        with pytest.raises(InterruptedTrainingError):
            resumable(trial, stop=lambda count=count: next(count) == 1)
        if not kept.exists():
            shutil.copytree(folder, kept)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    before, newest = sorted(resume_steps(folder))
    flip_a_bit(next((folder / resume_name(newest)).glob("d/*")))
    caplog.set_level(logging.INFO, "tuning_playbook")
    (finished,) = resumable(trial)
    assert f"resumed {trial.id} at step {before}" in caplog.text
    assert resume_name(newest) in caplog.text
    assert differing(whole.record, finished.record) == []


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("source", ["host_data", "stream"])
def test_batches_fed_from_the_host_go_on_where_they_were(resumable, workload, lanes, source):
    trials = [make_trial(seed=n, **GOOD, lanes=lanes) for n in range(lanes)]
    train = workload.load_data()["train"]
    fed = {source: train if source == "host_data" else as_stream(train)}
    whole = resumable(*trials, **fed)
    calls = itertools.count(1)
    with pytest.raises(InterruptedTrainingError):
        resumable(*trials, **fed, stop=lambda: next(calls) == 2)
    resumed = resumable(*trials, **fed)
    for one, other in zip(whole, resumed, strict=True):
        assert differing(one.record, other.record) == []


def test_a_trial_goes_on_under_another_objective_than_it_was_stopped_under(resumable):
    """Its numbers are the same; of its checkpoints those that were kept are ranked anew."""
    trial = make_trial(**GOOD)
    kept = CheckpointSelection("validation/loss", "min", keep=2)
    worst = CheckpointSelection("train/loss", "max", keep=3)
    (whole,) = resumable(trial, selection=worst)
    assert [step for step, _ in whole.best] == [0, 10, 20]
    calls = itertools.count(1)
    with pytest.raises(InterruptedTrainingError, match="stopped after step 20"):
        resumable(trial, selection=kept, stop=lambda: next(calls) == 2)
    (resumed,) = resumable(trial, selection=worst)
    assert differing(whole.record, resumed.record) == []
    assert [step for step, _ in resumed.best] == [10, 20, 30]  # that of step 0 was not kept
    same = jax.tree.map(np.array_equal, dict(whole.best)[10], dict(resumed.best)[10])
    assert all(jax.tree.leaves(same))


def test_the_state_of_another_trial_is_passed_over(resumable, tmp_path, caplog):
    """It was moved here with its manifest: it is whole, and not of this trial."""
    trial, other = make_trial(seed=1, **GOOD), make_trial(seed=2, **GOOD)
    (whole,) = resumable(trial)
    calls = itertools.count(1)
    with pytest.raises(InterruptedTrainingError):
        resumable(other, stop=lambda: next(calls) == 2)
    shutil.copytree(tmp_path / other.id, tmp_path / trial.id, dirs_exist_ok=True)
    (again,) = resumable(trial)
    assert "it is not the state of this trial; it is not resumed from" in caplog.text
    assert differing(whole.record, again.record) == []
