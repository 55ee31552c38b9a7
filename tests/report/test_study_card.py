"""The card of a study, made from its plan."""

from tests.specs import plan_of
from tests.study.test_conditions import NESTED
from tuning_playbook.report.study_card import make_card

COSINE = (
    "optimizer=adam, schedule=cosine",
    "optimizer=nadam, schedule=cosine, normalization=none",
    "optimizer=nadam, schedule=cosine, normalization=layer",
)


def test_every_role_says_in_which_arms_it_is(tmp_path):
    rows = make_card(plan_of(tmp_path, NESTED), results="results").roles
    found = {(row.hyperparameter, row.role): (row.value, row.arms) for row in rows}
    assert found["optimizer", "scientific"] == ("nesterov, adam, nadam", ())
    assert found["normalization", "scientific"] == ("none, layer", COSINE[1:])
    assert found["dropout", "nuisance"] == ("uniform [0, 0.5]", COSINE[2:])
    assert found["momentum", "fixed"] == ("0.9", ("optimizer=nesterov",))
    assert found["width", "fixed"] == ("16", ())
    value, arms = found["end_factor", "fixed"]
    assert value.startswith("0.0 in optimizer=adam, schedule=cosine; 0.1 in optimizer=nadam")
    assert arms == COSINE
    rates = [row.arms for row in rows if row.hyperparameter == "learning_rate"]
    assert len(rates) == 3
    assert COSINE in rates


def test_a_range_of_a_joint_design_is_scientific(tmp_path):
    changes = {"design": "joint", "scientific": {"dropout": {"uniform": [0, 0.5]}}}
    card = make_card(plan_of(tmp_path, changes), results="results")
    (row,) = (row for row in card.roles if row.hyperparameter == "dropout")
    assert (row.role, row.value) == ("scientific", "uniform [0, 0.5]")
    assert card.joint
