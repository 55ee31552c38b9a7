"""Do the objective's evaluations repeat themselves with a period? That may be a bug of the data."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import scipy
import xarray as xr
from scipy import special

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.ranking import (
    Floats,
    arms_of,
    curves,
    eval_fractions,
    late,
    objective_split,
    ranked,
    trial_ids,
)
from tuning_playbook.study.needs import PERIODIC_EVALUATIONS, SECOND_HALF
from tuning_playbook.study.thresholds import DEFAULTS, Periodicity

LEAST_PERIODS = 3
"""A period that passes fewer times is told from a trend by nothing."""

MEMORIES = np.linspace(0.0, 0.99, 100)
"""What share of its last value noise may remember; what alternates is no noise of training."""

MOST_TRIALS = 16
"""The best trials of the study; those that hardly trained have other troubles."""

ADVICE = (
    "Periodicity can be a bug: validation data that overlaps with training data, or training data "
    "that is not shuffled properly. Compare the period with the number of steps in an epoch, and "
    "look at the training curves."
)


def periodicity(study: xr.Dataset, thresholds: Periodicity = DEFAULTS.periodicity) -> Finding:
    """Tell whether the objective's metric goes up and down with a period.

    A bug of the data gives every trial the same period. So the periodograms of the best 16 trials
    are averaged: of the evaluations in the second half of training, after a parabola through them
    is taken off, each scaled to one variance. They are held against the spectrum that noise which
    remembers its last value (an autoregressive process of first order, fitted to the same
    evaluations) has after the same treatment, because training curves wander: without a period the
    average of n periodograms, divided by that spectrum, follows a gamma distribution of shape n, or
    a narrower one. Asked about are the periods that pass at least three times; the smallest of
    their p-values, times their number, must be at most `significance`, and the period must explain
    at least `least_share` of the scatter. Then it is a warning.

    With independent noise at most 1 % of studies are warned about, with noise that remembers half
    of its last value at most 5 %. With 16 trials and 40 evaluations, a sine whose amplitude is the
    standard deviation of the noise is found nine times in ten.

    Source: playbook, "Setting up periodic evaluations"; M. Schulz and M. Mudelsee, "REDFIT:
    estimating red-noise spectra directly from unevenly spaced paleoclimatic time series", 2002.
    """
    finding = partial(
        Finding,
        check="periodicity",
        question="Does the validation metric go up and down with a period?",
        section="Setting up periodic evaluations",
    )
    trials, values, every = _late_values(study)
    if not len(values) or values.shape[1] < PERIODIC_EVALUATIONS:
        return finding(
            answer="cannot tell",
            summary=(
                f"No feasible trial has {PERIODIC_EVALUATIONS} evaluations, evenly spaced, in the "
                "second half of its training."
            ),
            advice="Evaluate more often." if len(values) else "",
        )
    scatter = without_parabola(values)
    varying = scatter.std(axis=1) > 0
    if not varying.any():
        return finding(answer="ok", summary="The evaluations do not vary in the second half.")
    found = strongest_period(scatter[varying])
    numbers = {
        "significance": thresholds.significance,
        "trials": int(varying.sum()),
        "evaluations": values.shape[1],
        "period_in_evaluations": found.period,
        "period_in_steps": found.period * every,
        "share_of_scatter": found.share,
        "p_value": found.p_value,
    }
    finding = partial(finding, numbers=numbers, arms=arms_of(study, trials[varying]))
    if found.p_value <= thresholds.significance and found.share >= thresholds.least_share:
        return finding(
            answer="warning",
            summary=_periodic(numbers),
            trials=trial_ids(study, trials[varying]),
            advice=ADVICE,
        )
    return finding(answer="ok", summary=_not_periodic(numbers))


def _late_values(study: xr.Dataset) -> tuple[np.ndarray, Floats, float]:
    """Return the best trials, their evaluations in the second half, and the steps between those.

    Trials of another length than the best one's are left out, and so is what a denser schedule of
    evaluations early in training adds.
    """
    order = ranked(study)
    if not len(order):
        return order, np.empty((0, 0)), 0.0
    fractions = eval_fractions(study)
    window = late(fractions[order[0]], SECOND_HALF)
    steps = study["eval_step"].values[window].astype(float)
    if len(steps) < 2 or not np.allclose(np.diff(steps), steps[-1] - steps[-2]):
        return order[:0], np.empty((0, 0)), 0.0
    values = curves(study, objective_split(study))[:, window]
    same = np.array([(late(fractions[trial], SECOND_HALF) == window).all() for trial in order])
    order = order[same & np.isfinite(values[order]).all(axis=1)][:MOST_TRIALS]
    return order, values[order], float(steps[-1] - steps[-2])


@dataclass(frozen=True)
class Period:
    """The strongest period of some curves.

    Attributes:
        period: In evaluations.
        p_value: Of so strong a period, of all that were asked about, in noise that remembers.
        share: Of the scatter, which it explains.
    """

    period: float
    p_value: float
    share: float


def without_parabola(values: Floats) -> Floats:
    """Take a parabola off each curve.

    Args:
        values: [trial, evaluation]

    Returns:
        What is left: [trial, evaluation]; 0 where that is rounding.
    """
    basis = _parabolas(values.shape[1])
    scatter = values - (values @ basis) @ basis.T
    tiny = 1e-9 * np.abs(values).max(axis=1, keepdims=True)
    return np.where(np.abs(scatter) > tiny, scatter, 0.0)


def strongest_period(scatter: Floats) -> Period:
    """Return the period that stands out most from the spectrum of noise that remembers.

    Args:
        scatter: Of curves that vary, a parabola taken off: [trial, evaluation].
    """
    count, points = scatter.shape
    scaled = scatter / np.sqrt((scatter**2).mean(axis=1, keepdims=True))
    power = (np.abs(np.fft.rfft(scaled, axis=1)) ** 2).mean(axis=0) / points
    asked = np.arange(LEAST_PERIODS, (points - 1) // 2 + 1)
    lag = float((scaled[:, 1:] * scaled[:, :-1]).sum() / (scaled**2).sum())
    lags, spectra = noises(points)
    noise = spectra[np.argmin(np.abs(lags - lag))]
    ratios = power[asked] / noise[asked]
    best = int(np.argmax(ratios))
    p_value = float(special.gammaincc(count, count * ratios[best]))
    return Period(
        period=points / float(asked[best]),
        p_value=min(1.0, len(asked) * p_value),
        share=2 * float(power[asked[best]]) / points,
    )


@lru_cache(maxsize=8)
def _parabolas(points: int) -> Floats:
    """Return orthonormal curves of which every parabola is a sum: [evaluation, 3]."""
    x = np.linspace(-1, 1, points)
    basis, _ = np.linalg.qr(np.stack([np.ones_like(x), x, x**2], axis=1))
    return np.asarray(basis)


@lru_cache(maxsize=8)
def noises(points: int) -> tuple[Floats, Floats]:
    """Return what noises of growing memory look like after a parabola is taken off.

    The covariance of such noise is `memory ** |i - j|`, and that of what is left follows from it by
    the projection on the parabolas. Neither matrix is made: what is asked of them takes a filter
    and a Fourier transform each, so that 50,000 evaluations take seconds.

    Returns:
        The correlation of one value with the next, [noise], and the power at each frequency,
        [noise, frequency], both of noise scaled to one variance.
    """
    basis = _parabolas(points)
    waves = np.fft.rfft(basis, axis=0)
    left = np.arange(points, 0, -1)  # how many pairs of evaluations are so far apart
    lags, spectra = [], []
    for memory in MEMORIES:
        forward = scipy.signal.lfilter([1.0], [1.0, -memory], basis, axis=0)
        backward = scipy.signal.lfilter([1.0], [1.0, -memory], basis[::-1], axis=0)[::-1]
        spread = forward + backward - basis  # the covariance times the basis
        within = basis.T @ spread
        variance = points - np.trace(within)
        beside = (basis[:-1] * spread[1:]).sum() + (spread[:-1] * basis[1:]).sum()
        next_to = (points - 1) * memory - beside + ((basis[:-1] @ within) * basis[1:]).sum()
        whole = 2 * np.fft.rfft(left * memory ** np.arange(points)).real - points
        crossed = 2 * (waves * np.fft.rfft(spread, axis=0).conj()).sum(axis=1).real
        removed = ((waves @ within) * waves.conj()).sum(axis=1).real
        lags.append(next_to / variance)
        spectra.append((whole - crossed + removed) / variance)
    return np.array(lags), np.array(spectra)


def _periodic(numbers: Mapping[str, Any]) -> str:
    return (
        f"The evaluations of the best {numbers['trials']} trials go up and down with a period of "
        f"about {numbers['period_in_steps']:.0f} steps, which explains "
        f"{numbers['share_of_scatter']:.0%} of their scatter (p = {numbers['p_value']:.2g})."
    )


def _not_periodic(numbers: Mapping[str, Any]) -> str:
    return (
        f"The evaluations of the best {numbers['trials']} trials have no period beyond what noise "
        f"explains (p = {numbers['p_value']:.2g})."
    )
