"""The division of a study into jobs, chosen once and kept."""

import json
from dataclasses import replace

import pytest

from tests.sources.foreign import write_csv
from tests.specs import plan_of
from tuning_playbook.planning.division import PACKS, Division
from tuning_playbook.planning.job_sizes import (
    divided_by,
    keep_division,
    short_jobs,
    with_division,
)
from tuning_playbook.planning.plan import plan_study

AUTO = {"resources.trials_per_job": "auto", "search.trials": 8, "reruns.seeds": 4}
TWO_ARMS = {"scientific": {"activation": ["relu", "tanh"]}}


def divided(tmp_path, changes, *, cores=2, per_job=0):
    """Return a plan divided for some cores, and by the division that is kept, if any is."""
    plan = plan_of(tmp_path, AUTO | changes)
    return with_division(plan, divided_by(tmp_path, "small", cores, per_job))


def packs(plan):
    return [{trial.id for trial in pack.trials} for pack in plan.packs.values()]


def sizes(plan):
    return sorted(len(pack.trials) for pack in plan.packs.values())


def test_by_itself_a_study_has_one_job_for_each_arm(tmp_path):
    plan = plan_of(tmp_path, AUTO | TWO_ARMS)
    assert sizes(plan) == [8, 8]
    assert [pack.reruns for pack in plan.rerun_packs.values()] == [(0, 1, 2, 3)] * 2


def test_the_cores_of_a_machine_share_the_trials_and_the_reruns(tmp_path):
    plan = divided(tmp_path, {})
    assert sizes(plan) == [4, 4]
    assert [pack.reruns for pack in plan.rerun_packs.values()] == [(0, 1), (2, 3)]
    assert sizes(divided(tmp_path, TWO_ARMS)) == [8, 8]
    assert sizes(divided(tmp_path, {"resources.threads": 2})) == [8]


def test_no_id_of_a_trial_depends_on_the_division(tmp_path):
    one, two = (divided(tmp_path, {}, cores=cores) for cores in (1, 2))
    assert [item.trial for item in one.trials] == [item.trial for item in two.trials]


def test_a_division_that_is_kept_counts_whatever_the_machine_is_then(tmp_path):
    first = divided(tmp_path, {})
    keep_division(first, tmp_path / "small")
    assert packs(divided(tmp_path, {}, cores=8)) == packs(first)
    assert packs(divided(tmp_path, {}, cores=None, per_job=1)) == packs(first)
    later = divided(tmp_path, {}, cores=8)
    assert [*later.rerun_packs] == [*first.rerun_packs]


def test_trials_that_are_added_get_jobs_of_their_own(tmp_path):
    first = divided(tmp_path, {})
    keep_division(first, tmp_path / "small")
    more = divided(tmp_path, {"search.trials": 12})
    assert packs(more)[:2] == packs(first)
    assert sizes(more) == [2, 2, 4, 4]
    keep_division(more, tmp_path / "small")
    assert packs(divided(tmp_path, {"search.trials": 12}, cores=1)) == packs(more)


def test_trials_that_are_gone_leave_their_jobs(tmp_path):
    first = divided(tmp_path, {})
    keep_division(first, tmp_path / "small")
    fewer = divided(tmp_path, {"search.trials": 6})
    assert [pack & set.union(*packs(fewer)) for pack in packs(first)] == packs(fewer)


def test_reruns_that_are_added_leave_the_earlier_ones_in_their_jobs(tmp_path):
    keep_division(divided(tmp_path, {}), tmp_path / "small")
    more = divided(tmp_path, {"reruns.seeds": 5})
    assert [pack.reruns for pack in more.rerun_packs.values()] == [(0, 1), (2, 3), (4,)]


def test_sizes_that_nothing_needed_yet_are_chosen_when_something_does(tmp_path):
    keep_division(divided(tmp_path, {"reruns.seeds": 0}), tmp_path / "small")
    later = divided(tmp_path, {})
    assert [pack.reruns for pack in later.rerun_packs.values()] == [(0, 1), (2, 3)]


def test_on_a_cluster_the_configuration_says_it(tmp_path):
    assert sizes(divided(tmp_path, {}, cores=None)) == [1] * 8
    assert sizes(divided(tmp_path, {}, cores=None, per_job=3)) == [2, 3, 3]


def test_a_number_in_the_spec_is_what_it_says(tmp_path):
    plan = divided(tmp_path, {"resources.trials_per_job": 3})
    assert sizes(plan) == [2, 3, 3]
    keep_division(plan, tmp_path / "small")
    assert not (tmp_path / "small" / PACKS).exists()


def test_lanes_are_full_also_where_fewer_trials_would_do(tmp_path):
    assert sizes(divided(tmp_path, {"resources.lanes": 4}, cores=8)) == [4, 4]
    assert sizes(divided(tmp_path, {"resources.lanes": 4}, cores=None)) == [4, 4]


def test_repeats_of_the_search_are_divided_like_it(tmp_path):
    plan = divided(tmp_path, {"replicates": 2})
    assert sorted(len(pack.trials) for pack in plan.replicate_packs.values()) == [4] * 4
    assert {*plan.replicate_packs}.isdisjoint(plan.packs)


def test_the_trials_of_a_round_are_divided_among_the_cores_of_an_arm(tmp_path):
    bayesian = {"search": {"algorithm": "bayesian", "trials": 12, "rounds": 1, "initial": 4}}
    (first,) = divided(tmp_path, bayesian, cores=2).rounds.values()
    assert first.parts == ((0, 4), (4, 8))


def test_short_jobs_of_a_cluster_get_a_word_once_their_time_is_known(tmp_path):
    plan = divided(tmp_path, {}, cores=None)
    assert short_jobs(plan, tmp_path) == ""
    trial = plan.trials[0].trial
    folder = tmp_path / "small/trials" / trial.id
    folder.mkdir(parents=True)
    record = {"trial": trial.to_json(), "status": "completed", "provenance": {"wall_seconds": 0.5}}
    (folder / "trial.json").write_text(json.dumps(record))
    assert "say --config trials_per_job=160" in short_jobs(plan, tmp_path)
    more = divided(tmp_path, {}, cores=None, per_job=4)
    assert "trains for about 2.0 s" in short_jobs(more, tmp_path)
    all_in_one = divided(tmp_path, {}, cores=None, per_job=160)
    assert short_jobs(all_in_one, tmp_path) == "", "no job can have more"
    record["provenance"]["wall_seconds"] = 60.0
    (folder / "trial.json").write_text(json.dumps(record))
    assert short_jobs(plan, tmp_path) == ""


@pytest.mark.parametrize("slots", [0, 1])
def test_more_threads_than_cores_are_one_job_after_the_other(tmp_path, slots):
    plan = with_division(plan_of(tmp_path, AUTO), Division(slots=slots))
    assert sizes(plan) == [8]


def test_finished_trials_are_divided_into_no_jobs(tmp_path):
    """A study without an optimizer of ours cannot say how long its trials train."""

    def refuse(_plan):
        raise AssertionError("nothing is trained")

    plan = replace(plan_study(write_csv(tmp_path)), divide=refuse)
    assert not plan.rounds
    assert not plan.packs
    assert not plan.rerun_packs
