"""What rules a part of a space where something else, or nothing, rules the whole."""

import numpy as np
import pytest
from scipy.stats import qmc

from tests.analysis.synthetic import choice, log_uniform, make_study, uniform
from tuning_playbook.analysis.importance import importance

ALL = ["all trials"]
SEARCHED = (log_uniform("rate", 1e-4, 1.0, ALL), uniform("momentum", 0.0, 1.0, ALL))
NOISE = 0.02


def study_of(function, searched=SEARCHED, *, trials=64, seed=0):
    """A study whose objective is a function of positions, at Halton points, and of noise."""
    generator = np.random.default_rng(seed)
    study = make_study(arms=ALL, trials=trials, searched=searched)
    places = qmc.Halton(len(searched), rng=generator).random(trials)
    for item, column in zip(searched, places.T, strict=True):
        if item.choices:
            values = np.array(item.choices)[(column * len(item.choices)).astype(int)]
        elif item.scale == "log":
            values = item.low * (item.high / item.low) ** column
        else:
            values = item.low + (item.high - item.low) * column
        study[item.variable] = study[item.variable].copy(data=values)
    study["objective"][:] = function(places) + NOISE * generator.normal(size=trials)
    return study


def totals(rows):
    return {row["hyperparameter"]: row["total"] for row in rows}


def region(finding):
    return next((part for part in finding.numbers["parts"] if "region" in part["part"]), None)


def cliff(places):
    """Above 60 % of the rate's range nothing works; below it only momentum matters."""
    rate, momentum = places.T
    return 3.0 * (rate > 0.6) + 0.3 * momentum


@pytest.fixture(scope="module")
def on_a_cliff():
    return [importance(study_of(cliff, seed=seed)) for seed in range(15)]


def test_a_cliff_rules_the_whole_and_momentum_the_good_region(on_a_cliff):
    right = []
    for finding in on_a_cliff:
        whole, good = totals(finding.numbers["hyperparameters"]), region(finding)
        right.append(
            good["told"]
            and whole["rate"] > 0.95
            and totals(good["hyperparameters"])["momentum"] > 0.8
        )
    print(f"both are right for {np.mean(right):.0%} of {len(right)} seeds")
    assert np.mean(right) >= 0.9


def test_the_region_is_named_with_its_ranges(on_a_cliff):
    finding = on_a_cliff[0]
    low, high = region(finding)["ranges"]["rate"]
    assert low == 1e-4
    assert 1e-4 * 1e4**0.5 < high <= 1e-4 * 1e4**0.6
    assert f"(rate 0.0001 to {high:g}" in finding.summary


def test_what_rules_the_good_region_is_not_fixed_however_little_it_does_elsewhere(on_a_cliff):
    assert not any("momentum" in finding.advice for finding in on_a_cliff)


def test_where_the_region_has_too_few_trials_to_tell_nothing_is_fixed():
    finding = importance(study_of(cliff, trials=24))
    assert region(finding)["predicted"] is None
    assert not any(row["can_be_fixed"] for row in finding.numbers["hyperparameters"])


def test_what_matters_nowhere_is_fixed():
    searched = (*SEARCHED, uniform("dropout", 0.0, 0.5, ALL))

    def function(places):
        return (places[:, 0] - 0.5) ** 2 + (places[:, 1] - 0.5) ** 2

    fixed = [
        "dropout can be fixed" in importance(study_of(function, searched, seed=seed)).advice
        for seed in range(6)
    ]
    assert np.mean(fixed) >= 0.8


def test_choosing_the_region_makes_nothing_matter_more():
    """Of a sum of two equal slopes each has half of the variance of every box."""
    found = [importance(study_of(lambda p: p.sum(axis=1), seed=seed)) for seed in range(8)]
    shares = [totals(region(finding)["hyperparameters"])["rate"] for finding in found]
    print(f"share of one of two equal slopes in the region: {np.mean(shares):.2f}")
    assert np.mean(shares) == pytest.approx(0.5, abs=0.05)


def test_of_noise_no_region_is_told():
    told = []
    for seed in range(16):
        good = region(importance(study_of(lambda p: 0 * p[:, 0], trials=40, seed=seed)))
        told.append(bool(good and good["told"]))
    print(f"good regions of noise of which something is said: {np.mean(told):.0%}")
    assert np.mean(told) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(told))


OPTIMIZERS = ("adam", "momentum")


def with_a_condition(seed=0, trials=64):
    """Momentum exists only for one of the optimizers that a nuisance hyperparameter chooses."""
    searched = (
        choice("optimizer", OPTIMIZERS, ALL),
        log_uniform("rate", 1e-4, 1.0, ALL),
        uniform("momentum", 0.0, 1.0, ALL),
    )

    def function(places):
        optimizer, rate, momentum = places.T
        return 0.4 * rate + np.where(optimizer < 0.5, 0.5, 0.8 * momentum)

    study = study_of(function, searched, seed=seed, trials=trials)
    has = study["hp_optimizer"].values == "momentum"
    study["hp_momentum"][:] = np.where(has, study["hp_momentum"], np.nan)
    return study, int(has.sum())


def test_what_some_trials_lack_is_left_out_by_name_and_judged_among_the_others():
    """Of slopes of 0.8 and 0.4 the first has four fifths of the variance."""
    study, having = with_a_condition()
    finding = importance(study)
    assert finding.numbers["left_out"] == [
        {"arm": "all trials", "hyperparameter": "momentum", "trials": having, "feasible": 64}
    ]
    assert "momentum" not in totals(finding.numbers["hyperparameters"])
    assert f"momentum is left out of the shares in all trials: {having} of 64" in finding.summary
    (part,) = [item for item in finding.numbers["parts"] if "momentum" in item["part"]]
    assert part["feasible"] == having
    shares = totals(part["hyperparameters"])
    assert set(shares) == {"rate", "momentum"}
    assert shares["momentum"] == pytest.approx(0.8, abs=0.1)
    assert "momentum" in {item.name for item in finding.hyperparameters}


def test_it_is_named_too_where_nothing_can_be_told():
    study, having = with_a_condition(trials=8)
    finding = importance(study)
    assert finding.answer == "cannot tell"
    assert f"momentum is left out of the shares in all trials: {having} of 8" in finding.summary


def test_a_choice_that_some_trials_lack_is_named_too():
    study, having = with_a_condition()
    has = study["hp_optimizer"].values == "momentum"
    searched = choice("nesterov", ["yes", "no"], ALL)
    given = np.where(has, np.where(np.arange(64) % 3 > 0, "yes", "no"), "")
    attributes = make_study(arms=ALL, searched=[searched])["hp_nesterov"].attrs
    study["hp_nesterov"] = ("trial", given, attributes)
    finding = importance(study)
    assert {row["hyperparameter"] for row in finding.numbers["left_out"]} == {
        "momentum",
        "nesterov",
    }
    (part,) = [item for item in finding.numbers["parts"] if "momentum" in item["part"]]
    assert part["part"] == "among the trials with momentum and nesterov"
    assert having == part["feasible"]


def test_the_values_left_of_a_choice_are_named():
    searched = (choice("activation", ["relu", "tanh", "sign"], ALL), *SEARCHED[:1])

    def function(places):
        return 3.0 * (places[:, 0] > 2 / 3) + 0.3 * places[:, 1]

    finding = importance(study_of(function, searched))
    assert region(finding)["values"] == {"activation": ["relu", "tanh"]}
    assert "activation relu or tanh" in finding.summary
