"""The words for the progress of a study."""

import pytest

from tuning_playbook.dataset.study_status import StudyStatus, TrialStatus
from tuning_playbook.planning.time_left import Expected
from tuning_playbook.report.status_lines import MOST_RUNNING, status_lines


def trial(state, name="0123456789", part="search", **others):
    facts = {"arm": "optimizer=adam", "last_step": 2000, "seconds_left": 30.0}
    return TrialStatus(name, part=part, state=state, **(facts | others))


def lines(*trials, jobs=0.0):
    status = StudyStatus("small", "validation/error_rate", "min", trials, jobs)
    return status_lines(status)


def test_counts_come_first_then_the_time_left():
    running = trial("running", step=500, value=0.25, best=0.2, best_step=400, seconds_left=10.0)
    done = trial("done", best=0.3, seconds_left=0.0)
    first = lines(
        done,
        trial("infeasible", seconds_left=0.0),
        running,
        trial("to come"),
        trial("to come", part="reruns"),
        jobs=1.0,
    )[0]
    assert first == (
        "small: 2 of 4 trials done (1 infeasible, 1 running, 1 to come); "
        "0 of 1 reruns done (1 to come); about 1 min 10 s of training left"
    )


def test_what_is_running_is_a_table():
    running = trial("running", step=500, value=0.25, best=0.2, best_step=400, seconds_left=10.0)
    *_, head, row = lines(running, jobs=1.0)
    assert " ".join(head.split()) == "running arm step validation/error_rate best time left"
    assert " ".join(row.split()) == "0123456789 optimizer=adam 500 of 2,000 0.25 0.2 10.0 s"


def test_the_best_trial_so_far_is_named():
    told = lines(trial("done", best=0.25, best_step=1500), trial("done", "abcdef0123", best=0.5))
    assert told[1] == (
        "best so far: validation/error_rate 0.25 at step 1,500, trial 0123456789 (optimizer=adam)"
    )
    assert lines(trial("to come"))[1] == (
        "best so far: no trial has a finite validation/error_rate yet"
    )


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("stopped", "1 stopped in the middle; the next run of snakemake goes on with them"),
        ("failed", "1 failed; the next run of snakemake tries them again"),
    ],
)
def test_what_the_next_run_takes_up_is_said(state, said):
    assert said in lines(trial(state))


def test_a_study_at_rest_says_so():
    assert lines(trial("to come"))[0].endswith(
        "nothing is running; about 30.0 s of training to come, one job at a time"
    )
    assert lines(trial("to come", seconds_left=None))[0].endswith(
        "time left not known before the first trial is done"
    )
    assert lines(trial("done", seconds_left=0.0))[0] == "small: 1 of 1 trials done"


def test_the_time_left_has_its_range():
    known = Expected({"optimizer=adam": 30.0}, spread=0.3, known=9, drift=0.1)
    trials = tuple(trial("to come", f"{n:010d}") for n in range(4))
    status = StudyStatus("small", "validation/error_rate", "min", trials, 0.0, known)
    # 1.645 times the root of 0.09 / 4 + 0.09 / 9 + 0.01 is 0.3391, whose exponential is 1.4037.
    assert status_lines(status)[0].endswith(
        "about 2 min 0 s (1 min 25 s to 2 min 48 s in 9 of 10 cases) of training to come, one job "
        "at a time"
    )


def test_of_very_many_running_trials_the_first_are_listed():
    told = lines(*[trial("running", f"{n:010d}") for n in range(MOST_RUNNING + 5)], jobs=1.0)
    assert told[-1] == "and 5 more"
    assert f"{MOST_RUNNING:010d}" not in "\n".join(told)
