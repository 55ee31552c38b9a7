"""The spec that goes on from a conclusion has the right shape, whatever the conclusion is."""

from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from tests.procedures import fitting
from tests.procedures.simulated import falling_curvature, quadratic, run
from tuning_playbook.procedures.conclude import next_study_yaml
from tuning_playbook.study.longer_training_settings import LongerTrainingSettings
from tuning_playbook.study.procedure_settings import (
    ClippingSettings,
    ExploitSettings,
    StabilitySettings,
    StepsToFitSettings,
    WarmupSettings,
)
from tuning_playbook.study.read import written_spec

STABILITY = StabilitySettings(name="stability")
WARMUP = WarmupSettings(name="warmup", unstable_rate=0.2)
CLIPPING = ClippingSettings(name="clipping", unstable_rate=0.3)
LONGER = LongerTrainingSettings(name="longer_training", times=2)
STEEP = quadratic(10 * np.array([1.0, 0.3]), noise=1e-3)
FIT = StepsToFitSettings(name="steps_to_fit")
GIVEN = {"learning_rate": 0.1}

CASES = {
    # what came of it: (settings, what trains, fixed, the procedure of the next spec)
    "early instability": (STABILITY, STEEP, GIVEN, "warmup"),
    "no instability": (STABILITY, quadratic([1e-3, 1e-3]), GIVEN, None),
    "nothing feasible": (STABILITY, quadratic([1e9, 1e9]), {}, None),
    "a warmup": (WARMUP, falling_curvature(10.0, 2, noise=1e-3), {}, None),
    "no warmup": (WARMUP, STEEP, {}, None),
    "a lower rate": (CLIPPING, STEEP, {}, None),
    "a ranking that holds": (LONGER, quadratic([10.0, 0.3]), {}, None),
    "nothing to train longer": (LONGER, quadratic([1e9, 1e9]), {}, None),
    "no rate": (CLIPPING, quadratic([1e9, 1e9]), {}, None),
}


@pytest.mark.parametrize("case", CASES)
def test_the_next_spec_is_one(case, tmp_path):
    settings, train, fixed, procedure = CASES[case]
    document = {
        "goal": "What comes of it?",
        "workload": "digits_mlp",
        "objective": {"metric": "validation/loss", "mode": "min"},
        "training": {"max_train_steps": 400, "batch_size": 64, "eval_every": 50},
        "fixed": {"optimizer": "sgd", **fixed},
    }
    conclusion, _ = run(document, settings, train)
    text = next_study_yaml(tmp_path / "p.yaml", "p", conclusion)
    assert "The procedure p concludes: " in text
    written = written_spec(Path("next.yaml"), YAML(typ="safe").load(text), text)
    assert (written.procedure and written.procedure.name) == procedure


@pytest.mark.parametrize(
    ("steps", "procedure"), [(100, None), (1e6, "steps_to_fit")], ids=["fit", "not fit"]
)
def test_the_next_spec_after_steps_to_fit_is_one(tmp_path, steps, procedure):
    document = fitting.spec() | {"workload": "digits_mlp"}
    train = fitting.trials(lambda rate: steps + 10 * abs(np.log(rate)))
    conclusion, _ = run(document, FIT, train)
    text = next_study_yaml(tmp_path / "p.yaml", "p", conclusion)
    written = written_spec(Path("next.yaml"), YAML(typ="safe").load(text), text)
    assert (written.procedure and written.procedure.name) == procedure


@pytest.mark.parametrize(
    ("curvature", "procedure"), [(1.0, None), (1e9, "exploit")], ids=["found", "nothing feasible"]
)
def test_the_next_spec_after_exploit_is_one(tmp_path, curvature, procedure):
    document = fitting.spec() | {
        "workload": "digits_mlp",
        "objective": {"metric": "validation/loss", "mode": "min"},
        "nuisance": {"learning_rate": {"log_uniform": [1e-2, 1e2]}},
        "search": {"algorithm": "halton", "trials": 9},
        "test": {"evaluate": "best"},
    }
    train = quadratic([curvature, curvature])
    conclusion, _ = run(document, ExploitSettings(name="exploit"), train)
    text = next_study_yaml(tmp_path / "p.yaml", "p", conclusion)
    written = written_spec(Path("next.yaml"), YAML(typ="safe").load(text), text)
    assert (written.procedure and written.procedure.name) == procedure
    assert "test" not in written.document
