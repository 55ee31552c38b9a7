"""A false archive whose hashes are all right: what does not follow from its trials is named.

Each test changes files of an unpacked archive as somebody would who computes every hash anew, and
asks the one check that has to find it.
"""

import json
import os
import shutil
from pathlib import Path

import netCDF4
import pytest
import xarray as xr

from tuning_playbook.archive.check_trials import read_records
from tuning_playbook.archive.planned_again import planned_again, why_not_planned
from tuning_playbook.archive.recompute import OF_RESULTS, OF_TRIALS, Remade
from tuning_playbook.archive.verify import read_about
from tuning_playbook.archive.zip_layout import unpack
from tuning_playbook.dataset.collect import write_dataset

pytestmark = pytest.mark.workflow

CHECKS = OF_TRIALS | OF_RESULTS


@pytest.fixture(scope="session")
def whole(archived, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    unpack(archived.path, folder)
    return folder / "small"


@pytest.fixture
def bag(whole, tmp_path):
    """The archive, unpacked, to be changed; no test changes its code, which is not copied."""

    def copy(source, to):
        (os.link if "/data/code/" in source else shutil.copy2)(source, to)

    shutil.copytree(whole, tmp_path / "bag", copy_function=copy)
    return tmp_path / "bag"


def problems(bag, check):
    payload, about = bag / "data", read_about(bag)
    folders = [bag / "planned", bag / "made"]
    for folder in folders:
        folder.mkdir()
    records = read_records(payload / "results")
    with planned_again(payload, about, folders[0]) as again:
        remade = Remade(payload, payload / "results", about, records, again, folders[1])
        return " ".join(CHECKS[check](remade))


def edit_json(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def edit_dataset(path, change):
    with xr.open_dataset(path) as dataset:
        changed = change(dataset.load())
    write_dataset(path, changed)


@pytest.mark.parametrize("check", CHECKS)
def test_nothing_is_wrong_with_what_the_workflow_made(bag, check):
    assert problems(bag, check) == ""


def adopt_instead(results):
    edit_json(results / "launch.json", lambda launch: launch.update(decision="adopt"))


def no_findings(results):
    edit_json(results / "diagnostics.json", lambda content: content.update(findings=[]))


def empty_diagnostics(results):
    (results / "diagnostics.json").write_text("{}")


def empty_choice(results):
    (results / "reruns/choice.json").write_text("{}")


def without_a_trial(results):
    for name in ("study.nc", "checkpoints.nc"):
        edit_dataset(results / name, lambda dataset: dataset.isel(trial=slice(1, None)))


def other_arm(results):
    def rename(dataset):
        return dataset.assign(arm=("trial", ["other"] * dataset.sizes["trial"]))

    edit_dataset(results / "study.nc", rename)


def other_rerun_of(results):
    def rename(dataset):
        names = ["0123456789"] * dataset.sizes["trial"]
        return dataset.assign(rerun_of=dataset["rerun_of"].copy(data=names))

    edit_dataset(results / "reruns.nc", rename)


def other_train_steps(results):
    with netCDF4.Dataset(results / "study.nc", "a") as file:
        file["train_step"][0] = 7


def other_hours(results):
    with netCDF4.Dataset(results / "resources.nc", "a") as file:
        file["wall_seconds"][0] = 1.0


def other_classes(results):
    """In what was measured and in what was collected of it alike."""
    for path in results.glob("trials/*/best-*.json"):
        edit_json(path, lambda best: best.update(class_right=best["class_examples"]))
    with netCDF4.Dataset(results / "checkpoints.nc", "a") as file:
        file["class_right"][:] = file["class_examples"][:]


def moved_point(results):
    path = results / "plots/reruns.svg"
    before, mark, after = path.read_text().partition('<use xlink:href="#')
    place = after.index(' y="') + len(' y="')
    path.write_text(before + mark + after[:place] + "1" + after[place:])


def other_label(results):
    path = results / "plots/best_of.svg"
    text = path.read_text()
    assert "</text>" in text
    path.write_text(text.replace("</text>", " better</text>", 1))


def report_without_policy(results):
    path = results / "report.html"
    text = path.read_text()
    assert "Content-Security-Policy" in text
    path.write_text(text.replace("Content-Security-Policy", "Description"))


def report_with_script(results):
    path = results / "report.html"
    path.write_text(path.read_text().replace("</body>", "<script>alert(1)</script></body>"))


def other_goal(results):
    path = results.parent / "spec/small.yaml"
    path.write_text(path.read_text().replace("Does the small study run?", "Is it the best?"))


def other_next_study(results):
    path = results / "next_study.yaml"
    path.write_text(path.read_text() + "# and more\n")


def hidden_file(results):
    (results / "plots/more.svg").write_text("<svg/>")


def hidden_page(results):
    """In the folder of a trial, which is not listed file by file."""
    (next((results / "trials").iterdir()) / "report.html").write_text("<script></script>")


def hidden_trial(results):
    one = next((results / "trials").iterdir())
    shutil.copytree(one, one.with_name("0123456789"))


def other_author(results):
    path = results.parent / "CITATION.cff"
    path.write_text(path.read_text().replace("The authors of", "Ada, of"))


def other_readme(results):
    path = results.parent / "README.md"
    path.write_text(path.read_text() + "Send money.\n")


def other_versions(results):
    edit_json(results.parent / "archive.json", lambda a: a["workload"]["versions"].update(data="x"))


def other_default(results):
    """What the class declares decides the trials, which then are others."""

    def change(content):
        for item in content["hyperparameters"]:
            if item["name"] == "depth":
                item["default"] = 3

    edit_json(results.parent / "workload.json", change)


def other_summary(results):
    edit_json(results / "summary.json", lambda row: row.update(decision="adopt"))


ATTACKS = {
    adopt_instead: ("launch.json", "launch.json: decision does not follow"),
    no_findings: ("diagnostics.json", "diagnostics.json: findings does not follow"),
    empty_diagnostics: ("diagnostics.json", "diagnostics.json: format does not follow"),
    empty_choice: ("reruns/choice.json", "reruns/choice.json: format does not follow"),
    without_a_trial: ("study.nc", "study.nc: "),
    other_arm: ("study.nc", "study.nc: arm does not follow"),
    other_rerun_of: ("reruns.nc", "reruns.nc: rerun_of does not follow"),
    other_train_steps: ("study.nc", "study.nc: "),
    other_hours: ("resources.nc", "resources.nc: wall_seconds does not follow"),
    other_classes: ("checkpoints.nc", "has other right answers than its error rate"),
    moved_point: ("plots", "plots/reruns.svg: it is not what its data draw"),
    other_label: ("plots", "plots/best_of.svg: it is not what its data draw"),
    report_without_policy: ("report.html", "report.html: line"),
    report_with_script: ("report.html", "report.html: line"),
    other_goal: ("launch.json", "launch.json: answer.goal does not follow"),
    other_next_study: ("next_study.yaml", "next_study.yaml: line"),
    hidden_file: ("files", "plots/more.svg: nothing of a study makes such a file"),
    hidden_page: ("files", "report.html: nothing of a study makes such a file"),
    hidden_trial: ("files", "trials/0123456789: it is in no dataset"),
    other_author: ("descriptions", "CITATION.cff: it is not what the other files make of it"),
    other_readme: ("descriptions", "README.md: it is not what the other files make of it"),
    other_versions: ("archive.json", "archive.json: workload is not that of"),
    other_summary: ("report.html", "summary.json: decision does not follow"),
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_what_was_changed_is_named(bag, attack):
    check, told = ATTACKS[attack]
    attack(bag / "data/results")
    assert told in problems(bag, check)


def test_what_a_class_declares_otherwise_makes_other_trials(bag):
    other_default(bag / "data/results")
    with pytest.raises(Exception, match="pack file"):
        problems(bag, "study.nc")


def test_a_path_that_climbs_out_is_refused(bag):
    edit_json(
        bag / "data/archive.json", lambda a: a["as_given"].update(spec="../" * 20 + "x/s.yaml")
    )
    with pytest.raises(Exception, match="leads out of the folder"):
        problems(bag, "study.nc")
    assert not list(Path(bag).glob("**/s.yaml"))


def test_a_baseline_at_an_absolute_path_is_nothing_wrong_but_is_not_planned_again(bag):
    payload, about = bag / "data", read_about(bag)
    assert why_not_planned(payload, about) == ""
    spec = payload / about["spec"]
    spec.write_text(f"{spec.read_text()}\nbaseline: /elsewhere/base.yaml\n")
    assert "names its baseline by an absolute path" in why_not_planned(payload, about)
