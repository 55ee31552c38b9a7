"""Real trials of AlgoPerf ranked by the steps to a target, against a loop over their logs."""

import csv
import json
import shutil

import numpy as np
import pytest

from tests.analysis.targets import steps_to_target
from tests.sources.algoperf import LOGS, METRICS, datasets, spec_of
from tests.specs import write_spec
from tuning_playbook.analysis.ranking import fewest_steps
from tuning_playbook.errors import SpecError

WORKLOAD = "imagenet_resnet_jax"
METRIC = f"validation/{METRICS[WORKLOAD]}"


def logged_steps(folder, run, target):
    """The steps to the target that the log of a run tells."""
    with (folder / run / "eval_measurements.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row[METRIC]]
    steps = [int(row["global_step"]) for row in rows]
    return steps_to_target([float(row[METRIC]) for row in rows], steps, target, "max")


def imported(folder, target, path=LOGS / WORKLOAD, **changes):
    objective = {"metric": METRIC, "mode": "max", "target": target}
    source = {"format": "algoperf", "path": str(path), "objective": METRIC}
    spec = spec_of(WORKLOAD, objective=objective, source=source, **changes)
    return datasets(write_spec(folder / "fast.yaml", spec))


@pytest.mark.parametrize("target", [0.7, 0.77])
def test_every_run_has_the_steps_that_its_log_tells(tmp_path, target):
    found = imported(tmp_path, target)
    missed = 0
    for dataset in (found.study, found.reruns):
        names = dataset["source_trial"].values.astype(str)
        for run, objective, censored in zip(
            names, dataset["objective"].values, dataset["censored"].values, strict=True
        ):
            steps = logged_steps(LOGS / WORKLOAD, run, target)
            assert (steps is None) == bool(censored)
            assert steps is None or objective == steps
            missed += steps is None
    assert {0.7: missed == 0, 0.77: missed > 2}[target]


def test_the_configuration_with_the_best_median_is_the_one_that_is_chosen(tmp_path):
    """Also where some of its seeds do not reach the target, and those of another all do."""
    found = imported(tmp_path, 0.77)
    runs = [*found.study["source_trial"].values, *found.reruns["source_trial"].values]
    needed = {}
    for run in map(str, runs):
        steps = logged_steps(LOGS / WORKLOAD, run, 0.77)
        needed.setdefault(run.rpartition("_")[2], []).append(np.inf if steps is None else steps)
    best = min(needed, key=lambda trial: np.median(needed[trial]))
    chosen = found.reruns["rerun_of"].values[found.reruns["arm"].values == "all trials"]
    place = found.study["trial"].values.tolist().index(chosen[0])
    assert str(found.study["source_trial"].values[place]).endswith(f"trial_{best}")


@pytest.fixture
def logs(tmp_path):
    """The logs of two studies, with what the runner says of its target."""
    folder = tmp_path / "logs"
    for study in ("study_0", "study_1"):
        shutil.copytree(LOGS / WORKLOAD / study, folder / study)
    for trial in folder.glob("study_*/trial_*"):
        content = {
            "workload.target_metric_name": "accuracy",
            "workload.validation_target_value": 0.7,
            "workload.step_hint": 500_000,
        }
        (trial / "meta_data_0.json").write_text(json.dumps(content))
    return folder


def test_the_target_and_the_steps_that_were_allowed_come_from_the_logs(tmp_path, logs):
    found = imported(tmp_path, "source", logs)
    assert found.study.attrs["objective_target"] == 0.7
    assert found.study.attrs["max_train_steps"] == 500_000
    assert found.study["objective"].attrs["valid_max"] == 500_000
    assert (fewest_steps(found.study) <= 500_000).all()


def test_logs_that_tell_several_targets_are_asked_for_a_number(tmp_path, logs):
    path = next(logs.glob("study_1/trial_*")) / "meta_data_0.json"
    path.write_text(path.read_text().replace("0.7", "0.65"))
    with pytest.raises(SpecError, match=r"the source names several of 'validation/accuracy'.*0.65"):
        imported(tmp_path, "source", logs)


def test_logs_that_tell_none_are_asked_for_a_number(tmp_path):
    with pytest.raises(SpecError, match=r"fast.yaml:.*objective.target: the source names none of"):
        imported(tmp_path, "source")


def test_a_target_beyond_what_an_accuracy_can_be_is_refused(tmp_path):
    with pytest.raises(SpecError, match=r"is never 1\.5: it lies in"):
        imported(tmp_path, 1.5)
