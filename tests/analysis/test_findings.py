"""What a finding is about stands in its fields, whatever its sentences say."""

import json

import pytest

from tests.analysis.synthetic import ADAM, ARMS, NESTEROV, make_resources, make_study
from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.analysis.findings import Concerned, Finding, finding_from_json
from tuning_playbook.analysis.importance import importance

WEIGHT_DECAY = Concerned("weight_decay", "", ARMS)
ADAMS_RATE = Concerned("learning_rate", ADAM, (ADAM,))
RATES = (Concerned("learning_rate", NESTEROV, (NESTEROV,)), ADAMS_RATE)


def by_check(study, *machines) -> dict[str, Finding]:
    found = [*diagnose(study, make_resources(study, *machines)), importance(study)]
    return {finding.check: finding for finding in found}


@pytest.fixture(scope="module")
def nothing_found() -> dict[str, Finding]:
    return by_check(make_study())


@pytest.fixture(scope="module")
def trouble_in_adam() -> dict[str, Finding]:
    """Its best learning rates lie at the upper edge, its worst weight decays diverge."""
    return by_check(
        make_study(
            trials=32,
            level=0.5,
            effect=lambda arm, at: -0.3 * at["learning_rate"] * (arm == ADAM),
            reason=lambda arm, at: "lost" if arm == ADAM and at["weight_decay"] > 0.45 else "",
        )
    )


def test_where_nothing_is_found_it_is_about_all_that_was_judged(nothing_found):
    for check, finding in nothing_found.items():
        assert finding.answer == "cannot tell" or finding.arms == ARMS, check
    about = nothing_found["boundary"].hyperparameters
    assert {WEIGHT_DECAY, *RATES} < set(about)
    assert nothing_found["learning_rate_edge"].hyperparameters == RATES


@pytest.mark.parametrize(
    ("check", "about"),
    [("boundary", (ADAMS_RATE,)), ("infeasible", (Concerned("weight_decay", "", (ADAM,)),))],
)
def test_what_was_found_names_the_hyperparameter_with_its_condition(trouble_in_adam, check, about):
    finding = trouble_in_adam[check]
    assert finding.hyperparameters == about
    assert finding.arms == (ADAM,)


def test_what_is_found_in_some_arms_is_about_these_and_those_beside_them(trouble_in_adam):
    finding = trouble_in_adam["unequal_tuning"]
    assert finding.answer == "warning"
    assert finding.arms == ARMS
    assert finding.hyperparameters == (ADAMS_RATE,)


def test_what_trials_show_is_about_their_arms():
    study = make_study(trials=4)
    assert by_check(study, ["1", "1", "1", "1", "1", "2", "1", "1"])["mixed_machines"].arms == (
        ADAM,
    )


def test_a_finding_is_read_back_as_it_was(nothing_found, trouble_in_adam):
    for finding in (*nothing_found.values(), *trouble_in_adam.values()):
        assert finding_from_json(json.loads(json.dumps(finding.to_json()))) == finding


def test_a_finding_of_an_older_file_is_about_nothing_in_particular():
    older = {"check": "boundary", "question": "?", "answer": "ok", "summary": "So.", "numbers": {}}
    assert finding_from_json(older) == Finding("boundary", "?", "ok", "So.")
