"""Steps to a target in every analysis: trials that missed it are neither lost nor averaged."""

import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, ARMS, NESTEROV, log_uniform, make_study
from tests.analysis.targets import reruns_to_target, steps_to_target, with_target
from tuning_playbook.analysis.answer import answer, compare_all
from tuning_playbook.analysis.best_of import best_of
from tuning_playbook.analysis.best_result import best_result
from tuning_playbook.analysis.boundary import boundary
from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.analysis.cliff import cliffs
from tuning_playbook.analysis.every_configuration import _rank
from tuning_playbook.analysis.importance import importance
from tuning_playbook.analysis.infeasible import infeasible
from tuning_playbook.analysis.isolation import isolation
from tuning_playbook.analysis.nothing_matters import nothing_matters
from tuning_playbook.analysis.ranking import arms_by_best, best_trial, losses, members, ranked
from tuning_playbook.analysis.sampling_density import sampling_density
from tuning_playbook.analysis.slices import slices
from tuning_playbook.analysis.study_variance import study_variance
from tuning_playbook.analysis.training_length import best_steps
from tuning_playbook.analysis.variance import pooled_deviation, trial_variance
from tuning_playbook.dataset.searched import read_searched

TARGET = 0.15
ONE = ("all trials",)


def slower(arm, positions):
    """Adam comes to an error of 0.2 and never reaches the target; nesterov to one of 0.1."""
    return 0.1 if arm == ADAM else 0.0


def along_the_rate(arm, positions):
    """The larger the learning rate, the better; the lower half never reaches the target."""
    return 0.1 * (1 - positions["learning_rate"])


def one_arm(**changes):
    searched = (
        log_uniform("learning_rate", 1e-4, 1.0, ONE),
        log_uniform("weight_decay", 1e-6, 1e-2, ONE),
    )
    given = {"arms": ONE, "searched": searched, "effect": along_the_rate, "trials": 32} | changes
    return with_target(make_study(**given), TARGET)


def told_of(study, steps):
    """Return the answer of a study whose arms' best trials were rerun."""
    reruns = reruns_to_target(study, steps)
    variances = trial_variance(study, reruns)
    compared = compare_all(study, variances, 0.0)
    return answer(study, variances, compared, goal="Which is the faster?")


@pytest.fixture
def study():
    return with_target(make_study(effect=slower), TARGET)


def test_the_ranking_is_that_of_the_raw_curves(study):
    curves = study["error_rate"].sel(split="validation").values
    steps = study["eval_step"].values.tolist()
    found = [steps_to_target(curve, steps, TARGET, "min") for curve in curves]
    wanted = sorted(
        range(len(found)),
        key=lambda n: (found[n] is None, curves[n].min() if found[n] is None else found[n], n),
    )
    assert ranked(study).tolist() == wanted
    assert {found[n] is None for n in members(study, ADAM)} == {True}


def test_a_censored_trial_is_feasible_and_behind_all_others(study):
    assert np.isfinite(losses(study)).all()
    assert arms_by_best(study) == (NESTEROV, ADAM)
    assert infeasible(study).summary == "All 32 trials are feasible."
    assert (
        min(losses(study)[members(study, ADAM)])
        > 2000
        >= max(losses(study)[members(study, NESTEROV)])
    )


def test_an_arm_that_never_reaches_it_is_named(study):
    found = best_steps(study)
    assert found.answer == "warning"
    assert "16 of 32 feasible trials reach the target. No trial of optimizer=adam does." in (
        found.summary
    )
    assert found.arms == (ADAM,)
    assert found.numbers["target_reached"][1] == {"arm": ADAM, "feasible": 16, "reached": 0}


def test_every_check_speaks_of_the_metric(study):
    """No check of the curves may hold a number of steps against a value of the metric."""
    plain = make_study(effect=slower)
    told = {finding.check: finding for finding in diagnose(study)}
    expected = {finding.check: finding for finding in diagnose(plain)}
    for check in (
        *("collapse", "overfitting", "step_variance", "still_improving", "saturated_early"),
        *("train_loss_rising", "gradient_norms", "periodicity", "beats_chance", "sample_skew"),
    ):
        assert told[check].answer == expected[check].answer, check
    for check in ("step_variance", "beats_chance", "still_improving", "overfitting"):
        assert told[check].summary == expected[check].summary


def test_a_cliff_is_one_of_the_metric():
    def off(arm, positions):
        return 0.7 if positions["learning_rate"] > 0.6 else 0.0

    plain = make_study(arms=ONE, effect=off, trials=32)
    study = with_target(plain, TARGET)
    beside = [int(trial) for trial in ranked(plain) if cliffs(plain, int(trial))]
    assert beside
    assert [int(trial) for trial in sorted(ranked(study)) if cliffs(study, int(trial))] == sorted(
        beside
    )


def test_the_best_trial_of_an_arm_without_one_that_reached_it_has_the_best_value(study):
    best = best_trial(study, ADAM)
    values = study["best_value"].values[members(study, ADAM)]
    assert study["best_value"].values[best] == values.min()
    assert best_result(study, ADAM).objective == values.min()


def test_isolation_says_which_arm_did_not_reach_it(study):
    points = {point.arm: point for point in isolation(study)}
    assert (points[ADAM].objective, points[ADAM].censored, points[ADAM].infeasible) == (
        None,
        True,
        False,
    )
    assert points[NESTEROV].objective == losses(study).min()
    assert not points[NESTEROV].censored


def test_the_best_of_many_is_told_where_it_reaches_the_target():
    study = one_arm()
    (bought,) = best_of(study)
    reached = np.sort(study["objective"].values[study["censored"].values == 0])
    assert bought.feasible == 32
    assert 8 < len(reached) < 24
    alone, whole = bought.budgets[0], bought.budgets[-1]
    # Half of the trials drawn alone do not reach it, so the worse quartile of one is not known.
    assert alone.quantiles[3] is None
    assert alone.mean is None
    assert whole.quantiles == (reached[0],) * 5
    assert bought.next_doubling is None


def test_study_variance_has_no_end_that_no_trial_reaches(study):
    rows = {row.arm: row for row in study_variance(study)}
    assert rows[ADAM].bests == (None,)
    assert (rows[ADAM].low, rows[ADAM].high) == (0.0, None)
    assert (rows[ADAM].low_open, rows[ADAM].high_open) == (True, True)
    assert rows[NESTEROV].high in study["objective"].values


def test_the_edge_of_a_range_is_found_though_half_of_it_never_reaches_the_target():
    found = boundary(one_arm(trial_noise=0.003))
    (row,) = [r for r in found.numbers["hyperparameters"] if r["at_boundary"]]
    assert (row["hyperparameter"], row["edge"]) == ("learning_rate", "high")


def test_a_bottom_inside_the_range_is_no_edge_though_most_trials_never_reach_the_target():
    def inside(arm, positions):
        return 0.4 * abs(positions["learning_rate"] - 0.8)

    for seed in range(3):
        study = one_arm(effect=inside, trial_noise=0.003, seed=seed)
        assert (study["censored"].values == 1).mean() > 0.5
        assert boundary(study).answer == "ok"


def test_what_matters_is_found_though_half_of_the_trials_are_censored():
    study = one_arm(trial_noise=0.003)
    assert nothing_matters(study).answer == "ok"
    assert importance(study).numbers["hyperparameters"][0]["hyperparameter"] == "learning_rate"


def test_where_nothing_matters_the_censored_trials_make_no_surface():
    warned = [
        nothing_matters(one_arm(effect=lambda *_: 0.05, trial_noise=0.01, seed=seed)).answer
        for seed in range(10)
    ]
    assert warned.count("warning") >= 8


def test_a_slice_without_a_trial_that_reached_it_has_no_objective():
    study = one_arm()
    (searched,) = [item for item in read_searched(study) if item.name == "learning_rate"]
    parts = slices(study, searched, 4)
    assert [part.objective is None for part in parts] == [True, True, False, False]
    assert [part.censored for part in parts] == [True, True, False, False]


def test_the_density_is_not_told_of_an_arm_that_hardly_reaches_the_target():
    found = sampling_density(with_target(make_study(effect=slower), TARGET))
    assert [row["p_value"] is None for row in found.numbers["arms"]] == [False, True]
    assert found.numbers["arms"][1]["last_doubling"] is None
    assert "Half of the trials" not in found.summary


class TestAnswer:
    def test_a_seed_that_misses_the_target_counts_against_its_arm(self, study):
        """The mean of those that reached it would make the unreliable arm the better one."""
        told = told_of(
            study, {NESTEROV: [700, 700, 800, 700, 800], ADAM: [400, None, None, None, None]}
        )
        (question, _) = told.questions
        (pair,) = question.pairs
        assert (pair.arm, pair.other) == (NESTEROV, ADAM)
        assert "4 of 10 reruns do not reach the target" in told.sentence
        assert question.verdict == "no difference shown"  # one of the five is faster than all

    def test_an_arm_that_always_misses_it_is_shown_to_be_worse(self, study):
        told = told_of(study, {NESTEROV: [700, 800, 700, 900, 800], ADAM: [None] * 5})
        (question, _) = told.questions
        assert question.verdict == "differs"
        assert question.best == (NESTEROV,)
        (pair,) = question.pairs
        # Every one of 25 pairs; 2 divisions of C(10, 5) = 252 are as extreme.
        assert pair.p == pytest.approx(2 / 252)
        # Adam needs one evaluation more than 2,000 steps at the least.
        assert pair.difference == np.median([2100 - s for s in (700, 800, 700, 900, 800)])
        assert told.sentence.startswith(
            "optimizer=nesterov is better than optimizer=adam by 1300 steps (95 % interval 1300 to "
            "1400)."
        )
        assert "in which they are worse than any that does" in told.sentence

    def test_seeds_that_all_take_as_many_evaluations_can_be_told_apart(self, study):
        told = told_of(study, {NESTEROV: [700] * 5, ADAM: [900] * 5})
        assert told.questions[0].verdict == "differs"
        assert "because the steps of no rerun vary" in told.sentence

    @pytest.mark.parametrize("order", [1, -1])
    def test_the_arm_that_reaches_it_more_often_is_the_better_one_though_most_seeds_miss_it(
        self, order
    ):
        """Most pairs of reruns miss it both: the median difference is none."""
        arms = [f"depth={depth}" for depth in range(3)][::order]
        study = with_target(make_study(arms=arms), TARGET)
        steps = {arm: [None] * 14 for arm in arms}
        steps["depth=0"] = [500, 600, 700, 800, 900, 1000, *[None] * 8]
        told = told_of(study, steps)
        question = told.questions[-1]
        assert all(pair.other != "depth=0" for pair in question.pairs)
        assert question.verdict == "differs"
        assert "depth=0" in question.best

    def test_where_no_seed_reaches_it_nothing_can_be_told(self, study):
        told = told_of(study, {NESTEROV: [None] * 5, ADAM: [None] * 5})
        assert told.questions[0].verdict == "cannot tell"
        assert "no rerun reaches the target" in told.sentence

    def test_where_all_reach_it_means_are_compared(self, study):
        told = told_of(study, {NESTEROV: [700, 800, 700, 900, 800], ADAM: [1200, 1100] * 3})
        (question, _) = told.questions
        (pair,) = question.pairs
        assert pair.difference == pytest.approx(1150 - 780)
        assert "by ranks" not in told.sentence
        assert " steps (95 % interval" in told.sentence

    def test_equal_arms_of_which_some_seeds_miss_it_are_told_apart_once_in_twenty(self, study):
        generator = np.random.default_rng(5)
        wrong = 0
        for _ in range(100):
            draws = generator.integers(5, 30, (2, 5)) * 100
            steps = [[None if value > 2000 else int(value) for value in arm] for arm in draws]
            wrong += told_of(study, dict(zip(ARMS, steps, strict=True))).questions[0].verdict == (
                "differs"
            )
        assert wrong <= 5 + 2 * np.sqrt(100 * 0.05 * 0.95)

    def test_one_seed_that_misses_it_hides_no_difference_between_the_others(self):
        arms = [f"depth={depth}" for depth in range(5)]
        study = with_target(make_study(arms=arms), TARGET)
        steps = {arm: [200 + 300 * n + 50 * k for k in range(5)] for n, arm in enumerate(arms)}
        steps["depth=4"][2] = None
        told = told_of(study, steps)
        question = told.questions[-1]
        assert question.verdict == "differs"
        assert question.best == ("depth=0",)
        pairs = {(pair.arm, pair.other): pair for pair in question.pairs}
        assert len(pairs) == 10
        assert pairs["depth=0", "depth=1"].difference == pytest.approx(300)
        assert pairs["depth=0", "depth=1"].p < 0.01 < pairs["depth=0", "depth=4"].p
        assert pairs["depth=0", "depth=1"].low > 100
        # The median of 25 differences, the seed taken to need 2,100 steps.
        assert "depth=4 by 1250 steps (too few reruns for a 95 % interval)" in question.sentence

    def test_of_equal_arms_with_and_without_misses_one_study_in_twenty_differs(self):
        arms = [f"depth={depth}" for depth in range(3)]
        study = with_target(make_study(arms=arms), TARGET)
        generator = np.random.default_rng(6)
        wrong = 0
        for _ in range(100):
            draws = generator.integers(5, 22, (3, 5)) * 100
            steps = [[None if value > 2000 else int(value) for value in arm] for arm in draws]
            questions = told_of(study, dict(zip(arms, steps, strict=True))).questions
            wrong += questions[-1].verdict == "differs"
        assert wrong <= 5 + 2 * np.sqrt(100 * 0.05 * 0.95)


def test_of_reruns_that_missed_it_there_is_a_median_and_no_mean(study):
    reruns = reruns_to_target(study, {NESTEROV: [500, 700, None, 900, None], ADAM: [None] * 3})
    rows = {row.arm: row for row in trial_variance(study, reruns)}
    assert (rows[NESTEROV].mean, rows[NESTEROV].standard_deviation) == (None, None)
    assert rows[NESTEROV].middle == 900
    assert rows[NESTEROV].infeasible == 0
    assert rows[ADAM].middle is None
    assert rows[NESTEROV].summary.startswith(
        "5 reruns. 2 of 5 reruns do not reach the target, so there is no mean; the median is 900 "
        "steps."
    )
    assert pooled_deviation(reruns) is None
    assert _rank(rows[NESTEROV], -1.0) < _rank(rows[ADAM], -1.0)
