"""checkpoints.nc: which best checkpoints are kept, and what was measured of each."""

import numpy as np
import pytest
import xarray as xr

from tests.specs import plan_of
from tests.trials.records import record_of
from tuning_playbook.dataset.best_checkpoints import (
    collect_checkpoints,
    kept_steps,
    with_checkpoints,
)
from tuning_playbook.dataset.collect import collect_study, write_dataset
from tuning_playbook.planning.plan import request_of
from tuning_playbook.trials.best_checkpoint import BestCheckpoint, write_best
from tuning_playbook.trials.manifest import BEST, manifest_of
from tuning_playbook.trials.trial_files import pack_trials, trial_folder, write_trial

ERRORS = ([0.9, 0.5, 0.4], [0.9, 0.3, 0.6], [0.9, np.nan, np.nan], [0.9, 0.2, 0.4])
STEPS = (50, 25, -1, 25)
"""At which each trial has its smallest error; the third diverged."""

KEPT = ([50], [25], [], [25, 0])
"""Of which steps each trial kept a checkpoint."""

SAMPLED = {"training.validation_sample": 100, "training.keep_best": 1}


def best_of(step):
    means = {"loss": 1.0 + step, "error_rate": 0.5}
    return BestCheckpoint(step, means, {"loss": 0.25, "error_rate": 0.125}, [step, 1], [60, 2])


class Study:
    """A study whose trials were trained under its objective."""

    def __init__(self, folder, changes=SAMPLED):
        self.spec_folder, self.changes = folder, changes
        self.plan, self.folder = plan_of(folder, changes), folder / "results"
        trials = [item.trial for item in self.plan.trials]
        records = {}
        for trial, errors, step, steps in zip(trials, ERRORS, STEPS, KEPT, strict=True):
            told = {} if step >= 0 else {"status": "diverged", "reason": "not finite"}
            records[trial.id] = record_of(trial, errors, **told)
            write_trial(self.folder, trial, records[trial.id], kept_steps=steps, provenance={})
            if step >= 0:
                place = trial_folder(self.folder, trial)
                write_best(place, self.selection(), best_of(step))
                manifest_of(place / "checkpoints", BEST).parent.mkdir()
                manifest_of(place / "checkpoints", BEST).write_text("")
        self.packs = [self.folder / "packs/all.nc"]
        pack_trials(self.folder, self.packs[0], trials, records)

    def selection(self):
        return request_of(self.plan, ()).selection

    def collect(self, **changes):
        """Return study.nc and checkpoints.nc, under other settings if any are given."""
        plan = plan_of(self.spec_folder, self.changes | changes)
        study = collect_study(plan, self.packs)
        return study, collect_checkpoints(plan.study, study, self.folder)


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path)


def test_it_says_which_best_checkpoints_are_kept_and_what_was_measured(study):
    dataset, checkpoints = study.collect()
    assert dataset["best_step"].to_numpy().tolist() == list(STEPS)
    assert checkpoints["trial"].to_numpy().tolist() == dataset["trial"].to_numpy().tolist()
    assert checkpoints["kept"].to_numpy().tolist() == [1, 1, 0, 1]
    assert checkpoints["class_right"].to_numpy().tolist() == [[50, 1], [25, 1], [0, 0], [25, 1]]
    assert checkpoints["class_examples"].to_numpy().tolist() == [[60, 2]] * 2 + [[0, 0], [60, 2]]
    np.testing.assert_array_equal(checkpoints["whole_loss"], [51, 26, np.nan, 26])
    np.testing.assert_array_equal(checkpoints["whole_error_rate"], [0.5, 0.5, np.nan, 0.5])
    np.testing.assert_array_equal(checkpoints["sample_error_loss"], [0.25, 0.25, np.nan, 0.25])


def test_none_of_it_is_in_study_nc_which_does_not_follow_from_an_objective(study):
    dataset, checkpoints = study.collect()
    assert not set(dataset.data_vars) & set(checkpoints.data_vars)
    assert not [name for name in dataset.data_vars if name.startswith(("whole_", "class_"))]


def test_where_evaluations_see_the_whole_split_there_is_no_other_mean(tmp_path):
    _, checkpoints = Study(tmp_path, {"training.keep_best": 1}).collect()
    assert set(checkpoints.data_vars) == {"kept", "class_right", "class_examples"}


def test_ranked_by_another_objective_what_is_not_kept_is_marked_and_nothing_is_told_of_it(study):
    dataset, checkpoints = study.collect(**{"objective.mode": "max"})
    assert dataset["best_step"].to_numpy().tolist() == [0, 0, -1, 0]
    assert checkpoints["kept"].to_numpy().tolist() == [0, 0, 0, 1]
    assert np.isnan(checkpoints["whole_loss"]).all()
    assert "class_right" not in checkpoints


def test_a_checkpoint_that_is_best_by_both_is_kept_and_measured_for_the_first_alone(study):
    """Its loss is the same everywhere: the first evaluation is the best of every trial."""
    _, checkpoints = study.collect(**{"objective.metric": "validation/loss"})
    assert checkpoints["kept"].to_numpy().tolist() == [0, 0, 0, 1]
    assert np.isnan(checkpoints["whole_loss"]).all()


def test_what_was_measured_of_another_step_is_not_that_of_the_best(study):
    first = trial_folder(study.folder, study.plan.trials[0].trial)
    write_best(first, study.selection(), best_of(25))
    _, checkpoints = study.collect()
    assert np.isnan(checkpoints["whole_loss"][0])
    assert checkpoints["class_examples"].to_numpy()[0].tolist() == [0, 0]


def test_checkpoints_that_were_removed_are_not_kept(study):
    first = trial_folder(study.folder, study.plan.trials[0].trial)
    assert kept_steps(first) == [50]
    manifest_of(first / "checkpoints", BEST).unlink()
    assert kept_steps(first) == []
    _, checkpoints = study.collect()
    assert checkpoints["kept"].to_numpy().tolist() == [0, 1, 0, 1]


def test_a_trial_without_a_record_keeps_none(study):
    first = trial_folder(study.folder, study.plan.trials[0].trial)
    (first / "trial.json").unlink()
    assert kept_steps(first) == []


def test_analysis_sees_both_as_one(study):
    dataset, checkpoints = study.collect()
    seen = with_checkpoints(dataset, checkpoints)
    assert set(seen.data_vars) == set(dataset.data_vars) | set(checkpoints.data_vars) - {"kept"}
    assert seen.attrs == dataset.attrs
    xr.testing.assert_equal(seen["class_right"], checkpoints["class_right"])


def test_the_same_checkpoints_give_the_same_bytes_and_each_variable_says_what_it_is(study):
    for name in ("one.nc", "other.nc"):
        write_dataset(study.folder / name, study.collect()[1])
    one, other = (study.folder / name for name in ("one.nc", "other.nc"))
    assert one.read_bytes() == other.read_bytes()
    with xr.open_dataset(one) as checkpoints:
        assert checkpoints.attrs["format"] == 1
        assert all(variable.attrs.get("long_name") for variable in checkpoints.variables.values())
