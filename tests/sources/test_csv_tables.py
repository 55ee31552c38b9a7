"""Finished trials in two tables, and everything that can be wrong with those."""

import json

import numpy as np
import pytest

from tests.sources.algoperf import datasets
from tests.sources.foreign import RUNS, WRITERS, with_source, write_csv, write_json_lines
from tests.specs import REMOVED, changed, write_spec
from tuning_playbook.__main__ import main
from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.errors import TuningPlaybookError
from tuning_playbook.planning.artefacts import keys_of
from tuning_playbook.planning.plan import axis_plots, plan_study
from tuning_playbook.study.caveats import caveats

TRIALS = """trial,optimizer,learning_rate,momentum,seed
a,sgd,0.1,,1
b,momentum,0.01,0.9,1
c,momentum,0.02,0.9,1
again,momentum,0.02,0.9,2
"""

MEASUREMENTS = """trial,step,validation/error,train/error,test/error,train_loss
a,0,0.9,0.9,0.9,
a,10,0.5,0.4,0.9,1.5
a,20,0.6,,0.9,1.0
b,0,0.9,0.9,0.9,
b,10,nan,nan,,nan
c,0,0.9,0.9,0.9,
c,10,0.4,0.3,0.9,1.25
c,20,0.3,0.2,0.9,0.75
again,0,0.9,,,
again,10,0.45,,,
again,20,0.25,,,
"""

SPEC = {
    "goal": "Does momentum help?",
    "workload": "elsewhere",
    "objective": {"metric": "validation/error", "mode": "min"},
    "source": {"format": "csv", "trials": "trials.csv", "measurements": "measurements.csv"},
    "scientific": {"optimizer": ["sgd", "momentum"]},
}

TRAINING = {"max_train_steps": 40, "eval_every": 10, "batch_size": 32, "keep_best": 1}


ONCE = ("optuna sqlite", "mlflow sqlite")
"""Formats that have one value at a step, or whose writer here has."""


class Twice(dict):
    """What a run logs that was resumed after step 1, 2 and 3: steps 2 and 3 again, then 4."""

    def __init__(self, values, change):
        super().__init__(values)
        self.change = change

    def items(self):
        again = [(step, self[step] + self.change) for step in (2, 3)]
        return [*[(step, self[step]) for step in (1, 2, 3)], *again, (4, self[4])]


def write(folder, changes=None, trials=TRIALS, measurements=MEASUREMENTS):
    (folder / "trials.csv").write_text(trials)
    (folder / "measurements.csv").write_text(measurements)
    return write_spec(folder / "s.yaml", changed(changes or {}, SPEC))


def test_every_number_of_the_tables_is_in_the_dataset(tmp_path):
    study = datasets(write(tmp_path)).study
    assert study["source_trial"].values.tolist() == ["a", "b", "c"]
    assert study["eval_step"].values.tolist() == [0, 10, 20]
    validation = [[0.9, 0.5, 0.6], [0.9, np.nan, np.nan], [0.9, 0.4, 0.3]]
    train = [[0.9, 0.4, np.nan], [0.9, np.nan, np.nan], [0.9, 0.3, 0.2]]
    for split, expected in (("validation", validation), ("train", train)):
        np.testing.assert_array_equal(study["error"].sel(split=split), expected)
    assert study["train_step"].values.tolist() == [10, 20]
    np.testing.assert_array_equal(study["train_loss"], [[1.5, 1.0], [np.nan] * 2, [1.25, 0.75]])
    np.testing.assert_array_equal(study["objective"], [0.5, np.nan, 0.3])
    assert study["best_step"].values.tolist() == [10, -1, 20]
    assert study["best_steps"].values.tolist() == [[10, 20, 0], [-1] * 3, [20, 10, 0]]
    assert study["seed"].values.tolist() == [1, 1, 1]
    assert study.attrs["max_train_steps"] == 20


def test_hyperparameters_have_their_roles(tmp_path):
    imported = datasets(write(tmp_path, {"nuisance.learning_rate": {"log_uniform": [1e-3, 1.0]}}))
    study = imported.study
    assert study["hp_optimizer"].attrs["role"] == "scientific"
    np.testing.assert_array_equal(study["hp_momentum"], [np.nan, 0.9, 0.9])
    assert study["arm"].values.tolist() == ["optimizer=sgd"] + ["optimizer=momentum"] * 2
    searched = {item.name: item for item in read_searched(study)}
    assert searched["learning_rate"].distribution == "log_uniform"
    assert (searched["learning_rate"].low, searched["learning_rate"].high) == (1e-3, 1.0)
    assert study["hp_momentum"].attrs["role"] == "fixed"  # one value in the arm that has it
    assert "hp_batch_size" not in study
    assert set(axis_plots(imported.plan.study)) == {"axis_learning_rate"}


def test_a_trial_that_is_not_finite_to_its_end_is_infeasible_with_a_reason(tmp_path):
    study = datasets(write(tmp_path)).study
    assert study["status"].values.tolist() == ["completed", "diverged", "completed"]
    reason = str(study["infeasible_reason"].values[1])
    assert reason == "validation/error is not finite from step 10 on"


def test_a_seed_that_repeats_a_configuration_is_a_rerun(tmp_path):
    reruns = datasets(write(tmp_path)).reruns
    assert reruns["source_trial"].values.tolist() == ["again"]
    assert reruns["objective"].values.tolist() == [0.25]
    assert reruns["arm"].values.tolist() == ["optimizer=momentum"]


def test_the_source_may_say_itself_how_a_trial_ended(tmp_path):
    lines = TRIALS.replace("seed\n", "seed,status,infeasible_reason\n")
    lines = lines.replace("a,sgd,0.1,,1\n", "a,sgd,0.1,,1,failed,out of memory\n")
    lines = lines.replace("0.9,1\n", "0.9,1,,\n").replace("0.9,2\n", "0.9,2,completed,\n")
    study = datasets(write(tmp_path, trials=lines)).study
    assert study["status"].values.tolist()[0] == "failed"
    assert study["infeasible_reason"].values.tolist()[0] == "out of memory"
    assert np.isnan(study["objective"].values[0])


def test_trials_alone_tell_most_of_the_checklist_that_they_cannot_answer(tmp_path):
    """One evaluation of each trial: no curve, and so nothing about curves."""
    rows = [f"t{n},{n / 10}\n" for n in range(4)]
    spec = write(
        tmp_path,
        {"scientific": REMOVED},
        trials="trial,dropout\n" + "".join(rows),
        measurements="trial,step,validation/error\n"
        + "".join(f"t{n},100,0.{n}\n" for n in range(4)),
    )
    answers = {item.check: item.answer for item in diagnose(datasets(spec).study)}
    unanswered = {"boundary", "overfitting", "still_improving", "saturated_early"}
    assert {check for check, answer in answers.items() if answer == "cannot tell"} >= unanswered
    assert answers["infeasible"] == "ok"


def test_a_trial_that_was_stopped_early_shows_nothing_after_its_end(tmp_path):
    stopped = MEASUREMENTS.replace("a,20,0.6,,0.9,1.0\n", "")
    study = datasets(write(tmp_path, measurements=stopped)).study
    values = study["error"].sel(split="validation").values[0]
    np.testing.assert_array_equal(values, [0.9, 0.5, np.nan])
    assert study["status"].values[0] == "completed"


def test_only_the_trials_that_are_asked_for_come_in(tmp_path):
    imported = datasets(write(tmp_path, {"source.only": ["c", "again", "a"]}))
    assert imported.study["source_trial"].values.tolist() == ["a", "c"]


def test_what_the_tables_leave_out_may_be_said_beside_them(tmp_path):
    imported = datasets(write(tmp_path, {"training": TRAINING, "fixed": {"depth": 3}}))
    study = imported.study
    assert study.attrs["max_train_steps"] == 40
    assert study.sizes["rank"] == 1
    assert study["hp_batch_size"].values.tolist() == [32, 32, 32]
    assert study["hp_depth"].values.tolist() == [3, 3, 3]
    assert study["hp_depth"].attrs["role"] == "fixed"
    assert "depth = 3" in " ".join(caveats(imported.plan.study))


def test_a_changed_number_makes_another_trial_and_a_word_in_the_goal_only_another_answer(tmp_path):
    before = plan_study(write(tmp_path))
    reworded = plan_study(write(tmp_path, {"goal": "In other words?"}))
    for stage in ("study", "reruns", "diagnostics", "plots"):
        assert keys_of(reworded)[stage] == keys_of(before)[stage]
    assert keys_of(reworded)["launch"] != keys_of(before)["launch"]
    other = MEASUREMENTS.replace("0.45", "0.44")  # a rerun's
    after = plan_study(write(tmp_path, measurements=other))
    assert keys_of(after)["study"] == keys_of(before)["study"]
    assert keys_of(after)["reruns"] != keys_of(before)["reruns"]
    closed = MEASUREMENTS.replace("0.2,0.9,0.75", "0.2,0.1,0.75")  # a test metric
    assert keys_of(plan_study(write(tmp_path, measurements=closed))) == keys_of(before)


WRONG = {
    # what is wrong: (changes of the spec, the tables that differ, a part of the message)
    "a search as well": ({"search": {}}, {}, "search: is not given with 'source'"),
    "reruns as well": ({"reruns": {}}, {}, "reruns: is not given with 'source'"),
    "trained for longer": (
        {"training": {"max_train_steps": 10, "eval_every": 10}},
        {},
        "training.max_train_steps: a trial was evaluated at step 20, after 10",
    ),
    "fixed at another value": ({"fixed": {"momentum": 0.5}}, {}, "'b' has the value 0.9"),
    "fixed and scientific": ({"fixed": {"optimizer": "sgd"}}, {}, "has the value momentum"),
    "unknown format": ({"source.format": "cvs"}, {}, "did you mean 'csv'?"),
    "no format": ({"source.format": REMOVED}, {}, "give the format, one of csv, jsonl, algoperf"),
    "unknown key": ({"source.trails": "x"}, {}, "source.trails: unknown key; did you mean"),
    "no such table": ({"source.trials": "nowhere.csv"}, {}, "nowhere.csv: there is no such file"),
    "objective on the test split": (
        {"objective.metric": "test/error"},
        {},
        "read once, at the end",
    ),
    "objective that was not measured": (
        {"objective.metric": "validation/eror"},
        {},
        "no column 'validation/eror'; did you mean 'validation/error'?",
    ),
    "scientific that no trial has": (
        {"scientific": {"optimiser": ["sgd"]}},
        {},
        "did you mean 'optimizer'?",
    ),
    "value that no trial has": (
        {"scientific.optimizer": ["sgd", "adam"]},
        {},
        "has the value adam",
    ),
    "trial in no arm": ({"scientific.optimizer": ["sgd"]}, {}, "list it too, or leave"),
    "outside the range": (
        {"nuisance.learning_rate": {"log_uniform": [0.001, 0.05]}},
        {},
        "trial 'a' has the value 0.1, which lies outside its log_uniform range",
    ),
    "baseline that is no trial": ({"baseline": "agian"}, {}, "did you mean 'again'?"),
    "baseline named by a number": ({"baseline": 1}, {}, "not 1; write it in quotes"),
    "only a baseline": ({"baseline": "a", "source.only": ["a"]}, {}, "no trial has another"),
    "trial twice": (
        {},
        {"trials": TRIALS + "a,sgd,1,,1\n"},
        "row 6, column 'trial': 'a' is in row 2",
    ),
    "seed twice": (
        {},
        {"trials": TRIALS.replace("0.9,2", "0.9,1")},
        "row 5: trial 'again' repeats the configuration and the seed 1 of 'c'",
    ),
    "another batch size under fixed": (
        {"training": TRAINING, "fixed.batch_size": 64},
        {},
        "batch_size: trial 'a' has 64, by the table or 'fixed'",
    ),
    "another batch size in the table": (
        {"training": TRAINING},
        {"trials": TRIALS.replace("momentum,seed", "batch_size,seed").replace("0.9", "64")},
        "batch_size: trial 'b' has 64, by the table or 'fixed'",
    ),
    "seed that is no number": (
        {},
        {"trials": TRIALS.replace("0.9,2", "0.9,two")},
        "row 5, column 'seed': 'two' is no whole number",
    ),
    "name of no hyperparameter": (
        {},
        {"trials": TRIALS.replace("momentum,seed", "Momentum!,seed")},
        "column 'Momentum!': 'Momentum!' is no name of a hyperparameter",
    ),
    "infinite hyperparameter": (
        {},
        {"trials": TRIALS.replace("sgd,0.1", "sgd,inf")},
        "row 2, column 'learning_rate': a hyperparameter cannot be inf",
    ),
    "two columns of one name": (
        {},
        {"trials": TRIALS.replace("momentum,seed", "learning_rate,seed")},
        "two columns are named 'learning_rate'",
    ),
    "measurement of no trial": (
        {},
        {"measurements": MEASUREMENTS + "agian,30,0.1,,,\n"},
        "row 13, column 'trial': 'agian' is not in the table of trials; did you mean 'again'?",
    ),
    "measurement that is no number": (
        {},
        {"measurements": MEASUREMENTS.replace("0.45", "0,45")},
        "row 11 has 7 cells, and the first row names 6 columns",
    ),
    "text for a number": (
        {},
        {"measurements": MEASUREMENTS.replace("0.45", "good")},
        "row 11, column 'validation/error': 'good' is no number",
    ),
    "step that is no number": (
        {},
        {"measurements": MEASUREMENTS.replace("again,10", "again,ten")},
        "row 11, column 'step': 'ten' is no whole number",
    ),
    "step beyond what a dataset holds": (
        {},
        {"measurements": MEASUREMENTS.replace("again,10", f"again,{2**63}")},
        f"row 11, column 'step': '{2**63}' is no whole number from 0 to",
    ),
    "whole number beyond what a dataset holds": (
        {},
        {"trials": TRIALS.replace("sgd,0.1", f"sgd,-{'9' * 5000}")},
        "row 2, column 'learning_rate': -999",
    ),
    "unknown column": (
        {},
        {"measurements": MEASUREMENTS.replace("train_loss", "trian_loss")},
        "column 'trian_loss': neither a metric",
    ),
    "metric under the name of something else": (
        {},
        {"measurements": MEASUREMENTS.replace("train/error", "train/objective")},
        "column 'train/objective': neither a metric",
    ),
    "not a table": ({}, {"measurements": "\x00\x01"}, "measurements.csv"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_gets_one_message_that_says_what_and_where(tmp_path, wrong):
    changes, tables, message = WRONG[wrong]
    spec = write(tmp_path, changes, **tables)
    with pytest.raises(TuningPlaybookError) as caught:
        plan_study(spec)
    assert message in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_numbers_and_truth_values_are_read_as_they_are_meant(tmp_path):
    spec = write(
        tmp_path,
        {"scientific": {"nesterov": [True, False]}},
        trials="trial,nesterov,depth,learning_rate\na,true,2,1e-3\nb,False,2,0.5\n",
        measurements="trial,step,validation/error\na,1,0.5\nb,1,0.25\n",
    )
    plan = plan_study(spec)
    values = [dict(item.trial.hyperparameters) for item in plan.trials]
    assert json.dumps(values) == json.dumps(
        [
            {"depth": 2, "learning_rate": 0.001, "nesterov": True},
            {"depth": 2, "learning_rate": 0.5, "nesterov": False},
        ]
    )


def test_a_check_says_what_is_there_and_no_cost(tmp_path, capsys):
    assert main(["check", str(write(tmp_path, {}))]) == 0
    said = capsys.readouterr().out
    assert "3 trials, finished" in said and "2 trials over" in said
    assert "budget:" not in said and "reruns" not in said


def test_seeds_that_a_real_number_cannot_tell_apart_are_two(tmp_path):
    spec = write(
        tmp_path,
        {"scientific": {"optimizer": ["sgd"]}},
        trials=f"trial,optimizer,seed\na,sgd,{2**60}\nb,sgd,{2**60 + 1}\n",
        measurements="trial,step,validation/error\na,1,0.5\nb,1,0.25\n",
    )
    assert [trial.seed for trial in plan_study(spec).study.imported] == [2**60, 2**60 + 1]


@pytest.mark.parametrize("tool", [tool for tool in WRITERS if tool not in ("wandb", *ONCE)])
@pytest.mark.parametrize("change", [0.0, 0.25])
def test_of_several_values_at_a_step_the_last_counts(tmp_path, tool, change):
    """A resumed run logs a step again: with equal numbers nothing is said."""
    runs = [run | {"loss": Twice(run["loss"], change)} for run in RUNS[:2]]
    study = plan_study(WRITERS[tool](tmp_path, runs)).study
    curves = study.imported[0].record.evaluations
    found = dict(zip(curves.steps, curves.values["validation/loss"], strict=True))
    first = RUNS[0]["loss"]
    assert found == pytest.approx(first | {2: first[2] + change, 3: first[3] + change}, rel=1e-7)
    said = [note for note in study.import_notes if note.startswith("Logged more than once")]
    assert len(said) == bool(change)
    assert all(f"of {study.imported[0].name}" in note for note in said)


@pytest.mark.parametrize("source", ["csv", "jsonl"])
def test_a_table_may_count_from_0_what_has_trained_already(tmp_path, source):
    writer = {"csv": write_csv, "jsonl": write_json_lines}[source]
    runs = [run | {"loss": {n - 1: value for n, value in run["loss"].items()}} for run in RUNS]
    spec = writer(tmp_path, runs)
    assert plan_study(spec).study.imported[0].record.evaluations.steps == (0, 1, 2, 3)
    with_source(spec, step_0="trained")
    study = plan_study(spec).study
    assert study.imported[0].record.evaluations.steps == (1, 2, 3, 4)
    assert any("counted from 1 here" in note for note in study.import_notes)


@pytest.mark.parametrize(
    ("seeds", "kept"),
    [((1, 2, 3), "abc"), (("", "", ""), "ac"), ((1, "", 3), "ac"), (("", 2, 3), "ac")],
)
def test_of_two_trials_with_equal_numbers_one_is_left_out_unless_their_seeds_differ(
    tmp_path, seeds, kept
):
    """Of 100 examples two seeds have often as many right."""
    rows = [f"{name},sgd,{seed}\n" for name, seed in zip("abc", seeds, strict=True)]
    spec = write(
        tmp_path,
        {"scientific": {"optimizer": ["sgd"]}},
        trials="trial,optimizer,seed\n" + "".join(rows),
        measurements="trial,step,validation/error\na,1,0.25\nb,1,0.25\nc,1,0.5\n",
    )
    study = plan_study(spec).study
    assert [trial.name for trial in study.imported] == [*kept]
    said = [note for note in study.import_notes if note.startswith("Left out: b has the config")]
    assert len(said) == ("b" not in kept)


def test_trials_without_a_seed_have_one_that_is_no_other_trials(tmp_path):
    """Three runs of one configuration, of which the table knows one's seed."""
    spec = write(
        tmp_path,
        {"scientific": {"optimizer": ["sgd"]}},
        trials="trial,optimizer,seed\na,sgd,\nb,sgd,0\nc,sgd,\n",
        measurements="trial,step,validation/error\na,1,0.5\nb,1,0.25\nc,1,0.75\n",
    )
    assert [trial.seed for trial in plan_study(spec).study.imported] == [1, 0, 2]
