"""What a run does with files that are not to be believed."""

import os
import time

import pytest

from tests.jobs.damage import flip_a_bit
from tuning_playbook.planning.set_aside import folders_of, give_way
from tuning_playbook.trials.artefact_hashes import write_hash
from tuning_playbook.trials.pack_file import write_pack
from tuning_playbook.trials.record import Curves, TrialRecord
from tuning_playbook.trials.trial import pack_id
from tuning_playbook.trials.trial_json import KEYS, write_trial_json

RECORD = dict.fromkeys(KEYS, "") | {"status": "completed"}

MONTH = 30 * 86400.0


@pytest.fixture
def study(tmp_path):
    for name in ("study.nc", "plots/axis.svg", "report.html"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(name)
        write_hash(tmp_path, file)
    (tmp_path / "current").mkdir()
    (tmp_path / "current/launch-0123456789").touch()
    return tmp_path


def nothing_to_give(folder, trials):
    raise AssertionError((folder, trials))


def names_in(study):
    return sorted(path.name for path in study.rglob("*") if path.suffix not in ("", ".sha256"))


def test_nothing_is_said_of_files_that_are_what_their_jobs_wrote(study):
    assert list(give_way(study, nothing_to_give, dry=False)) == []
    assert names_in(study) == ["axis.svg", "report.html", "study.nc"]


def test_a_changed_file_gives_way_and_is_kept_under_another_name(study):
    flip_a_bit(study / "report.html")
    (line,) = give_way(study, nothing_to_give, dry=False)
    assert line.startswith(f"{study / 'report.html'}: it is not what its job wrote")
    assert line.endswith("made again; what it held is kept as report.html.damaged")
    assert names_in(study) == ["axis.svg", "report.html.damaged", "study.nc"]
    assert list(give_way(study, nothing_to_give, dry=False)) == []


def test_what_an_earlier_damage_left_is_kept_too(study):
    report = study / "report.html"
    for number, name in enumerate(("report.html.damaged", "report.html.damaged2")):
        report.write_text(f"edited {number}")
        (line,) = give_way(study, nothing_to_give, dry=False)
        assert line.endswith(f"what it held is kept as {name}")
        assert (study / name).read_text() == f"edited {number}"
    assert (study / "report.html.damaged").read_text() == "edited 0"


def test_before_a_pack_goes_its_trials_get_their_own_numbers_back(study):
    """The record of one is lost; the pack is whole, and may hold the only numbers of the others."""
    pack = study / f"packs/{pack_id(['finished', 'lost'])}.nc"
    pack.parent.mkdir()
    pack.write_text("numbers")
    write_hash(study, pack, trials=["lost", "finished"])
    given = []
    (line,) = give_way(study, lambda *of: given.append((*of, pack.exists())), dry=False)
    assert str(study / "trials/lost/trial.json") in line
    assert given == [(study, ("lost", "finished"), True)]
    assert not pack.exists()


@pytest.mark.parametrize("hashed", [True, False])
def test_a_pack_of_other_trials_gives_way_before_anything_trains(study, hashed):
    """One copied from another study, with its hash or without it."""
    record = TrialRecord("", "completed", "", Curves([0], {"train/loss": [1.0]}), Curves([], {}))
    for name, trials in {"0123456789": ["0123456789"], "aaaaaaaaaa": ["bbbbbbbbbb"]}.items():
        pack = study / f"packs/{name}.nc"
        write_pack(pack, dict.fromkeys(trials, record))
        if hashed:
            write_hash(study, pack, trials=trials)
        for trial in trials:
            write_trial_json(study / "trials" / trial, RECORD)
    (line,) = give_way(study, nothing_to_give, dry=False)
    assert "aaaaaaaaaa.nc: it holds other trials than those of its name, so it is made" in line
    assert (study / "packs/aaaaaaaaaa.nc.damaged").exists()
    assert (study / "packs/0123456789.nc").exists()


def test_an_empty_file_is_removed(study):
    (study / "plots/axis.svg").write_text("")
    assert list(give_way(study, nothing_to_give, dry=False)) == [
        f"{study / 'plots/axis.svg'}: it is empty, so it is made again"
    ]
    assert names_in(study) == ["report.html", "study.nc"]


def test_a_dry_run_only_says_so(study):
    flip_a_bit(study / "report.html")
    os.utime(study / "study.nc", (time.time() + MONTH,) * 2)
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*")}
    assert len(list(give_way(study, nothing_to_give, dry=True))) == 2
    assert {path: path.stat().st_mtime_ns for path in study.rglob("*")} == before


def test_no_file_is_newer_than_this_moment(study):
    """Else a decision of another checkout would pass for that of a spec that was changed since."""
    stamp = study / "current/launch-0123456789"
    for path in (study / "study.nc", stamp):
        os.utime(path, (time.time() + MONTH,) * 2)
    (line,) = give_way(study, nothing_to_give, dry=False)
    assert line.startswith(f"{study / 'study.nc'}: it is dated in the future")
    assert (study / "study.nc").stat().st_mtime < stamp.stat().st_mtime <= time.time()


def test_rounds_of_a_procedure_are_looked_at_too(tmp_path):
    for name in ("p/rounds/2", "p/rounds/10", "p/rounds/all-trials-1", "s"):
        (tmp_path / name).mkdir(parents=True)
    found = [path.relative_to(tmp_path).as_posix() for path in folders_of(tmp_path, ["p", "s"])]
    assert found == [".", "p", "p/rounds/2", "p/rounds/10", "s"]
