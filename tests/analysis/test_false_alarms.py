"""How often each check cries wolf, and how often it finds what its docstring promises to find."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from tests.analysis.synthetic import (
    ADAM,
    NESTEROV,
    make_resources,
    make_study,
)
from tuning_playbook.analysis.boundary import boundary
from tuning_playbook.analysis.checklist import CHECKLIST, diagnose
from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.gradient_norms import gradient_norms
from tuning_playbook.analysis.infeasible import infeasible
from tuning_playbook.analysis.initial_configuration import beats_chance
from tuning_playbook.analysis.learning_rate_edge import learning_rate_edge
from tuning_playbook.analysis.machines import mixed_machines
from tuning_playbook.analysis.overfitting import overfitting
from tuning_playbook.analysis.periodicity import periodicity
from tuning_playbook.analysis.ranking import best_trials
from tuning_playbook.analysis.sampling_density import sampling_density
from tuning_playbook.analysis.saturated_early import saturated_early
from tuning_playbook.analysis.step_variance import step_variance
from tuning_playbook.analysis.still_improving import still_improving
from tuning_playbook.analysis.train_loss import train_loss_rising
from tuning_playbook.analysis.training_length import best_steps
from tuning_playbook.analysis.unequal_tuning import unequal_tuning

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
    studies = [make_study(seed=seed) for seed in range(STUDIES)]
    return [diagnose(study, make_resources(study)) for study in studies]


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


def lost_above(place: float, mistaken: float = 0.0):
    """Trials of an arm lost above a place of its learning rates; some the other way about."""

    def make(seed: int) -> xr.Dataset:
        generator = np.random.default_rng(seed)

        def reason(arm, at):
            other = generator.random() < mistaken
            return "diverged" if arm == ADAM and (at["learning_rate"] > place) != other else ""

        return make_study(seed=seed, reason=reason)

    return make


def lost_at_random(probability: float):
    return lambda seed: make_study(seed=seed, reason=random_reason(seed, probability))


@pytest.mark.parametrize(
    ("lost", "make", "least", "most"),
    [
        ("one in five at random", lost_at_random(0.2), 0, 0.05),
        ("half at random", lost_at_random(0.5), 0, 0.05),
        ("above two thirds", lost_above(2 / 3), 0.9, 1),
        ("above one half", lost_above(0.5), 0.9, 1),
        ("above one half, one in twenty not", lost_above(0.5, 0.05), 0.9, 1),
    ],
)
def test_a_threshold_of_failures_is_found_where_there_is_one(lost, make, least, most):
    found = [infeasible(make(seed)) for seed in range(STUDIES)]
    claimed = np.mean([bool(finding.numbers["regions"]) for finding in found])
    print(f"infeasible, lost {lost}: a threshold is claimed in {claimed:.1%}")
    assert least <= claimed <= most + 2 * np.sqrt(most * (1 - most) / STUDIES)
    if least:
        assert np.mean([finding.answer == "warning" for finding in found]) >= least


def remembering(seed: int, memory: float, **settings) -> xr.Dataset:
    """A study whose evaluations remember their last value, as training curves do."""
    generator = np.random.default_rng(seed)

    def wander(_arm, at):
        steps = generator.normal(size=len(at)) * NOISE
        for number in range(1, len(at)):
            steps[number] += memory * steps[number - 1]
        return steps

    return make_study(seed=seed, shape=wander, noise=0.0, evaluations=40, **settings)


def bowl(_arm, at):
    """An objective that depends on all hyperparameters, with its best in the middle."""
    return 0.4 * sum((2 * place - 1) ** 2 for place in at.values())


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


def breaks_down(_arm, at) -> str:
    return "diverged at step 10" if at["learning_rate"] > 0.75 else ""


def best_below_the_breakdown(seed: int) -> xr.Dataset:
    def effect(arm, at):
        return -8 * TRIAL_NOISE * at["learning_rate"] / 0.75 if arm == ADAM else 0.0

    return make_study(seed=seed, effect=effect, reason=breaks_down)


def one_lucky_trial(seed: int) -> xr.Dataset:
    def effect(arm, at):
        return -12 * TRIAL_NOISE * (arm == ADAM and at["weight_decay"] < 1 / 16)

    return make_study(seed=seed, effect=effect)


def unsteady(seed: int) -> xr.Dataset:
    return make_study(seed=seed, level=0.3, noise=4 * TRIAL_NOISE)


def rises(seed: int) -> xr.Dataset:
    def shape(arm, at):
        # In the units of the training error, of which the loss is three times as much, and so is
        # its noise.
        return 8 * 0.5 * 2 * NOISE * np.maximum(0, 2 * at - 1) if arm == ADAM else 0 * at

    return make_study(seed=seed, train_shape=shape)


def spikes(seed: int) -> xr.Dataset:
    place = np.random.default_rng(seed).integers(3, 20)

    def spike(arm, at):
        return 20.0 * (np.arange(len(at)) == place) * (arm == ADAM)

    return make_study(seed=seed, spikes=spike)


def one_norm_times(study: xr.Dataset, trial: int, window: int, factor: float) -> None:
    study["grad_norm_max"][trial, window] = factor * study["grad_norm"][trial, window]


def the_best_spikes(seed: int) -> xr.Dataset:
    study = make_study(seed=seed)
    place = np.random.default_rng(seed).integers(1, 20)
    one_norm_times(study, best_trials(study)[ADAM], place, 30.0)
    return study


def some_explode(seed: int) -> xr.Dataset:
    """Five trials of 16, as they diverge."""
    study = make_study(
        seed=seed,
        reason=lambda arm, at: "diverged" * (arm == ADAM and at["learning_rate"] > 11 / 16),
    )
    for trial in np.flatnonzero(study["status"].values == "diverged"):
        one_norm_times(study, trial, np.isfinite(study["grad_norm"][trial]).sum() - 1, 100.0)
    return study


def has_a_period(seed: int) -> xr.Dataset:
    phase = np.random.default_rng(seed).random(64)
    number = iter(phase)

    def sine(_arm, at):
        return NOISE * np.sin(2 * np.pi * (np.arange(len(at)) / 5 + next(number)))

    return make_study(seed=seed, shape=sine, evaluations=40)


def loses_two_in_three(seed: int) -> xr.Dataset:
    return make_study(seed=seed, reason=random_reason(seed, 2 / 3, (ADAM,)))


def hardly_learns(seed: int) -> xr.Dataset:
    return make_study(seed=seed, level=0.9 - 0.09)


def best_at_the_end(seed: int) -> xr.Dataset:
    return make_study(seed=seed, time_constant=0.5, trials=3)


def best_at_the_start(seed: int) -> xr.Dataset:
    return make_study(seed=seed, time_constant=0.01, trials=3, shape=lambda _arm, at: 0.1 * at)


def made(**settings) -> Callable[[int], xr.Dataset]:
    return lambda seed: make_study(seed=seed, **settings)


def loses_one_in_five(seed: int) -> xr.Dataset:
    return make_study(seed=seed, reason=random_reason(seed, 0.2))


def best_inside_the_range(_arm, at) -> float:
    return 8 * TRIAL_NOISE * (2 * at["learning_rate"] - 1.1) ** 2


def gains_one_per_cent(_arm, at):
    """Of the gain of 0.8, in a straight line over the last three quarters."""
    return -0.008 * np.maximum(0, at - 0.25) / 0.75


HARDER = {
    # what is harder: (the check, the studies, how many may be warned about)
    "12 trials": (boundary, made(trials=12), 0.05),
    "64 trials": (boundary, made(trials=64), 0.05),
    "maximized": (boundary, made(mode="max"), 0.05),
    "an optimum inside the range": (boundary, made(effect=best_inside_the_range), 0.05),
    "one in five lost": (infeasible, loses_one_in_five, 0.01),
    "1 % to gain": (
        saturated_early,
        made(noise=0.001, time_constant=0.03, shape=gains_one_per_cent),
        0.05,
    ),
    **{
        f"noise that remembers {memory}": (
            periodicity,
            lambda seed, memory=memory: remembering(seed, memory),
            0.05,
        )
        for memory in (0.0, 0.5, 0.9)
    },
    "a steep fall": (gradient_norms, made(time_constant=0.02), 0.05),
    "one in five lost, calmly": (gradient_norms, loses_one_in_five, 0.05),
    "the upper quarter breaks down": (learning_rate_edge, made(reason=breaks_down), 0.05),
    "one in five lost at random": (unequal_tuning, loses_one_in_five, 0.05),
    **{
        f"{check.__name__} in a bowl": (check, made(effect=bowl), 0.05)
        for check in (sampling_density, step_variance, unequal_tuning)
    },
}


@pytest.mark.parametrize("what", HARDER)
def test_no_check_cries_wolf_at_what_is_harder(what):
    check, make, most = HARDER[what]
    found = share(check, make)
    print(f"{check.__name__}, {what}: false alarms {found:.1%}")
    assert found <= most


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
        (sampling_density, one_lucky_trial),
        (unequal_tuning, loses_two_in_three),
        (step_variance, unsteady),
        (train_loss_rising, rises),
        (learning_rate_edge, best_below_the_breakdown),
        (gradient_norms, spikes),
        (gradient_norms, the_best_spikes),
        (gradient_norms, some_explode),
        (periodicity, has_a_period),
        (beats_chance, hardly_learns),
    ],
    ids=lambda function: function.__name__,
)
def test_each_check_finds_what_it_promises(check, plant):
    found = share(check, plant)
    print(f"{check.__name__}, {plant.__name__}: detected {found:.1%}")
    assert found >= 0.9


def test_any_mixture_of_software_is_found():
    def check(study: xr.Dataset) -> Finding:
        return mixed_machines(study, make_resources(study, jax=("0.10.2", "0.10.1")))

    assert share(check, lambda seed: make_study(seed=seed)) == 1.0


@pytest.mark.parametrize("check", CHECKLIST, ids=lambda check: check.__name__)
def test_no_check_cries_wolf_at_a_metric_that_counts_300_examples(check, counted_studies):
    raised = [
        finding.answer in ("warning", "problem")
        for findings in counted_studies
        for finding in findings
        if finding.check == check.__name__
    ]
    print(f"{check.__name__}, 300 examples: false alarms {np.mean(raised):.1%}")
    assert np.mean(raised) <= 0.05


@pytest.fixture(scope="module")
def counted_studies() -> list[tuple[Finding, ...]]:
    return [diagnose(counted(300, make_study(seed=seed))) for seed in range(STUDIES)]


def counted(examples: int, study: xr.Dataset) -> xr.Dataset:
    """The same study, its error rates being those of so many examples."""
    study["error_rate"] = np.round(examples * study["error_rate"]) / examples
    values = study["error_rate"].sel(split="validation").transpose("trial", "eval_step").values
    known = np.where(np.isfinite(values), values, np.inf)
    feasible = np.isfinite(study["objective"].values)
    study["objective"][:] = np.where(feasible, known.min(axis=1), np.nan)
    study["best_step"][:] = study["eval_step"].values[known.argmin(axis=1)]
    return study


@pytest.mark.parametrize("examples", [100, 1000])
@pytest.mark.parametrize(
    "check", [boundary, sampling_density, step_variance], ids=lambda check: check.__name__
)
def test_no_check_of_the_search_cries_wolf_at_a_metric_that_counts(check, examples):
    """100 examples: one of them is as much as trials differ by."""
    found = share(check, lambda seed: counted(examples, make_study(seed=seed)))
    print(f"{check.__name__}, {examples} examples: false alarms {found:.1%}")
    assert found <= 0.05


@pytest.mark.parametrize(
    ("check", "plant"),
    [
        (boundary, "optimum_at_an_edge"),
        (learning_rate_edge, "best_below_the_breakdown"),
        (sampling_density, "one_lucky_trial"),
        (step_variance, "unsteady"),
    ],
)
def test_each_check_of_the_search_finds_it_in_a_metric_that_counts_300_examples(check, plant):
    found = share(check, lambda seed: counted(300, globals()[plant](seed)))
    print(f"{check.__name__}, {plant}, 300 examples: detected {found:.1%}")
    assert found >= 0.9 - 2 * np.sqrt(0.09 / STUDIES)
