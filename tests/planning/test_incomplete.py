"""What there is of a study of which trials are missing, and what it decides."""

import json
from types import SimpleNamespace

import pytest

from tests.specs import plan_of
from tuning_playbook.errors import SpecError
from tuning_playbook.planning.artefacts import keys_of
from tuning_playbook.planning.expand import Expansion
from tuning_playbook.planning.incomplete import incomplete_key, use_of_incomplete, what_is_there
from tuning_playbook.planning.rounds import add_proposals
from tuning_playbook.trials.trial import trial_from_json


@pytest.fixture
def plan(tmp_path):
    return plan_of(tmp_path, {"resources.trials_per_job": 2})


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def finish(record, status="completed"):
    touch(record)
    record.write_text(json.dumps({"status": status}))


def test_a_study_with_all_its_packs_lacks_nothing(plan, tmp_path):
    touch(*(tmp_path / f"packs/{pack}.nc" for pack in plan.packs))
    assert what_is_there(plan, tmp_path) is None


def test_finished_trials_count_also_where_their_pack_is_missing(plan, tmp_path):
    first, second = plan.packs.values()
    trial = second.trials[0].id
    touch(tmp_path / f"packs/{first.id}.nc")
    finish(tmp_path / f"trials/{trial}/trial.json")
    there = what_is_there(plan, tmp_path)
    assert there == (f"packs/{first.id}.nc", f"trials/{trial}/trial.json")


def test_a_trial_that_failed_counts_when_it_is_trained_with_success(plan, tmp_path):
    first, second = plan.packs.values()
    record = tmp_path / f"trials/{second.trials[0].id}/trial.json"
    touch(tmp_path / f"packs/{first.id}.nc")
    finish(record, "failed")
    assert what_is_there(plan, tmp_path) == (f"packs/{first.id}.nc",)
    finish(record)
    assert len(what_is_there(plan, tmp_path)) == 2


@pytest.fixture
def searched(tmp_path):
    """Four initial trials, two rounds of two, a trial in each job; the second round has failed."""
    search = {"algorithm": "bayesian", "trials": 8, "rounds": 2, "initial": 4}
    plan = plan_of(tmp_path, {"search": search})
    first, second = plan.rounds.values()
    for number, item in enumerate((first, second)):
        rates = [0.01 + number / 1000, 0.02 + number / 1000]
        content = {"searched": [{"learning_rate": rate} for rate in rates]}
        added = add_proposals(plan.study, Expansion((), ()), [item], {item.id: content})
        trials = [entry.trial.to_json() for entry in added.trials]
        touch(tmp_path / item.proposal)
        (tmp_path / item.proposal).write_text(json.dumps(content | {"trials": trials}))
    touch(*(tmp_path / f"packs/{pack}.nc" for pack in plan.packs))
    touch(*(tmp_path / file for file in first.files), stamp(tmp_path, plan))
    return SimpleNamespace(plan=plan, folder=tmp_path, first=first, second=second)


def stamp(folder, plan):
    return folder / f"current/rounds-{keys_of(plan)['rounds']}"


def rounds_in(there):
    return [name for name in there if name.startswith("rounds/")]


def test_a_round_that_failed_leaves_out_its_trials_and_those_that_would_follow(searched):
    there = what_is_there(searched.plan, searched.folder)
    proposals = [item.proposal for item in (searched.first, searched.second)]
    assert rounds_in(there) == [*searched.first.files, *proposals]
    touch(*(searched.folder / file for file in searched.second.files))
    assert what_is_there(searched.plan, searched.folder) is None


def test_a_trial_of_a_failed_round_counts_where_it_is_finished(searched):
    content = json.loads((searched.folder / searched.second.proposal).read_text())
    file = f"trials/{trial_from_json(content['trials'][1]).id}/trial.json"
    before = what_is_there(searched.plan, searched.folder)
    finish(searched.folder / file)
    assert what_is_there(searched.plan, searched.folder) == (*before, file)


def test_a_round_is_left_out_with_what_it_was_proposed_from(searched):
    (searched.folder / searched.first.files[0]).unlink()
    kept = [searched.first.files[1], searched.first.proposal]
    assert rounds_in(what_is_there(searched.plan, searched.folder)) == kept


def test_the_rounds_of_another_search_are_left_out(searched):
    stamp(searched.folder, searched.plan).unlink()
    assert rounds_in(what_is_there(searched.plan, searched.folder)) == []


def test_what_is_missing_proposes_no_round_anew(searched):
    key = keys_of(searched.plan)["rounds"]
    assert incomplete_key("rounds", key, ["packs/a.nc"], "report") == key


def test_one_more_trial_makes_another_study_of_it(plan):
    keys = keys_of(plan)
    some = incomplete_key("study", keys["study"], ["packs/a.nc"], "report")
    more = incomplete_key("study", keys["study"], ["packs/a.nc", "packs/b.nc"], "report")
    assert len({keys["study"], some, more}) == 3


@pytest.mark.parametrize(
    ("stage", "same"),
    [("study", True), ("plots", True), ("launch", False), ("test", False), ("report", False)],
)
def test_asking_for_a_decision_changes_what_holds_one_and_nothing_else(stage, same):
    keys = {incomplete_key(stage, "0123456789", ["packs/a.nc"], u) for u in ("report", "decide")}
    assert (len(keys) == 1) is same


def test_an_unknown_use_is_told_with_the_known_ones():
    assert use_of_incomplete({}) == "refuse"
    assert use_of_incomplete({"incomplete": "decide"}) == "decide"
    with pytest.raises(SpecError, match="refuse, report or decide, not True"):
        use_of_incomplete({"incomplete": True})
