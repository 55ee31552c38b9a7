"""The noise of curves whose noise is known, whatever they follow."""

import numpy as np
import pytest

from tuning_playbook.dataset.curve_noise import noise_of

NOISE = 1e-5
TREND = {
    "exponential": lambda x: 0.8 * np.exp(-x / 0.3),
    "power law": lambda x: 1 / (1 + 10 * x),
    "cosine": lambda x: 0.4 * (1 + np.cos(np.pi * x)),
    "square root": lambda x: 1 - np.sqrt(x),
    "parabola": lambda x: 0.3 * (x - 0.8) ** 2,
    "logarithm": lambda x: -0.2 * np.log(x + 0.01),
    "cubic": lambda x: (1 - x) ** 3,
}


def late_part(trend, evaluations: int, random: np.random.Generator):
    x = np.linspace(0.0, 1.0, evaluations + 1)
    return (trend(x) + NOISE * random.standard_normal(len(x)))[x >= 0.75]


@pytest.mark.parametrize("lengths", [(8,), (12,), (40,), (200,), (6,) * 5, (8, 20, 50)])
def test_it_is_that_of_independent_noise_in_the_median(lengths):
    random = np.random.default_rng(0)
    found = [
        noise_of(*(0.3 * random.standard_normal(length) for length in lengths)) for _ in range(400)
    ]
    assert np.median(found) == pytest.approx(0.3, rel=0.15)


@pytest.mark.parametrize("evaluations", [20, 40, 200])
@pytest.mark.parametrize("name", TREND)
def test_a_smooth_trend_is_no_noise(name, evaluations):
    """Of five curves, as a check takes them; the trend itself moves by up to 0.2."""
    random = np.random.default_rng(1)
    curves = [late_part(TREND[name], evaluations, random) for _ in range(5)]
    assert noise_of(*curves) < 6 * NOISE
    assert noise_of(*curves) > NOISE / 4


@pytest.mark.parametrize("length", [6, 10, 30])
def test_a_jump_anywhere_and_a_kink_are_no_noise(length):
    random = np.random.default_rng(2)
    for at in range(1, length):
        jump = 0.5 * (np.arange(length) >= at)
        kink = 0.1 * np.maximum(0, np.arange(length) - at)
        for broken in (jump, kink):
            curves = [broken + NOISE * random.standard_normal(length) for _ in range(5)]
            assert noise_of(*curves) < 10 * NOISE


def test_one_unsteady_curve_of_five_does_not_speak_for_them():
    random = np.random.default_rng(3)
    curves = [NOISE * random.standard_normal(8) for _ in range(5)]
    curves[2] = 1e3 * curves[2]
    assert noise_of(*curves) < 4 * NOISE


def test_without_noise_there_is_none():
    assert noise_of(np.full(6, 0.3)) == 0.0
    assert noise_of(np.linspace(0.1, 0.5, 9) ** 2) == 0.0
