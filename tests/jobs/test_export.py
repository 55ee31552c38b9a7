"""The exported model answers as the checkpoint does, in a process without this package."""

import shutil
import subprocess
import sys

import jax
import numpy as np
import pytest

from tests.jobs.damage import flip_a_bit
from tests.specs import plan_of
from tuning_playbook.errors import ArtefactError
from tuning_playbook.jobs import checkpoints
from tuning_playbook.jobs.export import best_variables, export_best
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.plan import request_of
from tuning_playbook.trials.manifest import BEST
from tuning_playbook.trials.trial_files import read_provenance, trial_folder
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
    (result,) = train_pack(request_of(plan, pack.trials), folder, threads=1)
    return folder, result


def test_the_exported_model_needs_no_code_of_ours(trained, tmp_path):
    study, result = trained
    folder = trial_folder(study, result.trial)
    workload = DigitsMLP()
    validation = workload.load_data()["validation"]
    path = export_best(folder, result.trial, workload, validation)
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
    best = checkpoints.restore(folder / "checkpoints", BEST)
    step = read_provenance(folder)["best_steps"][0]
    expected = workload.predict(
        best[f"step_{step}"],
        {"image": validation["image"][:3]},
        hyperparameters=result.trial.hyperparameters,
    )
    np.testing.assert_allclose(whole, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(few, expected, rtol=1e-5, atol=1e-6)


def test_a_damaged_checkpoint_is_one_message_with_its_remedy(trained, tmp_path):
    study, result = trained
    folder = tmp_path / "trial"
    shutil.copytree(trial_folder(study, result.trial), folder)
    flip_a_bit(folder / "checkpoints" / BEST / "_METADATA")
    with pytest.raises(ArtefactError, match=r"_METADATA: .*remove the file of its pack and run"):
        best_variables(folder)


def test_predictions_of_the_best_step_are_saved(trained):
    study, result = trained
    folder = trial_folder(study, result.trial)
    validation = DigitsMLP().load_data()["validation"]
    with np.load(folder / "predictions.npz") as saved:
        assert saved["prediction"].shape == (64, 10)
        wrong = saved["prediction"].argmax(axis=1) != validation["label"][:64]
        np.testing.assert_array_equal(saved["error_rate"], wrong)


def test_right_predictions_are_counted_by_class(trained):
    _, result = trained
    labels = DigitsMLP().load_data()["validation"]["label"]
    np.testing.assert_array_equal(result.class_examples, np.bincount(labels, minlength=10))
    right = 1 - result.class_right.sum() / len(labels)
    assert right == pytest.approx(result.whole["error_rate"], abs=1e-6)
    assert result.whole["error_rate"] == pytest.approx(
        np.nanmin(result.metrics["error_rate"][:, 1]), abs=1e-6
    )


def test_a_workload_that_does_not_predict_is_not_exported(trained, monkeypatch):
    study, result = trained
    monkeypatch.delattr(Classifier, "predict")
    folder = trial_folder(study, result.trial)
    assert export_best(folder, result.trial, DigitsMLP(), {}) is None
    assert jax.devices()
