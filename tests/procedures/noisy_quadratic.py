"""Gradient descent on a quadratic with noise of a known scale, whose best learning rate is known.

The loss is half the sum of h w^2 over many directions, `COPIES` of each curvature h. The gradient
of a batch of B examples has noise of variance scale * h / B in each. So the squared weights of the
directions that share a curvature follow a recursion that can be drawn without drawing each
direction, and whose mean is known in closed form.

Source: McCandlish et al., "An Empirical Model of Large-Batch Training", 2018; Zhang et al., "Which
Algorithmic Choices Matter at Which Batch Sizes? Insights From a Noisy Quadratic Model", 2019.
"""

import functools

import numpy as np

CURVATURES = np.geomspace(1.0, 0.01, 24)
COPIES = 20
START = 0.5 * COPIES * CURVATURES.sum()
TARGET = 0.01 * START


def mean_steps(noise, rate, most=1e6):
    """Return the steps until the mean loss is at the target, for noise of `noise` * h."""
    kept, added = (1 - rate * CURVATURES) ** 2, rate**2 * noise * CURVATURES

    def loss(steps):
        power = kept**steps
        squares = power + added * (1 - power) / (1 - kept)
        return 0.5 * COPIES * (CURVATURES * squares).sum()

    low, high = 0.0, most
    if loss(high) > TARGET:
        return np.inf
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if loss(middle) <= TARGET else (middle, high)
    return high


def least_mean_steps(noise):
    """Return the same at the best learning rate."""
    rates = [*np.geomspace(1e-4, 1.0, 120), *np.linspace(1.0, 1.99, 50)]
    return min(mean_steps(noise, rate) for rate in rates)


@functools.cache
def critical_for_unit_noise():
    """Return the critical batch size of a noise of scale 1: least examples over least steps.

    So McCandlish et al. define it. It is proportional to the scale, as that of the noise over the
    batch size is all that counts.
    """
    least_steps = least_mean_steps(1e-9)
    tiny = 1e-2
    return tiny * least_mean_steps(1 / tiny) / least_steps


def train(rates, batch_size, scale, steps, every, random):
    """Return after how many steps each of some trials is at the target: [trial]; inf if never."""
    rate = np.array(rates)[:, None]
    kept = 1 - rate * CURVATURES
    variance = rate**2 * scale * CURVATURES / batch_size
    squares = np.full((len(rates), len(CURVATURES)), float(COPIES))
    reached, before = np.full(len(rates), np.inf), np.zeros(len(rates), bool)
    with np.errstate(over="ignore", invalid="ignore"):  # a rate may be too high
        for step in range(1, steps + 1):
            cross = 2 * kept * np.sqrt(variance * squares) * random.normal(size=squares.shape)
            drawn = random.chisquare(COPIES, size=squares.shape)
            squares = np.maximum(kept**2 * squares + cross + variance * drawn, 0.0)
            if step % every == 0:
                there = 0.5 * squares @ CURVATURES <= TARGET
                found = there & before & np.isinf(reached)
                reached[found] = step - every
                before = there
                if np.isfinite(reached).all():
                    break
    reached[before & np.isinf(reached)] = steps
    return reached


def noisy(scale, seed):
    """Return what trains on the noisy quadratic."""

    def steps_of(trials, training, rerun):
        size = trials[0]["batch_size"]
        random = np.random.default_rng([seed, size, rerun, len(trials)])
        rates = [trial["learning_rate"] for trial in trials]
        steps, every = training["max_train_steps"], training["eval_every"]
        return train(rates, size, scale, steps, every, random)

    return steps_of
