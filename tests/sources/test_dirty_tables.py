"""Tables as people keep them: what names tell, what languages print, what editors leave behind."""

import re

import pytest

from tests.sources.finished import SPEC
from tests.sources.test_tables import column, measured, of_one_column, study_of
from tests.specs import changed, write_spec
from tuning_playbook.errors import TuningPlaybookError
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.sources.told_by_name import is_result, is_seed

ALONE = {"source": {"format": "csv", "trials": "trials.csv"}}
BOTH = {"source": {"format": "csv", "trials": "trials.csv", "measurements": "trials.csv"}}


def seeds(study):
    return [trial.seed for trial in study.imported]


def errors(study):
    return [trial.record.evaluations.values["validation/error"] for trial in study.imported]


def said(study, words):
    return [note for note in study.import_notes if words in note]


# ------------------------------------------------------------------------------------ seeds


@pytest.mark.parametrize(
    "name", ["random_seed", "run_seed", "seed_value", "Seed", "rng_seed", "randomSeed", "SEED"]
)
def test_a_column_that_is_named_like_a_seed_is_the_seed_and_said(tmp_path, name):
    study = study_of(tmp_path, f"trial,rate,{name}\na,0.1,3\nb,0.1,4\n", measured("ab"))
    assert seeds(study) == [3, 4]
    assert set(study.hyperparameters) == {"rate"}
    assert said(study, f"{name} is read as the seed")


def test_a_random_state_is_a_seed_and_words_that_only_contain_one_are_not(tmp_path):
    assert is_seed("random_state")
    assert not any(map(is_seed, ["seedling_depth", "reseeded", "speed", "state"]))


@pytest.mark.parametrize(
    "changes",
    [
        {"nuisance": {"random_seed": {"int_uniform": [1, 9]}}},
        {"scientific": {"random_seed": [3, 4]}},
        {"source.hyperparameters": ["rate", "random_seed"]},
        {"source.types": {"random_seed": "number"}},
    ],
    ids=["range", "values", "listed", "type"],
)
def test_what_the_spec_calls_a_hyperparameter_is_no_seed(tmp_path, changes):
    table = "trial,rate,random_seed\na,0.1,3\nb,0.1,4\n"
    study = study_of(tmp_path, table, measured("ab", 0.5), changes)
    assert column(study, "random_seed") == [3, 4]


def test_of_two_names_of_seeds_the_one_that_differs_between_trials_counts(tmp_path):
    table = "trial,rate,data_seed,init_seed\na,0.1,7,1\nb,0.1,7,2\n"
    study = study_of(tmp_path, table, measured("ab"))
    assert seeds(study) == [1, 2]
    assert column(study, "data_seed") == [7, 7]


def test_two_seeds_that_both_differ_are_an_error_that_says_what_to_do(tmp_path):
    table = "trial,rate,data_seed,init_seed\na,0.1,7,1\nb,0.1,8,2\n"
    with pytest.raises(
        TuningPlaybookError, match=r"row 2, column 'data_seed': .*init_seed.*rename"
    ):
        study_of(tmp_path, table, measured("ab"))
    study = study_of(tmp_path, table, measured("ab"), {"source.rename": {"init_seed": "seed"}})
    assert seeds(study) == [1, 2]
    assert said(study, "data_seed is read as a hyperparameter")


def test_a_seed_of_text_is_an_error_where_the_column_is_called_seed_and_said_elsewhere(tmp_path):
    with pytest.raises(
        TuningPlaybookError,
        match=r"row 2, column 'seed': 's1' is no whole number.*number the seeds",
    ):
        study_of(tmp_path, "trial,rate,seed\na,0.1,s1\nb,0.1,s2\n", measured("ab"))
    study = study_of(tmp_path, "trial,rate,run_seed\na,0.1,s1\nb,0.1,s2\n", measured("ab"))
    assert said(study, "run_seed is read as a hyperparameter")
    assert said(study, "'s1' of a is no whole number")


# ------------------------------------------------------------------------- results as columns

RESULTS = [
    *("val_acc", "valid_loss", "test_error", "train_loss_final", "bestValLoss", "val/top5_acc"),
    *("validation/error_rate", "runtime", "wall_time_s", "best_epoch", "valacc", "test_f1", "acc"),
]
GIVEN = [
    *(
        "loss_weight",
        "test_size",
        "validation_fraction",
        "precision",
        "max_norm",
        "top_k",
        "epochs",
    ),
    *("label_smoothing", "train_steps", "metric_window", "timeout", "batch_size", "lr", "mapping"),
]


def test_names_of_results_are_told_from_those_of_hyperparameters():
    assert [name for name in RESULTS if not is_result(name)] == []
    assert [name for name in GIVEN if is_result(name)] == []


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("name", RESULTS)
def test_a_result_of_training_among_the_parameters_is_left_unread_and_said(tmp_path, name, alone):
    """As a hyperparameter it would make every seed a configuration of its own."""
    more = (",validation/error", ",0.5") if alone else ("", "")
    rows = "\n".join(f"{trial},0.1,{n},0.{n}{more[1]}{n}" for n, trial in enumerate("abc"))
    table = f"trial,rate,seed,{name}{more[0]}\n{rows}\n"
    study = study_of(tmp_path, table, measured("abc"), ALONE if alone else {})
    assert set(study.hyperparameters) == {"rate"}
    if not (alone and name.startswith("validation/")):
        assert said(study, name)


def test_a_text_named_like_a_result_is_a_hyperparameter(tmp_path):
    study = study_of(tmp_path, "trial,loss\na,hinge\nb,logistic\n", measured("ab"))
    assert column(study, "loss") == ["hinge", "logistic"]


@pytest.mark.parametrize(
    "changes",
    [{"source.hyperparameters": ["loss"]}, {"scientific": {"loss": [1, 2]}}],
    ids=["listed", "values"],
)
def test_a_number_named_like_a_result_is_one_where_the_spec_says_so(tmp_path, changes):
    study = study_of(tmp_path, "trial,loss\na,1\nb,2\n", measured("ab"), changes)
    assert column(study, "loss") == [1, 2]


def test_results_beside_the_objective_in_one_table_are_left_unread(tmp_path):
    table = (
        "trial,lr,run_seed,epoch,val_err,train_acc,time\n"
        "a,0.1,1,1,0.5,0.5,3.2\na,0.1,1,2,0.25,0.75,6.4\nb,0.1,2,1,0.75,0.25,3.1\n"
    )
    rename = {"epoch": "step", "val_err": "validation/error"}
    study = study_of(tmp_path, table, "", changed({"source.rename": rename}, BOTH))
    assert set(study.hyperparameters) == {"lr"}
    assert seeds(study) == [1, 2]
    assert errors(study) == [(0.5, 0.25), (0.75,)]
    assert said(study, "train_acc, time")


# ------------------------------------------------------------------------------ types of cells


@pytest.mark.parametrize(
    "cells", [["True", "1", "0"], ["1", "false", "True"], ["TRUE", "0.0", "1.0"]]
)
def test_1_and_0_beside_truth_values_are_truth_values_and_said(tmp_path, cells):
    found, notes = of_one_column(tmp_path, cells)
    assert found == [cell.lower() in ("true", "1", "1.0") for cell in cells]
    assert all(isinstance(value, bool) for value in found)
    assert len(notes) == 1 and "1 is read as true and 0 as false" in notes[0]


def test_1_and_0_alone_are_numbers_and_truth_values_where_the_spec_says_so(tmp_path):
    assert of_one_column(tmp_path, ["1", "0"]) == ([1, 0], [])
    found, _ = of_one_column(tmp_path, ["1", "0"], {"source.types": {"x": "truth"}})
    assert found == [True, False]


@pytest.mark.parametrize(
    "cell", ["None", "nan", "NaN", "-nan", "NA", "N/A", "-", "<NA>", "nil", "?"]
)
def test_what_languages_write_for_no_number_is_none_and_said(tmp_path, cell):
    found, notes = of_one_column(tmp_path, ["0.1", cell, "0.2"])
    assert found == [0.1, None, 0.2]
    assert any("read as no value" in note for note in notes)


@pytest.mark.parametrize("cell", ["inf", "-inf", "Infinity"])
def test_an_infinite_hyperparameter_is_an_error_that_says_what_to_do(tmp_path, cell):
    with pytest.raises(
        TuningPlaybookError, match=r"row 3, column 'x': a hyperparameter cannot be .*source.types"
    ):
        of_one_column(tmp_path, ["0.1", cell])
    found, _ = of_one_column(tmp_path, ["0.1", cell], {"source.types": {"x": "text"}})
    assert found == ["0.1", cell]


PRINTED = {
    "np.float64(0.001)": 0.001,
    "tensor(0.001)": 0.001,
    "1.0D-3": 0.001,
    "1.0f-3": 0.001,
    "0.001f0": 0.001,
    "1.E-3": 0.001,
    "+.001": 0.001,
    "1e-03": 0.001,
    "Decimal('0.001')": 0.001,
}


@pytest.mark.parametrize("printed", PRINTED)
def test_a_number_is_read_as_the_language_printed_it(tmp_path, printed):
    found, _ = of_one_column(tmp_path, [printed, "0.5"])
    assert found == [PRINTED[printed], 0.5]
    table = f"trial,step,validation/error\na,1,{printed}\na,2,0.5\n"
    assert errors(study_of(tmp_path, "trial,x\na,1\n", table)) == [(PRINTED[printed], 0.5)]


@pytest.mark.parametrize("cell", ["64_128", "64,128", "007", "1_0", "v1.0d2"])
def test_what_only_looks_like_a_number_stays_text(tmp_path, cell):
    found, _ = of_one_column(tmp_path, [f'"{cell}"', "7"])
    assert found == [cell, "7"]


@pytest.mark.parametrize("cell", ["None", "-", "NA", "N/A", "null"])
def test_no_measurement_may_be_written_as_a_word_and_is_said(tmp_path, cell):
    table = f"trial,step,validation/error,train_loss\na,1,{cell},2.0\na,2,0.5,1.0\n"
    study = study_of(tmp_path, "trial,x\na,1\n", table)
    assert errors(study) == [(0.5,)]
    assert said(study, f"'{cell}' as nothing measured")


@pytest.mark.parametrize(
    "cell", ["nan", "NaN", "-nan", "nan(ind)", "-1.#IND", "tensor(nan)", "1.#INF"]
)
def test_a_loss_that_is_no_number_is_a_divergence_however_it_is_printed(tmp_path, cell):
    table = f"trial,step,validation/error\na,1,0.5\na,2,{cell}\nb,1,0.5\nb,2,0.25\n"
    study = study_of(tmp_path, "trial,x\na,1\nb,2\n", table)
    assert [trial.record.status for trial in study.imported] == ["diverged", "completed"]


# --------------------------------------------------------------------------------- whole tables

VALUES = "trial,step,validation/error\na,1,0.5\na,2,0.25\n"


@pytest.mark.parametrize(
    ("table", "note"),
    [
        (VALUES.replace("a,2", "trial,step,validation/error\na,2"), "is repeated in 1 of its"),
        (f"# made by run.py, 3 epochs\n{VALUES}# done\n", "begin with # are comments"),
        (VALUES.replace("\n", ",\n").replace("error,,", "error,"), ""),
        (VALUES.replace("error\n", "error,,\n").replace("5\n", "5,,\n"), ""),
        (VALUES.replace("trial,", ",trial,").replace("\na,", "\n0,a,"), "has no name"),
        (VALUES.replace("trial,", "Unnamed: 0,trial,").replace("\na,", "\n0,a,"), "has no name"),
        (VALUES.replace("a,1,", 'a,"1,000",').replace("a,2,", 'a,"2,000",'), "'1,000' as 1000"),
        (VALUES.replace("\n", "\r\n\r\n"), ""),
        (VALUES.replace(",1,", ",1.0,").replace(",2,", ",2.0,"), ""),
    ],
    ids=[
        *("header again", "comments", "a last comma", "two last commas", "row numbers"),
        *("row numbers of pandas", "thousands", "empty lines", "steps printed as real numbers"),
    ],
)
def test_what_tables_have_around_their_numbers_changes_none(tmp_path, table, note):
    study = study_of(tmp_path, "trial,x\na,1\n", table)
    curves = study.imported[0].record.evaluations
    assert curves.values["validation/error"] == (0.5, 0.25)
    assert curves.steps in ((1, 2), (1000, 2000))
    assert said(study, note) or not note


def test_a_trial_may_be_named_with_the_sign_of_a_comment(tmp_path):
    study = study_of(tmp_path, "trial,x\n#1,1\n#2,2\n", measured(["#1", "#2"]))
    assert [trial.name for trial in study.imported] == ["#1", "#2"]


def test_a_decimal_comma_between_commas_is_an_error_even_where_the_last_cell_is_empty(tmp_path):
    table = "trial,step,validation/error,train_loss\na,1,0,5,\n"
    with pytest.raises(
        TuningPlaybookError, match=r"row 2 has 5 cells.*first row names 4.*last comma"
    ):
        study_of(tmp_path, "trial,x\na,1\n", table)


@pytest.mark.parametrize(
    ("step", "error"), [("1,000", "0,5"), ("1,000", "1,250"), ("1.000", "0,5"), ("1.000", "0.5")]
)
def test_steps_whose_comma_or_point_may_separate_thousands_are_an_error(tmp_path, step, error):
    """Steps 1,000 and 2,000 must not become 1 and 2."""
    table = f"trial;step;validation/error\na;{step};{error}\na;{step.replace('1', '2')};{error}\n"
    with pytest.raises(TuningPlaybookError, match=r"row 2, column '(step|validation/error)': .*"):
        study_of(tmp_path, "trial;x\na;1\n", table)


def test_three_decimals_are_decimals_where_another_column_has_decimal_commas(tmp_path):
    table = "trial;rate;width\na;0,5;1,250\nb;0,25;2,500\n"
    study = study_of(tmp_path, table, measured("ab"))
    assert column(study, "width") == [1.25, 2.5]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("epoch", "'rename: {epoch: step}'"),
        ("global_step", "'rename: {global_step: step}'"),
        ("when", "'rename: {<its name there>: step}'"),
    ],
)
def test_a_missing_column_is_an_error_that_says_how_to_name_it(tmp_path, name, advice):
    with pytest.raises(TuningPlaybookError, match=re.escape(advice)):
        study_of(tmp_path, "trial,x\na,1\n", VALUES.replace("step", name))


def test_all_that_is_missing_is_said_at_once(tmp_path):
    table = "Run,lr,Epoch,val\na,0.1,1,0.5\n"
    advice = "{Run: trial, Epoch: step, <its name there>: validation/error}"
    with pytest.raises(TuningPlaybookError, match=re.escape(advice)):
        study_of(tmp_path, table, "", BOTH)


def test_epochs_of_few_trials_that_count_from_0_have_trained(tmp_path):
    table = VALUES.replace("step", "epoch").replace("a,1", "a,0").replace("a,2", "a,1")
    rename = {"source.rename": {"epoch": "step"}}
    study = study_of(tmp_path, "trial,x\na,1\n", table, rename)
    assert study.imported[0].record.evaluations.steps == (1, 2)
    assert said(study, "its steps are counted from 1 here")
    study = study_of(tmp_path, "trial,x\na,1\n", table, rename | {"source.step_0": "untrained"})
    assert study.imported[0].record.evaluations.steps == (0, 1)


def test_a_table_of_runs_with_decimal_commas_keeps_what_the_spec_calls_text(tmp_path):
    table = "Name;State;layers;rate;loss\na;finished;64,64;0,1;0,5\nb;finished;64,128;0,2;0,25\n"
    (tmp_path / "runs.csv").write_text(table)
    source = {"format": "wandb", "path": "runs.csv", "objective": "loss"}
    source |= {"hyperparameters": ["layers", "rate"], "types": {"layers": "text"}}
    spec = write_spec(tmp_path / "s.yaml", SPEC | {"source": source})
    study = plan_study(spec).study
    assert column(study, "layers") == ["64,64", "64,128"]
    assert column(study, "rate") == [0.1, 0.2]
    assert errors(study) == [(0.5,), (0.25,)]


# ------------------------------------------------------------------------- epochs from 0, run ids


def per_epoch(rates, at_0):
    """Errors by epoch of a trial for each rate: the higher the rate, the lower its error."""
    rows = [
        f"t{n},{epoch},{at_0(n) if epoch == 0 else 0.9 - rate * epoch / 3}"
        for n, rate in enumerate(rates)
        for epoch in range(4)
    ]
    trials = "".join(f"t{n},{rate}\n" for n, rate in enumerate(rates))
    return f"trial,lr\n{trials}", "\n".join(["trial,epoch,validation/error", *rows]) + "\n"


@pytest.mark.parametrize(
    ("at_0", "steps"),
    [
        (lambda n: 0.9 + 0.001 * n, (0, 1, 2, 3)),
        (lambda n: 0.95 - 0.1 * n, (1, 2, 3, 4)),
    ],
    ids=["the untrained model", "one that has trained"],
)
def test_what_epoch_0_is_follows_from_how_much_trials_differ_there(tmp_path, at_0, steps):
    tables = per_epoch([0.1, 0.2, 0.3, 0.4, 0.5], at_0)
    study = study_of(tmp_path, *tables, {"source.rename": {"epoch": "step"}})
    assert study.imported[0].record.evaluations.steps == steps
    assert said(study, "The source counts")
    for told, expected in (("trained", (1, 2, 3, 4)), ("untrained", (0, 1, 2, 3))):
        changes = {"source.rename": {"epoch": "step"}, "source.step_0": told}
        study = study_of(tmp_path, *tables, changes)
        assert study.imported[0].record.evaluations.steps == expected


@pytest.mark.parametrize("name", ["run_id", "host", "start_date", "job_name", "git_commit"])
def test_what_names_a_run_is_no_hyperparameter_where_all_differ_and_is_said(tmp_path, name):
    rows = "".join(f"t{n},0.1,{n},x{n}\n" for n in range(3))
    study = study_of(tmp_path, f"trial,lr,seed,{name}\n{rows}", measured(["t0", "t1", "t2"]))
    assert set(study.hyperparameters) == {"lr"}
    assert said(study, f"or of runs: {name}")


def test_a_name_that_trials_share_is_a_hyperparameter(tmp_path):
    rows = "t0,adam\nt1,adam\nt2,sgd\n"
    study = study_of(tmp_path, f"trial,optimizer_name\n{rows}", measured(["t0", "t1", "t2"]))
    assert column(study, "optimizer_name") == ["adam", "adam", "sgd"]


def test_a_text_that_is_another_in_each_of_many_trials_is_said(tmp_path):
    names = [f"t{n}" for n in range(8)]
    table = "trial,remark\n" + "".join(f"{name},x{name}\n" for name in names)
    study = study_of(tmp_path, table, measured(names))
    assert said(study, "remark is another text in each of 8 trials")


# -------------------------------------------------------------------------- two runs of one name


def test_two_runs_of_one_name_with_other_hyperparameters_are_an_error(tmp_path):
    table = "trial,lr,step,validation/error\na,0.1,1,0.5\na,0.1,2,0.4\na,0.2,1,0.3\n"
    with pytest.raises(TuningPlaybookError, match=r"column 'lr': trial 'a' has 0.2, and 0.1"):
        study_of(tmp_path, table, "", BOTH)


def test_two_runs_of_one_name_that_differ_in_their_results_alone_are_said(tmp_path):
    table = "trial,lr,step,validation/error\na,0.1,1,0.5\na,0.1,2,0.4\na,0.1,1,0.6\nb,0.2,1,0.3\n"
    study = study_of(tmp_path, table, "", BOTH)
    assert errors(study) == [(0.6, 0.4), (0.3,)]
    assert said(study, "two runs of one name")
