import json
import math

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from tests.analysis.synthetic import ADAM, NESTEROV, make_reruns, make_study
from tests.sources.several_seeds import several_seeds
from tuning_playbook.analysis.findings import Finding
from tuning_playbook.dataset.every_seed import every_seed
from tuning_playbook.launches.comparison import compare
from tuning_playbook.launches.decision import decide

SPREAD = np.array([-0.002, -0.001, 0.0, 0.001, 0.002])
PROBLEM = Finding("boundary", "?", "problem", "At an edge.")
WARNING = Finding("overfitting", "?", "warning", "Many.")
PAIRS = 400


def adam_is_best(mode: str = "min"):
    """Adam has the better search objective, so it is the candidate."""
    return make_study(effect=lambda arm, _at: -0.05 if arm == ADAM else 0.0, trials=6, mode=mode)


def decided(candidate, baseline, findings=(), mode="min", lacking=None, **settings):
    study = adam_is_best(mode)
    if lacking:
        study = study.assign_attrs(complete=0, trials_planned=14, missing_trials=lacking)
    objectives = {ADAM: list(candidate), NESTEROV: list(0.09 + SPREAD)}
    if baseline is not None:
        objectives["baseline"] = list(baseline)
    launch = decide(study, make_reruns(study, objectives), findings, **settings)
    json.dumps(launch.to_json(), allow_nan=False)
    return launch


def said(launch) -> str:
    return " ".join(launch.reasons)


def test_a_clear_improvement_is_adopted():
    launch = decided(0.05 + SPREAD, 0.10 + SPREAD, complexity="none", caveats=["b1 is fixed."])
    assert launch.decision == "adopt"
    assert launch.candidate.arm == ADAM
    assert launch.candidate.mean == pytest.approx(0.05)
    assert launch.difference.improvement == pytest.approx(0.05)
    assert launch.difference.low < 0.05 < launch.difference.high
    assert launch.difference.probability_better == 1.0
    assert [arm.arm for arm in launch.other_arms] == [NESTEROV]
    assert launch.baseline.hyperparameters == {"learning_rate": 0.05, "weight_decay": 1e-4}
    assert (launch.complexity, launch.caveats) == ("none", ("b1 is fixed.",))
    assert (launch.objective_metric, launch.objective_mode) == ("validation/error_rate", "min")


def test_json_has_what_the_report_needs():
    launch = decided(0.05 + SPREAD, 0.10 + SPREAD, [WARNING, PROBLEM]).to_json()
    assert launch["candidate"].keys() == {
        "arm",
        "trial",
        "hyperparameters",
        "trials",
        "feasible_trials",
        "search_objective",
        "search_censored",
        "rerun_objectives",
        "rerun_censored",
        "rerun_seeds",
        "mean",
        "low",
        "high",
        "standard_deviation",
        "deviation_low",
        "deviation_high",
    }
    assert launch["open_problems"] == ["boundary"]
    assert json.loads(json.dumps(launch)) == launch
    assert set(launch["candidate"]["hyperparameters"]) == {"weight_decay", "learning_rate"}


def test_maximized_objective():
    assert decided(0.95 + SPREAD, 0.90 + SPREAD, mode="max").decision == "adopt"
    assert decided(0.90 + SPREAD, 0.95 + SPREAD, mode="max").decision == "reject"


def test_no_improvement_is_rejected():
    launch = decided(0.101 + SPREAD, 0.10 + SPREAD)
    assert launch.decision == "reject"
    assert "the incumbent stays" in said(launch)
    assert decided(0.10 + SPREAD, 0.10 + SPREAD).decision == "reject"


def test_an_improvement_must_outweigh_the_complexity():
    values = 0.09 + SPREAD, 0.10 + SPREAD
    assert decided(*values, min_improvement=0.0).decision == "adopt"
    assert decided(*values, min_improvement=0.009).decision == "provisional"
    assert decided(*values, min_improvement=0.02).decision == "reject"


def test_a_small_improvement_is_provisional_and_says_what_could_have_been_seen():
    launch = decided(0.0995 + SPREAD, 0.10 + SPREAD)
    assert launch.decision == "provisional"
    assert launch.difference.lower_bound < 0 < launch.difference.improvement
    assert f"{launch.difference.smallest_detectable:.4f}" in said(launch)


def test_an_open_problem_makes_it_provisional_at_best():
    launch = decided(0.05 + SPREAD, 0.10 + SPREAD, [WARNING, PROBLEM])
    assert launch.decision == "provisional"
    assert "boundary" in said(launch)
    assert decided(0.05 + SPREAD, 0.10 + SPREAD, [WARNING]).decision == "adopt"
    assert decided(0.15 + SPREAD, 0.10 + SPREAD, [PROBLEM]).decision == "reject"


@pytest.mark.parametrize(
    ("candidate", "baseline"),
    [
        (0.05 + SPREAD[:4], 0.10 + SPREAD),
        (0.05 + SPREAD, 0.10 + SPREAD[:1]),
        (0.15 + SPREAD[:4], 0.10 + SPREAD),
        ([], 0.10 + SPREAD),
    ],
)
def test_fewer_than_five_reruns_are_no_test(candidate, baseline):
    launch = decided(candidate, baseline)
    assert launch.decision == "provisional"
    assert launch.difference is None
    assert "variance is not known" in said(launch)


def test_no_baseline():
    launch = decided(0.05 + SPREAD, None)
    assert (launch.decision, launch.baseline, launch.difference) == ("provisional", None, None)
    assert "nothing to compare with" in said(launch)


def test_no_reruns_at_all():
    launch = decide(adam_is_best(), None, ())
    assert launch.decision == "provisional"
    assert launch.candidate.rerun_objectives == ()


def test_no_variance_leaves_nothing_to_judge_by():
    launch = decided([0.05] * 5, [0.10] * 5)
    assert (launch.decision, launch.difference) == ("provisional", None)
    assert "no variance" in said(launch)
    assert decided([0.10] * 5, [0.05] * 5).decision == "reject"
    assert decided([0.05] * 5, 0.10 + SPREAD).decision == "adopt"


def test_an_infeasible_rerun_of_the_candidate_is_evidence():
    launch = decided([*(0.05 + SPREAD), math.nan], 0.10 + SPREAD)
    assert launch.decision == "provisional"
    assert launch.candidate.rerun_objectives[-1] is None
    assert "1 of 6 reruns of the candidate are infeasible" in said(launch)
    launch = decided([math.nan, math.nan, math.nan, 0.05, 0.05], 0.10 + SPREAD)
    assert launch.decision == "reject"


def test_infeasible_reruns_of_the_baseline_are_said():
    launch = decided(0.05 + SPREAD, [*(0.10 + SPREAD), math.nan])
    assert launch.decision == "adopt"
    assert "1 of 6 reruns of the baseline are infeasible" in said(launch)
    launch = decided(0.05 + SPREAD, [math.nan] * 5)
    assert launch.decision == "provisional"


def test_no_feasible_trial():
    study = make_study(trials=3, reason=lambda *_: "diverged")
    launch = decide(study, make_reruns(study, {"baseline": 0.1 + SPREAD}), ())
    assert (launch.decision, launch.candidate) == ("reject", None)
    assert [arm.mean for arm in launch.other_arms] == [None, None]
    json.dumps(launch.to_json(), allow_nan=False)


def test_the_candidate_is_chosen_by_the_search_not_by_its_reruns():
    launch = decided(0.10 + SPREAD, 0.10 + SPREAD)
    assert launch.candidate.arm == ADAM
    assert launch.other_arms[0].mean < launch.candidate.mean


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (0.04 + SPREAD, "It is the better configuration of the two"),
        (0.0495 + SPREAD, "which is within what reruns differ by"),
        (0.04 + SPREAD[:2], "the variance is not known well enough"),
    ],
)
def test_another_arm_whose_reruns_are_better_is_named(other, words):
    study = adam_is_best()
    reruns = {ADAM: 0.05 + SPREAD, NESTEROV: other, "baseline": 0.10 + SPREAD}
    launch = decide(study, make_reruns(study, reruns), ())
    (rival,) = launch.rivals
    assert (launch.decision, launch.candidate.arm, rival.arm) == ("adopt", ADAM, NESTEROV)
    assert rival.advantage == pytest.approx(0.05 - other.mean())
    assert f"The reruns of {NESTEROV}, of its best trial {rival.trial}," in said(launch)
    assert words in said(launch)
    assert not decided(0.05 + SPREAD, 0.10 + SPREAD).rivals  # there the other arm is worse


def test_other_divisions_of_the_data_are_told_in_words_and_decide_nothing():
    study = adam_is_best()
    objectives = {
        ADAM: [*(0.05 + SPREAD), 0.20, 0.21, 0.30],
        "baseline": [*(0.10 + SPREAD), 0.22, 0.25, 0.28],
    }
    reruns = make_reruns(study, objectives)
    reruns["data_split"] = ("trial", np.tile([0] * 5 + [1, 2, 3], 2))
    launch = decide(study, reruns, ())
    assert launch.decision == "adopt"
    assert launch.candidate.mean == pytest.approx(0.05)
    assert [row.arm for row in launch.data_variance] == [ADAM, "baseline"]
    assert (
        "Of 3 other divisions of the data into training and validation sets, the candidate is "
        "better than the baseline on 2; on average over them it is better by 0.01333."
    ) in said(launch)


def test_repeats_of_the_search_are_told_and_none_of_them_is_the_candidate():
    study = adam_is_best()
    better, worse = make_study(seed=1, trials=6, level=0.01), adam_is_best()
    repeats = [
        item.assign(replicate=("trial", np.full(item.sizes["trial"], number)))
        for number, item in enumerate((better, worse), 1)
    ]
    replicates = xr.concat(repeats, "trial", data_vars="minimal")
    reruns = make_reruns(study, {ADAM: 0.05 + SPREAD, "baseline": 0.10 + SPREAD})
    launch, alone = (decide(study, reruns, (), replicates=item) for item in (replicates, None))
    assert launch.candidate == alone.candidate
    assert launch.decision == alone.decision
    assert [len(row.bests) for row in launch.study_variance] == [3, 3]
    told = f"Of 3 searches with different seeds, the best trial of {ADAM} was better than that of"
    assert told in said(launch)
    assert told not in said(alone)


def test_the_candidate_may_be_the_baseline():
    study = make_study(trials=6)
    best = decide(study, None, ()).candidate
    baseline = dict(best.hyperparameters)
    if "one_minus_momentum" in baseline:
        baseline["momentum"] = 1 - baseline.pop("one_minus_momentum")
        momentum = 1 - study["hp_one_minus_momentum"]
        study["hp_momentum"] = ("trial", momentum.values, {"role": "fixed"})
    reruns = make_reruns(
        study, {best.arm: 0.1 + SPREAD, "baseline": 0.1 + SPREAD}, baseline=baseline
    )
    launch = decide(study, reruns, ())
    assert launch.decision == "reject"
    assert "has the baseline's configuration" in said(launch)
    other = make_reruns(
        study,
        {best.arm: 0.1 + SPREAD, "baseline": 0.2 + SPREAD},
        baseline=baseline | {"weight_decay": 0.5},
    )
    assert decide(study, other, ()).decision == "adopt"


def test_one_arm_of_one_trial():
    study = make_study(arms=["all trials"], trials=1)
    reruns = make_reruns(study, {"all trials": 0.05 + SPREAD, "baseline": 0.1 + SPREAD})
    assert decide(study, reruns, ()).decision == "adopt"


def test_the_interval_is_that_of_scipy():
    generator = np.random.default_rng(0)
    new, old = generator.normal(1, 1, size=5), generator.normal(0, 3, size=8)
    difference = compare(new, old, sign=1.0)
    test = stats.ttest_ind(new, old, equal_var=False)
    interval = test.confidence_interval(0.95)
    assert difference.improvement == pytest.approx(new.mean() - old.mean())
    assert (difference.low, difference.high) == (
        pytest.approx(interval.low),
        pytest.approx(interval.high),
    )
    one_sided = test.confidence_interval(0.90).low
    assert difference.lower_bound == pytest.approx(one_sided)
    wins = stats.mannwhitneyu(new, old).statistic / (5 * 8)
    assert difference.probability_better == pytest.approx(wins)


def with_seeds(reruns, candidate, baseline):
    """The reruns of Adam and of the baseline on these seeds; nobody reruns the others."""
    seeds = reruns["seed"].values.copy()
    seeds[reruns["arm"].values == ADAM] = candidate
    seeds[reruns["arm"].values == "baseline"] = baseline
    return reruns.assign(seed=("trial", seeds))


LUCK = np.array([0.03, -0.02, 0.01, -0.04, 0.02])
"""What a seed does to both configurations, much more than what is to be told apart."""


def test_reruns_on_shared_seeds_are_compared_seed_by_seed():
    study = adam_is_best()
    reruns = make_reruns(
        study, {ADAM: list(0.09 + LUCK + SPREAD / 4), "baseline": list(0.1 + LUCK)}
    )
    apart = decide(study, with_seeds(reruns, [1, 2, 3, 4, 5], [6, 7, 8, 9, 10]), ())
    assert (apart.decision, apart.difference.paired) == ("provisional", False)
    together = decide(study, with_seeds(reruns, [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]), ())
    assert (together.decision, together.difference.paired) == ("adopt", True)
    assert together.difference.improvement == pytest.approx(apart.difference.improvement)
    assert "on the same seed" in said(together)


def test_shared_seeds_are_matched_whatever_their_order():
    study = adam_is_best()
    reruns = make_reruns(
        study, {ADAM: list(0.09 + LUCK + SPREAD / 4), "baseline": list(0.1 + LUCK)}
    )
    mixed = with_seeds(reruns, [1, 2, 3, 4, 5], [1, 2, 3, 4, 5])
    order = [0, 1, 2, 3, 4, 9, 7, 5, 8, 6]
    mixed = mixed.isel(trial=order).assign(rerun=("trial", [0, 1, 2, 3, 4] * 2))
    straight = decide(study, with_seeds(reruns, [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]), ())
    assert decide(study, mixed, ()).difference.low == pytest.approx(straight.difference.low)


def test_seeds_shared_in_part_are_no_pairs():
    study = adam_is_best()
    reruns = make_reruns(study, {ADAM: list(0.05 + SPREAD), "baseline": list(0.1 + SPREAD)})
    for other in ([1, 2, 3, 4, 6], [1, 1, 2, 3, 4]):
        assert not decide(study, with_seeds(reruns, [1, 2, 3, 4, 5], other), ()).difference.paired


def test_the_paired_interval_is_that_of_scipy():
    generator = np.random.default_rng(0)
    new, old = generator.normal(1, 1, size=6), generator.normal(0, 1, size=6)
    difference = compare(new, old, sign=1.0, paired=True)
    interval = stats.ttest_rel(new, old).confidence_interval(0.95)
    assert (difference.low, difference.high) == (
        pytest.approx(interval.low),
        pytest.approx(interval.high),
    )
    wilson = stats.binomtest(int((new > old).sum()), 6).proportion_ci(method="wilson")
    assert (difference.probability_low, difference.probability_high) == (
        pytest.approx(wilson.low, abs=1e-6),
        pytest.approx(wilson.high, abs=1e-6),
    )


@pytest.mark.parametrize("paired", [False, True])
def test_the_interval_by_bootstrap_is_that_of_scipy(paired):
    generator = np.random.default_rng(0)
    new, old = generator.normal(1, 1, size=8), generator.normal(0, 1, size=8)
    difference = compare(new, old, sign=-1.0, paired=paired)
    found = stats.bootstrap(
        (old, new),
        lambda one, other: one.mean() - other.mean(),
        vectorized=False,
        paired=paired,
        rng=np.random.default_rng(5),
    ).confidence_interval
    assert difference.bootstrap_low == pytest.approx(found.low, abs=0.05)
    assert difference.bootstrap_high == pytest.approx(found.high, abs=0.05)


@pytest.mark.parametrize("count", [5, 20])
@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
def test_the_interval_of_the_probability_holds_the_truth(count, shift):
    """Of two normal samples whose probability is known; 95 % intervals that hold 90 % or more."""
    generator = np.random.default_rng(4)
    truth = stats.norm.cdf(shift / math.sqrt(2))
    held = 0
    for _ in range(200):
        found = compare(
            shift + generator.normal(size=count), generator.normal(size=count), sign=1.0
        )
        held += found.probability_low <= truth <= found.probability_high
    assert held >= 180


def test_a_difference_that_every_seed_repeats_has_no_variance():
    same_on_each = compare([1.1, 2.1, 3.1, 4.1, 5.1], [1, 2, 3, 4, 5], sign=1.0, paired=True)
    assert not same_on_each.paired


def test_calibration_of_pairs():
    """As below, for five seeds that do to both what they do to each alone."""
    generator = np.random.default_rng(6)
    luck = generator.normal(scale=3, size=(PAIRS, 5))
    new, old = luck + generator.normal(size=(PAIRS, 5)), luck + generator.normal(size=(PAIRS, 5))
    rates = {
        difference: np.mean(
            [
                compare(one + difference, other, sign=1.0, paired=True).lower_bound > 0
                for one, other in zip(new, old, strict=True)
            ]
        )
        for difference in (0.0, 2.0)
    }
    print(f"pairs adopted: {rates[0.0]:.1%} without a difference, {rates[2.0]:.1%} with two")
    assert rates[0.0] <= stats.binom.ppf(0.95, PAIRS, 0.05) / PAIRS
    assert rates[2.0] >= 0.75


def test_ties_count_half():
    assert compare([1, 1, 1, 1, 2], [1, 1, 1, 1, 1], sign=1.0).probability_better == 0.6


@pytest.mark.parametrize("ratio", [1.0, 3.0], ids=lambda ratio: f"deviations 1:{ratio:g}")
def test_calibration(ratio):
    """False adoptions at no difference, power at two standard deviations, with five reruns.

    400 pairs with a rate of 5 % give more than 6.75 % in one experiment in twenty: the slack.
    """
    generator = np.random.default_rng(1)
    new = generator.normal(size=(PAIRS, 5))
    old = generator.normal(scale=ratio, size=(PAIRS, 5))
    slack = stats.binom.ppf(0.95, PAIRS, 0.05) / PAIRS
    adopted = [
        compare(one, other, sign=1.0).lower_bound > 0 for one, other in zip(new, old, strict=True)
    ]
    print(f"adopted without a difference: {np.mean(adopted):.1%} (at most {slack:.2%})")
    assert np.mean(adopted) <= slack
    if ratio == 1.0:
        found = [
            compare(one + 2, other, sign=1.0).lower_bound > 0
            for one, other in zip(new, old, strict=True)
        ]
        print(f"adopted with a difference of two standard deviations: {np.mean(found):.1%}")
        assert np.mean(found) >= 0.8


def test_calibration_of_the_whole_decision():
    """The same through `decide`, with reruns as a file holds them."""
    generator = np.random.default_rng(2)
    study = adam_is_best()
    template = make_reruns(study, {ADAM: [0.0] * 5, "baseline": [0.0] * 5})
    rates = {}
    for difference, pairs in ((0.0, PAIRS), (2.0, PAIRS // 4)):
        adopted = 0
        for _ in range(pairs):
            objective = generator.normal(size=10) - difference * (np.arange(10) < 5)
            reruns = template.assign(objective=("trial", objective))
            adopted += decide(study, reruns, ()).decision == "adopt"
        rates[difference] = adopted / pairs
    print(f"adopted: {rates[0.0]:.1%} without a difference, {rates[2.0]:.1%} with two deviations")
    assert rates[0.0] <= stats.binom.ppf(0.95, PAIRS, 0.05) / PAIRS
    assert rates[2.0] >= 0.8


CONFIGURATIONS = 10


def test_a_candidate_that_its_own_seeds_chose_is_adopted_no_more_often(tmp_path):
    """Ten equal configurations of five seeds, and an equal baseline.

    The best of the ten stands where the template has its candidate: they are all alike.
    """
    names = ["old", *(f"c{place}" for place in range(CONFIGURATIONS))]
    template = several_seeds(
        tmp_path, {name: list(0.1 + SPREAD) for name in names}, baseline="old-0"
    )
    every = every_seed(template.study, template.reruns)
    arms = every["arm"].values
    chosen = arms == str(template.study["arm"].values[0])
    others = ~chosen & (arms != "baseline")
    generator = np.random.default_rng(5)
    adopted, undivided = 0, 0
    for _ in range(PAIRS):
        drawn = generator.normal(size=(CONFIGURATIONS, 5))
        drawn = drawn[np.argsort(drawn.mean(axis=1))]
        objective = generator.normal(size=len(arms))
        objective[chosen], objective[others] = drawn[0], drawn[1:].ravel()
        reruns = every.assign(objective=("trial", objective))
        launch = decide(template.study, reruns, ())
        adopted += launch.decision == "adopt"
        undivided += launch.difference.low > 0  # one-sided, that is a test at 2.5 %
    rate = adopted / PAIRS
    print(f"adopted: {rate:.1%} at 5 % divided by ten, {undivided / PAIRS:.1%} at 2.5 %")
    assert rate <= 0.05 + 2 * (0.05 * 0.95 / PAIRS) ** 0.5
    assert undivided / PAIRS > 0.08
    assert launch.difference.bound_confidence == pytest.approx(0.995)
    assert "99.5 % confidence: 5 % divided by 10." in said(launch)


def test_a_configuration_that_is_plainly_better_is_adopted_though_its_seeds_chose_it(tmp_path):
    objectives = {"old": 0.1 + SPREAD, "new": 0.05 + SPREAD, "other": 0.09 + SPREAD}
    imported = several_seeds(
        tmp_path, {name: list(values) for name, values in objectives.items()}, baseline="old-0"
    )
    launch = decide(imported.study, imported.reruns, ())
    json.dumps(launch.to_json(), allow_nan=False)
    assert launch.decision == "adopt"
    assert launch.candidate.hyperparameters["learning_rate"] == 0.2
    assert launch.configurations.chosen_among == 2
    assert [row.name for row in launch.configurations.rows] == ["new-0", "other-0", "old-0"]
    assert launch.answer.sentence == launch.configurations.sentence
    assert "new-0 is the best of the 3 configurations" in launch.answer.sentence


def test_smallest_detectable_is_detected_four_times_in_five():
    generator = np.random.default_rng(3)
    size = np.mean(
        [
            compare(
                generator.normal(size=20), generator.normal(size=20), sign=1.0
            ).smallest_detectable
            for _ in range(50)
        ]
    )
    found = [
        compare(size + generator.normal(size=20), generator.normal(size=20), sign=1.0).lower_bound
        > 0
        for _ in range(PAIRS)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.05)


def test_nothing_is_decided_on_an_incomplete_study():
    launch = decided(0.05 + SPREAD, 0.10 + SPREAD, lacking="aaaaaaaaaa bbbbbbbbbb")
    assert launch.decision == "undecided"
    assert "2 of its 14 trials have no result (aaaaaaaaaa, bbbbbbbbbb)" in said(launch)
    assert "incomplete=decide" in said(launch)


def test_an_incomplete_study_is_decided_on_when_asked_for_and_the_caveats_say_so():
    settings = {"caveats": ["b1 is fixed."], "decide_incomplete": True}
    launch = decided(0.05 + SPREAD, 0.10 + SPREAD, lacking="aaaaaaaaaa", **settings)
    assert launch.decision == "adopt"
    assert launch.caveats[0] == "b1 is fixed."
    assert "incomplete" in launch.caveats[1]
