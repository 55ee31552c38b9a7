"""The finished rounds of a procedure, as the next round is planned from them."""

import numpy as np
import pytest
import xarray as xr

from tests.procedures.campaign import play
from tests.specs import write_spec
from tuning_playbook.dataset.resources import provenance_dataset
from tuning_playbook.procedures.planned import as_written, first_plan, next_round, plan_of_round
from tuning_playbook.procedures.procedure_history import FinishedRound, StepCost
from tuning_playbook.procedures.read_rounds import costs, outcomes
from tuning_playbook.study.read import read_spec


@pytest.mark.parametrize("bias", [False, True])
def test_a_truth_value_goes_on_to_the_next_round(tmp_path, bias):
    spec = {
        "goal": "Is training unstable just above the best learning rate?",
        "workload": "tests.engine.quadratic:Quadratic",
        "objective": {"metric": "validation/loss", "mode": "min"},
        "training": {"max_train_steps": 200, "batch_size": 10, "eval_every": 10},
        "fixed": {"optimizer": "sgd", "learning_rate": 0.1, "bias": bias},
        "procedure": {"name": "stability"},
    }
    path = write_spec(tmp_path / "stable.yaml", spec)
    first, purpose, _ = first_plan(path)
    study = play(
        write_spec(tmp_path / "1.yaml", first.document),
        surface=lambda values: values["learning_rate"],
        random=np.random.default_rng(0),
        results={},
    ).study
    study.to_netcdf(tmp_path / "study.nc")
    with xr.open_dataset(tmp_path / "study.nc") as dataset:
        finished = FinishedRound(purpose, first.document, outcomes(dataset))
    procedure = read_spec(path)
    second = next_round(procedure, [finished])
    plan = plan_of_round(as_written(procedure, 2, second))
    assert [item.trial.hyperparameters["bias"] for item in plan.trials] == [bias]


def test_what_a_step_took_is_known_where_it_was_measured():
    measured = {"steps_per_second": 50.0, "devices": 2, "nodes": 3, "versions": {}}
    resources = provenance_dataset(
        ["a", "b"],
        [measured | {"machine": "x86_64", "device": "NVIDIA H200"}, {"versions": {}}],
    )
    assert costs(resources) == {"a": StepCost(0.02, 2.0, "x86_64 NVIDIA H200")}
