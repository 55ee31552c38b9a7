"""A study as a journal of Optuna: what stands in it, and that it comes back as it was."""

import json

import numpy as np
import pytest
from ruamel.yaml import YAML

from tests.sources import foreign
from tests.specs import write_spec
from tuning_playbook.__main__ import main
from tuning_playbook.analysis.import_datasets import import_datasets
from tuning_playbook.dataset.collect import write_dataset
from tuning_playbook.dataset.optuna_journal import optuna_journal
from tuning_playbook.planning.plan import plan_study


def study_of(spec):
    return import_datasets(plan_study(spec))["study"]


@pytest.fixture
def there_and_back(tmp_path):
    """A study of trials from Optuna, and the study that its journal gives."""
    (tmp_path / "back").mkdir()
    before = study_of(foreign.write_optuna_journal(tmp_path))
    (tmp_path / "back/study.log").write_text(optuna_journal(before))
    source = {"format": "optuna", "path": "study.log", "step_0": "untrained"}
    return before, study_of(foreign.spec_of(tmp_path / "back", **source))


@pytest.mark.parametrize("name", ["hp_lr", "hp_layers", "hp_opt", "objective", "best_step"])
def test_values_come_back(there_and_back, name):
    before, after = there_and_back
    if before[name].dtype == object:
        assert after[name].values.tolist() == before[name].values.tolist()
    else:
        np.testing.assert_allclose(after[name].values, before[name].values, rtol=1e-6)


@pytest.mark.parametrize("name", ["hp_lr", "hp_layers", "hp_opt"])
def test_ranges_come_back(there_and_back, name):
    before, after = (dataset[name].attrs for dataset in there_and_back)
    for key in ("role", "distribution", "scale", "choices"):
        assert after[key] == before[key]
    np.testing.assert_equal((after["low"], after["high"]), (before["low"], before["high"]))


def test_an_infeasible_trial_has_failed(there_and_back):
    before, after = there_and_back
    feasible = np.isfinite(before["objective"].values)
    assert (~feasible).sum() == 1
    assert ((after["status"].values == "completed") == feasible).all()


def test_the_lines_are_operations_of_optuna(tmp_path):
    """A study, and each trial with the parameters that exist in its arm."""
    spec = foreign.write_csv(tmp_path)
    document = YAML(typ="safe", pure=True).load(spec.read_text())
    study = study_of(write_spec(spec, document | {"scientific": {"opt": ["sgd", "adam"]}}))
    head, *trials = (json.loads(line) for line in optuna_journal(study).splitlines())
    assert (head["op_code"], head["directions"]) == (0, [1])
    assert [line["op_code"] for line in trials] == [4] * study.sizes["trial"]
    for line, arm in zip(trials, study["arm"].values, strict=True):
        assert line["user_attrs"]["arm"] == arm
        assert line["params"].keys() == line["distributions"].keys()
        choices = json.loads(line["distributions"]["opt"])["attributes"]["choices"]
        assert f"opt={choices[line['params']['opt']]}" == arm
        for name, text in line["distributions"].items():
            given = json.loads(text)["attributes"]
            if "low" in given:
                assert given["low"] <= line["params"][name] <= given["high"]


def test_the_command_writes_a_journal_once(tmp_path, capsys):
    study = study_of(foreign.write_csv(tmp_path))
    (tmp_path / "results/s").mkdir(parents=True)
    write_dataset(tmp_path / "results/s/study.nc", study)
    command = ["optuna", "s", str(tmp_path / "s.log"), "--results", str(tmp_path / "results")]
    assert main(command) == 0
    assert "the study 's', 6 trials" in capsys.readouterr().out
    assert len((tmp_path / "s.log").read_text().splitlines()) == 7
    assert main(command) == 1
    assert "it is there already" in capsys.readouterr().err
    assert main(["optuna", "t", str(tmp_path / "t.log"), *command[3:]]) == 1
    assert "run snakemake --config study=t first" in capsys.readouterr().err
