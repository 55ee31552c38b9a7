"""Do the objective's evaluations repeat themselves with a period? That may be a bug of the data."""

from functools import lru_cache, partial

import numpy as np
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
from tuning_playbook.study.thresholds import DEFAULTS, Periodicity

SECOND_HALF = 0.5
"""The first half, in which training makes most of its gain, has no steady level to vary about."""

LEAST_POINTS = 10
"""Fewer evaluations have hardly a frequency between the trend and every other evaluation."""

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
    a narrower one. Asked about are the periods
    that pass at least three times; the smallest of their p-values, times their number, must be at
    most 0.01, and the period must explain at least a tenth of the scatter. Then it is a warning.

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
    if not len(values) or values.shape[1] < LEAST_POINTS:
        return finding(
            answer="cannot tell",
            summary=(
                f"No feasible trial has {LEAST_POINTS} evaluations, evenly spaced, in the second "
                "half of its training."
            ),
            advice="Evaluate more often." if len(values) else "",
        )
    scatter = _scatter(values)
    varying = scatter.std(axis=1) > 0
    if not varying.any():
        return finding(answer="ok", summary="The evaluations do not vary in the second half.")
    period, p_value, share = _strongest(scatter[varying])
    steps = period * every
    periodic = p_value <= thresholds.significance and share >= thresholds.least_share
    finding = partial(
        finding,
        arms=arms_of(study, trials[varying]),
        numbers={
            "significance": thresholds.significance,
            "trials": int(varying.sum()),
            "evaluations": values.shape[1],
            "period_in_evaluations": period,
            "period_in_steps": steps,
            "share_of_scatter": share,
            "p_value": p_value,
        },
    )
    if periodic:
        return finding(
            answer="warning",
            summary=(
                f"The evaluations of the best {varying.sum()} trials go up and down with a period "
                f"of about {steps:.0f} steps, which explains {share:.0%} of their scatter "
                f"(p = {p_value:.2g})."
            ),
            trials=trial_ids(study, trials[varying]),
            advice=ADVICE,
        )
    return finding(
        answer="ok",
        summary=(
            f"The evaluations of the best {varying.sum()} trials have no period beyond what noise "
            f"explains (p = {p_value:.2g})."
        ),
    )


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


def _scatter(values: Floats) -> Floats:
    """Take a parabola off each curve: [trial, evaluation]."""
    scatter = values @ _without_parabola(values.shape[1])
    # What is left of a perfect parabola is rounding.
    tiny = 1e-9 * np.abs(values).max(axis=1, keepdims=True)
    return np.where(np.abs(scatter) > tiny, scatter, 0.0)


def _strongest(scatter: Floats) -> tuple[float, float, float]:
    """Return the strongest period, its p-value and the share of the scatter that it explains."""
    count, points = scatter.shape
    scaled = scatter / np.sqrt((scatter**2).mean(axis=1, keepdims=True))
    power = (np.abs(np.fft.rfft(scaled, axis=1)) ** 2).mean(axis=0) / points
    asked = np.arange(LEAST_PERIODS, (points - 1) // 2 + 1)
    lag = float((scaled[:, 1:] * scaled[:, :-1]).sum() / (scaled**2).sum())
    lags, spectra = _noises(points)
    noise = spectra[np.argmin(np.abs(lags - lag))]
    ratios = power[asked] / noise[asked]
    best = int(np.argmax(ratios))
    p_value = float(special.gammaincc(count, count * ratios[best]))
    share = 2 * float(power[asked[best]]) / points
    return points / float(asked[best]), min(1.0, len(asked) * p_value), share


@lru_cache(maxsize=8)
def _without_parabola(points: int) -> Floats:
    """Return the projection that takes a parabola off a curve: [evaluation, evaluation]."""
    x = np.linspace(-1, 1, points)
    basis, _ = np.linalg.qr(np.stack([np.ones_like(x), x, x**2], axis=1))
    return np.asarray(np.eye(points) - basis @ basis.T)


@lru_cache(maxsize=8)
def _noises(points: int) -> tuple[Floats, Floats]:
    """Return what noises of growing memory look like after a parabola is taken off.

    Returns:
        The correlation of one value with the next, [noise], and the power at each frequency,
        [noise, frequency], both of noise scaled to one variance.
    """
    kept = _without_parabola(points)
    apart = np.abs(np.subtract.outer(np.arange(points), np.arange(points)))
    waves = np.fft.rfft(np.eye(points), axis=0)
    lags, spectra = [], []
    for memory in MEMORIES:
        covariance = kept @ memory**apart @ kept
        variance = np.trace(covariance)
        lags.append(np.trace(covariance, offset=1) / variance)
        spectra.append(np.einsum("fi,ij,fj->f", waves, covariance, waves.conj()).real / variance)
    return np.array(lags), np.array(spectra)
