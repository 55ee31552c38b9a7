"""Studies from Python: what was decided, what there is so far, and what is wrong."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

import tuning_playbook as tp
from tests.report.example import make_example
from tests.specs import changed, write_spec
from tuning_playbook.errors import ArtefactError, SpecError, TuningPlaybookError
from tuning_playbook.files import write_json
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.planning.targets import StudyFiles

DOCUMENT = (Path(__file__).parents[1] / "docs/python.md").read_text()


def test_importing_the_package_imports_no_study():
    code = "import sys, tuning_playbook; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "xarray", "matplotlib", "jax"} & set(done.stdout.split())
    with pytest.raises(AttributeError, match="has no attribute 'prune'"):
        tp.prune  # noqa: B018 - reading it is the point


def test_the_blocks_of_the_documentation_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (spec,) = re.findall(r"```yaml\n# depth_choice.yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    (tmp_path / "depth_choice.yaml").write_text(spec)
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    assert len(blocks) == 5
    for block in blocks:
        exec(block, names)
    assert (tmp_path / "learning_rate.png").exists()


@pytest.fixture
def decided(tmp_path):
    """Leave the files of a study that Snakemake has decided; return what they were made of."""
    example = make_example()
    folder = tmp_path / "results" / "decided"
    folder.mkdir(parents=True)
    for name in ("study", "reruns", "resources"):
        getattr(example, name).to_netcdf(folder / f"{name}.nc")
    write_json(folder / "launch.json", example.launch)
    write_json(folder / "diagnostics.json", {"findings": example.findings})
    return example


def test_a_decided_study_is_what_its_files_hold(decided, tmp_path):
    study = tp.open("decided", tmp_path / "results")
    xr.testing.assert_identical(study.dataset, xr.load_dataset(study.folder / "study.nc"))
    assert study.answer == decided.launch["answer"]["sentence"]
    assert study.decision == decided.launch["decision"]
    assert [item.check for item in study.findings] == [item["check"] for item in decided.findings]
    trials = study.trials
    assert list(trials.index) == decided.study["trial"].values.tolist()
    assert trials["objective"].equals(decided.study["objective"].to_series())
    assert trials["optimizer"].tolist() == decided.study["hp_optimizer"].values.tolist()
    assert trials["seconds"].tolist() == decided.resources["wall_seconds"].values.tolist()
    assert repr(study) == f"study 'decided', {len(trials)} trials: {study.decision}"


def test_a_decision_of_another_spec_is_opened_with_a_warning(decided, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = write_spec(tmp_path / "config/studies/decided.yaml", changed({}))
    stamp = Path(StudyFiles(plan_study(spec), "results/decided").stamp("launch"))
    stamp.parent.mkdir()
    stamp.touch()
    os.utime(stamp, (0, 0))
    assert tp.open("decided").decision == decided.launch["decision"]
    write_spec(spec, changed({"goal": "Does another study run?"}))
    with pytest.warns(
        UserWarning, match=r"^results/decided: config/studies/decided\.yaml, the code"
    ):
        assert tp.open("decided").decision == decided.launch["decision"]
    spec.write_text("goal: 3\n")
    with pytest.warns(UserWarning, match="its spec cannot be carried out now: "):
        tp.open(spec)
    spec.unlink()
    assert tp.open("decided").answer  # results that were copied without their spec


def test_every_plot_is_a_figure(decided, tmp_path):
    study = tp.open("decided", tmp_path / "results")
    assert {"isolation", "reruns", "training_curves"} < set(study.plots)
    assert study.plot("training_curves").axes
    with pytest.raises(
        TuningPlaybookError, match=r"no plot 'isolaton'; did you mean 'isolation'\?"
    ):
        study.plot("isolaton")


def test_the_report_is_a_path_and_says_when_it_is_missing(decided, tmp_path):
    study = tp.open("decided", tmp_path / "results")
    with pytest.raises(ArtefactError, match="not there yet: run snakemake --config study=decided"):
        study.report()
    (study.folder / "report.html").write_text("<html>")
    assert study.report() == study.folder / "report.html"


def test_what_cannot_be_opened_says_why(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match="there is no study 'nothing'"):
        tp.open("nothing")
    spec = write_spec(tmp_path / "small.yaml", changed({}))
    with pytest.raises(ArtefactError, match="no trial of the study has a result yet"):
        tp.open(spec)
    with pytest.raises(TuningPlaybookError, match="has no trial 0000000000"):
        tp.train(spec, trials=["0000000000"])
    conclusion = tmp_path / "results/stability/conclusion.json"
    conclusion.parent.mkdir(parents=True)
    conclusion.write_text(json.dumps({}))
    with pytest.raises(ArtefactError, match="it is a procedure; open one of its rounds"):
        tp.open("stability")


def test_a_check_raises_what_the_command_would_say(tmp_path):
    spec = write_spec(tmp_path / "small.yaml", changed({"workload": "digits_mpl"}))
    with pytest.raises(TuningPlaybookError, match=r"digits_mpl.*did you mean 'digits_mlp'"):
        tp.check(spec)
