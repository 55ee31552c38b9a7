"""How often each check cries wolf, and how often it finds what its docstring promises to find."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from tests.analysis.synthetic import ADAM, NESTEROV, make_study
from tuning_playbook.analysis.boundary import boundary
from tuning_playbook.analysis.checklist import CHECKLIST, diagnose
from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.infeasible import infeasible
from tuning_playbook.analysis.overfitting import overfitting
from tuning_playbook.analysis.progress import best_steps, saturated_early, still_improving

STUDIES = 200
TRIAL_NOISE, NOISE = 0.01, 0.002


def random_reason(seed: int, probability: float, arms: tuple[str, ...] = (ADAM, NESTEROV)):
    generator = np.random.default_rng(seed)

    def reason(arm: str, _positions) -> str:
        lost = arm in arms and generator.random() < probability
        return f"diverged at step {generator.integers(100)}" if lost else ""

    return reason


def share(check: Callable[[xr.Dataset], Finding], make: Callable[[int], xr.Dataset]) -> float:
    raised = [check(make(seed)).answer in ("warning", "problem") for seed in range(STUDIES)]
    return float(np.mean(raised))


@pytest.fixture(scope="module")
def findings_without_an_effect() -> list[tuple[Finding, ...]]:
    return [diagnose(make_study(seed=seed)) for seed in range(STUDIES)]


@pytest.mark.parametrize("check", CHECKLIST, ids=lambda check: check.__name__)
def test_no_check_cries_wolf(check, findings_without_an_effect):
    raised = [
        finding.answer in ("warning", "problem")
        for findings in findings_without_an_effect
        for finding in findings
        if finding.check == check.__name__
    ]
    print(f"{check.__name__}: false alarms {np.mean(raised):.1%}")
    assert len(raised) == STUDIES
    assert np.mean(raised) <= 0.05


def test_few_studies_without_an_effect_have_any_problem(findings_without_an_effect):
    """Adopting must not be forbidden by chance: all checks together."""
    raised = [
        any(finding.answer == "problem" for finding in findings)
        for findings in findings_without_an_effect
    ]
    print(f"any problem: false alarms {np.mean(raised):.1%}")
    assert np.mean(raised) <= 0.05


@pytest.mark.parametrize("settings", [{"trials": 12}, {"trials": 64}, {"mode": "max"}], ids=str)
def test_boundary_does_not_cry_wolf_with_other_studies(settings):
    found = share(boundary, lambda seed: make_study(seed=seed, **settings))
    print(f"boundary, {settings}: false alarms {found:.1%}")
    assert found <= 0.05


def test_boundary_does_not_cry_wolf_at_an_optimum_inside_the_range():
    def make(seed: int) -> xr.Dataset:
        return make_study(
            seed=seed,
            effect=lambda _arm, at: 8 * TRIAL_NOISE * (2 * at["learning_rate"] - 1.1) ** 2,
        )

    assert share(boundary, make) <= 0.05


def test_infeasible_does_not_cry_wolf():
    found = share(infeasible, lambda seed: make_study(seed=seed, reason=random_reason(seed, 0.2)))
    print(f"infeasible, one in five: false alarms {found:.1%}")
    assert found <= 0.01


def test_saturated_does_not_cry_wolf_while_training_still_gains():
    def make(seed: int) -> xr.Dataset:
        # 1 % of the gain of 0.8, in a straight line over the last three quarters.
        return make_study(
            seed=seed,
            noise=0.001,
            time_constant=0.03,
            shape=lambda _arm, at: -0.008 * np.maximum(0, at - 0.25) / 0.75,
        )

    found = share(saturated_early, make)
    print(f"saturated_early, 1 % to gain: false alarms {found:.1%}")
    assert found <= 0.05


def optimum_at_an_edge(seed: int) -> xr.Dataset:
    def effect(arm, at):
        return -8 * TRIAL_NOISE * at["learning_rate"] if arm == ADAM else 0.0

    return make_study(seed=seed, effect=effect)


def mostly_infeasible(seed: int) -> xr.Dataset:
    return make_study(seed=seed, reason=random_reason(seed, 0.75, (ADAM,)))


def overfits(seed: int) -> xr.Dataset:
    def shape(arm, at):
        return 8 * NOISE * np.maximum(0, 2 * at - 1) if arm == ADAM else 0 * at

    return make_study(seed=seed, shape=shape)


def improves_to_the_end(seed: int) -> xr.Dataset:
    def shape(arm, at):
        return -8 * NOISE * np.maximum(0, 4 * at - 3) if arm == ADAM else 0 * at

    return make_study(seed=seed, shape=shape)


def saturates(seed: int) -> xr.Dataset:
    return make_study(seed=seed, time_constant=0.03, noise=NOISE)


def best_at_the_end(seed: int) -> xr.Dataset:
    return make_study(seed=seed, time_constant=0.5, trials=3)


def best_at_the_start(seed: int) -> xr.Dataset:
    return make_study(seed=seed, time_constant=0.01, trials=3, shape=lambda _arm, at: 0.1 * at)


@pytest.mark.parametrize(
    ("check", "plant"),
    [
        (boundary, optimum_at_an_edge),
        (infeasible, mostly_infeasible),
        (overfitting, overfits),
        (still_improving, improves_to_the_end),
        (saturated_early, saturates),
        (best_steps, best_at_the_end),
        (best_steps, best_at_the_start),
    ],
    ids=lambda function: function.__name__,
)
def test_each_check_finds_what_it_promises(check, plant):
    found = share(check, plant)
    print(f"{check.__name__}, {plant.__name__}: detected {found:.1%}")
    assert found >= 0.9
