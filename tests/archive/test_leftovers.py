"""What an edited spec leaves behind is listed, and removed only when asked to."""

import dataclasses
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests import commands
from tests.specs import changed, plan_of, write_spec
from tuning_playbook.__main__ import main
from tuning_playbook.archive.leftovers import clear_failed_attempts
from tuning_playbook.archive.zip_layout import write_zip
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.trials.claims import claimed

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


def name_in_changes_set_back(folder, trial):
    (folder / "set_back").mkdir()
    of_six = changed(IN_ONE_JOB | {"search.trials": 6})
    plan = plan_study(write_spec(folder.parents[1] / "before" / "small.yaml", of_six))
    (content,) = (item.trial.to_json() for item in plan.trials if item.trial.id == trial)
    choice = {"changes": [{"trials": [content]}]}
    (folder / "set_back" / "choice.json").write_text(json.dumps(choice))


def name_in_launch(folder, trial):
    launch = {"candidate": {"trial": trial}, "other_arms": []}
    (folder / "launch.json").write_text(json.dumps(launch))


def name_in_test_set(folder, trial):
    (folder / "test").mkdir()
    (folder / "test" / f"{trial}-10.json").write_text("{}")


@pytest.mark.parametrize(
    "name",
    [
        name_in_archive,
        name_in_reruns,
        name_in_changes_set_back,
        name_in_launch,
        name_in_test_set,
    ],
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


def test_failed_trials_that_nothing_names_are_cleared_and_all_others_stay(tmp_path):
    folder = tmp_path / "results" / "small"
    plan = plan_of(tmp_path)
    named, unnamed, completed = (item.trial for item in plan.trials[:3])
    unnamed, completed = (
        dataclasses.replace(trial, versions={"workload": "as it was"})
        for trial in (unnamed, completed)
    )
    for trial, status in ((named, "failed"), (unnamed, "failed"), (completed, "completed")):
        path = folder / "trials" / trial.id
        path.mkdir(parents=True)
        content = {"status": status, "trial": trial.to_json()}
        (path / "trial.json").write_text(json.dumps(content))
    damaged = folder / "trials" / "0123456789"
    damaged.mkdir()
    (damaged / "trial.json").write_text("{")
    launches = tmp_path / "launches.csv"
    with claimed([unnamed], folder):
        busy = subprocess.run(
            [sys.executable, "-c", CLEAR, tmp_path], capture_output=True, text=True, check=True
        )
    assert busy.stdout == "0\n"
    assert clear_failed_attempts(plan, tmp_path / "results", launches) == 1
    assert left(tmp_path, "trials") == {named.id, completed.id, damaged.name}


def test_trials_of_a_running_job_are_not_removed(study, tmp_path):
    """Its spec was changed after it began."""
    trial = unnamed(study, tmp_path)
    folder = tmp_path / "results/small"
    before = left(tmp_path, "trials")
    busy = SimpleNamespace(id=trial)
    with claimed([busy], folder):
        command = [sys.executable, "-m", "tuning_playbook", "leftovers", str(study), "--remove"]
        refused = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert refused.returncode == 1
    assert f"trials/{trial}: a job trains this trial at this moment" in refused.stderr
    assert left(tmp_path, "trials") == before
    assert main(["leftovers", str(study), "--remove"]) == 0
    assert trial not in left(tmp_path, "trials")


CLEAR = """
import sys
from pathlib import Path
from tuning_playbook.archive.leftovers import clear_failed_attempts
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.trials.claims import claimed

root = Path(sys.argv[1])
plan = plan_study(root / "small.yaml")
print(clear_failed_attempts(plan, root / "results", root / "launches.csv"))
"""


def test_what_a_script_saved_stays_though_its_trial_failed(tmp_path):
    plan = commands.plan_of(tmp_path, {"search.trials": 1})
    trial = dataclasses.replace(plan.trials[0].trial, versions={"workload": "as it was"})
    path = tmp_path / "results" / "own" / "trials" / trial.id
    (path / "script").mkdir(parents=True)
    content = {"status": "failed", "trial": trial.to_json()}
    (path / "trial.json").write_text(json.dumps(content))
    assert clear_failed_attempts(plan, tmp_path / "results", tmp_path / "launches.csv") == 0
    assert path.exists()
