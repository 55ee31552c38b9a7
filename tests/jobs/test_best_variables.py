"""A changed objective ranks the same trials; one is trained again for a checkpoint it lacks."""

import logging
import shutil

import jax
import numpy as np
import pytest

from tests.jobs.damage import flip_a_bit
from tests.specs import plan_of
from tuning_playbook.dataset.best_checkpoints import collect_checkpoints, kept_steps
from tuning_playbook.dataset.collect import collect_study
from tuning_playbook.errors import ArtefactError
from tuning_playbook.jobs import checkpoints, groups
from tuning_playbook.jobs.best_variables import best_variables
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.plan import request_of
from tuning_playbook.trials.best_checkpoint import predictions_file, read_best
from tuning_playbook.trials.manifest import BEST
from tuning_playbook.trials.resume_states import resume_steps
from tuning_playbook.trials.trial_files import (
    NUMBERS,
    remove_own_numbers,
    trial_folder,
)
from tuning_playbook.trials.trial_json import read_trial_json, write_trial_json

SMALLEST = {
    "search.trials": 2,
    "nuisance.learning_rate": {"log_uniform": [0.03, 0.1]},  # all of them learn
    "training.eval_every": 10,
    "training.keep_best": 2,
    "resources.trials_per_job": 2,
}
LARGEST = SMALLEST | {"objective": {"metric": "train/loss", "mode": "max"}}
"""The first evaluation of a trial is its worst, which no other objective keeps."""


def asked(folder, changes):
    plan = plan_of(folder, changes)
    (pack,) = plan.packs.values()
    return plan, request_of(plan, pack.trials)


def pack_of(study):
    return study / "packs/pack.nc"


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    _, request = asked(folder, SMALLEST)
    records = train_pack(request, folder / "study", pack_of(folder / "study"))
    remove_own_numbers(folder / "study", records)
    return folder, records


@pytest.fixture
def study(trained_once, tmp_path):
    folder, _ = trained_once
    shutil.copytree(folder / "study", tmp_path / "study")
    return tmp_path / "study"


@pytest.fixture(scope="module")
def from_nothing(tmp_path_factory):
    """The variables of the largest loss, as a study that always wanted them keeps them."""
    folder = tmp_path_factory.mktemp("largest")
    _, request = asked(folder, LARGEST)
    train_pack(request, folder)
    first = request.trials[0]
    return checkpoints.restore(trial_folder(folder, first) / "checkpoints", BEST)


def same(one, other):
    return jax.tree.all(jax.tree.map(np.array_equal, one, other))


def collected(folder, study, changes):
    plan = plan_of(folder, changes)
    dataset = collect_study(plan, [pack_of(study)])
    return dataset, collect_checkpoints(plan.study, dataset, study)


def test_another_objective_ranks_the_same_trials_without_training_any(
    trained_once, study, tmp_path, caplog
):
    caplog.set_level(logging.INFO, "tuning_playbook")
    _, records = trained_once
    _, request = asked(tmp_path, LARGEST)
    again = train_pack(request, study, pack_of(study))
    assert "to train 0 trials" in caplog.text
    assert {n: r.sha256 for n, r in again.items()} == {n: r.sha256 for n, r in records.items()}
    by_error, there = collected(tmp_path, study, SMALLEST)
    by_loss, missing = collected(tmp_path, study, LARGEST)
    assert by_loss["best_step"].to_numpy().tolist() == [0, 0]
    assert 0 not in by_error["best_step"].to_numpy()
    assert there["kept"].to_numpy().tolist() == [1, 1]
    assert missing["kept"].to_numpy().tolist() == [0, 0]
    assert np.array_equal(by_error["loss"], by_loss["loss"])


def test_a_checkpoint_that_is_kept_is_read(study, tmp_path, caplog):
    caplog.set_level(logging.INFO, "tuning_playbook")
    _, request = asked(tmp_path, SMALLEST)
    first = request.trials[0]
    step = kept_steps(trial_folder(study, first))[0]
    found = best_variables(study, request.asking_for([first]), step)
    saved = checkpoints.restore(trial_folder(study, first) / "checkpoints", BEST)
    assert same(found, saved[f"step_{step}"])
    assert "trained again" not in caplog.text


def test_one_that_is_not_is_trained_again_to_the_same_bits_and_both_are_kept(
    study, from_nothing, tmp_path, caplog
):
    caplog.set_level(logging.INFO, "tuning_playbook")
    _, request = asked(tmp_path, LARGEST)
    first, other = request.trials
    place = trial_folder(study, first)
    before = read_trial_json(place)
    saved = checkpoints.restore(place / "checkpoints", BEST)
    untouched = {
        path: path.read_bytes()
        for path in [*trial_folder(study, other).rglob("*"), pack_of(study)]
        if path.is_file()
    }
    found = best_variables(study, request.asking_for([first]), 0)
    assert same(found, from_nothing["step_0"])
    said = f"trial {first.id} kept no checkpoint of step 0, its best by train/loss: it is trained"
    assert said in caplog.text
    assert "other numbers" not in caplog.text

    after = read_trial_json(place)
    steps = [*before["kept_steps"], 0, 10]
    assert after.pop("best_sha256") != before.pop("best_sha256")
    assert after == before | {"kept_steps": list(dict.fromkeys(steps))}
    both = checkpoints.restore(place / "checkpoints", BEST)
    assert same(both, saved | from_nothing)
    assert {path: path.read_bytes() for path in untouched} == untouched
    assert not (place / NUMBERS).exists()
    assert not list(resume_steps(place / "checkpoints"))

    _, by_error = asked(tmp_path, SMALLEST)
    measured = {
        selection.metric: read_best(place, selection).step
        for selection in (by_error.selection, request.selection)
    }
    assert measured == {"validation/error_rate": before["kept_steps"][0], "train/loss": 0}
    assert predictions_file(place, by_error.selection).exists()
    assert predictions_file(place, request.selection).exists()
    for changes in (SMALLEST, LARGEST):
        dataset, kept = collected(tmp_path, study, changes)
        (row,) = np.flatnonzero(dataset["trial"].to_numpy() == first.id)
        assert kept["kept"].to_numpy()[row] == 1
        assert kept["class_examples"].to_numpy()[row].sum() > 0

    caplog.clear()
    assert same(best_variables(study, request.asking_for([first]), 0), found)
    assert "trained again" not in caplog.text


def test_checkpoints_that_were_removed_are_trained_again(study, tmp_path, caplog):
    caplog.set_level(logging.INFO, "tuning_playbook")
    _, request = asked(tmp_path, SMALLEST)
    first = request.trials[0]
    place = trial_folder(study, first)
    step = read_trial_json(place)["kept_steps"][0]
    saved = checkpoints.restore(place / "checkpoints", BEST)
    shutil.rmtree(place / "checkpoints")
    found = best_variables(study, request.asking_for([first]), step)
    assert same(found, saved[f"step_{step}"])
    assert "it is trained again" in caplog.text


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_trial_that_gives_other_numbers_here_is_left_as_it_is(study, tmp_path):
    """It was trained on another kind of machine."""
    _, request = asked(tmp_path, LARGEST)
    first = request.trials[0]
    place = trial_folder(study, first)
    write_trial_json(place, read_trial_json(place) | {"numbers_sha256": "0" * 64})
    before = files_of(study)
    with pytest.raises(ArtefactError, match=f"{first.id}: .* has other numbers than before"):
        best_variables(study, request.asking_for([first]), 0)
    after = files_of(study)
    assert {path: after.get(path) for path in before} == before


def test_a_trial_that_fails_when_it_is_trained_again_keeps_its_record(study, tmp_path, monkeypatch):
    """The machine that exports has less memory than the one that trained."""
    _, request = asked(tmp_path, LARGEST)
    first = request.trials[0]
    before = files_of(study)

    def out_of_memory(*args, **kwargs):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: planted")

    with monkeypatch.context() as patched:
        patched.setattr(groups, "train_group", out_of_memory)
        with pytest.raises(ArtefactError, match=f"{first.id}: .* failed .out of memory.*planted"):
            best_variables(study, request.asking_for([first]), 0)
    after = files_of(study)
    assert {path: after.get(path) for path in before} == before
    best_variables(study, request.asking_for([first]), 0)
    assert read_trial_json(trial_folder(study, first))["status"] == "completed"


def test_a_step_that_is_not_its_best_is_one_message(study, tmp_path):
    _, request = asked(tmp_path, LARGEST)
    first = request.trials[0]
    kept = {*kept_steps(trial_folder(study, first)), 0, 10}
    step = next(step for step in range(0, 51, 10) if step not in kept)
    with pytest.raises(ArtefactError, match=f"has no checkpoint of step {step}; remove"):
        best_variables(study, request.asking_for([first]), step)


def flip(place, other):
    flip_a_bit(place / "checkpoints" / BEST / "_METADATA")


def lose_the_manifest(place, other):
    (place / "checkpoints" / f"{BEST}.sha256").unlink()


def take_anothers(place, other):
    """A whole checkpoint with its manifest, of another trial."""
    shutil.rmtree(place / "checkpoints")
    shutil.copytree(other / "checkpoints", place / "checkpoints")


@pytest.mark.parametrize("damage", [flip, lose_the_manifest, take_anothers])
def test_a_checkpoint_that_is_not_its_own_is_trained_again(study, tmp_path, damage, caplog):
    caplog.set_level(logging.INFO, "tuning_playbook")
    _, request = asked(tmp_path, SMALLEST)
    first, other = (trial_folder(study, trial) for trial in request.trials)
    step = kept_steps(first)[0]
    saved = checkpoints.restore(first / "checkpoints", BEST)
    damage(first, other)
    for _ in range(2):
        found = best_variables(study, request.asking_for(request.trials[:1]), step)
        assert same(found, saved[f"step_{step}"])
    assert caplog.text.count("it is trained again") == 1
