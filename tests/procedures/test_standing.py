"""Where the arms of a round stand that is ranked by steps to a target."""

from tests.specs import plan_of
from tuning_playbook.procedures.next_goal import next_goal
from tuning_playbook.procedures.next_move import Move
from tuning_playbook.procedures.standing import standing

ARMS = {"scientific": {"activation": ["relu", "tanh", "gelu"]}, "objective.target": 0.1}


def contender(arm, steps):
    """An arm as launch.json has it; None for a rerun that did not reach the target."""
    return {
        "arm": f"activation={arm}",
        "mean": None if None in steps else sum(steps) / len(steps),
        "rerun_objectives": steps,
        "rerun_censored": [value is None for value in steps],
    }


def test_the_runner_up_is_not_the_arm_that_reached_it_fastest_once(tmp_path):
    study = plan_of(tmp_path, ARMS).study
    launch = {
        "objective_mode": "min",
        "objective_target": 0.1,
        "candidate": contender("relu", [30, 40, 30]),
        "other_arms": [contender("tanh", [10, None, None]), contender("gelu", [50, 40, None])],
        "answer": {
            "questions": [
                {
                    "hyperparameter": None,
                    "verdict": "differs",
                    "best": ["activation=relu"],
                    "needed_reruns": None,
                    "sentence": "activation=relu is the best.",
                }
            ]
        },
    }
    found = standing(study, [], launch)
    assert found.winner.name == "activation=relu"
    assert found.runner_up.name == "activation=gelu"


def test_the_goal_of_the_next_round_asks_for_the_target(tmp_path):
    study = plan_of(tmp_path, ARMS).study
    move = Move("explore", study.arms[:2], None, "")
    goal = next_goal(study, move, steps=100, reruns=5, clauses=())
    assert goal.endswith("reaches a validation error rate of 0.1 first, in at most 100 steps?")
