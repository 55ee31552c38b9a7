"""Names of a source that are others here, of whatever format it is."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.sources.algoperf import LOGS, import_logs
from tests.sources.finished import write_finished
from tests.sources.foreign import WRITERS, with_source
from tests.specs import write_spec
from tuning_playbook.analysis.import_datasets import import_datasets
from tuning_playbook.errors import SpecError, TuningPlaybookError
from tuning_playbook.planning.artefacts import keys_of
from tuning_playbook.planning.plan import plan_study

ARCHIVE = Path(__file__).parents[1] / "data" / "format_1.zip"

TRIALS = [{"Learning rate": 10.0**-n, "momentum": 0.9} for n in range(1, 4)]


def test_a_column_has_the_name_that_the_spec_gives_it(tmp_path):
    rename = {"source.rename": {"Learning rate": "learning_rate"}}
    plan = plan_study(write_finished(tmp_path, TRIALS, rename))
    values = [dict(item.trial.hyperparameters) for item in plan.trials]
    assert values == [{"learning_rate": 10.0**-n, "momentum": 0.9} for n in range(1, 4)]


def test_so_has_a_column_of_measurements_and_one_that_both_tables_have(tmp_path):
    spec = write_finished(
        tmp_path,
        [{"learning_rate": 0.1}],
        {
            "source.rename": {"run": "trial", "val_acc": "validation/accuracy"},
            "objective": {"metric": "validation/accuracy", "mode": "max"},
        },
    )
    (tmp_path / "trials.csv").write_text("run,learning_rate\na,0.1\n")
    (tmp_path / "measurements.csv").write_text("run,step,val_acc\na,100,0.5\n")
    study = import_datasets(plan_study(spec))["study"]
    assert study["objective"].values.tolist() == [0.5]


def test_an_error_in_a_cell_names_the_column_as_the_file_does(tmp_path):
    spec = write_finished(tmp_path, TRIALS, {"source.rename": {"Learning rate": "learning_rate"}})
    table = (tmp_path / "trials.csv").read_text()
    (tmp_path / "trials.csv").write_text(table.replace("0.1,", "inf,"))
    with pytest.raises(TuningPlaybookError, match="row 2, column 'Learning rate': a hyper"):
        plan_study(spec)


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        (
            {"Learning rat": "learning_rate"},
            "source.rename.Learning rat: the source has no column 'Learning rat'; did you mean "
            "'Learning rate'? (known: ",
        ),
        (
            {"Learning rate": "momentum"},
            "source.rename.Learning rate: the source has another column 'momentum', which is "
            "'momentum' here too",
        ),
        (
            {"Learning rate": "rate", "momentum": "rate"},
            "the source has another column 'momentum', which is 'rate' here too",
        ),
        ({"momentum": 1}, "input should be a valid string"),
        (
            {"Learning rate": "rate", "momentum": "Momentum!"},
            "column 'momentum': 'Momentum!' is no name of a hyperparameter",
        ),
        ({"Learning rate": "learning_rate", "trial": "name"}, "there is no column 'trial'"),
    ],
)
def test_an_unknown_column_and_a_name_that_is_taken_are_errors(tmp_path, rename, message):
    with pytest.raises(TuningPlaybookError) as caught:
        plan_study(write_finished(tmp_path, TRIALS, {"source.rename": rename}))
    assert message in str(caught.value)
    assert str(tmp_path) in str(caught.value)


RENAMED = {"Learning rate": "learning_rate"}


@pytest.mark.parametrize("name", ["learning_rate", "Learning rate"])
def test_hyperparameters_are_listed_by_their_names_here_or_there(tmp_path, name):
    changes = {"source.rename": RENAMED, "source.hyperparameters": [name]}
    study = plan_study(write_finished(tmp_path, TRIALS, changes)).study
    assert set(study.hyperparameters) == {"learning_rate"}


@pytest.mark.parametrize("name", ["learning_rate", "lr"])
def test_types_are_said_by_their_names_here_or_there(tmp_path, name):
    trials = [{"lr": 10.0**-n} for n in range(1, 4)]
    changes = {"source.rename": {"lr": "learning_rate"}, "source.types": {name: "text"}}
    study = plan_study(write_finished(tmp_path, trials, changes)).study
    values = [trial.hyperparameters["learning_rate"] for trial in study.imported]
    assert values == ["0.1", "0.01", "0.001"]


def test_a_name_here_comes_before_one_there(tmp_path):
    trials = [{"lr": 0.1 * n, "x": n} for n in range(1, 4)]
    changes = {"source.rename": {"lr": "rate", "x": "lr"}, "source.hyperparameters": ["lr"]}
    study = plan_study(write_finished(tmp_path, trials, changes)).study
    assert [trial.hyperparameters for trial in study.imported] == [{"lr": n} for n in (1, 2, 3)]


@pytest.mark.parametrize("tool", WRITERS)
@pytest.mark.parametrize("key", ["hyperparameters", "types"])
def test_a_hyperparameter_that_no_trial_has_is_an_error(tmp_path, tool, key):
    given = {"hyperparameters": ["opt", "layer"], "types": {"layer": "text"}}[key]
    spec = with_source(WRITERS[tool](tmp_path), **{key: given})
    message = f"source.{key}.*: no trial has a hyperparameter 'layer'; did you mean 'layers'"
    with pytest.raises(SpecError, match=message):
        plan_study(spec)


def source_of(workload, **rename):
    return {"format": "algoperf", "path": str(LOGS / workload), "rename": rename}


def test_a_hyperparameter_of_algoperf_has_the_name_that_the_spec_gives_it(tmp_path):
    logged = json.loads((LOGS / "wmt_jax/study_0/trial_1/hparams.json").read_text())
    assert "label_smoothing" in logged
    imported = import_logs(
        tmp_path,
        "wmt_jax",
        source=source_of("wmt_jax", label_smoothing="smoothing"),
        scientific={"smoothing": [0.0, 0.1]},
    )
    assert "hp_label_smoothing" not in imported.study
    assert imported.study["hp_smoothing"].attrs["role"] == "scientific"


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        ({"label_smoothin": "x"}, "metric 'label_smoothin'; did you mean 'label_smoothing'"),
        ({"label_smoothing": "learning_rate"}, "another hyperparameter or metric 'learning_rate'"),
        ({"label_smoothing": "X"}, "'X' is no name of a hyperparameter"),
    ],
)
def test_wrong_names_of_algoperf_are_errors(tmp_path, rename, message):
    with pytest.raises(SpecError, match=message) as caught:
        import_logs(tmp_path, "wmt_jax", source=source_of("wmt_jax", **rename))
    assert "wmt_jax.yaml:" in str(caught.value)


def archived(folder, rename, **changes):
    spec = {
        "goal": "What did the archived study find?",
        "workload": "digits_mlp",
        "objective": {"metric": "validation/error_rate", "mode": "min"},
        "source": {"format": "archive", "path": str(ARCHIVE), "rename": rename},
    }
    return plan_study(write_spec(folder / "again.yaml", spec | changes))


def test_trials_of_an_archive_keep_their_ids_and_have_the_names_of_the_spec(tmp_path):
    plan, before = archived(tmp_path, {"learning_rate": "rate"}), archived(tmp_path, {})
    assert [item.trial.id for item in plan.trials] == [item.trial.id for item in before.trials]
    study, other = (import_datasets(item)["study"] for item in (plan, before))
    np.testing.assert_array_equal(study["hp_rate"], other["hp_learning_rate"])
    assert "hp_learning_rate" not in study
    assert study["hp_rate"].attrs["distribution"] == other["hp_learning_rate"].attrs["distribution"]
    assert keys_of(plan)["study"] != keys_of(before)["study"]


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        ({"learning_rte": "x"}, "did you mean 'learning_rate'"),
        ({"width": "depth"}, "another hyperparameter 'depth'"),
        ({"batch_size": "batch"}, "the batch size of an archive's trials keeps its name"),
        ({"optimizer": "rule"}, "'optimizer' makes the arms of the archive: give"),
    ],
)
def test_wrong_names_of_an_archive_are_errors(tmp_path, rename, message):
    with pytest.raises(SpecError, match=message):
        archived(tmp_path, rename)


def test_what_makes_the_arms_of_an_archive_is_renamed_where_the_spec_makes_them(tmp_path):
    scientific = {"rule": ["nesterov", "adam"]}
    plan = archived(tmp_path, {"optimizer": "rule"}, scientific=scientific)
    assert [arm.name for arm in plan.study.arms] == ["rule=nesterov", "rule=adam"]
    study = import_datasets(plan)["study"]
    assert study["hp_rule"].values.tolist() == ["nesterov"] * 3 + ["adam"] * 3
