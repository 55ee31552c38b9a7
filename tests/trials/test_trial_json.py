"""The record of a trial says when it is not what was written."""

import json

import pytest

from tests.jobs.damage import flip_a_bit
from tuning_playbook.errors import ArtefactError
from tuning_playbook.trials.trial_json import read_trial_json, write_trial_json

CONTENT = {
    "format": 3,
    "trial": {"seed": 1},
    "fingerprint": "0" * 64,
    "status": "completed",
    "infeasible_reason": "",
    "numbers_sha256": "1" * 64,
    "provenance": {"wall_seconds": 0.1, "host": "é"},
}


@pytest.fixture
def record(tmp_path):
    write_trial_json(tmp_path, CONTENT)
    return tmp_path / "trial.json"


def test_it_comes_back_as_it_was_written(record):
    assert read_trial_json(record.parent) == CONTENT


def test_it_may_be_laid_out_in_another_way(record):
    record.write_text(json.dumps(json.loads(record.read_text())))
    assert read_trial_json(record.parent) == CONTENT


def test_a_flipped_bit_is_one_message(record):
    whole = record.read_bytes()
    places = [place for place in range(0, len(whole), 5) if not chr(whole[place]).isspace()]
    for place in places:
        flip_a_bit(record, place)
        with pytest.raises(ArtefactError, match=r"trial\.json: the record of the trial .* again$"):
            read_trial_json(record.parent)
        record.write_bytes(whole)


@pytest.mark.parametrize("status", ["compleved", "", None, 3])
def test_an_unknown_status_is_refused(record, status):
    """Also where the hash is right: a version to come may know more of them."""
    write_trial_json(record.parent, CONTENT | {"status": status})
    with pytest.raises(ArtefactError, match="unknown status"):
        read_trial_json(record.parent)


@pytest.mark.parametrize("key", [key for key in CONTENT if key != "format"])
def test_a_key_that_is_missing_is_named(record, key):
    write_trial_json(record.parent, {k: v for k, v in CONTENT.items() if k != key})
    with pytest.raises(ArtefactError, match=f"has no '{key}'"):
        read_trial_json(record.parent)


@pytest.mark.parametrize("form", [2, 3])
def test_only_a_record_of_an_earlier_version_has_no_hash(record, form):
    content = CONTENT | {"format": form}
    record.write_text(json.dumps(content))
    if form == 2:
        assert read_trial_json(record.parent) == content
    else:
        with pytest.raises(ArtefactError, match="own SHA-256"):
            read_trial_json(record.parent)
