"""Importance against functions whose Sobol indices are known."""

import json

import numpy as np
import pytest
from scipy.stats import qmc

from tests.analysis.synthetic import ADAM, ARMS, NESTEROV, choice, make_study, uniform
from tuning_playbook.analysis.importance import importance
from tuning_playbook.analysis.ranking import without_the_worst

ALL = ["all trials"]
NAMES = ("a", "b", "c")

ISHIGAMI = {"a": 0.3139, "b": 0.4424, "c": 0.0, ("a", "c"): 0.2437}
"""Main indices and the one interaction: Ishigami and Homma, 1990."""


def ishigami(places):
    a, b, c = np.pi * (2 * places.T - 1)
    return np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a)


def study_of(function, names, *, trials=64, seed=0, mode="min"):
    """A study whose objective is a function of its hyperparameters at Halton points."""
    searched = [uniform(name, 2.0, 5.0, ALL) for name in names]
    study = make_study(arms=ALL, trials=trials, searched=searched, mode=mode)
    places = qmc.Halton(len(names), rng=np.random.default_rng(seed)).random(trials)
    for name, column in zip(names, places.T, strict=True):
        study[f"hp_{name}"][:] = 2 + 3 * column
    study["objective"][:] = function(places)
    return study


def main(finding):
    return {row["hyperparameter"]: row["main"] for row in finding.numbers["hyperparameters"]}


@pytest.fixture(scope="module")
def on_ishigami():
    return [importance(study_of(ishigami, NAMES, seed=seed)) for seed in range(100)]


def test_the_order_is_right_on_ishigamis_function(on_ishigami):
    order = [
        sorted(main(finding), key=main(finding).get) == ["c", "a", "b"] for finding in on_ishigami
    ]
    pair = [finding.numbers["pairs"][0]["hyperparameters"] == ["a", "c"] for finding in on_ishigami]
    print(f"order of the main indices right: {np.mean(order):.0%}, of pairs: {np.mean(pair):.0%}")
    assert np.mean(order) >= 0.95
    assert np.mean(pair) >= 0.95


def test_the_indices_and_their_errors_are_about_right(on_ishigami):
    for name in NAMES:
        values = [main(finding)[name] for finding in on_ishigami]
        print(f"{name}: {np.mean(values):.3f} ± {np.std(values):.3f}, truly {ISHIGAMI[name]:.3f}")
        assert np.mean(values) == pytest.approx(ISHIGAMI[name], abs=0.05)
    covered = [
        row["main_low"] <= ISHIGAMI[row["hyperparameter"]] <= row["main_high"]
        for finding in on_ishigami
        for row in finding.numbers["hyperparameters"]
    ]
    print(f"95 % intervals of the main indices cover {np.mean(covered):.0%}")
    assert np.mean(covered) >= 0.9


def test_what_matters_by_an_interaction_alone_is_not_fixed(on_ishigami):
    fixed = [
        row["can_be_fixed"] for finding in on_ishigami for row in finding.numbers["hyperparameters"]
    ]
    assert np.mean(fixed) <= 0.01


def test_what_has_no_effect_can_be_fixed_and_an_interaction_is_tuned_together():
    def function(places):
        a, b, _ = places.T
        return (a - 0.5) ** 2 + 8 * (a - 0.5) * (b - 0.5)

    found = [importance(study_of(function, NAMES, seed=seed)) for seed in range(20)]
    assert all(finding.answer == "ok" for finding in found)
    advised = [
        "c can be fixed next round" in finding.advice and "together: a and b" in finding.advice
        for finding in found
    ]
    assert np.mean(advised) >= 0.9


def test_nothing_is_said_where_nothing_has_an_effect():
    told = [
        arm["told"]
        for seed in range(25)
        for arm in importance(make_study(seed=seed, trials=24)).numbers["arms"]
    ]
    print(f"arms without an effect of which something is said: {np.mean(told):.0%} of {len(told)}")
    assert np.mean(told) <= 0.05


def test_it_is_the_same_whichever_way_the_objective_is_counted():
    low = main(importance(study_of(ishigami, NAMES)))
    high = main(importance(study_of(lambda places: -ishigami(places), NAMES, mode="max")))
    assert low == pytest.approx(high)


def test_each_arm_has_its_own_hyperparameters_and_a_choice_is_one():
    searched = [
        choice("activation", ["relu", "tanh", "gelu"], ARMS),
        uniform("dropout_rate", 0.0, 0.5, [ADAM]),
    ]

    def effect(arm, at):
        depends = 0.3 * (at["activation"] > 1 / 3)
        return depends + (0.1 * at["dropout_rate"] if arm == ADAM else 0.0)

    finding = importance(make_study(searched=searched, trials=24, effect=effect))
    rows = {(row["arm"], row["hyperparameter"]): row for row in finding.numbers["hyperparameters"]}
    assert set(rows) == {
        (NESTEROV, "activation"),
        (ADAM, "activation"),
        (ADAM, "dropout_rate"),
    }
    # Of two thirds the variance of a step of 0.3 is 0.02; that of a slope of 0.1 is 0.1² / 12.
    assert rows[ADAM, "activation"]["main"] == pytest.approx(0.96, abs=0.04)
    assert [row["hyperparameters"] for row in finding.numbers["pairs"]] == [
        ["activation", "dropout_rate"]
    ]


def test_a_choice_of_whole_numbers_is_one_where_the_file_holds_reals():
    """As it does where the trials of other arms have no such hyperparameter."""
    searched = [choice("width", [16, 32], [ADAM]), uniform("dropout_rate", 0.0, 0.5, ARMS)]

    def effect(_arm, at):
        return at.get("width", 0.0) > 0.5

    study = make_study(searched=searched, trials=24, effect=effect)
    assert study["hp_width"].dtype == float
    assert main(importance(study))["width"] > 0.9


@pytest.mark.parametrize(
    "settings",
    [
        {"trials": 3},
        {"trials": 20, "reason": lambda *_: "diverged"},
        {"trials": 30, "trial_noise": 0.0, "noise": 0.0},
        {"trials": 30, "searched": []},
    ],
    ids=", ".join,
)
def test_any_study_gets_an_answer(settings):
    finding = importance(make_study(**settings))
    json.dumps(finding.to_json(), allow_nan=False)
    assert finding.answer in ("ok", "cannot tell")
    assert finding.summary.endswith(".")


def test_many_trials_are_thinned():
    finding = importance(study_of(ishigami, NAMES, trials=1000))
    (arm,) = finding.numbers["arms"]
    assert (arm["feasible"], arm["used"]) == (1000, 256)
    assert arm["predicted"] > 0.95
    for name in NAMES:
        assert main(finding)[name] == pytest.approx(ISHIGAMI[name], abs=0.03)


def test_trials_that_hardly_trained_do_not_make_up_the_variance():
    loss = np.array([0.1, 0.2, 0.3, 0.4, 9.0])
    assert without_the_worst(loss).tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.9])
    assert without_the_worst(np.full(3, 0.2)).tolist() == [0.2] * 3
