"""What there is of a study of which trials are missing, and what it decides."""

import pytest

from tests.specs import plan_of
from tuning_playbook.errors import SpecError
from tuning_playbook.search.incomplete import incomplete_key, use_of_incomplete, what_is_there


@pytest.fixture
def plan(tmp_path):
    return plan_of(tmp_path, {"resources.trials_per_job": 2})


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_a_study_with_all_its_packs_lacks_nothing(plan, tmp_path):
    touch(*(tmp_path / f"packs/{pack}.nc" for pack in plan.packs))
    assert what_is_there(plan, tmp_path) is None


def test_finished_trials_count_also_where_their_pack_is_missing(plan, tmp_path):
    first, second = plan.packs.values()
    trial = second.trials[0].id
    touch(tmp_path / f"packs/{first.id}.nc", tmp_path / f"trials/{trial}/trial.json")
    there = what_is_there(plan, tmp_path)
    assert there == (f"packs/{first.id}.nc", f"trials/{trial}/trial.json")


def test_one_more_trial_makes_another_study_of_it(plan):
    keys = plan.keys
    some = incomplete_key("study", keys["study"], ["packs/a.nc"], "report")
    more = incomplete_key("study", keys["study"], ["packs/a.nc", "packs/b.nc"], "report")
    assert len({keys["study"], some, more}) == 3


@pytest.mark.parametrize(("stage", "same"), [("study", True), ("plots", True), ("launch", False)])
def test_asking_for_a_decision_changes_what_holds_one_and_nothing_else(stage, same):
    keys = {incomplete_key(stage, "0123456789", ["packs/a.nc"], u) for u in ("report", "decide")}
    assert (len(keys) == 1) is same


def test_an_unknown_use_is_told_with_the_known_ones():
    assert use_of_incomplete({}) == "refuse"
    assert use_of_incomplete({"incomplete": "decide"}) == "decide"
    with pytest.raises(SpecError, match="refuse, report or decide, not True"):
        use_of_incomplete({"incomplete": True})
