"""Whether the best trial lies beside a value from which on training fails."""

import numpy as np
import pytest

from tests.analysis.synthetic import choice, log_uniform, make_study, uniform
from tuning_playbook.analysis.cliff import cliffs
from tuning_playbook.analysis.ranking import best_trial

ARM = "all trials"
SEARCHED = (
    log_uniform("learning_rate", 1e-4, 1.0, [ARM]),
    uniform("dropout", 0.0, 0.5, [ARM]),
    choice("activation", ["relu", "tanh"], [ARM]),
)
FAILS_FROM = 0.6


def study_of(seed, *, best_at, kind="diverged", trials=16):
    """A study in which trials fail above 60 % of the rates, and are best at some place below."""

    def fails(at):
        return at["learning_rate"] >= FAILS_FROM

    return make_study(
        seed=seed,
        arms=[ARM],
        trials=trials,
        trial_noise=0.002,
        searched=SEARCHED,
        effect=lambda arm, at: (
            0.4 * abs(at["learning_rate"] - best_at)
            + (0.6 if fails(at) and kind == "jumps" else 0.0)
        ),
        reason=lambda arm, at: "diverged" if fails(at) and kind == "diverged" else "",
    )


def told(study):
    return cliffs(study, best_trial(study))


@pytest.mark.parametrize("kind", ["diverged", "jumps"])
def test_a_best_trial_right_below_a_cliff_is_found(kind):
    found = [told(study_of(seed, best_at=FAILS_FROM, kind=kind)) for seed in range(100)]
    named = [item for item in found if [one.hyperparameter for one in item] == ["learning_rate"]]
    print(f"a best trial below a cliff ({kind}) is found in {len(named)} of 100 studies")
    assert len(named) >= 90
    cliff = named[0][0]
    assert cliff.edge == "high"
    assert cliff.value < 1e-4 * 1e4**FAILS_FROM <= cliff.fails_at
    assert cliff.failing == cliff.beyond


@pytest.mark.parametrize("kind", ["diverged", "jumps"])
def test_a_best_trial_far_from_the_cliff_is_not_beside_it(kind):
    found = [told(study_of(seed, best_at=0.2, kind=kind)) for seed in range(50)]
    assert not any(found)


def test_where_nothing_fails_there_is_no_cliff_however_steep_a_slope():
    def slope(arm, at):
        return 0.3 * at["learning_rate"]

    studies = (
        make_study(seed=seed, arms=[ARM], searched=SEARCHED, effect=slope) for seed in range(50)
    )
    assert not any(map(told, studies))


def test_trials_that_fail_at_random_make_few_cliffs():
    random = np.random.default_rng(0)
    studies = 200

    def sometimes(arm, at):
        return "diverged" if random.random() < 0.2 else ""

    found = sum(
        bool(told(make_study(seed=seed, arms=[ARM], searched=SEARCHED, reason=sometimes)))
        for seed in range(studies)
    )
    print(f"a cliff is told in {found / studies:.1%} of studies whose trials fail at random")
    assert found / studies <= 0.02 + 2 * np.sqrt(0.02 * 0.98 / studies)


def test_a_low_end_has_a_cliff_too_and_both_ends_are_told():
    def ends(arm, at):
        outside = not 0.35 < at["learning_rate"] < 0.6
        return "diverged" if outside else ""

    study = make_study(arms=[ARM], trials=64, searched=SEARCHED[:1], reason=ends)
    rates = study["hp_learning_rate"].values
    positions = np.log10(rates / 1e-4) / 4
    inside = np.flatnonzero((positions > 0.35) & (positions < 0.6))
    middle = inside[np.argmin(np.abs(positions[inside] - 0.475))]
    lowest = inside[np.argmin(positions[inside])]
    assert {item.edge for item in cliffs(study, int(lowest))} == {"low"}
    assert not {item.edge for item in cliffs(study, int(middle))} - {"low", "high"}


def test_a_single_failing_trial_is_no_cliff():
    study = study_of(0, best_at=FAILS_FROM, kind="none")
    rates = study["hp_learning_rate"].values
    study["objective"].values[np.argmax(rates)] = np.nan
    assert told(study) == ()
