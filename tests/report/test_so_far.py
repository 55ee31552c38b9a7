"""The report of a study that still trains: its content, and that it changes no other file."""

import json
import re

import pytest

from tests.specs import plan_of
from tests.trials.records import record_of
from tuning_playbook.__main__ import main
from tuning_playbook.dataset.reruns import CHOICE, choose_reruns
from tuning_playbook.errors import ArtefactError
from tuning_playbook.planning.targets import StudyFiles
from tuning_playbook.report.so_far import FILE, report_so_far, what_there_is
from tuning_playbook.trials.trial import trial_from_json
from tuning_playbook.trials.trial_files import write_trial

CHANGES = {
    "training.max_train_steps": 100,
    "scientific": {"depth": [1, 2]},
    "search.trials": 4,
}


@pytest.fixture
def plan(tmp_path):
    return plan_of(tmp_path, CHANGES)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "small"


def finish(folder, trial, errors=(0.9, 0.5, 0.4, 0.3, 0.2), **others):
    provenance = {"wall_seconds": 10.0, "versions": {"jax": "0.10.2"}}
    record = record_of(trial, list(errors), **others)
    write_trial(folder, trial, record, kept_steps=[], provenance=provenance)


def files_of(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def words(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_trials_that_are_there_are_reported_and_nothing_is_decided(
    plan, tmp_path, folder, capsys
):
    arguments = ["status", str(plan.study.path), "--results", str(tmp_path), "--html"]
    assert main(arguments) == 1
    assert "no trial of the study has a result yet" in capsys.readouterr().err
    trials = [item.trial for item in plan.trials]
    for number in (0, 1, 5):
        finish(folder, trials[number])
    before = files_of(folder)
    assert main(arguments) == 0
    assert capsys.readouterr().out.endswith(f"report of what there is so far: {folder / FILE}\n")
    assert files_of(folder) == before | {FILE}
    html = (folder / FILE).read_text()
    assert "<title>small: so far</title>" in html
    said = words(html)
    assert "The study is not complete. 3 of 8 trials done (5 to come); 0 of 4 reruns done" in said
    assert "Undecided" in said and "adopt_baseline" not in said
    assert "3 of 8: the study is incomplete" in said
    for number, trial in enumerate(trials):
        assert (f'id="trial-{trial.id}"' in html) == (number in (0, 1, 5))
    assert html.count("data:image/svg+xml") > 5  # every plot that the whole study has


def test_a_complete_report_is_named_and_no_other_is_written(plan, tmp_path, folder, capsys):
    finish(folder, plan.trials[0].trial)
    files = StudyFiles(plan, str(folder))
    (folder / "current").mkdir()
    (tmp_path / files.stamp("report")).touch()
    (folder / "report.html").touch()
    assert main(["status", str(plan.study.path), "--results", str(tmp_path), "--html"]) == 0
    assert f"the report is complete: {folder / 'report.html'}" in capsys.readouterr().out
    assert not (folder / FILE).exists()


def test_reruns_that_are_there_are_in_it_and_decide_nothing_either(plan, tmp_path, folder):
    trials = [item.trial for item in plan.trials]
    for number, trial in enumerate(trials):
        finish(folder, trial, (0.9, 0.5, 0.4, 0.3, 0.2 + number / 100))
    best = {item.arm: item.trial.id for item in reversed(plan.trials)}
    chosen = choose_reruns(plan, best)
    (folder / "current").mkdir()
    (tmp_path / StudyFiles(plan, str(folder)).stamp("reruns")).touch()
    (folder / CHOICE).parent.mkdir()
    (folder / CHOICE).write_text(json.dumps({"arms": chosen}))
    again = [trial_from_json(content) for item in chosen.values() for content in item["trials"]]
    for trial in again[:-1]:
        finish(folder, trial)
    html = report_so_far(
        what_there_is(plan, tmp_path),
        tmp_path,
        said="8 of 8 trials done; 3 of 4 reruns done (1 to come)",
    )
    assert "Every rerun (3)" in html
    assert "Undecided" in words(html)


def test_a_study_whose_trials_have_all_failed_so_far_has_nothing_to_report(plan, tmp_path, folder):
    finish(folder, plan.trials[0].trial, status="failed")
    with pytest.raises(ArtefactError, match="no trial of the study has a result yet"):
        what_there_is(plan, tmp_path)


def test_trials_that_have_all_diverged_so_far_are_reported(plan, tmp_path, folder):
    for item in plan.trials[:3]:
        finish(folder, item.trial, status="diverged")
    html = report_so_far(what_there_is(plan, tmp_path), tmp_path, said="3 of 8 trials done")
    assert "0 feasible" in words(html)
