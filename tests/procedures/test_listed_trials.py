"""A round of listed trials is a valid spec, whose trials have the values that were asked for."""

import pytest

from tests.specs import SMALL, write_spec
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.procedures.listed_trials import listed_trials, varied_names
from tuning_playbook.procedures.procedure_history import History
from tuning_playbook.study.longer_training_settings import LongerTrainingSettings

HISTORY = History(SMALL, LongerTrainingSettings(name="longer_training"))
MOMENTUM = {"optimizer": "momentum", "momentum": 0.9, "schedule": "constant"}
LINEAR = {"schedule": "linear", "hold_steps": 0, "decay_steps": 0, "end_factor": 0.0}
MIXED = [
    {"optimizer": "sgd", "schedule": "constant", "learning_rate": 0.1, "batch_size": 32},
    {**MOMENTUM, "learning_rate": 0.2, "batch_size": 32},
    {**MOMENTUM, "learning_rate": 0.3, "batch_size": 64, "dropout": 0.1},
    {**MOMENTUM, **LINEAR, "learning_rate": 0.1, "batch_size": 64, "width": 32},
]


@pytest.mark.parametrize("trials", [MIXED, MIXED[:2], MIXED[1:3], MIXED[3:]])
def test_trials_of_any_optimizer_schedule_and_batch_size_make_one_round(trials, tmp_path):
    whole = [{"dropout": 0.0, "width": 16, **trial} for trial in trials]
    document = listed_trials(HISTORY, whole, goal="Which is it?", steps=500)
    plan = plan_study(write_spec(tmp_path / "listed.yaml", document))
    assert plan.study.spec.training.max_train_steps == 500
    found = [
        {"batch_size": item.trial.batch_size, **item.trial.hyperparameters} for item in plan.trials
    ]
    assert len(found) == len(whole)
    for values in whole:
        assert sum(values.items() <= other.items() for other in found) == 1


def test_one_minus_a_value_follows_from_the_value():
    trials = [{**MIXED[1], "one_minus_momentum": 0.1, "b": n} for n in (1, 1.0)]
    assert varied_names(trials) == []
    document = listed_trials(HISTORY, trials, goal="Which is it?", steps=500)
    assert "one_minus_momentum" not in document["fixed"]
