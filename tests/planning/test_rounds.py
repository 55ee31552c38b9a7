"""The rounds of a Bayesian search, as far as they are known before their trials are."""

import json

import pytest

from tests.specs import plan_of
from tuning_playbook.errors import ArtefactError
from tuning_playbook.planning.artefacts import keys_of
from tuning_playbook.planning.plan import with_proposals


def plan_rounds(folder, changes=None, **search):
    """The plan of the small spec with four initial trials and three rounds of two."""
    given = {"algorithm": "bayesian", "trials": 10, "rounds": 3, "initial": 4} | search
    return plan_of(folder, {"search": given} | (changes or {}))


def test_the_initial_trials_are_those_of_a_halton_search(tmp_path):
    initial_trials = [item.trial for item in plan_rounds(tmp_path).trials]
    assert initial_trials == [item.trial for item in plan_of(tmp_path).trials]


def test_rounds_have_names_before_they_have_trials(tmp_path):
    plan = plan_rounds(tmp_path, {"scientific": {"activation": ["relu", "tanh"]}})
    assert list(plan.rounds) == [
        f"activation-{name}-{number}" for name in ("relu", "tanh") for number in (1, 2, 3)
    ]
    assert {item.trials for item in plan.rounds.values()} == {2}
    assert len({item.seed for item in plan.rounds.values()}) == 6


def test_more_rounds_leave_the_earlier_ones_as_they_are(tmp_path):
    three, four = plan_rounds(tmp_path), plan_rounds(tmp_path, trials=12, rounds=4)
    assert list(four.rounds.values())[:3] == list(three.rounds.values())
    assert keys_of(four)["rounds"] == keys_of(three)["rounds"]
    assert keys_of(four)["study"] != keys_of(three)["study"]


def test_a_round_is_trained_in_jobs_of_the_size_that_the_spec_wants(tmp_path):
    plan = plan_rounds(tmp_path, {"resources.trials_per_job": 4}, trials=14, rounds=1)
    (one,) = plan.rounds.values()
    assert one.parts == ((0, 4), (4, 8), (8, 10))
    assert one.files == tuple(f"rounds/{one.id}/{part}.nc" for part in range(3))


@pytest.mark.parametrize(
    ("changes", "search"),
    [
        ({}, {"seed": 1}),
        ({}, {"initial": 7}),
        ({}, {"trials": 13}),
        ({"objective.mode": "max"}, {}),
        ({"nuisance.learning_rate": {"log_uniform": [1e-3, 1]}}, {}),
    ],
)
def test_what_decides_the_proposals_is_in_their_key(tmp_path, changes, search):
    other = plan_rounds(tmp_path, changes, **search)
    assert keys_of(other)["rounds"] != keys_of(plan_rounds(tmp_path))["rounds"]


def test_proposals_stand_after_the_initial_trials_round_by_round(tmp_path):
    plan = plan_rounds(tmp_path, {"scientific": {"activation": ["relu", "tanh"]}})
    for number, item in enumerate(plan.rounds.values()):
        file = tmp_path / item.proposal
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"searched": [{"learning_rate": 0.01 + number / 1000}]}))
    whole = with_proposals(plan, [tmp_path / item.proposal for item in plan.rounds.values()])
    assert whole.trials[:8] == plan.trials
    assert [(item.round, item.arm) for item in whole.trials[8:]] == [
        (number, f"activation={name}") for number in (1, 2, 3) for name in ("relu", "tanh")
    ]
    assert [item.index for item in whole.trials] == list(range(14))
    assert keys_of(whole) == keys_of(plan)


def test_what_is_no_proposal_for_the_arm_is_refused(tmp_path):
    plan = plan_rounds(tmp_path)
    file = tmp_path / next(iter(plan.rounds.values())).proposal
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"searched": [{"momentum": 0.5}]}))
    with pytest.raises(ArtefactError, match=r"remove it and run snakemake again"):
        with_proposals(plan, [file])
