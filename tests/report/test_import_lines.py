"""What a check says of finished trials."""

from tests.sources.finished import write_finished
from tests.sources.several_seeds import several_seeds
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.report.import_lines import import_lines


def test_runs_seeds_and_ranges_are_said(tmp_path):
    trials = [{"optimizer": "adam", "rate": 10.0**-n} for n in range(1, 5)]
    changes = {"nuisance": {"rate": {"log_uniform": [1e-5, 1.0]}}}
    study = plan_study(write_finished(tmp_path, trials, changes)).study
    assert import_lines(study) == [
        "read: 4 runs of 4 configurations, each with 1 seed; 4 of their seeds are not known",
        "read: 100 steps, evaluated about every 100",
        "range: rate 1e-05 to 1 on a log scale, given",
    ]


def test_seeds_infeasible_runs_and_the_baseline_are_counted(tmp_path):
    objectives = {"old": [0.3, 0.4, 0.5], "new": [0.2, None]}
    study = several_seeds(tmp_path, objectives, baseline="old-0").plan.study
    assert import_lines(study) == [
        "read: 5 runs of 2 configurations, each with 2 to 3 seeds",
        "read: 10 steps, evaluated about every 10",
        "read: the baseline is old-0",
        "infeasible: 1 of 5 runs; 1 diverged: validation/error is not finite from step 10 on",
    ]


def test_a_range_that_was_taken_from_the_trials_names_its_arm(tmp_path):
    trials = [
        {"optimizer": name, "rate": scale * 10.0**-n}
        for name, scale in (("adam", 1e-4), ("sgd", 1.0))
        for n in range(4)
    ]
    changes = {"scientific": {"optimizer": ["adam", "sgd"]}}
    said = import_lines(plan_study(write_finished(tmp_path, trials, changes)).study)
    assert (
        "range: optimizer=adam: rate 1e-07 to 0.0001 on a log scale, taken from the trials" in said
    )
    assert "range: optimizer=sgd: rate 0.001 to 1 on a log scale, taken from the trials" in said
