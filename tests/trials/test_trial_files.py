"""What a trial leaves in its folder, before its pack is written and after."""

import json

import pytest

from tests.engine.quadratic import make_trial
from tests.trials.records import record_of
from tuning_playbook.errors import ArtefactError
from tuning_playbook.trials.pack_file import read_pack
from tuning_playbook.trials.trial_files import (
    NUMBERS,
    current_trial_json,
    matches_trial_json,
    own_record,
    pack_trials,
    remove_own_numbers,
    trial_folder,
    write_trial,
)
from tuning_playbook.trials.trial_json import read_trial_json, write_trial_json

FACTS = {"wall_seconds": 1.5, "lanes": 1}


@pytest.fixture
def trials():
    return [make_trial(0), make_trial(1)]


@pytest.fixture
def records(trials):
    return {t.id: record_of(t, [0.9, 0.5, 0.4, 0.3, 0.2 + 0.1 * t.seed]) for t in trials}


@pytest.fixture
def study(tmp_path, trials, records):
    for trial in trials:
        write_trial(tmp_path, trial, records[trial.id], kept_steps=[40, 30], provenance=FACTS)
    return tmp_path


def numbers_of(study):
    found = [*study.rglob("*.nc"), *study.rglob(NUMBERS)]
    return sorted(path.relative_to(study).as_posix() for path in found)


def test_a_trial_has_its_own_numbers_until_its_pack_is_collected(study, trials, records):
    own = sorted(f"trials/{trial.id}/{NUMBERS}" for trial in trials)
    assert numbers_of(study) == own
    for trial in trials:
        assert own_record(study, trial).sha256 == records[trial.id].sha256
    output = study / "packs/both.nc"
    pack_trials(study, output, trials, records)
    assert numbers_of(study) == ["packs/both.nc", *own]
    remove_own_numbers(study, [trial.id for trial in trials])
    assert numbers_of(study) == ["packs/both.nc"]
    assert {n: r.sha256 for n, r in read_pack(output).items()} == {
        name: record.sha256 for name, record in records.items()
    }
    assert all(own_record(study, trial) is None for trial in trials)


def test_its_own_numbers_stay_where_no_pack_holds_them(study, trials, records):
    """What there is of a study is collected without the packs that were cut short."""
    own = numbers_of(study)
    remove_own_numbers(study, [trial.id for trial in trials])
    assert numbers_of(study) == own
    pack_trials(study, study / "packs/both.nc", trials, records)
    (study / "packs/both.nc").unlink()
    remove_own_numbers(study, [trial.id for trial in trials])
    assert numbers_of(study) == own


def test_its_trial_json_says_what_it_is_how_it_ended_and_where_its_numbers_are(
    study, trials, records
):
    first, _ = trials
    content = read_trial_json(trial_folder(study, first))
    assert content == {
        "format": 3,
        "trial": json.loads(json.dumps(first.to_json())),
        "fingerprint": first.fingerprint,
        "status": "completed",
        "infeasible_reason": "",
        "numbers_sha256": records[first.id].sha256,
        "kept_steps": [40, 30],
        "provenance": FACTS,
    }
    pack_trials(study, study / "packs/both.nc", trials, records)
    assert read_trial_json(trial_folder(study, first)) == content | {"pack": "packs/both.nc"}


def test_a_trial_that_is_packed_already_is_not_written_again(study, trials, records):
    output = study / "packs/both.nc"
    pack_trials(study, output, trials, records)
    before = {path: path.stat().st_ino for path in study.rglob("trial.json")}
    pack_trials(study, output, trials, records)
    assert {path: path.stat().st_ino for path in study.rglob("trial.json")} == before


@pytest.mark.parametrize("changes", [{"format": 1}, {"fingerprint": "0" * 64}])
def test_a_trial_json_of_another_training_or_format_tells_nothing(study, trials, changes):
    folder = trial_folder(study, trials[0])
    assert current_trial_json(study, trials[0]) is not None
    write_trial_json(folder, read_trial_json(folder) | changes)
    assert current_trial_json(study, trials[0]) is None


def test_without_a_format_it_is_one_of_the_last_version(study, trials):
    folder = trial_folder(study, trials[0])
    content = read_trial_json(folder)
    del content["format"]
    write_trial_json(folder, content)
    assert current_trial_json(study, trials[0]) is None


@pytest.mark.parametrize("damage", ["{", "[]", None])
def test_a_damaged_trial_json_tells_nothing_and_is_one_message(study, trials, damage):
    path = trial_folder(study, trials[0]) / "trial.json"
    if damage is None:
        path.unlink()
    else:
        path.write_text(damage)
    assert current_trial_json(study, trials[0]) is None
    with pytest.raises(ArtefactError, match=r"trial\.json: the record of the trial .* again$"):
        read_trial_json(path.parent)


def test_numbers_are_those_that_are_told_of_with_their_status_and_reason(study, trials, records):
    content = current_trial_json(study, trials[0])
    assert matches_trial_json(records[trials[0].id], content)
    assert not matches_trial_json(records[trials[1].id], content)
    assert not matches_trial_json(records[trials[0].id], content | {"status": "diverged"})
    assert not matches_trial_json(
        records[trials[0].id], content | {"infeasible_reason": "no reason"}
    )


def test_damaged_numbers_are_none(study, trials, caplog):
    path = trial_folder(study, trials[0]) / NUMBERS
    path.write_text("no numbers")
    assert own_record(study, trials[0]) is None
    assert f"{path}: it cannot be read" in caplog.text
