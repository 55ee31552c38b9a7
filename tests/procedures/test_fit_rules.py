"""The specs that `steps_to_fit` refuses, and what it says."""

import pytest

from tests.specs import write_spec
from tuning_playbook.errors import SpecError
from tuning_playbook.procedures.planned import first_plan

FITTING = {
    "goal": "How many steps does it take?",
    "workload": "digits_mlp",
    "objective": {"metric": "train/error_rate", "mode": "min", "target": 0.0},
    "training": {"max_train_steps": 200, "batch_size": 64, "eval_every": 10},
    "fixed": {"optimizer": "momentum"},
    "procedure": {"name": "steps_to_fit"},
}
SEARCH = {"search": {"algorithm": "halton", "trials": 10}}


def test_the_sweep_evaluates_the_whole_training_set(tmp_path):
    _, purpose, plan = first_plan(write_spec(tmp_path / "fit.yaml", FITTING))
    assert (purpose, len(plan.trials)) == ("sweep", 9)
    assert plan.study.spec.training.train_sample == "all"


def test_a_strength_of_zero_is_no_regularization(tmp_path):
    off = {"optimizer": "optax.adamw", "weight_decay": 0.0, "dropout": 0.0}
    first_plan(write_spec(tmp_path / "fit.yaml", FITTING | {"fixed": off}))


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({"fixed": {"dropout": 0.1}}, "fixed.dropout", "0.1 regularizes"),
        ({"fixed": {"weight_decay": 1e-4}}, "fixed.weight_decay", "regularizes"),
        ({"fixed": {"label_smoothing": 0.1}}, "fixed.label_smoothing", "regularizes"),
        ({"fixed": {"optimizer": "optax.adamw"}}, "fixed.weight_decay", "0.0001 regularizes"),
        ({"fixed": {"schedule": "cosine"}}, "fixed.schedule", "a constant learning rate"),
        ({"fixed": {"warmup_steps": 10}}, "fixed.warmup_steps", "no constant learning rate"),
        ({"fixed": {"learning_rate": 0.1}}, "fixed.learning_rate", "sweeps the learning rate"),
        (
            {"objective": {"metric": "validation/error_rate", "mode": "min", "target": 0.0}},
            "objective.metric",
            "a metric of the training split",
        ),
        (
            {"objective": {"metric": "train/error_rate", "mode": "min"}},
            "objective.target",
            "0 for an error rate",
        ),
        (
            {"nuisance": {"momentum": {"uniform": [0.1, 0.9]}}} | SEARCH,
            "nuisance.momentum",
            "the learning rate alone",
        ),
        (
            {
                "scientific": {"activation": ["relu", "tanh"]},
                "nuisance": {"learning_rate": {"log_uniform": [0.01, 1.0]}},
            }
            | SEARCH,
            "scientific.activation",
            "the learning rate alone",
        ),
        (
            {"search": {"algorithm": "list", "trials": [{"width": 32, "learning_rate": 0.1}]}},
            "search.trials",
            "the learning rate alone",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place_and_the_reason(
    tmp_path, changes, place, message
):
    path = write_spec(tmp_path / "fit.yaml", FITTING | changes)
    with pytest.raises(SpecError) as caught:
        first_plan(path)
    assert str(caught.value).startswith(str(path))
    assert f"{place}: " in str(caught.value)
    assert message in str(caught.value)
