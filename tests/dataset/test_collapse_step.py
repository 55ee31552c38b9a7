"""The collapse of a curve: what is one, what is none, and how often each is told right."""

from collections.abc import Callable

import numpy as np
import pytest

from tuning_playbook.dataset.collapse_step import find_collapse, find_recoveries
from tuning_playbook.dataset.evaluation_noise import evaluation_noise

TRIALS = 400
EVALUATIONS = 21

# Real ones: validation error of 300 digits, every 100 steps, and the training error beside it.
JUMP = [0.86, 0.24, 0.27, 0.76, 0.91, 0.81, 0.90, 0.90, 0.90, 0.90, 0.90, 0.90]
LATE = [0.93, 0.11, 0.06, 0.10, 0.06, 0.05, 0.05, 0.07, 0.06, 0.11, 0.41, 0.79, 0.90, 0.90, 0.90]
UNSTEADY = [0.95, 0.083, 0.05, 0.063, 0.077, 0.057, 0.083, 0.077, 0.137, 0.1, 0.077, 0.05, 0.113]
UNSTEADY += [0.057, 0.173, 0.083, 0.09, 0.467, 0.297, 0.367, 0.303]
SLOW = [0.91, 0.44, 0.33, 0.38, 0.41, 0.37, 0.31, 0.46, 0.51, 0.61, 0.71, 0.72, 0.66, 0.82, 0.81]


def falling(generator: np.random.Generator, noise: float, memory: float = 0.0) -> np.ndarray:
    """A curve that falls from 0.9 to 0.1 within the first third, and scatters."""
    at = np.arange(EVALUATIONS) / (EVALUATIONS - 1)
    scatter = noise * generator.normal(size=EVALUATIONS)
    for place in range(1, EVALUATIONS):
        scatter[place] += memory * scatter[place - 1]
    return 0.1 + 0.8 * np.exp(-at / 0.08) + scatter


def counted(curve: np.ndarray, generator: np.random.Generator, examples: int) -> np.ndarray:
    """The curve as a metric that counts wrong answers among so many examples."""
    return generator.binomial(examples, np.clip(curve, 0, 1)) / examples


@pytest.mark.parametrize(
    ("curve", "place", "kind"),
    [
        (JUMP, 3, "jump"),
        (LATE, 11, "jump"),
        (SLOW, 9, "slow rise"),
        (UNSTEADY, 17, "jump"),
    ],
)
def test_real_collapses_are_found_and_named(curve, place, kind):
    collapse = find_collapse(np.array(curve), np.array(curve) - 0.02)
    assert (collapse.place, collapse.kind) == (place, kind)


def test_the_levels_are_those_before_and_after():
    collapse = find_collapse(np.array([0.9, 0.4, 0.1, 0.1, 0.1, 0.8, 0.8, 0.8]))
    assert (collapse.before, collapse.after) == pytest.approx((0.1, 0.8))


@pytest.mark.parametrize(
    "curve",
    [
        [0.9, 0.5, 0.2, 0.1, 0.1, 0.1, 0.1, 0.9],  # may be a spike
        [0.9, 0.5, 0.2, 0.1, 0.9, 0.1, 0.1, 0.1],  # came back
        [0.9, 0.9, 0.9, 0.9],
        [0.9, 0.1],
        [],
    ],
    ids=["at the very end", "a spike", "flat", "two evaluations", "nothing"],
)
def test_what_is_none(curve):
    assert find_collapse(np.array(curve, dtype=float)) is None


def test_evaluations_that_were_not_made_are_left_out():
    curve = np.array([np.nan, 0.9, np.nan, 0.1, 0.1, 0.1, 0.1, np.nan, 0.9, 0.9, 0.9])
    assert find_collapse(curve).place == 8


def test_a_trial_whose_training_goes_on_improving_overfits_and_does_not_collapse():
    at = np.linspace(0, 1, EVALUATIONS)
    validation = np.abs(at - 0.3) + 0.2
    assert find_collapse(validation, 0.9 - 0.8 * at) is None
    assert find_collapse(validation, validation).kind == "slow rise"


def test_a_slow_rise_without_a_training_metric_may_be_overfitting():
    validation = np.abs(np.linspace(0, 1, EVALUATIONS) - 0.3) + 0.2
    assert find_collapse(validation) is None
    assert find_collapse(validation, np.full(EVALUATIONS, np.nan)) is None


@pytest.mark.parametrize("end", range(26, 48))
def test_a_learning_rate_that_restarts_may_end_in_the_middle_of_its_cycle(end):
    """The error jumps up at each restart, every 12 evaluations, and falls again."""
    at = np.arange(end)
    curve = 0.1 + 0.5 * (1 + np.cos(np.pi * (at % 12) / 12)) * np.where(at < 12, 0.8, 0.4)
    assert find_collapse(curve, curve) is None


def test_a_trial_that_once_came_back_may_collapse_later():
    falls = [0.9, 0.4, 0.2, 0.1, 0.1, 0.8, 0.1, 0.1, 0.1]
    assert find_collapse(np.array([*falls, 0.8, 0.8, 0.8, 0.8])).place == 9
    assert find_collapse(np.array([*falls, 0.8])) is None


def jumps(generator, noise, least=0.2):
    """Of at least a fifth of what was gained."""
    curve = falling(generator, noise)
    curve[generator.integers(6, 19) :] += generator.uniform(least, 1.0) * 0.8
    return curve


def large_jumps(generator, noise):
    return jumps(generator, noise, least=0.35)


def rises(generator, noise):
    at = np.arange(EVALUATIONS) / (EVALUATIONS - 1)
    begin = generator.uniform(0.3, 0.5)
    return falling(generator, noise) + generator.uniform(0.6, 1.0) * 0.8 * np.clip(
        (at - begin) / 0.4, 0, 1
    )


PLANTED: dict[str, tuple[Callable[..., np.ndarray], bool]] = {
    "jumps": (jumps, True),
    "slow rises": (rises, True),
    "nothing": (falling, False),
    "wanders": (lambda generator, noise: falling(generator, noise, memory=0.9), False),
}


@pytest.mark.parametrize("noise", [1e-5, 0.002, 0.01])
@pytest.mark.parametrize("planted", PLANTED)
def test_how_often_a_collapse_is_found(planted, noise):
    make, there = PLANTED[planted]
    generator = np.random.default_rng(1)
    found = 0
    for _ in range(TRIALS):
        curve = make(generator, noise)
        found += (
            find_collapse(curve, curve + noise * generator.normal(size=EVALUATIONS)) is not None
        )
    print(f"{planted}, noise {noise}: a collapse in {found / TRIALS:.1%}")
    assert (found >= 0.9 * TRIALS) if there else (found <= 0.01 * TRIALS)


@pytest.mark.parametrize("examples", [100, 300, 1000])
@pytest.mark.parametrize("planted", PLANTED)
def test_how_often_it_is_found_on_few_examples(planted, examples):
    """On 100 examples a jump of a fifth of the gain is four times the noise: too small to see."""
    make, there = PLANTED[planted]
    if planted == "jumps" and examples == 100:
        make = large_jumps
    generator = np.random.default_rng(2)
    found = 0
    for _ in range(TRIALS):
        curve = make(generator, 0.0)
        validation, train = (counted(curve, generator, examples) for _ in range(2))
        found += find_collapse(validation, train) is not None
    print(f"{planted}, {examples} examples: a collapse in {found / TRIALS:.1%}")
    assert (found >= 0.9 * TRIALS) if there else (found <= 0.01 * TRIALS)


def test_the_step_of_a_jump_is_right():
    generator = np.random.default_rng(3)
    for _ in range(TRIALS):
        curve = falling(generator, 0.002)
        place = generator.integers(8, 19)
        curve[place:] += 0.4
        assert find_collapse(curve, curve).place == place


def test_a_recovery_is_told_with_its_length():
    falls = [0.9, 0.4, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1]
    (recovery,) = find_recoveries(np.array([*falls, 0.8, 0.7, *[0.1] * 6]))
    assert (recovery.place, recovery.evaluations, recovery.worst) == (8, 2, 0.8)
    assert recovery.before == pytest.approx(0.1)


def test_a_collapse_is_no_recovery():
    assert find_recoveries(np.array([0.9, 0.4, 0.2, 0.1, 0.1, 0.1, 0.8, 0.8, 0.8])) == ()


@pytest.mark.parametrize("noise", [1e-5, 0.002, 0.01])
def test_how_often_a_recovery_is_found(noise):
    generator = np.random.default_rng(4)
    found, wrong = 0, 0
    for _ in range(TRIALS):
        curve = falling(generator, noise)
        wrong += bool(find_recoveries(curve))
        place = generator.integers(6, 17)
        curve[place : place + generator.integers(1, 4)] += generator.uniform(0.3, 1.0) * 0.8
        found += bool(find_recoveries(curve))
    print(f"noise {noise}: a recovery in {found / TRIALS:.1%}, wrongly in {wrong / TRIALS:.1%}")
    assert found >= 0.9 * TRIALS
    assert wrong <= 0.01 * TRIALS


@pytest.mark.parametrize("noise", [1e-5, 0.002, 0.05])
def test_the_noise_of_a_curve_is_told_whatever_its_trend_and_jumps(noise):
    generator = np.random.default_rng(5)
    at = np.linspace(0, 1, 101)
    trend = 1 - 0.5 * at + 0.5 * (at > 0.6) * (at < 0.8)
    estimates = [evaluation_noise(trend + noise * generator.normal(size=101)) for _ in range(100)]
    assert np.median(estimates) == pytest.approx(noise, rel=0.15)


def test_no_noise_is_seen_in_equal_values():
    assert evaluation_noise(np.full(20, 0.9)) == 0
