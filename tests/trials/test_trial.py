"""A fingerprint covers everything that decides a trial's numbers."""

import dataclasses
import json

import pytest

from tests.engine.quadratic import make_trial
from tuning_playbook.trials.trial import Trial, trial_from_json

CHANGES = {
    "workload": "others",
    "hyperparameters": {"learning_rate": 0.5},
    "traced": (),
    "seed": 1,
    "max_train_steps": 50,
    "batch_size": 9,
    "eval_every": 20,
    "dense_until": 1,
    "validation_sample": 5,
    "lanes": 2,
    "versions": {"engine": "another"},
    "devices": 2,
    "nodes": 2,
    "data_split": 1,
    "train_sample": "all",
    "microbatch": 4,
    "branch_step": 10,
    "branch_batch": 3,
    "branch_power": 0.5,
}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Trial)])
def test_everything_that_it_says_is_in_its_fingerprint(name):
    """So how a hyperparameter is declared is, too: whether a program takes it as an argument."""
    trial = make_trial()
    changed = dataclasses.replace(trial, **{name: CHANGES[name]})
    assert changed.fingerprint != trial.fingerprint
    assert changed.id == changed.fingerprint[:10]


def test_it_comes_back_from_json_with_its_fingerprint():
    for trial in (make_trial(), dataclasses.replace(make_trial(), devices=2, data_split=3)):
        found = trial_from_json(json.loads(json.dumps(trial.to_json())))
        assert found == trial
        assert found.fingerprint == trial.fingerprint
