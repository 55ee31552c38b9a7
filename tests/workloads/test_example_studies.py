"""The example studies of the built-in workloads train, from the spec to the exported model."""

from pathlib import Path
from typing import Any

import jax
import jax.export
import numpy as np
import pytest
from ruamel.yaml import YAML

from tests.specs import changed, write_spec
from tests.workloads.cifar10_files import write_distribution
from tuning_playbook.jobs.best_variables import best_variables
from tuning_playbook.jobs.export import MODEL, export_model
from tuning_playbook.jobs.load_workload import load_workload
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.plan import plan_study, request_of
from tuning_playbook.trials.best_checkpoint import predictions_file, read_best
from tuning_playbook.trials.trial_files import trial_folder

STUDIES = Path(__file__).parents[2] / "config/studies"

EXAMPLES: dict[str, dict[str, Any]] = {
    "digits_normalization": {"fixed.width": 8},
    "cnn_dropout": {"fixed.width": 2},
    "resnet_stride": {"fixed.width": 2},
    "transformer_normalization": {"fixed.width": 8, "fixed.heads": 2, "fixed.depth": 1},
    "cifar10_normalization": {"fixed.width": 2},
}
"""Their own models, made small: compiling takes the time."""

FEW_STEPS: dict[str, Any] = {
    "training": {"max_train_steps": 6, "batch_size": 8, "eval_every": 3, "keep_best": 1},
    "search": {"algorithm": "halton", "trials": 1, "seed": 0},
    "resources": {"trials_per_job": 1},
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_study_trains(tmp_path: Path, name: str) -> None:
    example = YAML(typ="safe").load((STUDIES / f"{name}.yaml").read_text())
    if "data" in example:
        write_distribution(tmp_path / example["data"], 40)
    plan = plan_study(
        write_spec(tmp_path / "study.yaml", changed(FEW_STEPS | EXAMPLES[name], example))
    )
    *_, pack = plan.packs.values()
    request = request_of(plan, pack.trials)
    (trial,) = request.trials
    (record,) = train_pack(request, tmp_path, threads=1).values()
    assert record.status == "completed"
    assert all(np.isfinite(values).all() for values in record.evaluations.values.values())
    folder = trial_folder(tmp_path, trial)
    with np.load(predictions_file(folder, request.selection)) as predictions:
        saved = predictions["prediction"]
    workload = load_workload(trial.workload, "", request.data_folder)
    validation = workload.load_data()["validation"]
    best = read_best(folder, request.selection)
    assert best is not None
    variables = best_variables(tmp_path, request, best.step)
    model = export_model(tmp_path / MODEL, variables, trial, workload, validation)
    assert model is not None
    asked = validation.keys() - {getattr(workload, "label", "")}
    few = {name: validation[name][:5] for name in asked}
    found = jax.export.deserialize(bytearray(model.read_bytes())).call(few)
    np.testing.assert_allclose(found, saved[:5], rtol=1e-4, atol=1e-5)
