"""What an edited spec leaves behind is listed, and removed only when asked to."""

import json

import pytest

from tests.specs import changed, write_spec
from tuning_playbook.__main__ import main
from tuning_playbook.archive.zip_layout import write_zip
from tuning_playbook.planning.plan import plan_study

IN_ONE_JOB = {"resources.trials_per_job": 16}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """The spec of a study whose 6 trials are there, and whose spec then asks for 4."""
    monkeypatch.chdir(tmp_path)
    spec = tmp_path / "small.yaml"
    folder = tmp_path / "results" / "small"
    for trials in (6, 4):
        plan = plan_study(write_spec(spec, changed(IN_ONE_JOB | {"search.trials": trials})))
        for item in plan.trials:
            (folder / "trials" / item.trial.id).mkdir(parents=True, exist_ok=True)
            (folder / "trials" / item.trial.id / "trial.json").write_text("{}")
        for pack in plan.packs:
            (folder / "packs").mkdir(exist_ok=True)
            (folder / "packs" / f"{pack}.nc").write_text("")
    return spec


def left(folder, kind):
    return {path.name for path in (folder / "results" / "small" / kind).iterdir()}


def ids(spec):
    return {item.trial.id for item in plan_study(spec).trials}


def test_they_are_listed_and_stay(study, tmp_path, capsys):
    assert main(["leftovers", str(study)]) == 0
    *listed, total = capsys.readouterr().out.splitlines()
    assert {line.rpartition("/")[2] for line in listed} == left(tmp_path, "trials") - ids(study)
    assert total.startswith("2 trials, ")
    assert len(left(tmp_path, "trials")) == 6


def test_asked_to_it_removes_them_with_the_packs_that_need_them(study, tmp_path):
    other = tmp_path / "results" / "another" / "trials" / "0123456789"
    other.mkdir(parents=True)
    (tmp_path / "results" / "small" / "trials" / "notes").mkdir()
    assert main(["leftovers", str(study), "--remove"]) == 0
    assert left(tmp_path, "trials") == ids(study) | {"notes"}
    assert left(tmp_path, "packs") == {f"{pack}.nc" for pack in plan_study(study).packs}
    assert other.exists()


def unnamed(study, tmp_path):
    return min(left(tmp_path, "trials") - ids(study))


def name_in_archive(folder, trial):
    name = f"small/data/results/trials/{trial}/trial.json"
    write_zip(folder.parent / "archive" / "small.zip", {name: b"{}"})


def name_in_reruns(folder, trial):
    (folder / "reruns").mkdir()
    choice = {"all trials": {"rerun_of": trial, "trials": []}}
    (folder / "reruns" / "choice.json").write_text(json.dumps({"arms": choice}))


def name_in_launch(folder, trial):
    launch = {"candidate": {"trial": trial}, "other_arms": []}
    (folder / "launch.json").write_text(json.dumps(launch))


def name_in_test_set(folder, trial):
    (folder / "test").mkdir()
    (folder / "test" / f"{trial}-10.json").write_text("{}")


@pytest.mark.parametrize(
    "name", [name_in_archive, name_in_reruns, name_in_launch, name_in_test_set]
)
def test_what_is_named_elsewhere_stays(study, tmp_path, name):
    trial = unnamed(study, tmp_path)
    name(tmp_path / "results" / "small", trial)
    assert main(["leftovers", str(study), "--remove"]) == 0
    assert left(tmp_path, "trials") == ids(study) | {trial}


def test_nothing_is_removed_while_an_archive_cannot_be_read(study, tmp_path, capsys):
    (tmp_path / "results" / "archive").mkdir()
    (tmp_path / "results" / "archive" / "small.zip").write_bytes(b"PK")
    assert main(["leftovers", str(study), "--remove"]) == 1
    assert "ArchiveError: results/archive/small.zip: " in capsys.readouterr().err
    assert len(left(tmp_path, "trials")) == 6
