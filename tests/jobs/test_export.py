"""The exported model answers as the checkpoint does, in a process without this package."""

import subprocess
import sys

import jax
import numpy as np
import pytest

from tests.specs import plan_of
from tuning_playbook.jobs import checkpoints
from tuning_playbook.jobs.best_variables import best_variables
from tuning_playbook.jobs.export import MODEL, export_model
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.plan import request_of
from tuning_playbook.trials.best_checkpoint import predictions_file, read_best
from tuning_playbook.trials.manifest import BEST
from tuning_playbook.trials.trial_files import trial_folder
from tuning_playbook.workloads.classification import Classifier
from tuning_playbook.workloads.digits_mlp import DigitsMLP

ALONE = """
import sys, pathlib, numpy as np, jax, jax.export
predict = jax.export.deserialize(bytearray(pathlib.Path(sys.argv[1]).read_bytes()))
image = np.load(sys.argv[2])
whole, few = (predict.call({"image": images}) for images in (image, image[:3]))
np.save(sys.argv[3], np.stack([whole[:3], few]))
assert not any(name.startswith("tuning_playbook") for name in sys.modules)
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    plan = plan_of(folder, {"search.trials": 1})
    (pack,) = plan.packs.values()
    request = request_of(plan, pack.trials)
    (record,) = train_pack(request, folder, threads=1).values()
    return folder, request, record


def best_step(record):
    error_rate = record.evaluations.values["validation/error_rate"]
    return int(record.evaluations.steps[np.nanargmin(error_rate)])


def test_the_exported_model_needs_no_code_of_ours(trained, tmp_path):
    study, request, record = trained
    (trial,) = request.trials
    workload, step = DigitsMLP(), best_step(record)
    validation = workload.load_data()["validation"]
    variables = best_variables(study, request, step)
    path = export_model(tmp_path / MODEL, variables, trial, workload, validation)
    assert path == tmp_path / MODEL
    assert b".py" not in path.read_bytes(), "it names source files of this machine"
    np.save(tmp_path / "image.npy", validation["image"])
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-c",
        ALONE,
        path,
        tmp_path / "image.npy",
        tmp_path / "logits.npy",
    ]
    subprocess.run(list(map(str, command)), check=True, cwd=tmp_path)
    whole, few = np.load(tmp_path / "logits.npy")
    best = checkpoints.restore(trial_folder(study, trial) / "checkpoints", BEST)
    expected = workload.predict(
        best[f"step_{step}"],
        {"image": validation["image"][:3]},
        hyperparameters=trial.hyperparameters,
    )
    np.testing.assert_allclose(whole, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(few, expected, rtol=1e-5, atol=1e-6)


def test_predictions_of_the_best_step_are_saved(trained):
    study, request, _ = trained
    folder = trial_folder(study, request.trials[0])
    validation = DigitsMLP().load_data()["validation"]
    with np.load(predictions_file(folder, request.selection)) as saved:
        assert saved["prediction"].shape == (64, 10)
        wrong = saved["prediction"].argmax(axis=1) != validation["label"][:64]
        np.testing.assert_array_equal(saved["error_rate"], wrong)


def test_right_predictions_are_counted_by_class(trained):
    study, request, record = trained
    best = read_best(trial_folder(study, request.trials[0]), request.selection)
    assert best.step == best_step(record)
    labels = DigitsMLP().load_data()["validation"]["label"]
    np.testing.assert_array_equal(best.class_examples, np.bincount(labels, minlength=10))
    right = 1 - sum(best.class_right) / len(labels)
    assert right == pytest.approx(best.means["error_rate"], abs=1e-6)
    assert best.means["error_rate"] == pytest.approx(
        np.nanmin(record.evaluations.values["validation/error_rate"]), abs=1e-6
    )


def test_a_workload_that_does_not_predict_is_not_exported(trained, monkeypatch, tmp_path):
    _, request, _ = trained
    monkeypatch.delattr(Classifier, "predict")
    assert export_model(tmp_path / MODEL, {}, request.trials[0], DigitsMLP(), {}) is None
    assert not (tmp_path / MODEL).exists()
    assert jax.devices()
