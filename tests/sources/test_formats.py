"""Every format brings the same trials, and what is particular to each."""

import json
import lzma
import shutil
import sqlite3
import struct
import tarfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.sources import foreign
from tests.sources.foreign import RUNS, WRITERS
from tuning_playbook.__main__ import main
from tuning_playbook.analysis.import_datasets import import_datasets
from tuning_playbook.errors import TuningPlaybookError
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.sources.wire_format import DamagedError, masked_crc, message, records
from tuning_playbook.study.caveats import caveats

DATA = Path(__file__).parents[1] / "data/written"

WRITTEN = {
    "optuna 5 journal": ("optuna.log", {"format": "optuna", "path": "optuna.log"}),
    "optuna 5 sqlite": ("optuna.db.xz", {"format": "optuna", "path": "optuna.db"}),
    "mlflow 3.17": (
        "mlflow.db.xz",
        {"format": "mlflow", "path": "mlflow.db", "objective": "val_loss"},
    ),
    "tensorboardX 2.6": ("tensorboardX.tar.xz", {"format": "tensorboard", "path": "runs"}),
}
"""The trials of `RUNS`, told to each tool, in the files that it wrote."""


def study_in(spec):
    return plan_study(spec).study


@pytest.mark.parametrize("tool", WRITERS)
def test_every_format_brings_the_same_trials(tmp_path, tool):
    study = study_in(WRITERS[tool](tmp_path))
    assert [dict(trial.hyperparameters) for trial in study.imported] == [
        dict(run["params"]) for run in RUNS
    ]
    failed = [trial.record.status != "completed" for trial in study.imported]
    assert failed == [run["failed"] for run in RUNS]
    for trial, run in zip(study.imported, RUNS, strict=True):
        assert trial.record.status == "completed" or trial.record.reason
        curves = trial.record.evaluations
        found = dict(zip(curves.steps, curves.values["validation/loss"], strict=True))
        expected = {4: run["loss"][4]} if tool == "wandb" else run["loss"]
        measured = {step: found[step] for step in expected}
        assert measured == pytest.approx(expected, rel=1e-7)  # TensorBoard keeps float32


@pytest.mark.parametrize("tool", WRITTEN)
def test_files_that_the_tool_itself_wrote_bring_the_same_trials(tmp_path, tool):
    file, source = WRITTEN[tool]
    unpack(DATA / file, tmp_path)
    study = study_in(foreign.spec_of(tmp_path, **source))
    trials = sorted(study.imported, key=lambda trial: -trial.hyperparameters["lr"])
    assert [dict(trial.hyperparameters) for trial in trials] == [
        pytest.approx(run["params"]) for run in RUNS
    ]
    for trial, run in zip(trials, RUNS, strict=True):
        failed = run["failed"] and tool != "tensorboardX 2.6"  # which says nothing of an end
        assert (trial.record.status != "completed") == failed
        curves = trial.record.evaluations
        found = dict(zip(curves.steps, curves.values["validation/loss"], strict=True))
        assert {step: found[step] for step in run["loss"]} == pytest.approx(run["loss"], rel=1e-7)
    if "optuna" in tool:
        kinds = {item.name: item.distribution.kind for item in study.arms[0].dimensions}
        assert kinds == {"lr": "log_uniform", "layers": "int_uniform", "opt": "choice"}


def unpack(file, folder):
    """Unpack a file that a tool wrote; a folder of them is in an archive."""
    if file.name.endswith(".tar.xz"):
        with tarfile.open(file) as archive:
            archive.extractall(folder, filter="data")
    elif file.suffix == ".xz":
        (folder / file.stem).write_bytes(lzma.decompress(file.read_bytes()))
    else:
        shutil.copy(file, folder)


@pytest.mark.parametrize("tool", WRITERS)
def test_every_format_makes_a_dataset_and_a_check_says_what_was_read(tmp_path, tool, capsys):
    spec = WRITERS[tool](tmp_path)
    study = import_datasets(plan_study(spec))["study"]
    assert study.sizes["trial"] == 6
    assert np.isfinite(study["objective"].values).sum() == 5
    assert main(["check", str(spec)]) == 0
    said = capsys.readouterr().out
    assert "6 trials, finished" in said
    assert "read: 6 runs of 6 configurations, each with 1 seed" in said
    assert "infeasible: 1 of 6 runs" in said
    assert "range: lr 0.0" in said


@pytest.mark.parametrize("tool", WRITERS)
def test_of_every_format_one_trial_can_be_left_out(tmp_path, tool):
    spec = WRITERS[tool](tmp_path)
    names = [trial.name for trial in study_in(spec).imported]
    foreign.with_source(spec, only=names[1:])
    assert [trial.name for trial in study_in(spec).imported] == names[1:]
    foreign.with_source(spec, only=["nobody", *names[1:]])
    with pytest.raises(TuningPlaybookError, match="no trial is named 'nobody'"):
        study_in(spec)


NAMED = [
    tool
    for tool in WRITERS
    if tool not in ("csv", "jsonl", "algoperf", "optuna journal", "optuna sqlite")
]


@pytest.mark.parametrize("tool", NAMED)
def test_an_unknown_objective_is_an_error_that_lists_the_known(tmp_path, tool):
    spec = WRITERS[tool](tmp_path)
    foreign.with_source(spec, objective="val_los")
    with pytest.raises(TuningPlaybookError, match="'val_los'; did you mean 'val_loss'"):
        study_in(spec)


def test_the_ranges_of_optuna_are_those_of_the_study(tmp_path):
    for writer in (foreign.write_optuna_journal, foreign.write_optuna_sqlite):
        (arm,) = study_in(writer(tmp_path)).arms
        found = {item.name: item.distribution for item in arm.dimensions}
        assert (found["lr"].kind, found["lr"].low, found["lr"].high) == ("log_uniform", 1e-4, 1.0)
        assert (found["layers"].kind, found["layers"].low) == ("int_uniform", 1)
        assert found["opt"].choices == ("sgd", "adam")


def journal(folder, *lines):
    """A journal of one trial with some more lines."""
    spec = foreign.write_optuna_journal(folder, RUNS[:1])
    with (folder / "optuna.log").open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    return spec


def created(state, **content):
    return {
        "op_code": 4,
        "worker_id": "w",
        "study_id": 0,
        "datetime_start": None,
        "state": state,
    } | content


def test_a_pruned_trial_counts_with_what_it_reported(tmp_path):
    params = {
        "params": {"lr": 0.5},
        "distributions": {"lr": json.dumps(foreign.DISTRIBUTIONS["lr"])},
    }
    pruned = created(2, **params, intermediate_values={"0": 3.0, "1": 2.0})
    study = study_in(journal(tmp_path, pruned, created(0), created(4)))
    assert [trial.name for trial in study.imported] == ["0", "1"]
    record = study.imported[1].record
    assert (record.status, record.evaluations.steps) == ("completed", (1, 2))
    said = " ".join(caveats(study))
    assert "1 (pruned, and counts with what it reported)" in said
    assert "Not finished, and left out: 2, 3." in said
    assert "its steps are counted from 1 here" in said


def test_a_study_of_optuna_that_went_the_other_way_is_an_error(tmp_path):
    spec = foreign.write_optuna_journal(tmp_path)
    spec.write_text(spec.read_text().replace("mode: min", "mode: max"))
    with pytest.raises(TuningPlaybookError, match="is one of mode 'min'"):
        study_in(spec)


def test_several_studies_need_a_name(tmp_path):
    other = {"op_code": 0, "worker_id": "w", "study_name": "t", "directions": [1]}
    spec = journal(tmp_path, other)
    with pytest.raises(TuningPlaybookError, match=r"it holds 2 studies; give one .* \(s, t\)"):
        study_in(spec)
    foreign.with_source(spec, study="s")
    assert len(study_in(spec).imported) == 1


def test_a_line_of_a_journal_that_was_cut_off_is_not_there(tmp_path):
    spec = foreign.write_optuna_journal(tmp_path)
    path = tmp_path / "optuna.log"
    path.write_text(path.read_text()[:-20])
    study = study_in(spec)
    assert len(study.imported) == 5  # the last trial had not ended
    assert any("Not finished" in note for note in study.import_notes)


def test_what_a_database_hides_in_views_and_columns_is_not_run(tmp_path):
    spec = foreign.write_optuna_sqlite(tmp_path)
    with closing(sqlite3.connect(tmp_path / "optuna.db")) as database, database:
        database.execute("ALTER TABLE trial_params RENAME TO hidden")
        database.execute("CREATE VIEW trial_params AS SELECT * FROM hidden, (SELECT zeroblob(9))")
    with pytest.raises(TuningPlaybookError, match="there is no table 'trial_params'"):
        study_in(spec)
    spec = foreign.write_mlflow_sqlite(tmp_path)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database, database:
        database.execute("DROP TABLE params")
        database.execute(
            "CREATE TABLE params (key TEXT, value TEXT AS (hex(zeroblob(9))), run_uuid TEXT)"
        )
        database.execute("INSERT INTO params (key, run_uuid) VALUES ('lr', '0')")
    with pytest.raises(TuningPlaybookError, match="table 'params' has no column 'value'"):
        study_in(spec)


def test_a_database_is_not_changed_by_reading_it(tmp_path):
    spec = foreign.write_mlflow_sqlite(tmp_path)
    before = (tmp_path / "mlflow.db").read_bytes()
    study_in(spec)
    assert (tmp_path / "mlflow.db").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlflow.db", "s.yaml"]


def test_not_a_number_and_infinity_of_a_database_are_those(tmp_path):
    spec = foreign.write_mlflow_sqlite(tmp_path)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database, database:
        run = f"{0:032x}"
        database.execute("INSERT INTO metrics VALUES ('val_loss', 0.0, 9, ?, 5, 1)", (run,))
        run = f"{1:032x}"
        database.execute(
            "INSERT INTO metrics VALUES ('val_loss', 1.7976931348623157e308, 9, ?, 5, 0)", (run,)
        )
    ends = [trial.record.reason for trial in study_in(spec).imported[:2]]
    assert ends == ["validation/loss is not finite from step 5 on"] * 2


@pytest.mark.parametrize("late", [0, 1800000000000])
def test_of_two_values_at_a_step_in_a_database_the_later_counts(tmp_path, late):
    spec = foreign.write_mlflow_sqlite(tmp_path)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database, database:
        row = (9.0, late, f"{0:032x}", 2)
        database.execute("INSERT INTO metrics VALUES ('val_loss', ?, ?, ?, ?, 0)", row)
    study = study_in(spec)
    found = study.imported[0].record.evaluations.values["validation/loss"][1]
    assert found == (9.0 if late else RUNS[0]["loss"][2])
    assert any("the last one counts: val_loss of run0." in note for note in study.import_notes)


def test_deleted_and_running_runs_of_mlflow_are_left_out_and_said(tmp_path):
    spec = foreign.write_mlflow(tmp_path)
    for n, (old, new) in enumerate((("active", "deleted"), ("status: 3", "status: 1"))):
        meta = tmp_path / "mlruns" / "123" / f"{n:032x}" / "meta.yaml"
        meta.write_text(meta.read_text().replace(old, new))
    study = study_in(spec)
    assert [trial.name for trial in study.imported] == ["run2", "run3", "run4", "run5"]
    said = " ".join(study.import_notes)
    assert "Runs that were deleted in MLflow, and are left out: 1." in said
    assert "Not finished, and left out: run1." in said


def test_a_metric_of_mlflow_without_steps_is_the_last_one(tmp_path):
    runs = [run | {"loss": {0: run["loss"][4]}} for run in RUNS]
    spec = foreign.write_mlflow(tmp_path, runs)
    study = import_datasets(plan_study(spec))["study"]
    assert study["eval_step"].values.tolist() == [1]
    assert np.isfinite(study["objective"].values).sum() == 5


@pytest.mark.parametrize("kept", ["1700000000012 0.5 1", "1700000000012 0.", "17000"])
def test_a_line_of_mlflow_that_was_cut_off_is_not_read_and_said(tmp_path, kept):
    """Cut in its step 12, it would be the value of step 1."""
    spec = foreign.write_mlflow(tmp_path)
    path = tmp_path / "mlruns/123" / f"{0:032x}" / "metrics/val_loss"
    path.write_text(path.read_text() + kept)
    study = study_in(spec)
    curves = study.imported[0].record.evaluations
    assert dict(zip(curves.steps, curves.values["validation/loss"], strict=True)) == RUNS[0]["loss"]
    assert any("cut off, and is not read: val_loss of run0." in n for n in study.import_notes)


def test_a_tag_in_a_file_of_mlflow_makes_no_object(tmp_path):
    spec = foreign.write_mlflow(tmp_path)
    meta = tmp_path / "mlruns" / "123" / f"{0:032x}" / "meta.yaml"
    meta.write_text("!!python/object/apply:os.system ['true']\n")
    record = study_in(spec).imported[0].record
    assert record.status == "failed"
    assert "constructor for the tag" in record.reason


def test_the_error_of_a_trial_of_ray_is_its_reason(tmp_path):
    record = study_in(foreign.write_ray(tmp_path)).imported[5].record
    assert (record.status, record.reason) == ("failed", "RuntimeError: out of memory")


def test_a_result_of_ray_that_was_cut_off_is_said(tmp_path):
    spec = foreign.write_ray(tmp_path)
    path = tmp_path / "experiment/run0/result.json"
    path.write_text(path.read_text()[:-9])
    study = study_in(spec)
    assert study.imported[0].record.evaluations.steps == (1, 2, 3)
    assert any("result.json is cut off" in note for note in study.import_notes)


@pytest.mark.parametrize(("removed", "steps"), [(3, (1, 2, 3, 4)), (8, (1, 2, 3))])
def test_a_table_of_ray_that_was_cut_off_is_said(tmp_path, removed, steps):
    spec = foreign.write_ray_csv(tmp_path)
    path = tmp_path / "experiment/run0/progress.csv"
    path.write_text(path.read_text()[:-removed])
    study = study_in(spec)
    assert study.imported[0].record.evaluations.steps == steps
    assert any("The last line of run0/progress.csv has" in note for note in study.import_notes)


def test_the_step_of_a_result_of_ray_may_be_another(tmp_path):
    spec = foreign.write_ray(tmp_path)
    for path in tmp_path.glob("experiment/*/result.json"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for row in rows:
            row["steps"] = 100 * row["training_iteration"]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    foreign.with_source(spec, step="steps")
    assert study_in(spec).imported[0].record.evaluations.steps == (100, 200, 300, 400)


def test_parameters_of_a_wandb_table_are_named_and_may_be_chosen(tmp_path):
    spec = foreign.write_wandb(tmp_path)
    assert any("lr, layers, opt" in note for note in study_in(spec).import_notes)
    foreign.with_source(spec, hyperparameters=["lr"])
    assert set(study_in(spec).hyperparameters) == {"lr"}


def keras(folder):
    """A run of Keras: hyperparameters in its folder, the metrics of each split below."""
    for run in RUNS:
        place = folder / "logs" / run["name"]
        for name, content in (
            (".", foreign.event(0, foreign.started(run["params"]))),
            (
                "validation",
                b"".join(
                    foreign.event(step - 1, foreign.tensor("epoch_loss", value))
                    for step, value in run["loss"].items()
                ),
            ),
        ):
            (place / name).mkdir(parents=True, exist_ok=True)
            (place / name / "events.out.tfevents.1.host").write_bytes(content)
    return foreign.spec_of(folder, format="tensorboard", path="logs")


def test_the_folders_of_keras_are_splits_and_its_epochs_begin_at_0(tmp_path):
    study = study_in(keras(tmp_path))
    assert [trial.name for trial in study.imported] == [run["name"] for run in RUNS]
    curves = study.imported[0].record.evaluations
    assert curves.steps == (1, 2, 3, 4)
    assert curves.values["validation/loss"] == pytest.approx((1, 1 / 2, 1 / 3, 1 / 4), rel=1e-7)


def test_the_folder_that_pytorch_makes_for_hyperparameters_is_part_of_its_run(tmp_path):
    place = tmp_path / "runs" / "run0"
    (place / "1700000000.25").mkdir(parents=True)
    curve = b"".join(foreign.event(n, foreign.scalar("val_loss", 1 / n)) for n in (1, 2))
    (place / "events.out.tfevents.1.host").write_bytes(curve)
    given = foreign.event(0, foreign.started({"lr": 0.5, "nesterov": True, "depth": 3}))
    (place / "1700000000.25" / "events.out.tfevents.2.host").write_bytes(given)
    spec = foreign.spec_of(tmp_path, format="tensorboard", path="runs", objective="val_loss")
    (trial,) = study_in(spec).imported
    assert trial.hyperparameters == {"lr": 0.5, "nesterov": True, "depth": 3}
    assert trial.record.evaluations.steps == (1, 2)


def test_a_damaged_record_fails_its_run_alone_and_one_cut_off_is_not_there(tmp_path):
    spec = foreign.write_tensorboard(tmp_path)
    one, other = (next((tmp_path / "runs" / f"run{n}").iterdir()) for n in (0, 1))
    data = bytearray(one.read_bytes())
    data[-30] ^= 1
    one.write_bytes(bytes(data))
    other.write_bytes(other.read_bytes()[:-5])
    first, second = (trial.record for trial in study_in(spec).imported[:2])
    assert first.status == "failed"
    assert "damaged" in first.reason and str(one) in first.reason
    assert second.status == "completed"


def test_checksums_are_those_of_the_standard():
    """CRC-32C of "123456789" is e3069283; TensorFlow rotates it and adds a number."""
    check = 0xE3069283
    masked = ((check >> 15 | check << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert masked_crc(b"123456789") == masked == foreign.crc(b"123456789")


@pytest.mark.parametrize(
    "data",
    [b"\x80" * 11, b"\x0a\x05hi", b"\x0b", b"\x00\x01", b"\x09\x01", b"\x0a" + b"\xff" * 9],
    ids=["endless number", "short bytes", "unknown kind", "number 0", "short number", "huge"],
)
def test_bytes_that_are_no_message_are_damaged(data):
    with pytest.raises(DamagedError):
        message(data)


def test_a_record_longer_than_its_file_was_not_finished():
    length = struct.pack("<Q", 2**40)
    assert [*records(length + struct.pack("<I", foreign.crc(length)) + b"x")] == []


@pytest.mark.parametrize("tool", ["ray", "mlflow", "tensorboard"])
def test_an_empty_folder_and_a_wrong_one_are_errors(tmp_path, tool):
    spec = WRITERS[tool](tmp_path)
    (tmp_path / "empty").mkdir()
    foreign.with_source(spec, path="empty")
    with pytest.raises(TuningPlaybookError, match=str(tmp_path / "empty")):
        study_in(spec)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    spec = foreign.write_mlflow(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    (tmp_path / "mlruns/123" / f"{0:032x}" / "params" / "opt").unlink()
    (tmp_path / "mlruns/123" / f"{0:032x}" / "params" / "opt").symlink_to(secret)
    assert "opt" not in study_in(spec).imported[0].hyperparameters
