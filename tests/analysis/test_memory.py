"""Noise that remembers its last value: how much is told, and that it is not taken for a trend."""

import numpy as np
import pytest

from tests.analysis.synthetic import make_study
from tuning_playbook.analysis.memory import MEMORIES, innovations, memory_of
from tuning_playbook.analysis.overfitting import overfitting
from tuning_playbook.analysis.still_improving import still_improving
from tuning_playbook.analysis.trend import fit_trend

STUDIES = 100
NOISE = 0.004


def remembering(generator: np.random.Generator, memory: float, length: int) -> np.ndarray:
    """Noise that begins at its level, as that of training does, and then wanders."""
    noise = NOISE * generator.normal(size=length)
    for place in range(1, length):
        noise[place] += memory * noise[place - 1]
    return noise


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.8, 0.9])
def test_the_memory_is_told_from_many_curves_whatever_their_slope_and_scale(memory):
    generator = np.random.default_rng(0)
    found = []
    for _ in range(20):
        curves = [
            scale * (remembering(generator, memory, 100)[50:] + slope * np.arange(50))
            for scale, slope in zip(10.0 ** np.arange(16), generator.normal(size=16), strict=True)
        ]
        found.append(memory_of(curves))
    assert np.median(found) == pytest.approx(memory, abs=0.05)


def test_curves_of_different_lengths_count_together():
    generator = np.random.default_rng(1)
    curves = [remembering(generator, 0.8, length) for length in (4, 3, 30, 40, 50) * 8]
    assert memory_of(curves) == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize(
    "curves",
    [[], [np.ones(3)], [np.full(9, 0.9)], [np.linspace(0, 1, 9) ** 2]],
    ids=["none", "short", "equal values", "a parabola"],
)
def test_without_noise_there_is_no_memory(curves):
    assert memory_of(curves) == 0.0


@pytest.mark.parametrize("memory", MEMORIES)
def test_the_line_is_that_of_generalized_least_squares(memory):
    """Against the textbook's formula, with the whole matrix of covariances."""
    values = remembering(np.random.default_rng(2), memory, 15)
    line = np.stack([np.ones(15), np.linspace(-0.5, 0.5, 15)], axis=1)
    inverse = np.linalg.inv(memory ** np.abs(np.subtract.outer(np.arange(15), np.arange(15))))
    variances = np.linalg.inv(line.T @ inverse @ line)
    fitted = variances @ line.T @ inverse @ values
    left = values - line @ fitted
    trend = fit_trend(values, memory)
    assert trend.change == pytest.approx(fitted[1])
    assert trend.error == pytest.approx(np.sqrt(variances[1, 1] * (left @ inverse @ left) / 13))


def test_what_is_new_in_noise_that_remembers_is_independent_of_its_past():
    noise = remembering(np.random.default_rng(3), 0.8, 4000)
    new = innovations(noise, 0.8)[1:]
    assert np.corrcoef(new[1:], new[:-1])[0, 1] == pytest.approx(0, abs=2 / np.sqrt(4000))


@pytest.mark.parametrize(
    ("memory", "evaluations", "trials"),
    [(0.5, 20, 16), (0.8, 20, 16), (0.8, 50, 16), (0.9, 50, 16), (0.8, 20, 3)],
)
def test_wandering_is_no_trend(memory, evaluations, trials):
    """The validation error comes to a level and wanders; training goes on improving a little."""
    overfit, improving = 0, 0
    for seed in range(STUDIES):
        generator = np.random.default_rng(seed)
        study = make_study(
            seed=seed,
            trials=trials,
            shape=lambda _arm, at, random=generator: remembering(random, memory, len(at)),
            train_shape=lambda _arm, at: -0.02 * at,
            noise=0.0,
            evaluations=evaluations,
        )
        overfit += overfitting(study).answer != "ok"
        improving += still_improving(study).answer != "ok"
    print(
        f"memory {memory}, {evaluations} evaluations, {trials} trials: overfitting in "
        f"{overfit / STUDIES:.1%}, still improving in {improving / STUDIES:.1%}"
    )
    assert max(overfit, improving) <= STUDIES * (0.05 + 2 * np.sqrt(0.05 * 0.95 / STUDIES))
