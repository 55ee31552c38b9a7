"""What a design cannot tell, in the words of the command line and of the report."""

import json

from tests.specs import plan_of
from tuning_playbook.report.cannot_tell_lines import cannot_tell_lines
from tuning_playbook.report.study_card import make_card

ENOUGH = {
    "training": {"max_train_steps": 60, "batch_size": 32, "eval_every": 3},
    "search.trials": 32,
    "reruns": {"seeds": 5},
}


def test_nothing_is_said_where_everything_can_be_told(tmp_path):
    plan = plan_of(tmp_path, ENOUGH)
    assert cannot_tell_lines(plan) == []
    assert make_card(plan, results="results").cannot_tell == ()


def test_a_single_check_has_one_line(tmp_path):
    changes = ENOUGH | {"search.trials": 20}
    assert cannot_tell_lines(plan_of(tmp_path, changes)) == [
        "cannot tell with this design:",
        "  nothing_matters: needs 32 trials in all, not 20; search.trials: 32 "
        "(12 more trainings, 720 steps)",
    ]


def test_two_changes_that_go_together_have_one_cost(tmp_path):
    search = {"algorithm": "bayesian", "trials": 30, "rounds": 2, "initial": 20}
    changes = ENOUGH | {"search": search}
    del changes["search.trials"]
    assert cannot_tell_lines(plan_of(tmp_path, changes)) == [
        "cannot tell with this design:",
        "  nothing_matters: needs 32 trials in all before the first round, not 20; "
        "search.initial: 32, search.trials: 42 (12 more trainings, 720 steps)",
    ]


def test_what_no_number_changes_is_said(tmp_path):
    changes = ENOUGH | {"nuisance": {"dropout": {"uniform": [0.0, 0.5]}}}
    assert cannot_tell_lines(plan_of(tmp_path, changes))[1:] == [
        "  learning_rate_edge: needs a learning rate that is searched over a range; "
        "more trials or evaluations do not change that"
    ]


def test_the_time_is_told_where_earlier_trials_tell_it(tmp_path):
    plan = plan_of(tmp_path, ENOUGH | {"search.trials": 20})
    trial = plan.trials[0].trial.to_json()
    folder = tmp_path / "results" / "small" / "trials" / "one"
    folder.mkdir(parents=True)
    record = {"trial": trial, "status": "completed", "provenance": {"wall_seconds": 2.0}}
    (folder / "trial.json").write_text(json.dumps(record))
    (line,) = cannot_tell_lines(plan, tmp_path / "results")[1:]
    assert line.endswith("(12 more trainings, 720 steps, about 24.0 s)")


def test_the_card_has_the_same_sentences(tmp_path):
    plan = plan_of(tmp_path)
    lines = cannot_tell_lines(plan)
    assert make_card(plan, results="results").cannot_tell == tuple(map(str.strip, lines[1:]))
