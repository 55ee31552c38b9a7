"""Isolation by slices, on studies whose best trials are known."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from tests.analysis.synthetic import choice, log_uniform, make_study
from tuning_playbook.analysis.slices import slices
from tuning_playbook.dataset.searched import read_searched

ARMS = ("all trials",)


def study_of(trials, **settings):
    """The objective has its minimum at 1e-3, whatever the nuisance."""
    return make_study(
        arms=ARMS,
        trials=trials,
        searched=(
            replace(log_uniform("weight_decay", 1e-6, 1e-2, ARMS), role="scientific"),
            log_uniform("learning_rate", 1e-4, 1.0, ARMS),
        ),
        effect=lambda _arm, at: (
            0.3 * (at["weight_decay"] - 0.75) ** 2 + 0.1 * abs(at["learning_rate"] - 0.5)
        ),
        **settings,
    )


def sliced(study):
    (searched,) = (item for item in read_searched(study) if item.name == "weight_decay")
    return slices(study, searched)


@pytest.mark.parametrize(("trials", "count"), [(3, 1), (10, 2), (24, 4), (64, 8)])
def test_slices_share_the_range_in_its_scale_and_hold_every_trial(trials, count):
    parts = sliced(study_of(trials))
    assert len(parts) == count
    assert sum(part.trials for part in parts) == trials
    edges = np.log10([parts[0].low, *(part.high for part in parts)])
    assert edges == pytest.approx(np.linspace(-6, -2, count + 1))
    assert all(a.high == pytest.approx(b.low) for a, b in itertools.pairwise(parts))


def test_each_slice_has_its_best_trial_and_the_minimum_is_found():
    study = study_of(64)
    values = study["hp_weight_decay"].values
    objective = study["objective"].values
    parts = sliced(study)
    for part in parts:
        inside = (values >= part.low) & (values < part.high)
        assert part.objective == pytest.approx(np.nanmin(objective[inside]))
    best = min(parts, key=lambda part: part.objective)
    assert best.low / 1.01 <= 1e-3 <= best.high * 1.01


def test_a_slice_without_a_feasible_trial_has_no_best():
    study = study_of(64, reason=lambda _arm, at: "diverged" if at["weight_decay"] > 0.875 else "")
    last = sliced(study)[-1]
    assert (last.trial, last.objective) == ("", None)
    assert last.trials > 0


def test_the_number_of_slices_can_be_set():
    study = study_of(24)
    (searched,) = (item for item in read_searched(study) if item.name == "weight_decay")
    parts = slices(study, searched, 3)
    assert [part.trials for part in parts] == [8, 8, 8]
    assert math.isclose(parts[0].high, 1e-6 * 1e4 ** (1 / 3))


def test_a_choice_has_no_slices():
    study = make_study(arms=ARMS, searched=(choice("activation", ["relu", "tanh"], ARMS),))
    (searched,) = read_searched(study)
    assert math.isnan(searched.low)
    assert slices(study, searched) == ()
