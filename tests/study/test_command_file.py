"""The YAML file of a command: what is read of it, what decides its version, what is wrong in it."""

import re

import pytest

from tests.commands import DESCRIPTION, SCRIPT, plan_of, write_command, write_study
from tests.specs import REMOVED, write_spec
from tuning_playbook.errors import SpecError, WorkloadError
from tuning_playbook.planning.budget_plan import read_budget
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.report.budget_lines import budget_plan_lines
from tuning_playbook.study.command_file import read_command

RATE = "hyperparameters.learning_rate"


def version_of(folder, changes=None, script=SCRIPT):
    return read_command(write_command(folder, script, changes)).versions()


def test_what_it_declares_is_known_to_the_study(tmp_path):
    study = plan_of(tmp_path, {"scientific": {"weight_decay": [0.0, 0.1]}}).study
    assert set(study.hyperparameters) == {"learning_rate", "weight_decay"}
    assert study.hyperparameters["weight_decay"].off == 0.0
    assert study.workload.metrics["error"].description == "mean squared error"


def test_a_trial_is_its_configuration_and_the_version_of_its_command(tmp_path):
    trial = plan_of(tmp_path).trials[0].trial
    assert set(trial.hyperparameters) == {"learning_rate", "weight_decay"}
    assert trial.workload == "trainer.yaml"
    assert trial.traced == ()
    assert dict(trial.versions) == read_command(tmp_path / "trainer.yaml").versions()


def test_a_trial_does_not_depend_on_where_its_command_stands(tmp_path):
    here = plan_of(tmp_path / "here").trials[0].trial
    write_command(tmp_path / "elsewhere")
    spec = write_study(tmp_path / "specs", {"workload": "../elsewhere/trainer.yaml"})
    assert plan_study(spec).trials[0].trial.id == here.id


@pytest.mark.parametrize(
    "changes",
    [
        {"command": [*DESCRIPTION["command"], "--fast"]},
        {"measurements.validation/error": "val/other"},
        {"environment": {"FAST": "1"}},
        {"conda": "torch"},
        {"files": ["train.py", "notes.txt"]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_decides_the_numbers_makes_another_version(tmp_path, changes):
    (tmp_path / "notes.txt").write_text("notes")
    assert version_of(tmp_path, changes) != version_of(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"description": "another"},
        {"metrics.error": "in other words"},
        {f"{RATE}.description": "in other words"},
        {f"{RATE}.high": 10.0},
        {"timeout_minutes": 5},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_decides_no_number_does_not(tmp_path, changes):
    assert version_of(tmp_path, changes) == version_of(tmp_path)


def test_every_byte_of_a_file_counts_and_no_other_file_does(tmp_path):
    before = version_of(tmp_path)
    assert version_of(tmp_path, script=SCRIPT + "# a comment\n") != before
    (tmp_path / "other.py").write_text("")
    assert version_of(tmp_path) == before


def test_what_python_compiles_is_no_file_of_the_command(tmp_path):
    (tmp_path / "model/__pycache__").mkdir(parents=True)
    (tmp_path / "model/layers.py").write_text("")
    (tmp_path / "model/__pycache__/layers.pyc").write_text("")
    path = write_command(tmp_path, changes={"files": ["train.py", "model/**/*"]})
    assert read_command(path).files == ("model/layers.py", "train.py")


WRONG = {
    "an unknown key": ({"comand": ["x"]}, "comand: unknown key; did you mean 'command'?"),
    "no command": ({"command": REMOVED}, "command: this key is required and missing"),
    "a shell string": ({"command": "python train.py"}, "command: input should be a valid list"),
    "an argument that is no text": (
        {"command": ["python", 3]},
        "command.1: input should be a valid string, not 3; write it in quotes",
    ),
    "an unknown value": (
        {"command": [*DESCRIPTION["command"], "{learning_rat}"]},
        "command.7: {learning_rat} is no value that a trial has; did you mean 'learning_rate'?",
    ),
    "a form of a value": (
        {"command": [*DESCRIPTION["command"], "{learning_rate:.2f}"]},
        "command.7: '{learning_rate:.2f}': braces hold the name of one value and no more",
    ),
    "a single brace": (
        {"command": [*DESCRIPTION["command"], '{"a": 1']},
        "braces",
    ),
    "a hyperparameter that does not get through": (
        {"hyperparameters.momentum": {"default": 0.9}},
        "hyperparameters.momentum: the command never gets it: put {momentum} into an argument",
    ),
    "a name that a trial has already": (
        {"hyperparameters.seed": {"default": 0}},
        "hyperparameters.seed: 'seed' cannot name a hyperparameter of a command",
    ),
    "a default out of range": (
        {f"{RATE}.default": 0.0},
        "hyperparameters.learning_rate.default: the default is not valid: 'learning_rate' must be "
        "more than 0",
    ),
    "an unknown key of a hyperparameter": (
        {f"{RATE}.hihg": 1.0},
        "hyperparameters.learning_rate.hihg: unknown key; did you mean 'high'?",
    ),
    "no step": (
        {"measurements.step": REMOVED},
        "measurements: 'step' is required and missing",
    ),
    "an unknown metric": (
        {"measurements.validation/eror": "x"},
        "measurements.validation/eror: 'validation/eror' is neither <split>/<metric> nor logged "
        "while training; did you mean 'validation/error'?",
    ),
    "the test split": (
        {"measurements.test/error": "x"},
        "measurements.test/error: the test split is read once, at the end",
    ),
    "measurements elsewhere": (
        {"measurements.file": "/tmp/log.jsonl"},
        "measurements.file: '/tmp/log.jsonl' must lie in a trial's own {folder}",
    ),
    "a file that is not there": (
        {"files": ["train.py", "nothing.py"]},
        "files.1: 'nothing.py' names no file in",
    ),
    "a file above": ({"files": ["../train.py"]}, "files.0: '../train.py' must lie beside this"),
    "a metric that the dataset has": (
        {"metrics.objective": "x"},
        "metrics.objective: the dataset has 'objective' for something else",
    ),
    "no time at all": ({"timeout_minutes": 0}, "timeout_minutes: input should be greater than 0"),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_told_with_its_file_line_and_key(tmp_path, changes, message):
    path = write_command(tmp_path, changes=changes)
    with pytest.raises(WorkloadError) as told:
        read_command(path)
    assert message in str(told.value)
    assert re.match(rf"{re.escape(str(path))}(:\d+)?: ", str(told.value))
    assert "\n" not in str(told.value)


NOT_FOR_A_COMMAND = {
    "resources.devices": 2,
    "resources.nodes": 2,
    "training.validation_sample": 10,
    "training.train_sample": "all",
    "training.eval_schedule": {"dense_until": 5},
    "reruns.splits": 2,
    "test": {"evaluate": "best"},
    "final": {"fold_validation": True},
}


@pytest.mark.parametrize("key", NOT_FOR_A_COMMAND)
def test_what_needs_our_own_engine_is_refused(tmp_path, key):
    with pytest.raises(SpecError, match=r"own\.yaml:\d+: .*: remove this key"):
        plan_of(tmp_path, {key: NOT_FOR_A_COMMAND[key]})


@pytest.mark.parametrize("name", ["stability", "warmup", "clipping"])
def test_a_procedure_is_refused_before_anything_is_trained(tmp_path, name):
    with pytest.raises(SpecError, match=r"own\.yaml:\d+: procedure: .* the workload is a command"):
        plan_of(tmp_path, {"procedure": {"name": name}})


def test_lanes_are_refused(tmp_path):
    with pytest.raises(SpecError, match="lanes: trials of a command share no program"):
        plan_of(tmp_path, {"resources": {"lanes": 2, "trials_per_job": 2}})


def test_an_objective_without_a_column_is_refused(tmp_path):
    changes = {"objective.metric": "train/error"}
    with pytest.raises(SpecError, match="names no column of 'train/error'"):
        plan_of(tmp_path, changes)


def test_a_batch_size_that_the_command_does_not_take_is_no_question(tmp_path):
    changes = {"scientific": {"batch_size": [1, 2]}, "training.batch_size": REMOVED}
    with pytest.raises(SpecError, match=r"does not take \{batch_size\}"):
        plan_of(tmp_path, changes)


def test_a_file_that_is_not_there_is_named_in_the_spec(tmp_path):
    with pytest.raises(WorkloadError, match=r"own\.yaml:\d+: workload: there is no file 'trainer"):
        plan_study(write_study(tmp_path))


def test_a_folder_of_data_is_refused(tmp_path):
    with pytest.raises(WorkloadError, match="take 'data' away"):
        plan_of(tmp_path, {"data": "."})


def test_a_baseline_names_the_file_of_the_command_wherever_it_lies(tmp_path):
    incumbent = {"workload": "../other/trainer.yaml", "hyperparameters": {"learning_rate": 0.5}}
    write_spec(tmp_path / "incumbent.yaml", incumbent)
    study = plan_of(tmp_path, {"baseline": "incumbent.yaml"}).study
    assert study.baseline.hyperparameters == {"learning_rate": 0.5, "weight_decay": 0.0}


def rules_of(plan):
    return {advice.rule for advice in plan.advice}


def test_a_command_that_takes_all_it_should_gets_no_advice(tmp_path):
    plan = plan_of(tmp_path, {"search.trials": 12})
    assert rules_of(plan) == set()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"command": [*DESCRIPTION["command"][:4], "{max_train_steps}"]}, "seed_not_taken"),
        ({"command": [*DESCRIPTION["command"][:4], "{seed}"]}, "max_train_steps_not_taken"),
        ({"files": []}, "files_not_listed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_command_does_not_take_is_advised(tmp_path, changes, rule):
    assert rules_of(plan_of(tmp_path, {"search.trials": 12}, command=changes)) == {rule}


OWN_NAMES = {
    "hyperparameters.schedule": {"default": "flat", "choices": ["flat", "onecycle"]},
    "hyperparameters.optimizer": {"default": "adam", "choices": ["adam", "lion"]},
    "hyperparameters.warmup_steps": {"default": 0, "low": 0, "off": 0},
    "hyperparameters.nesterov": {"default": False},
    "hyperparameters.b1": {"default": 0.9, "low": 0.0, "high": 1.0},
    "environment": {"OTHERS": "{schedule} {optimizer} {warmup_steps} {nesterov} {b1}"},
}
"""Hyperparameters with names that our own engine has, and other values."""


def test_its_hyperparameters_may_have_the_names_of_ours(tmp_path):
    incumbent = {"schedule": "onecycle", "warmup_steps": 50, "nesterov": True}
    write_spec(
        tmp_path / "incumbent.yaml", {"workload": "trainer.yaml", "hyperparameters": incumbent}
    )
    changes = {
        "scientific": {"schedule": ["onecycle", "flat"], "optimizer": ["lion", "adam"]},
        "nuisance.warmup_steps": {"int_uniform": [0, 50]},
        "conditional": [
            {
                "when": {"optimizer": "adam"},
                "nuisance": {"one_minus_b1": {"log_uniform": [0.01, 0.5]}},
            }
        ],
        "baseline": "incumbent.yaml",
    }
    plan = plan_of(tmp_path, changes, command=OWN_NAMES)
    assert {item.trial.hyperparameters["optimizer"] for item in plan.trials} == {"lion", "adam"}
    assert all(
        item.trial.hyperparameters["b1"] == 0.9 for item in plan.trials if "lion" in item.arm
    )
    assert plan.study.baseline.hyperparameters["schedule"] == "onecycle"
    assert "few_trials" in rules_of(plan)
    (tmp_path / "results").mkdir()
    lines = budget_plan_lines(plan, read_budget("60trials"), tmp_path / "results")
    assert any("60" in line for line in lines)


@pytest.mark.parametrize(
    "search",
    [
        {"algorithm": "halton", "trials": 3},
        {"algorithm": "random", "trials": 3},
        {"algorithm": "grid", "points": 3},
        {
            "algorithm": "list",
            "trials": [{"learning_rate": 0.1}, {"learning_rate": 0.2}, {"learning_rate": 0.3}],
        },
    ],
    ids=lambda search: search["algorithm"],
)
def test_every_search_searches_its_hyperparameters(tmp_path, search):
    plan = plan_of(tmp_path, {"search": search})
    assert len({item.trial.hyperparameters["learning_rate"] for item in plan.trials}) == 3


def test_a_bayesian_search_plans_its_rounds(tmp_path):
    search = {"algorithm": "bayesian", "trials": 6, "initial": 4, "rounds": 2}
    assert len(plan_of(tmp_path, {"search": search}).rounds) == 2
