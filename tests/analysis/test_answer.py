"""What a study says to its goal."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, NESTEROV, make_reruns, make_study, uniform
from tuning_playbook.analysis.answer import answer, compare_all
from tuning_playbook.analysis.sampled_values import sampled_values
from tuning_playbook.analysis.variance import trial_variance
from tuning_playbook.study.study import BASELINE

SPREAD = 0.001 * np.array([-2.0, -1.0, 0.0, 1.0, 2.0])


def answered(means, *, goal="Which one?", margin=0.0, few=(), spread=SPREAD):
    """The answer of a study whose arms' reruns have some means; None for no reruns at all."""
    study = make_study(arms=tuple(means), trials=4)
    values = {} if few is None else {arm: list(mean + spread) for arm, mean in means.items()}
    values |= {arm: values[arm][:2] for arm in few or ()}
    reruns = make_reruns(study, values) if values else None
    rows = [row for row in trial_variance(study, reruns) if row.arm != BASELINE]
    found = answer(study, rows, compare_all(study, rows, margin), goal=goal)
    json.dumps(found.to_json(), allow_nan=False)
    return found


def test_two_arms_that_differ():
    found = answered({NESTEROV: 0.10, ADAM: 0.05}, goal="Nesterov or Adam?")
    assert (found.goal, found.evidence) == ("Nesterov or Adam?", "reruns")
    of_optimizer, of_arms = found.questions
    assert (of_optimizer.hyperparameter, of_arms.hyperparameter) == ("optimizer", None)
    assert of_optimizer.verdict == of_arms.verdict == "differs"
    assert of_optimizer.best == (ADAM,)
    assert found.sentence == of_optimizer.sentence
    assert found.sentence == (
        "optimizer=adam is better than optimizer=nesterov by 0.0500 (95 % interval "
        "0.0478 to 0.0522)."
    )


def test_the_json_of_an_answer_keeps_every_digit():
    content = answered({NESTEROV: 0.1, ADAM: 0.05}).to_json()
    assert list(content) == [
        *("goal", "sentence", "evidence", "questions", "interactions", "curves"),
    ]
    (question, _) = content["questions"]
    assert list(question) == [
        *("hyperparameter", "verdict", "best", "sentence", "needed_reruns", "pairs"),
    ]
    (pair,) = question["pairs"]
    assert list(pair) == ["arm", "other", "difference", "low", "high", "p"]
    assert pair["difference"] == pytest.approx(0.05, abs=1e-12)


def test_a_difference_that_is_not_shown_says_what_would_show_it():
    found = answered({NESTEROV: 0.1, ADAM: 0.099})
    question, _ = found.questions
    assert question.verdict == "no difference shown"
    assert question.best == (ADAM, NESTEROV)
    assert f"{question.needed_reruns} reruns of each would settle it" in found.sentence
    assert "With a min_improvement of 0 nothing can be called the same" in found.sentence
    assert "min_improvement" not in answered({NESTEROV: 0.1, ADAM: 0.099}, margin=0.002).sentence


def test_arms_that_are_practically_the_same():
    found = answered({NESTEROV: 0.1, ADAM: 0.0999}, margin=0.01)
    assert found.questions[0].verdict == "practically the same"
    assert "within the margin of 0.01" in found.sentence


def test_many_arms_name_the_best_and_those_that_are_not_worse():
    means = {
        f"width={width}": mean for width, mean in zip((8, 16, 32), (0.3, 0.1, 0.2), strict=True)
    }
    found = answered(means).questions[0]
    assert (found.verdict, found.best) == ("differs", ("width=16",))
    assert found.sentence.startswith(
        "width=16 is the best of the 3 values of width: each other is shown to be worse (one-sided "
        "5 %); width=32 by 0.1000 "
    )
    two = answered({"width=8": 0.3, "width=16": 0.1, "width=32": 0.1001}).questions[0]
    assert two.best == ("width=16", "width=32")
    assert "Shown to be worse than another: width=8." in two.sentence


def test_without_reruns_the_search_answers_and_says_so():
    found = answered({NESTEROV: 0.1, ADAM: 0.05}, few=None)
    assert found.evidence == "search"
    assert {question.verdict for question in found.questions} == {"cannot tell"}
    assert found.sentence.startswith("In the search alone ")
    assert "reruns: {seeds: 5}" in found.sentence


def test_too_few_reruns_say_how_many_there_are():
    found = answered({NESTEROV: 0.1, ADAM: 0.05}, few=[ADAM])
    assert (found.evidence, found.questions[0].verdict) == ("reruns", "cannot tell")
    assert "optimizer=nesterov has 5 and optimizer=adam has 2" in found.sentence


def test_an_arm_that_lacks_reruns_is_named_beside_what_the_others_say():
    means = {"width=8": 0.3, "width=16": 0.1, "width=32": 0.2}
    found = answered(means, few=["width=32"]).questions[0]
    assert found.verdict == "differs"
    assert found.sentence.endswith(
        "width=32 is not compared: fewer than 5 reruns of it are feasible."
    )


def test_reruns_without_variance_say_that_there_is_nothing_to_judge_by():
    found = answered({NESTEROV: 0.1, ADAM: 0.05}, spread=np.zeros(5))
    assert found.questions[0].verdict == "cannot tell"
    assert "no rerun differs from its siblings" in found.sentence


def test_two_hyperparameters_have_a_question_each_and_may_interact():
    means = {"a=0, b=0": 0.10, "a=0, b=1": 0.12, "a=1, b=0": 0.14, "a=1, b=1": 0.10}
    found = answered(means)
    assert [question.hyperparameter for question in found.questions] == ["a", "b", None]
    (crossed,) = found.interactions
    assert crossed["verdict"] == "interact"
    assert found.sentence.startswith("a and b interact: a=0 gains 0.060 more over 1 with b=0")
    assert found.questions[0].sentence in found.sentence


def test_a_study_without_scientific_hyperparameters_compares_nothing():
    found = answered({"all trials": 0.1})
    assert found.questions == ()
    assert "reaches 0.1000 on average over 5 reruns" in found.sentence


def test_a_value_that_was_sampled_over_a_range_has_a_question_that_the_search_answers():
    searched = [
        replace(uniform("dropout", 0.0, 0.5, ["all trials"]), role="scientific"),
        uniform("momentum", 0.0, 1.0, ["all trials"]),
    ]
    study = make_study(
        arms=["all trials"],
        trials=48,
        searched=searched,
        effect=lambda _arm, at: (at["dropout"] - 0.4) ** 2,
    )
    rows = trial_variance(study, make_reruns(study, {"all trials": list(0.1 + SPREAD)}))
    curves = sampled_values(study)
    found = answer(study, rows, compare_all(study, rows, 0.0), curves, goal="How much?")
    (question,) = found.questions
    assert (question.hyperparameter, question.verdict) == ("dropout", "differs")
    assert found.evidence == "search"
    assert "By the search dropout is best at 0." in found.sentence
    (curve,) = found.curves
    assert curve.low <= 0.2 <= curve.high
    json.dumps(found.to_json(), allow_nan=False)
