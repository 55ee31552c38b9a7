"""A workload's own optimizer and schedule in a spec."""

import pytest

from tests.specs import plan_of
from tuning_playbook.errors import SpecError

OWN = """
from tests.jobs.wrong_classes import MakesItsRules as Imported, Right as Without

class Makes(Imported):
    '''One that makes its rules.'''

class Makes_not(Without):
    '''One that does not.'''
"""


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "own_rules_class.py").write_text(OWN)

    def plan(kind, **fixed):
        own = {"workload": f"own_rules_class:{kind}", "objective.metric": "validation/error"}
        return plan_of(tmp_path, {**own, "fixed": fixed})

    return plan


def test_they_are_chosen_by_name_and_their_hyperparameters_are_tuned(plan):
    study = plan("Makes", optimizer="workload", schedule="workload", exponent=2.0)
    values = study.trials[0].trial.hyperparameters
    assert (values["optimizer"], values["schedule"]) == ("workload", "workload")
    assert (values["b1"], values["exponent"]) == (0.9, 2.0)
    assert {"b1", "exponent", "learning_rate"} <= set(study.trials[0].trial.traced)


@pytest.mark.parametrize("choice", ["optimizer", "schedule"])
def test_a_workload_that_makes_none_is_named_with_the_method(plan, choice):
    with pytest.raises(SpecError, match=rf"has no method {choice}\(self, hyperparameters"):
        plan("Makes_not", **{"optimizer": "sgd", choice: "workload"})


def test_a_name_that_an_optimizer_has_too_is_refused_with_that_optimizer_alone(plan):
    plan("Makes", optimizer="momentum")
    with pytest.raises(SpecError, match=r"'b1' is a hyperparameter of workload .* optimizer adam"):
        plan("Makes", optimizer="adam")
