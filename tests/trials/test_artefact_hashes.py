"""A file is believed while it is what its job wrote."""

from pathlib import Path

import pytest

from tests.engine.quadratic import make_trial
from tests.jobs.damage import flip_a_bit
from tests.trials.records import record_of
from tuning_playbook.errors import ArtefactError
from tuning_playbook.trials.artefact_hashes import (
    check_hash,
    find_damaged,
    has_hash,
    remove_hash,
    sha256_of,
    write_hash,
)
from tuning_playbook.trials.trial import pack_id
from tuning_playbook.trials.trial_files import pack_trials, trial_folder, write_trial


@pytest.fixture
def launch(tmp_path):
    file = tmp_path / "study/launch.json"
    file.parent.mkdir()
    file.write_text('{"decision": "adopt"}')
    write_hash(file.parent, file)
    return file


def found(study):
    return [(item.file.relative_to(study).as_posix(), item.edited) for item in find_damaged(study)]


def test_a_file_is_believed_as_it_was_written(launch):
    check_hash(launch)
    assert found(launch.parent) == []


def test_one_bit_is_noticed_whatever_the_time_of_the_file(launch):
    flip_a_bit(launch)
    with pytest.raises(ArtefactError, match=r"launch\.json: it is not what its job wrote .* again"):
        check_hash(launch)
    assert found(launch.parent) == [("launch.json", True)]


def test_an_empty_file_holds_nothing_that_somebody_may_want_to_see(launch):
    launch.write_bytes(b"")
    ((damaged),) = find_damaged(launch.parent)
    assert (damaged.why, damaged.edited) == ("it is empty", False)


def test_a_file_that_is_missing_is_snakemakes_to_make(launch):
    launch.unlink()
    check_hash(launch)
    assert found(launch.parent) == []


@pytest.mark.parametrize("damage", [None, "", "{", "[]", '{"sha256": "0"}'])
def test_without_its_hash_a_file_is_taken_as_it_is(launch, damage):
    (kept,) = launch.parent.rglob("*.sha256")
    kept.unlink() if damage is None else kept.write_text(damage)
    flip_a_bit(launch)
    check_hash(launch)
    assert found(launch.parent) == []


def test_a_file_that_is_going_to_be_made_has_no_hash_until_it_is(launch):
    remove_hash(launch.parent, launch)
    assert not has_hash(launch.parent, launch)
    launch.write_text("something else")
    check_hash(launch)
    write_hash(launch.parent, launch)
    assert has_hash(launch.parent, launch)
    flip_a_bit(launch)
    assert found(launch.parent) == [("launch.json", True)]


def test_the_hash_of_a_file_in_a_folder_is_found_from_the_file_alone(tmp_path):
    file = tmp_path / "study/rounds/1/plots/axis.svg"
    file.parent.mkdir(parents=True)
    file.write_text("<svg/>")
    write_hash(tmp_path / "study/rounds/1", file)
    flip_a_bit(file)
    with pytest.raises(ArtefactError):
        check_hash(file)


@pytest.mark.parametrize("damage", [flip_a_bit, Path.unlink])
def test_a_file_is_made_again_with_a_part_of_it_that_is_lost(launch, damage):
    model = launch.with_name("model.jax_export")
    model.write_text("exported")
    write_hash(launch.parent, launch, parts={model.name: sha256_of(model)})
    assert found(launch.parent) == []
    damage(model)
    ((damaged),) = find_damaged(launch.parent)
    assert (damaged.file, damaged.edited) == (launch, False)
    assert damaged.why == f"{model}, which belongs to it, is lost or damaged"


def both(trials):
    return f"packs/{pack_id(sorted(trial.id for trial in trials))}.nc"


@pytest.fixture
def packed(tmp_path):
    trials = [make_trial(0), make_trial(1)]
    records = {trial.id: record_of(trial, [0.9, 0.5, 0.4, 0.3, 0.2]) for trial in trials}
    for trial in trials:
        write_trial(tmp_path, trial, records[trial.id], kept_steps=[], provenance={})
    pack_trials(tmp_path, tmp_path / both(trials), trials, records)
    return tmp_path, trials


@pytest.mark.parametrize("damage", [None, "", "[]", "{}"])
def test_a_pack_is_made_again_when_the_record_of_a_trial_is_lost(packed, damage):
    study, trials = packed
    assert found(study) == []
    record = trial_folder(study, trials[1]) / "trial.json"
    record.unlink() if damage is None else record.write_text(damage)
    ((damaged),) = find_damaged(study)
    assert damaged.file == study / both(trials)
    assert str(record) in damaged.why
    assert not damaged.edited


def test_a_status_that_was_changed_in_a_record_is_noticed(packed):
    study, trials = packed
    record = trial_folder(study, trials[0]) / "trial.json"
    record.write_text(record.read_text().replace("completed", "diverged"))
    assert found(study) == [(both(trials), False)]
