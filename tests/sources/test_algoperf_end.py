"""How a run of AlgoPerf ended, from what its runner was told and what it evaluated."""

import json

import pytest

from tests.sources.algoperf import datasets
from tests.specs import write_spec
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.sources.algoperf_end import how_it_ended
from tuning_playbook.study.caveats import caveats

META = {
    "workload.target_metric_name": "accuracy",
    "workload.validation_target_value": 0.7,
    "workload.step_hint": 1000,
    "workload.max_allowed_runtime_sec": 600,
}


CUT_SHORT = "cut short at step 500 of 1,000, after 300 of 600 seconds"


def ended(last=(500, 300.0), values=(0.1, 0.5), metric="accuracy", **changes):
    step, spent = last
    columns = {
        "global_step": [1, step],
        "accumulated_submission_time": [1.0, spent],
        f"validation/{metric}": list(values),
    }
    meta = META | {f"workload.{name}": value for name, value in changes.items()}
    return how_it_ended(meta, columns)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"values": (0.1, 0.71)}, "stopped at its target, accuracy 0.7, at step 500"),
        ({"values": (0.71, 0.69)}, "stopped at its target, accuracy 0.7, at step 500"),
        ({"values": (0.71, None)}, "stopped at its target, accuracy 0.7, at step 500"),
        ({}, CUT_SHORT),
        (
            {"values": (0.1, float("nan"))},
            "cut short at step 500 of 1,000, after 300 of 600 seconds",
        ),
        ({"last": (1000, 300.0)}, ""),
        ({"last": (500, 595.0)}, ""),
        ({"validation_target_value": None, "step_hint": None}, ""),
        (
            {"validation_target_value": "0.7"},
            "cut short at step 500 of 1,000, after 300 of 600 seconds",
        ),
    ],
)
def test_how_a_run_ended(given, said):
    assert ended(**given) == said


@pytest.mark.parametrize(("values", "reached"), [((0.9, 0.65), True), ((0.9, 0.75), False)])
def test_a_loss_reaches_its_target_from_above(values, reached):
    said = ended(values=values, metric="loss", target_metric_name="loss")
    assert said.startswith("stopped at its target, loss 0.7") == reached


def test_nothing_is_said_where_nothing_tells():
    assert how_it_ended({}, {"global_step": [1, 500]}) == ""
    assert how_it_ended(META, {"global_step": [], "validation/accuracy": []}) == ""


def test_each_run_is_named_in_the_dataset_and_the_caveats(tmp_path):
    runs = {
        "trial_1": ([(0, 0.1, 1), (500, 0.72, 300)], META),
        "trial_2": ([(0, 0.1, 1), (1000, 0.6, 590)], META),
        "trial_3": ([(0, 0.1, 1), (100, 0.3, 50)], META),
        "trial_4": ([(0, 0.1, 1), (1000, 0.5, 590)], None),
    }
    for name, (rows, meta) in runs.items():
        folder = tmp_path / "logs" / "study_0" / name
        folder.mkdir(parents=True)
        (folder / "hparams.json").write_text(json.dumps({"learning_rate": 0.1 / len(name)}))
        lines = ["global_step,validation/accuracy,accumulated_submission_time"]
        lines += [",".join(map(str, row)) for row in rows]
        (folder / "eval_measurements.csv").write_text("\n".join(lines) + "\n")
        rate = {"learning_rate": 0.1 / int(name[-1])}
        (folder / "hparams.json").write_text(json.dumps(rate))
        if meta:
            (folder / "meta_data_0.json").write_text(json.dumps(meta))
    spec = {
        "goal": "Which rate?",
        "workload": "elsewhere",
        "objective": {"metric": "validation/accuracy", "mode": "max"},
        "source": {"format": "algoperf", "path": "logs"},
    }
    path = write_spec(tmp_path / "s.yaml", spec)
    expected = {
        "study_0/trial_1": "stopped at its target, accuracy 0.7, at step 500",
        "study_0/trial_2": "",
        "study_0/trial_3": "cut short at step 100 of 1,000, after 50 of 600 seconds",
        "study_0/trial_4": "",
    }
    study = datasets(path).study
    names = study["source_trial"].values.tolist()
    assert dict(zip(names, study["ended_early"].values.tolist(), strict=True)) == expected
    (said,) = [text for text in caveats(plan_study(path).study) if "fewer steps" in text]
    for name, how in expected.items():
        assert (f"{name} ({how})" in said) == bool(how)
