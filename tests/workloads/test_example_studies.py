"""The example studies of the built-in workloads train, from the spec to the trial's files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from tests.specs import changed, write_spec
from tuning_playbook.search.plan import pack_json, plan_study
from tuning_playbook.training.pack import request_from_json, train_pack
from tuning_playbook.training.records import trial_folder

STUDIES = Path(__file__).parents[2] / "config/studies"

EXAMPLES: dict[str, dict[str, Any]] = {
    "digits_normalization": {"fixed.width": 8},
    "cnn_dropout": {"fixed.width": 2},
    "resnet_stride": {"fixed.width": 2},
    "transformer_normalization": {"fixed.width": 8, "fixed.heads": 2, "fixed.depth": 1},
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
    plan = plan_study(
        write_spec(tmp_path / "study.yaml", changed(FEW_STEPS | EXAMPLES[name], example))
    )
    pack = next(iter(plan.packs.values()))
    (result,) = train_pack(request_from_json(pack_json(plan, pack)), tmp_path, threads=1)
    assert result.status == "completed"
    assert all(np.isfinite(values).all() for values in result.metrics.values())
    with np.load(trial_folder(tmp_path, result.trial) / "predictions.npz") as predictions:
        assert np.isfinite(predictions["prediction"]).all()
