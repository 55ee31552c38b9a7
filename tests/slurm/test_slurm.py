"""The profile on a real Slurm: what is submitted, and what survives what clusters do to jobs."""

import re

import pytest

from tests.slurm.cluster import running_cluster

pytestmark = pytest.mark.workflow


def test_a_study_goes_from_nothing_to_its_report(packed):
    assert packed.first.status == 0, packed.first.text
    assert {"study.nc", "reruns.nc", "launch.json", "report.html"} <= packed.files


def test_32_trials_in_packs_of_eight_are_four_jobs(packed):
    assert [job.state for job in packed.jobs] == ["COMPLETED"] * 4


def test_a_job_gets_the_gpu_that_it_asks_for(packed):
    assert "gres/gpu=1" in packed.collecting.allocated


def test_one_changed_trial_is_one_more_training_job(packed):
    assert packed.second.status == 0, packed.second.text
    assert [job.state for job in packed.jobs_since] == ["COMPLETED"]
    assert len(packed.added) == 1
    assert packed.trained == packed.added


def test_a_job_over_its_memory_or_time_is_named_with_the_remedy(greedy):
    told = greedy.run.text
    for takes, remedy in {"memory": "memory_mb", "time": "runtime_minutes"}.items():
        trial = greedy.trials[takes]
        assert re.search(rf"packs/{trial}\.nc \({trial}\): .* raise resources\.{remedy}", told)
    assert "incomplete=report" in told


def test_the_rest_of_the_study_goes_on_and_is_marked_incomplete(greedy):
    assert greedy.study.attrs["complete"] == 0
    assert greedy.study.attrs["missing_trials"] == greedy.trials["memory"]
    assert greedy.study.sizes["trial"] == 2
    assert set(greedy.study["status"].to_numpy()) == {"completed"}


def test_nothing_is_decided_on_an_incomplete_study(greedy):
    assert greedy.launch["decision"] == "undecided"
    assert all(
        trial in greedy.launch["reasons"][0] for trial in greedy.study.missing_trials.split()
    )


def test_a_second_run_beside_the_first_is_refused_by_snakemakes_lock(disturbed):
    assert disturbed.refused.status != 0
    assert "Directory cannot be locked" in disturbed.refused.text
    assert not disturbed.refused.rules


def test_a_job_told_to_end_and_one_queued_again_resume_where_they_were(disturbed):
    assert all(step > 0 for step in disturbed.resumed.values())


def test_nothing_finished_is_trained_twice_after_snakemake_was_killed(disturbed):
    assert disturbed.before == disturbed.after
    assert len(disturbed.before) == 2


def test_a_disturbed_study_has_the_bytes_of_an_undisturbed_one(disturbed):
    assert disturbed.status == 0
    assert len(disturbed.trials) == 4
    assert disturbed.packs == disturbed.undisturbed


def test_a_preempted_job_makes_way_and_resumes_to_the_same_bytes(preempted):
    assert preempted.status == 0
    assert preempted.urgent == "COMPLETED"
    assert preempted.resumed_at > 0
    assert preempted.packs == preempted.undisturbed


def test_a_cluster_leaves_nothing_behind_also_where_a_test_fails(cluster, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    with pytest.raises(KeyError), running_cluster(folder) as second:
        second.call("sbatch", "--parsable", "--output=/dev/null", "--wrap", "sleep 600")
        assert second.processes()
        raise KeyError
    assert not second.processes()
    assert cluster.state() == "idle"
