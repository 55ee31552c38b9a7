"""Campaigns play themselves: each round is what the last one's next_study.yaml says."""

import pytest

from tests.procedures.campaign import NOISE, bowl, campaign

NAMES = ("activation", "normalization")

SPEC = {
    "goal": "Which activation, relu or tanh, reaches the lowest validation loss in 400 steps?",
    "workload": "digits_mlp",
    "objective": {"metric": "validation/loss", "mode": "min"},
    "training": {"max_train_steps": 400, "batch_size": 64, "eval_every": 20},
    "scientific": {"activation": ["relu", "tanh"]},
    "nuisance": {
        "learning_rate": {"log_uniform": [1e-4, 1e-1]},
        "weight_decay": {"log_uniform": [1e-6, 1e-2]},
    },
    "fixed": {"optimizer": "adam"},
    "search": {"algorithm": "halton", "trials": 16},
    "next_questions": [
        {
            "goal": "Does layer normalization lower the validation loss in 400 steps?",
            "scientific": {"normalization": ["none", "layer"]},
        }
    ],
}

TURNS_ROUND = {
    ("relu", "none"): 0.30,
    ("relu", "layer"): 0.3375,
    ("tanh", "none"): 0.345,
    ("tanh", "layer"): 0.25,
}
"""Normalization helps with tanh and harms with relu, which is the better one without it."""

ADDITIVE = TURNS_ROUND | {("relu", "layer"): 0.26, ("tanh", "layer"): 0.305}

RATES = {
    ("relu", "none"): 3e-3,
    ("relu", "layer"): 1e-2,
    ("tanh", "none"): 2e-3,
    ("tanh", "layer"): 5e-3,
}
"""The best learning rate of each combination."""


def away_from_the_best(rounds, cells):
    """How much worse the last candidate is on average than the best combination can be."""
    chosen = rounds[-1].launch["candidate"]["hyperparameters"]
    return bowl(cells, NAMES, RATES)(chosen) - min(cells.values())


@pytest.mark.parametrize(
    ("cells", "seed"), [(TURNS_ROUND, 0), (TURNS_ROUND, 1), (ADDITIVE, 2)], ids=str
)
def test_a_campaign_ends_at_the_best_combination(tmp_path, cells, seed):
    spec = SPEC | {"search": SPEC["search"] | {"seed": seed}}
    rounds = campaign(tmp_path, spec, bowl(cells, NAMES, RATES), seed)
    assert away_from_the_best(rounds, cells) <= NOISE
    # The runner-up of the first round, tried with what the second one asks, is all that is more.
    confirming = rounds[1].plan.trials_per_arm["normalization=layer, activation=tanh"]
    assert confirming == 10
    trainings = sum(item.trainings for item in rounds)
    assert trainings <= 1.2 * (trainings - confirming - 5)


def test_each_round_asks_something_else_and_the_last_says_that_nothing_is_left(tmp_path):
    rounds = campaign(tmp_path, SPEC, bowl(ADDITIVE, NAMES, RATES), 0)
    goals = [item.plan.study.spec.goal for item in rounds]
    assert goals == [
        SPEC["goal"],
        SPEC["next_questions"][0]["goal"],
        "Which learning_rate and weight_decay reach the lowest validation loss in 400 steps with "
        "normalization=layer, activation=relu?",
        "What does the best configuration of study_round3 reach on average over 10 fresh seeds, in "
        "400 steps?",
    ]
    assert "Nothing is left to ask" in rounds[-1].next_text
    decided = {item.place: (item.value, item.study) for item in rounds[3].plan.study.taken}
    assert decided == {
        "fixed.activation": ("relu", "study_round2"),
        "fixed.normalization": ("layer", "study_round2"),
    }
