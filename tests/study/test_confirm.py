"""An arm that an earlier round did not choose is compared again under a study's changes."""

import pytest

from tests.specs import changed, plan_of, write_spec
from tests.study.test_compared_before import FIRST, SECOND
from tuning_playbook.errors import SpecError
from tuning_playbook.planning.chain import plan_chain

CONFIRM = {"confirm": {"arm": "activation=tanh", "trials": 10}}


def confirming(folder, changes=None):
    write_spec(folder / "first.yaml", FIRST)
    path = write_spec(folder / "second.yaml", changed(CONFIRM | (changes or {}), SECOND))
    return plan_chain([path])["second"].plan


def test_it_is_compared_beside_what_the_earlier_round_did_not_have(tmp_path):
    plan = confirming(tmp_path)
    assert plan.trials_per_arm == {
        "normalization=none, activation=relu": 16,
        "normalization=layer, activation=relu": 16,
        "normalization=layer, activation=tanh": 10,
    }


def test_without_trials_it_has_as_many_as_the_others(tmp_path):
    counts = confirming(tmp_path, {"confirm": {"arm": "activation=tanh"}}).trials_per_arm
    assert set(counts.values()) == {16}


def test_where_nothing_is_known_of_the_earlier_round_it_is_compared_beside_everything(tmp_path):
    plan = plan_of(
        tmp_path,
        {
            "scientific": {"normalization": ["none", "layer"]},
            "fixed.activation": "relu",
            "confirm": {"arm": "activation=tanh", "trials": 3},
        },
    )
    assert plan.trials_per_arm == {
        "normalization=none, activation=relu": 4,
        "normalization=none, activation=tanh": 3,
        "normalization=layer, activation=relu": 4,
        "normalization=layer, activation=tanh": 3,
    }


def test_an_arm_of_several_values_is_one_arm_and_not_their_product(tmp_path):
    plan = plan_of(
        tmp_path,
        {
            "scientific": {"normalization": ["none", "layer"]},
            "fixed": {"optimizer": "momentum", "activation": "relu", "depth": 2},
            "confirm": {"arm": "activation=tanh, depth=1", "trials": 3},
        },
    )
    assert list(plan.trials_per_arm) == [
        "normalization=none, activation=relu, depth=2",
        "normalization=none, activation=tanh, depth=1",
        "normalization=layer, activation=relu, depth=2",
        "normalization=layer, activation=tanh, depth=1",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"confirm": {"arm": "tanh"}}, "'tanh' is no setting"),
        ({"confirm": {"arm": "activaton=tanh"}}, "did you mean 'activation'"),
        ({"confirm": {"arm": "activation=relu"}}, "is what this study has fixed"),
        ({"confirm": {"arm": "activation=[1]"}}, "is no value of 'activation'"),
        ({"confirm": {"arm": "activation=tan"}}, "must be one of .*, not 'tan'"),
        ({"scientific": {}}, "no scientific values"),
        ({"search": {"algorithm": "grid", "points": 2}}, "halton or random"),
    ],
)
def test_what_cannot_be_confirmed_is_an_error_that_names_the_place(tmp_path, changes, message):
    base = {
        "scientific": {"normalization": ["none", "layer"]},
        "fixed.activation": "relu",
        **CONFIRM,
    }
    with pytest.raises(SpecError, match="small.yaml.*" + message.replace("[", r"\[")):
        plan_of(tmp_path, base | changes)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"scientific": {"normalisation": ["none"]}}, "did you mean 'normalization'"),
        ({"scientific": {"normalization": ["layers"]}}, "must be one of"),
        ({"scientific": {"dropout": [0.0]}, "nuisance": {"width": {"choice": [0]}}}, "width"),
        ({"scientific": {"optimizer": ["adm"]}}, "optimizer"),
    ],
    ids=str,
)
def test_a_question_of_a_later_round_is_checked_before_this_one_is_trained(
    tmp_path, question, message
):
    with pytest.raises(SpecError, match=rf"small.yaml:\d+: next_questions\[0\].*{message}"):
        plan_of(tmp_path, {"next_questions": [{"goal": "And then?", **question}]})


def test_a_question_of_a_later_round_changes_no_trial(tmp_path):
    question = {"goal": "And then?", "scientific": {"optimizer": ["adam", "momentum"]}}
    asked = plan_of(tmp_path, {"next_questions": [question], "training.steps": "given"})
    plain = plan_of(tmp_path)
    assert [item.trial for item in asked.trials] == [item.trial for item in plain.trials]
