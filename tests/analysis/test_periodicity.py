import numpy as np
import pytest

from tests.analysis.synthetic import NESTEROV, make_study
from tuning_playbook.analysis.periodicity import (
    MEMORIES,
    noises,
    periodicity,
    strongest_period,
    without_parabola,
)


def sine(period, size=0.004):
    return lambda _arm, at: size * np.sin(2 * np.pi * np.arange(len(at)) / period)


@pytest.mark.parametrize(("period", "evaluations"), [(5, 40), (3, 30), (16, 100)])
def test_the_period_is_told_in_steps(period, evaluations):
    finding = periodicity(make_study(shape=sine(period), evaluations=evaluations))
    assert finding.answer == "warning"
    assert finding.numbers["period_in_steps"] == pytest.approx(100 * period, rel=0.15)
    assert finding.numbers["share_of_scatter"] > 0.5
    assert len(finding.trials) == 16
    assert "shuffled" in finding.advice


def test_a_bump_of_the_schedule_is_no_period():
    """As where the learning rate drops: one step down, halfway through the second half."""
    finding = periodicity(make_study(shape=lambda _arm, at: -0.02 * (at > 0.75), evaluations=40))
    assert finding.answer == "ok"


def test_a_period_of_trials_that_are_shorter_is_sought_in_those_like_the_best():
    ends = {NESTEROV: 30}
    study = make_study(evaluations=60, ends=lambda arm, _at: ends.get(arm, 60), shape=sine(5))
    finding = periodicity(study)
    assert finding.answer == "warning"
    assert finding.numbers["period_in_steps"] == pytest.approx(500, rel=0.15)


@pytest.mark.parametrize("settings", [{"evaluations": 12}, {"evaluations": 1}], ids=str)
def test_too_few_evaluations(settings):
    assert periodicity(make_study(**settings)).answer == "cannot tell"


def test_evaluations_without_any_scatter():
    finding = periodicity(make_study(noise=0.0, time_constant=1e-3, evaluations=40))
    assert finding.answer == "ok"


def test_a_parabola_leaves_nothing():
    x = np.linspace(-1, 1, 20)
    assert not without_parabola(np.stack([0.3 + 0.2 * x - 0.7 * x**2, np.full(20, 0.1)])).any()


def test_the_strongest_period_of_a_sine_explains_all_of_it():
    found = strongest_period(np.sin(2 * np.pi * np.arange(40) / 8)[None])
    assert found.period == 8
    assert found.share == pytest.approx(1)
    assert found.p_value < 1e-3


def test_noise_has_no_period():
    noise = without_parabola(np.random.default_rng(0).normal(size=(16, 40)))
    assert strongest_period(noise).p_value > 0.05


@pytest.mark.parametrize("points", [10, 11, 60])
def test_the_spectra_of_noise_are_those_of_its_covariance_matrix(points):
    """The matrix itself: memory ** |i - j|, a parabola projected off on both sides."""
    x = np.linspace(-1, 1, points)
    basis, _ = np.linalg.qr(np.stack([np.ones_like(x), x, x**2], axis=1))
    kept = np.eye(points) - basis @ basis.T
    apart = np.abs(np.subtract.outer(np.arange(points), np.arange(points)))
    waves = np.exp(-2j * np.pi * np.outer(np.arange(points // 2 + 1), np.arange(points)) / points)
    lags, spectra = noises(points)
    for memory, lag, spectrum in zip(MEMORIES, lags, spectra, strict=True):
        covariance = kept @ memory**apart @ kept
        variance = np.trace(covariance)
        assert lag == pytest.approx(np.trace(covariance, offset=1) / variance, abs=1e-9)
        power = np.einsum("fi,ij,fj->f", waves, covariance, waves.conj()).real / variance
        np.testing.assert_allclose(spectrum, power, atol=1e-7)


def test_twenty_trials_with_fifty_thousand_evaluations_are_asked_too():
    """No matrix of evaluations by evaluations fits into memory; a period is found all the same."""
    at = np.arange(25_000)
    draw = np.random.default_rng(0)
    noise = np.stack([draw.normal(size=len(at)) for _ in range(16)])
    assert strongest_period(without_parabola(noise)).p_value > 0.001
    found = strongest_period(without_parabola(noise + 0.1 * np.sin(2 * np.pi * at / 50)))
    assert found.period == 50
    assert found.p_value < 1e-6
