"""Runs of AlgoPerf that failed, as its public logs have them: NaN, no evaluation, ended at once."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.sources.algoperf import datasets
from tests.specs import write_spec
from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.errors import SpecError
from tuning_playbook.launches.decision import decide
from tuning_playbook.planning.plan import plan_study

LEADERBOARD = Path(__file__).parents[1] / "data" / "algoperf_failures"

RUNS = {
    "generalized_adam/criteo1tb_jax": ("validation/loss", "min"),
    "caspr_adaptive/imagenet_resnet_jax": ("validation/accuracy", "max"),
}
COLUMNS = "global_step,train/loss,validation/loss,validation/num_examples"


def import_runs(tmp_path, runs, **changes):
    metric, mode = RUNS[runs]
    spec = {
        "goal": "Which trial?",
        "workload": runs.rpartition("/")[2],
        "objective": {"metric": metric, "mode": mode},
        "source": {"format": "algoperf", "path": str(LEADERBOARD / runs)},
    }
    return datasets(write_spec(tmp_path / "s.yaml", spec | changes))


def ends(runs):
    """How each run ended, straight from its file: `nan`, `step 1` or `finite`."""
    metric, _ = RUNS[runs]
    found = {}
    for path in sorted((LEADERBOARD / runs).glob("study_*/trial_*/eval_measurements.csv")):
        with path.open(newline="") as file:
            last = [*csv.DictReader(file)][-1]
        nan = not last[metric] and last["validation/num_examples"]
        early = float(last["global_step"]) <= 1
        name = path.parent.relative_to(LEADERBOARD / runs).as_posix()
        found[name] = "nan" if nan else "step 1" if early else "finite"
    return found


@pytest.mark.parametrize(
    ("runs", "counts"),
    [
        ("generalized_adam/criteo1tb_jax", {"nan": 5, "finite": 20, "step 1": 0}),
        ("caspr_adaptive/imagenet_resnet_jax", {"nan": 0, "finite": 0, "step 1": 25}),
    ],
)
def test_every_failed_run_is_infeasible_with_its_reason(tmp_path, runs, counts):
    told = ends(runs)
    assert {end: [*told.values()].count(end) for end in counts} == counts
    imported = import_runs(tmp_path, runs)
    seen = {}
    for dataset in (imported.study, imported.reruns):
        for place, name in enumerate(dataset["source_trial"].values.tolist()):
            row = dataset.isel(trial=place)
            seen[name] = (str(row["status"].values), str(row["infeasible_reason"].values))
            assert np.isnan(row["objective"]) == (told[name] != "finite")
    assert seen.keys() == told.keys()
    for name, end in told.items():
        status, reason = seen[name]
        match end:
            case "finite":
                assert (status, reason) == ("completed", "")
            case "nan":
                assert status == "diverged"
                assert reason.startswith("validation/loss is not finite from step ")
            case _:
                assert status == "failed"
                assert reason == "it ended at step 1 of 186,666, before it had trained"


def test_where_no_run_trained_the_checklist_and_the_launch_say_so(tmp_path):
    imported = import_runs(tmp_path, "caspr_adaptive/imagenet_resnet_jax")
    findings = diagnose(imported.study)
    answers = {item.check: item.answer for item in findings}
    assert answers["infeasible"] == "problem"
    launch = decide(imported.study, imported.reruns, findings)
    assert launch.reasons == ("No trial of the study is feasible, so there is nothing to adopt.",)


def test_what_the_logs_say_of_the_experiment_is_said(tmp_path):
    runs = "generalized_adam/criteo1tb_jax"
    imported = import_runs(tmp_path, runs)
    said = " ".join(imported.plan.study.import_notes)
    for fact in ("target is 0.123735 of loss", "10,666 steps", "7,703 s", "8 x Tesla V100", "4b01"):
        assert fact in said
    seeds = {trial.name: trial.seed for trial in imported.plan.study.imported}
    for name, seed in seeds.items():
        flags = json.loads((LEADERBOARD / runs / name / "flags_0.json").read_text())
        assert seed == flags["rng_seed"]
    assert len(set(seeds.values())) == 25


def write_run(folder, trial, rows, study=0, files=()):
    run = folder / "logs" / f"study_{study}" / f"trial_{trial}"
    run.mkdir(parents=True)
    (run / "hparams.json").write_text(json.dumps({"learning_rate": 0.1 * trial}))
    if rows is not None:
        (run / "eval_measurements.csv").write_text("\n".join([COLUMNS, *rows]) + "\n")
    for name, content in dict(files).items():
        (run / name).write_text(content)
    return run


def spec_of(folder, **changes):
    spec = {
        "goal": "Which trial?",
        "workload": "mine",
        "objective": {"metric": "validation/loss", "mode": "min"},
        "source": {"format": "algoperf", "path": "logs"} | changes,
    }
    return write_spec(folder / "s.yaml", spec)


GOOD = ("1,3,3,9", "500,2,2,9", "1000,1,1,9")

ENDS = {
    # rows: (status, a part of the reason)
    "no file": (None, "failed", "eval_measurements.csv: there is no such file"),
    "no row": ((), "failed", "the table has no rows"),
    "a text": (("1,3,3,9", "500,x,x,9"), "failed", "row 3, column 'train/loss': 'x' is no number"),
    "cut off": (("1,3,3,9", "500,2"), "failed", "row 3 has 2 cells"),
    "NaN as an empty cell": (("1,3,3,9", "500,,,9"), "diverged", "not finite from step 500 on"),
    "NaN as a word": (("1,3,3,9", "500,nan,nan,9"), "diverged", "not finite from step 500 on"),
    "never finite": (("1,,,9", "500,,,9"), "diverged", "not finite from step 1 on"),
    "a row that measured nothing": (("1,3,3,9", "500,2,2,9", "1000,,,"), "completed", ""),
    "ended at step 1": (("1,3,3,9",), "failed", "it ended at step 1 of 1,000"),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_run_that_cannot_be_read_or_ended_early_has_its_reason(tmp_path, end):
    rows, status, reason = ENDS[end]
    write_run(tmp_path, 1, GOOD)
    write_run(tmp_path, 2, rows)
    found = plan_study(spec_of(tmp_path)).study.imported[1].record
    assert found.status == status
    assert reason in found.reason


def test_evaluations_that_stand_in_the_training_log_alone_are_read_there(tmp_path):
    log = "global_step,loss,train/loss,validation/loss\n0,3,,\n10,,,2.5\n20,1,,\n20,,,1.5\n"
    write_run(tmp_path, 1, None, files={"measurements.csv": log})
    record = plan_study(spec_of(tmp_path)).study.imported[0].record
    assert record.evaluations.steps == (10, 20)
    assert record.evaluations.values["validation/loss"] == (2.5, 1.5)
    assert record.logged.values["train_loss"] == (3.0, 1.0)


def test_what_only_leaves_out_is_not_read(tmp_path):
    write_run(tmp_path, 1, GOOD)
    broken = write_run(tmp_path, 2, GOOD)
    (broken / "hparams.json").write_text("{")
    study = plan_study(spec_of(tmp_path, only=["trial_1"])).study
    assert [trial.name for trial in study.imported] == ["study_0/trial_1"]
    assert not study.import_notes
    study = plan_study(spec_of(tmp_path)).study
    (said,) = [note for note in study.import_notes if note.startswith("Left out")]
    assert "study_0/trial_2" in said and "cannot be read as JSON" in said
    with pytest.raises(SpecError, match=r"source.only\[1\]: it cannot be read:"):
        plan_study(spec_of(tmp_path, only=["trial_1", "trial_2"]))


def test_trials_without_a_training_log_are_named(tmp_path):
    log = "global_step,loss\n0,3\n"
    write_run(tmp_path, 1, GOOD, files={"measurements.csv": log})
    write_run(tmp_path, 2, GOOD)
    (said,) = plan_study(spec_of(tmp_path)).study.import_notes
    assert said.endswith("of 1 of 2 trials: study_0/trial_2.")


@pytest.mark.parametrize("seed", [-7, 2**31 + 1, -(2**40)])
def test_a_seed_may_be_negative(tmp_path, seed):
    write_run(tmp_path, 1, GOOD, files={"flags_0.json": json.dumps({"rng_seed": seed})})
    (trial,) = plan_study(spec_of(tmp_path)).study.imported
    assert (trial.seed, trial.seed_told) == (seed, True)


@pytest.mark.parametrize("flags", ['{"rng_seed": "five"}', "[]", "{"])
def test_flags_that_cannot_be_read_cost_the_seed_alone_and_are_said(tmp_path, flags):
    write_run(tmp_path, 1, GOOD, files={"flags_0.json": flags})
    study = plan_study(spec_of(tmp_path)).study
    assert not study.imported[0].seed_told
    assert any("flags" in note for note in study.import_notes)


def test_nested_hyperparameters_have_one_name(tmp_path):
    run = write_run(tmp_path, 1, GOOD)
    (run / "hparams.json").write_text(
        '{"optimizer": {"name": "adam", "Lr": 0.1}, "layers": [8, 8]}'
    )
    study = plan_study(spec_of(tmp_path)).study
    assert dict(study.imported[0].hyperparameters) == {
        "optimizer_name": "adam",
        "optimizer_lr": 0.1,
        "layers": "[8, 8]",
    }
    assert any("optimizer/Lr as optimizer_lr" in note for note in study.import_notes)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    write_run(tmp_path, 1, GOOD)
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "logs/study_0/trial_1", elsewhere)
    (tmp_path / "logs/study_0/trial_2").symlink_to(elsewhere)
    assert len(plan_study(spec_of(tmp_path)).study.imported) == 1
