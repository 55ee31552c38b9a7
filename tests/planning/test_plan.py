"""A plan is worked out as far as it is asked for."""

import pytest

from tests.specs import changed, write_spec
from tuning_playbook.errors import SpecError
from tuning_playbook.planning import plan as planning
from tuning_playbook.planning.chain import plan_chain
from tuning_playbook.planning.plan import check_trials, find_spec, plan_study, request_of


@pytest.fixture
def expanded(monkeypatch):
    """Which studies were expanded, each as often as it was."""
    found = []

    def expand(study, *replicate):
        found.append((study.name, *replicate))
        return original(study, *replicate)

    original = planning.expand
    monkeypatch.setattr(planning, "expand", expand)
    return found


@pytest.fixture
def chain(tmp_path):
    """A study with repeats, and one that takes from it."""
    write_spec(tmp_path / "first.yaml", changed({"replicates": 2}))
    taken = {"fixed.activation": {"from": "first"}, "reruns.seeds": 2}
    return plan_chain([write_spec(tmp_path / "second.yaml", changed(taken))])


def test_what_a_training_job_asks_of_the_studies_expands_none(expanded, chain):
    for link in chain.values():
        assert link.plan.study.spec.resources.threads == 1
        assert link.plan.rerun_packs
        assert request_of(link.plan, ()).trials == ()
    assert expanded == []


def test_trials_are_expanded_once_however_often_they_are_asked_for(expanded, chain):
    plan = chain["first"].plan
    assert plan.packs
    assert len(plan.trials) == sum(plan.trials_per_arm.values())
    assert plan.packs is plan.packs
    assert expanded == [("first",)]
    assert len(plan.replicate_packs) == 8
    assert expanded == [("first",), ("first", 1), ("first", 2)]


def test_a_study_that_is_planned_by_its_path_can_be_trained_as_a_whole(expanded, tmp_path):
    plan = plan_study(write_spec(tmp_path / "small.yaml", changed({"replicates": 2})))
    assert expanded == [("small",), ("small", 1), ("small", 2)]
    check_trials(plan)
    assert len(expanded) == 3


def test_a_name_that_is_too_long_for_a_file_is_refused(tmp_path):
    name = "a" * 101
    (tmp_path / f"{name}.yaml").touch()
    with pytest.raises(SpecError, match="has 101 characters, and 100 are the most"):
        find_spec(name, folder=tmp_path)
    (tmp_path / f"{name[:100]}.yaml").touch()
    assert find_spec(name[:100], folder=tmp_path).stem == name[:100]
