"""Tables as the world writes them: types, encodings, one row a trial, JSON lines."""

import json
import re

import numpy as np
import pytest

from tests.sources.finished import SPEC
from tests.specs import changed, write_spec
from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.analysis.import_datasets import import_datasets
from tuning_playbook.errors import TuningPlaybookError
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.study.caveats import caveats


def study_of(folder, trials, measurements, changes=None, encoding="utf-8"):
    (folder / "trials.csv").write_bytes(trials.encode(encoding))
    (folder / "measurements.csv").write_bytes(measurements.encode(encoding))
    return plan_study(write_spec(folder / "s.yaml", changed(changes or {}, SPEC))).study


def measured(names, error=0.5):
    rows = [f"{name},{step},{error}" for name in names for step in (0, 10)]
    return "\n".join(["trial,step,validation/error", *rows]) + "\n"


def column(study, name):
    return [trial.hyperparameters.get(name) for trial in study.imported]


def of_one_column(folder, cells, changes=None):
    """The values that a column of cells has, and what is said of it."""
    names = [f"t{n}" for n in range(len(cells))]
    rows = [f"{name},{cell},{n}" for n, (name, cell) in enumerate(zip(names, cells, strict=True))]
    table = "\n".join(["trial,x,width", *rows]) + "\n"
    study = study_of(folder, table, measured(names), changes)
    return column(study, "x"), [
        note for note in study.import_notes if "x" in re.findall(r"\w+", note)
    ]


TYPES = {
    # cells: (values, a word of what is said)
    "numbers": (["1e-3", "0.5", "2"], [0.001, 0.5, 2], ""),
    "whole numbers": (["1", "2", "-3"], [1, 2, -3], ""),
    "truth values": (["true", "False", "TRUE"], [True, False, True], ""),
    "texts": (["sgd", "adam", "sgd"], ["sgd", "adam", "sgd"], ""),
    "nothing among numbers": (["None", "0.1", "null"], [None, 0.1, None], "read as no value"),
    "None among texts": (["None", "cosine", "None"], ["None", "cosine", "None"], ""),
    "versions": (["1.1", "1.10", "1.2"], ["1.1", "1.10", "1.2"], "is read as text"),
    "hashes": (["5e10", "123e4567", "a1b2c3d"], ["5e10", "123e4567", "a1b2c3d"], "read as text"),
    "hashes like numbers": (["5e10", "123e4567", "17"], ["5e10", "123e4567", "17"], "as text"),
    "a text among numbers": (["0.1", "auto", "0.2"], ["0.1", "auto", "0.2"], "'auto' of t1"),
    "numbers of rooms": (["007", "7"], ["007", "7"], "is read as text"),
    "per cent": (["10%", "20%"], ["10%", "20%"], "2 of its values begin like one"),
}


@pytest.mark.parametrize("case", TYPES)
def test_a_type_belongs_to_a_column(tmp_path, case):
    cells, values, said = TYPES[case]
    found, notes = of_one_column(tmp_path, cells)
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]
    assert len(notes) == bool(said)
    assert all(said in note for note in notes)


@pytest.mark.parametrize(
    "cells",
    [["0.1", "0.1000000000000000056"], ["0.2500", "0.25"], ["0.30000000000000", "0.3000000000"]],
)
def test_one_number_that_is_printed_in_two_ways_is_one_number(tmp_path, cells):
    """14 digits in one place and 19 in another, which are no versions."""
    found, _ = of_one_column(tmp_path, cells)
    assert found == [float(cells[1])] * 2


def test_the_spec_says_what_a_column_is(tmp_path):
    text = {"source.types": {"x": "text"}}
    assert of_one_column(tmp_path, ["1", "2", "2.0"], text) == (["1", "2", "2.0"], [])
    number = {"source.types": {"x": "number"}}
    assert of_one_column(tmp_path, ["1.1", "1.10"], number)[0] == [1.1, 1.1]


@pytest.mark.parametrize(
    "changes",
    [
        {"source.types": {"x": "number"}},
        {"nuisance": {"x": {"uniform": [0.0, 1.0]}}},
        {"scientific": {"x": [0.1, 0.2]}},
    ],
    ids=["type", "range", "values"],
)
def test_a_column_that_the_spec_has_numbers_of_may_hold_no_text(tmp_path, changes):
    with pytest.raises(TuningPlaybookError, match="row 3, column 'x': 'oops' is no number"):
        of_one_column(tmp_path, ["0.1", "oops"], changes)


def test_texts_listed_in_the_spec_make_a_column_of_texts(tmp_path):
    found, _ = of_one_column(
        tmp_path, ["1", "10", "1.0"], {"scientific": {"x": ["1", "10", "1.0"]}}
    )
    assert found == ["1", "10", "1.0"]


def test_configurations_that_agree_to_the_printed_digits_are_one(tmp_path):
    """One is searched with 16 digits, and rerun with 14 and in float32."""
    long, short, other = "0.0002511886431509582", "0.00025118864315", "0.000251189"
    single = repr(float(np.float32(float(long))))
    table = f"trial,rate,seed\na,{long},1\nb,{short},2\nc,{single},3\nd,{other},4\n"
    study = study_of(tmp_path, table, measured("abcd"))
    assert column(study, "rate") == [float(long)] * 3 + [float(other)]
    (said,) = [note for note in study.import_notes if note.startswith("rate:")]
    assert "0.00025118864315" in said and "in fewer digits or in float32" in said
    assert said in caveats(study)


def test_two_draws_that_lie_as_near_are_two_configurations(tmp_path):
    """Of ten thousand draws over three decades, two usually do."""
    one, other = "0.0002511886431509582", "0.0002511886451509583"
    assert abs(float(one) / float(other) - 1) < 2**-24
    study = study_of(tmp_path, f"trial,rate,seed\na,{one},1\nb,{other},1\n", measured("ab"))
    assert column(study, "rate") == [float(one), float(other)]
    assert not [note for note in study.import_notes if note.startswith("rate:")]


@pytest.mark.parametrize("digits", range(8, 18))
def test_a_number_in_fewer_digits_is_that_number_whether_cut_off_or_rounded(tmp_path, digits):
    whole = "0.25118864315095795"
    written = (f"{float(whole):.{digits}g}", whole[: 2 + digits])
    table = f"trial,rate,seed\na,{whole},1\nb,{written[0]},2\nc,{written[1]},3\n"
    study = study_of(tmp_path, table, measured("abc"))
    assert column(study, "rate") == [float(whole)] * 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_same_numbers_come_in_however_they_are_written(tmp_path, encoding, end, separator):
    decimal = "." if separator == "," else ","

    def written(table):
        return table.replace(",", separator).replace(".", decimal).replace("\n", end)

    trials = "trial,rate,momentum\na,1.5e-3,0.9\nb,2.5e-3,0.99\n"
    values = "trial,step,validation/error\na,10,0.25\nb,10,0.125\n"
    study = study_of(tmp_path, written(trials), written(values), encoding=encoding)
    assert column(study, "rate") == [1.5e-3, 2.5e-3]
    assert column(study, "momentum") == [0.9, 0.99]
    errors = [trial.record.evaluations.values["validation/error"] for trial in study.imported]
    assert errors == [(0.25,), (0.125,)]
    assert any("commas are decimal" in note for note in study.import_notes) == (separator != ",")


def test_commas_and_points_in_one_table_are_an_error(tmp_path):
    with pytest.raises(TuningPlaybookError, match=r"'0,1' has a comma, and '0.2' in row 3 a point"):
        study_of(tmp_path, "trial;rate\na;0,1\nb;0.2\n", measured("ab"))


LONG = """trial,optimizer,rate,step,seconds,validation/error
a,sgd,0.10,1,3.5,0.5
b,adam,0.2,1,3.5,0.4
a,,,2,7.5,0.25
b,adam,0.2,2,7.5,0.125
"""
BOTH = {"source": {"format": "csv", "trials": "trials.csv", "measurements": "trials.csv"}}
CHOSEN = {"source": BOTH["source"] | {"hyperparameters": ["optimizer", "rate"]}}


def test_one_file_may_be_both_tables(tmp_path):
    study = study_of(tmp_path, LONG, "", CHOSEN)
    assert [dict(trial.hyperparameters) for trial in study.imported] == [
        {"optimizer": "sgd", "rate": 0.1},
        {"optimizer": "adam", "rate": 0.2},
    ]
    errors = [trial.record.evaluations.values["validation/error"] for trial in study.imported]
    assert errors == [(0.5, 0.25), (0.4, 0.125)]
    assert "Columns of trials.csv left unread: seconds." in study.import_notes


def test_in_one_file_a_hyperparameter_has_one_value_in_a_trial(tmp_path):
    message = r"row 4, column 'seconds': trial 'a' has 7.5, and 3.5 in row 2; a hyperparameter has"
    with pytest.raises(TuningPlaybookError, match=message):
        study_of(tmp_path, LONG, "", BOTH)


def test_in_one_file_a_name_of_no_column_is_an_error(tmp_path):
    wrong = {"source": BOTH["source"] | {"hyperparameters": ["optimizer", "rat"]}}
    with pytest.raises(TuningPlaybookError, match=r"hyperparameter 'rat'; did you mean 'rate'\?"):
        study_of(tmp_path, LONG, "", wrong)


def test_lines_of_json_may_be_both_tables(tmp_path):
    rows = [{"trial": "a", "x": 3, "step": n, "validation/error": 1 / n} for n in (1, 2)]
    of_lines(tmp_path, rows[:1], ())
    (tmp_path / "trials.jsonl").write_text(lines(rows))
    source = {"format": "jsonl", "trials": "trials.jsonl", "measurements": "trials.jsonl"}
    study = plan_study(write_spec(tmp_path / "s.yaml", changed({"source": source}, SPEC))).study
    assert [dict(trial.hyperparameters) for trial in study.imported] == [{"x": 3}]
    assert study.imported[0].record.evaluations.steps == (1, 2)


def test_a_table_of_measurements_alone_gets_the_hint_to_give_it_as_both(tmp_path):
    alone = {"source": {"format": "csv", "trials": "trials.csv"}}
    message = r"row 4, .*give it as both, 'trials: trials.csv' and 'measurements: trials.csv'"
    with pytest.raises(TuningPlaybookError, match=message):
        study_of(tmp_path, LONG, "", alone)


LAYERS = "trial;rate;layers\na;0,1;64,64\nb;0,2;64,128\n"


@pytest.mark.parametrize(
    "changes",
    [{"source.types": {"layers": "text"}}, {"scientific": {"layers": ["64,64", "64,128"]}}],
    ids=["type", "values"],
)
def test_a_text_with_a_comma_is_kept_beside_semicolons(tmp_path, changes):
    study = study_of(tmp_path, LAYERS, measured("ab"), changes)
    assert column(study, "layers") == ["64,64", "64,128"]
    assert column(study, "rate") == [0.1, 0.2]


def test_a_column_with_a_text_has_no_decimal_commas(tmp_path):
    study = study_of(tmp_path, LAYERS + "c;0,3;64,64,64\n", measured("abc"))
    assert column(study, "layers") == ["64,64", "64,128", "64,64,64"]
    assert column(study, "rate") == [0.1, 0.2, 0.3]


def test_a_version_with_a_point_beside_decimal_commas_is_kept(tmp_path):
    table = "trial;rate;version\na;0,1;1.2\nb;0,2;1.2rc\n"
    study = study_of(tmp_path, table, measured("ab"))
    assert column(study, "version") == ["1.2", "1.2rc"]


@pytest.mark.parametrize("cell", ["0,25", ""])
def test_what_is_no_number_is_named_beside_decimal_commas(tmp_path, cell):
    values = f"trial;step;validation/error\na;1;{cell}\na;2;oops\n"
    with pytest.raises(TuningPlaybookError, match="'oops' is no number"):
        study_of(tmp_path, "trial,x\na,1\n", values)


CUT = {
    # the last line, which has no line end: (the errors of a, a part of what is said)
    "within a number": ("a,20,0.1", (0.5, 0.25, 0.1), "no line end; if the file was cut off"),
    "within a step": ("a,2", (0.5, 0.25), "too few cells and no line end, so it is not read"),
    "within a quoted cell": ('"a","20","0.1', (0.5, 0.25), "so it is not read"),
    "not cut, as it is quoted": ('"a","20","0.125"', (0.5, 0.25, 0.125), ""),
}


@pytest.mark.parametrize("case", CUT)
def test_a_last_line_without_a_line_end_may_be_cut(tmp_path, case):
    line, errors, said = CUT[case]
    table = f"trial,step,validation/error\na,5,0.5\na,10,0.25\n{line}"
    study = study_of(tmp_path, "trial,x\na,1\n", table)
    assert study.imported[0].record.evaluations.values["validation/error"] == errors
    notes = [note for note in study.import_notes if "last line of measurements.csv" in note]
    assert len(notes) == bool(said)
    assert all(said in note for note in notes)


@pytest.mark.parametrize(("cut", "steps"), [("20", (2, 20)), ("2", (2,)), ("", (2,))])
def test_a_last_line_that_is_cut_within_its_step_takes_no_earlier_ones_place(tmp_path, cut, steps):
    table = f"trial,validation/error,step\nb,0.75,20\na,0.5,2\na,0.25,{cut}"
    if not cut:
        table = table[:-1]
    study = study_of(tmp_path, "trial,x\na,1\nb,2\n", table)
    curves = study.imported[0].record.evaluations
    assert curves.steps == steps
    assert curves.values["validation/error"][0] == 0.5
    said = [note for note in study.import_notes if "last line of measurements.csv" in note]
    assert len(said) == 1
    assert ("is not read" in said[0]) == (cut != "20")


def test_a_line_with_too_few_cells_that_is_not_the_last_is_an_error(tmp_path):
    table = "trial,step,validation/error\na,5,0.5\na,1\na,20,0.25"
    with pytest.raises(TuningPlaybookError, match="row 3 has 2 cells"):
        study_of(tmp_path, "trial,x\na,1\n", table)


def test_a_text_in_another_encoding_is_an_error(tmp_path):
    with pytest.raises(
        TuningPlaybookError, match=r"trials.csv: it cannot be read as text in UTF-8"
    ):
        study_of(tmp_path, "trial,größe\na,1\n", measured("a"), encoding="latin-1")


FLAT = "trial,rate,validation/error,test/error\na,0.1,0.5,0.9\nb,0.2,0.25,0.9\n"


@pytest.mark.parametrize(
    ("table", "training", "step"),
    [
        (FLAT, {}, 1),
        (FLAT, {"training": {"max_train_steps": 500}}, 500),
        (
            FLAT.replace("rate", "step,rate").replace("0.1", "70,0.1").replace("0.2,", "70,0.2,"),
            {},
            70,
        ),
    ],
    ids=["nothing known", "the spec knows", "a column"],
)
def test_one_row_a_trial_has_the_last_metrics(tmp_path, table, training, step):
    source = {"source": {"format": "csv", "trials": "trials.csv"}}
    study = study_of(tmp_path, table, "", source | training)
    assert column(study, "rate") == [0.1, 0.2]
    assert "test/error" not in study.hyperparameters
    dataset = import_datasets(plan_study(tmp_path / "s.yaml"))["study"]
    assert dataset["objective"].values.tolist() == [0.5, 0.25]
    assert dataset["eval_step"].values.tolist() == [step]


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def of_lines(folder, trials, measurements):
    (folder / "trials.jsonl").write_text(lines(trials))
    source = {"format": "jsonl", "trials": "trials.jsonl"}
    if measurements:
        (folder / "measured.jsonl").write_text(lines(measurements))
        source["measurements"] = "measured.jsonl"
    return plan_study(write_spec(folder / "s.yaml", changed({"source": source}, SPEC))).study


def test_json_lines_keep_their_types_and_may_be_nested(tmp_path):
    trials = [
        {"trial": "a", "optimizer": {"name": "sgd", "nesterov": True}, "data": "1.1", "seed": -7},
        {"trial": "b", "optimizer": {"name": "adam"}, "data": "1.1", "rate": None},
    ]
    values = [{"trial": name, "step": 10, "validation/error": 0.5} for name in "ab"]
    with pytest.raises(TuningPlaybookError, match="'optimizer/name' is no name of a hyper"):
        of_lines(tmp_path, trials, values)
    trials = [
        {k.replace("optimizer", "o"): v for k, v in row.items() if k != "optimizer"}
        | row["optimizer"]
        for row in trials
    ]
    study = of_lines(tmp_path, trials, values)
    assert [dict(trial.hyperparameters) for trial in study.imported] == [
        {"data": 1.1, "name": "sgd", "nesterov": True},
        {"data": 1.1, "name": "adam"},
    ]
    assert study.imported[0].seed == -7


def test_json_lines_of_trials_alone(tmp_path):
    study = of_lines(tmp_path, [{"trial": "a", "x": 1, "validation/error": 0.5}], ())
    assert study.imported[0].record.evaluations.values == {"validation/error": (0.5,)}


@pytest.mark.parametrize("bad", ["[1]", "{", '{"trial": "a"} x', "[" * 100_000])
def test_a_bad_line_is_named(tmp_path, bad):
    of_lines(tmp_path, [{"trial": "a", "x": 1, "validation/error": 0.5}], ())
    with (tmp_path / "trials.jsonl").open("a") as file:
        file.write(f"{bad}\n")
    with pytest.raises(TuningPlaybookError, match=r"trials.jsonl: row 2: it "):
        plan_study(tmp_path / "s.yaml")


LAST = '{"trial": "b", "x": 2, "validation/error": 0.25, "note": "it is \\"quoted\\""}'


@pytest.mark.parametrize("length", [*range(1, len(LAST))])
def test_a_last_line_of_json_that_is_cut_is_not_read_and_said(tmp_path, length):
    of_lines(tmp_path, [{"trial": "a", "x": 1, "validation/error": 0.5, "note": "n"}], ())
    with (tmp_path / "trials.jsonl").open("a") as file:
        file.write(LAST[:length])
    study = plan_study(tmp_path / "s.yaml").study
    assert [trial.name for trial in study.imported] == ["a"]
    assert any("last line of trials.jsonl" in note for note in study.import_notes)


def test_a_whole_last_line_of_json_needs_no_line_end(tmp_path):
    of_lines(tmp_path, [{"trial": "a", "x": 1, "validation/error": 0.5}], ())
    with (tmp_path / "trials.jsonl").open("a") as file:
        file.write(LAST)
    study = plan_study(tmp_path / "s.yaml").study
    assert [trial.name for trial in study.imported] == ["a", "b"]
    assert not any("last line" in note for note in study.import_notes)


@pytest.mark.parametrize("bad", ["[1]", '{"trial": "a"} x', "x"])
def test_a_last_line_that_is_no_cut_object_is_an_error(tmp_path, bad):
    of_lines(tmp_path, [{"trial": "a", "x": 1, "validation/error": 0.5}], ())
    with (tmp_path / "trials.jsonl").open("a") as file:
        file.write(bad)
    with pytest.raises(TuningPlaybookError, match=r"trials.jsonl: row 2: it "):
        plan_study(tmp_path / "s.yaml")


def test_a_negative_seed_is_a_seed(tmp_path):
    study = study_of(tmp_path, f"trial,x,seed\na,1,-5\nb,1,{-(2**62)}\n", measured("ab"))
    assert [trial.seed for trial in study.imported] == [-5, -(2**62)]
    datasets = import_datasets(plan_study(tmp_path / "s.yaml"))
    seeds = [datasets[name]["seed"].values.tolist() for name in ("study", "reruns")]
    assert seeds == [[-5], [-(2**62)]]


def test_one_minus_a_hyperparameter_is_that_hyperparameter(tmp_path):
    table = "trial,one_minus_momentum\na,0.1\nb,0.01\nc,0.001\n"
    study = study_of(tmp_path, table, measured("abc"))
    assert column(study, "momentum") == [0.9, 0.99, 0.999]
    (dimension,) = study.arms[0].dimensions
    assert dimension.name == "one_minus_momentum"
    assert (dimension.distribution.low, dimension.distribution.high) == (0.001, 0.1)
    assert dimension.distribution.kind == "log_uniform"
    dataset = import_datasets(plan_study(tmp_path / "s.yaml"))["study"]
    assert dataset["hp_one_minus_momentum"].values.tolist() == [0.1, 0.01, 0.001]


@pytest.mark.parametrize("role", ["scientific", "fixed"])
def test_one_minus_a_hyperparameter_keeps_its_name_where_the_spec_gives_it_a_role(tmp_path, role):
    table = "trial,one_minus_momentum,rate\na,0.1,1\nb,0.1,2\n"
    given = {"scientific": [0.1], "fixed": 0.1}[role]
    study = study_of(tmp_path, table, measured("ab"), {role: {"one_minus_momentum": given}})
    assert set(study.hyperparameters) == {"one_minus_momentum", "rate"}


def test_a_first_column_without_a_name_holds_row_numbers(tmp_path):
    study = study_of(tmp_path, ",trial,x\n0,a,1\n1,b,2\n", measured("ab"))
    assert column(study, "x") == [1, 2]
    assert any("first column of trials.csv has no name" in note for note in study.import_notes)


def test_a_trial_that_was_never_measured_costs_the_checklist_nothing(tmp_path):
    study_of(tmp_path, "trial,x\na,1\nb,2\n", measured("a"))
    study = import_datasets(plan_study(tmp_path / "s.yaml"))["study"]
    assert {item.check for item in diagnose(study)}
    assert study["infeasible_reason"].values[1] == "validation/error was never measured"


def test_a_hyperparameter_and_one_minus_it_must_fit(tmp_path):
    table = "trial,momentum,one_minus_momentum\na,0.9,0.1\nb,0.8,0.1\n"
    with pytest.raises(TuningPlaybookError, match=r"row 3, column 'one_minus_momentum': 0.1 does"):
        study_of(tmp_path, table, measured("ab"))


def test_the_baselines_value_may_stand_among_the_scientific_ones(tmp_path):
    table = "trial,optimizer,rate\na,sgd,0.1\nb,adam,0.1\nc,adam,0.2\n"
    changes = {"scientific": {"optimizer": ["sgd", "adam"]}, "baseline": "a"}
    study = study_of(tmp_path, table, measured("abc"), changes)
    assert [arm.name for arm in study.arms] == ["optimizer=adam"]
    assert study.baseline.hyperparameters["optimizer"] == "sgd"


def test_training_need_not_say_how_often_trials_were_evaluated(tmp_path):
    study = study_of(
        tmp_path, "trial,x\na,1\n", measured("a"), {"training": {"max_train_steps": 40}}
    )
    assert study.spec.training.eval_every == 10
    assert study.spec.training.max_train_steps == 40


def test_what_only_leaves_out_is_not_read(tmp_path):
    table = "trial,x,seed\na,1,1\nb,bad,none of a number\nc,2,1\n"
    values = measured("ac") + "b,1,bad\n"
    study = study_of(tmp_path, table, values, {"source.only": ["a", "c"]})
    assert column(study, "x") == [1, 2]
    with pytest.raises(TuningPlaybookError, match="no trial is named 'd'"):
        study_of(tmp_path, table, values, {"source.only": ["a", "d"]})


def test_columns_that_are_no_metrics_are_left_unread_and_said(tmp_path):
    values = measured("a").replace("error\n", "error,epoch,note\n").replace("0.5\n", "0.5,1,x\n")
    study = study_of(tmp_path, "trial,x\na,1\n", values)
    assert "Columns of measurements.csv left unread: epoch, note." in study.import_notes


def test_the_spec_may_list_the_hyperparameters(tmp_path):
    table = "trial,x,host,seed\na,1,n1,3\nb,2,n2,3\n"
    study = study_of(tmp_path, table, measured("ab"), {"source.hyperparameters": ["x"]})
    assert set(study.hyperparameters) == {"x"}
    assert [trial.seed for trial in study.imported] == [3, 3]
    assert any("host" in note for note in study.import_notes)


def test_a_trial_that_was_evaluated_at_its_start_alone_never_trained(tmp_path):
    values = "trial,step,validation/error\na,0,0.9\nb,0,0.9\nb,10,0.5\n"
    study = study_of(tmp_path, "trial,x\na,1\nb,2\n", values)
    assert [trial.record.status for trial in study.imported] == ["failed", "completed"]
    assert study.imported[0].record.reason == "it ended at step 0 of 10, before it had trained"
