"""What an archive's checkpoints.nc says must be what was measured of the best checkpoints."""

import dataclasses

import netCDF4
import pytest

from tests.dataset.test_best_checkpoints import Study, best_of
from tuning_playbook.archive.check_datasets import check_checkpoints
from tuning_playbook.archive.check_trials import read_records
from tuning_playbook.dataset.collect import write_dataset
from tuning_playbook.trials.best_checkpoint import write_best
from tuning_playbook.trials.trial_files import trial_folder

OTHER = {"objective.mode": "max"}


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path)


def collect(study, changes):
    for name, dataset in zip(("study.nc", "checkpoints.nc"), study.collect(**changes), strict=True):
        write_dataset(study.folder / name, dataset)


def problems(study):
    return list(check_checkpoints(study.folder, read_records(study.folder)))


@pytest.mark.parametrize("changes", [{}, OTHER])
def test_what_was_collected_follows(study, changes):
    collect(study, changes)
    assert problems(study) == []


@pytest.mark.parametrize("variable", ["whole_loss", "sample_error_loss", "class_right"])
def test_another_number_does_not(study, variable):
    collect(study, {})
    with netCDF4.Dataset(study.folder / "checkpoints.nc", "a") as file:
        file[variable][1] = 7
    (told,) = problems(study)
    name = study.plan.trials[1].trial.id
    assert told == f"checkpoints.nc: {variable} of trial {name} is not what was measured"


def test_a_checkpoint_that_no_trial_says_it_kept_is_found(study):
    collect(study, {})
    with netCDF4.Dataset(study.folder / "checkpoints.nc", "a") as file:
        file["kept"][2] = 1
    (told,) = problems(study)
    name = study.plan.trials[2].trial.id
    assert told == f"checkpoints.nc: trial {name} kept no checkpoint of step -1"


def test_other_trials_than_those_of_the_study_are_found(study):
    collect(study, {})
    _, checkpoints = study.collect()
    write_dataset(study.folder / "checkpoints.nc", checkpoints.isel(trial=[0, 1]))
    assert problems(study) == ["checkpoints.nc: its trials are not those of study.nc"]


def test_what_was_measured_after_it_was_collected_is_no_difference(study):
    """A trial that is the best by another objective was trained again, for the model of its arm."""
    collect(study, OTHER)
    by_other = dataclasses.replace(study.selection(), mode="max")
    first = study.plan.trials[0].trial
    write_best(trial_folder(study.folder, first), by_other, best_of(0))
    assert problems(study) == []
