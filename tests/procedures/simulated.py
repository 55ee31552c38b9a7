"""Procedures without training: trials of workloads whose curvature is known, simulated in NumPy."""

import functools
import math

import numpy as np

from tuning_playbook.engine.windows import NORM_EDGES, window_ends, window_of
from tuning_playbook.procedures.procedure_history import Conclusion, FinishedRound, History, Outcome
from tuning_playbook.procedures.recipes import RECIPES

TOO_LARGE = 1e30
"""The loss at which a simulated trial has diverged."""


def run(document, settings, train):
    """Return what a procedure concludes, and its history.

    Args:
        document: Its spec.
        settings: Of the procedure.
        train: The outcome of a trial, by its values and what its round says of training.
    """
    history = History(document, settings)
    while True:
        answer = RECIPES[settings.name].next(history)
        if isinstance(answer, Conclusion):
            return answer, history
        rounds = (*history.rounds, finished(answer, train))
        history = History(document, settings, rounds)
        assert len(history.rounds) <= RECIPES[settings.name].max_rounds


def finished(round_, train):
    document = round_.document
    training, seeds = document["training"], document["reruns"]["seeds"]
    trials = values_of(document)
    outcomes = [train(values, training) for values in trials]
    again = [train(values, training, rerun=n + 1) for values in trials for n in range(seeds)]
    launch = {"decision": "adopt"} if round_.baseline else None
    judged_all = tuple(judged([*outcomes, *again]))
    own, reruns = judged_all[: len(outcomes)], judged_all[len(outcomes) :]
    return FinishedRound(round_.purpose, document, own, launch, reruns)


def values_of(document):
    """Return the values of each trial of a study: a list, or evenly spread learning rates."""
    fixed = {**DEFAULTS, **document["fixed"], "batch_size": document["training"]["batch_size"]}
    search = document["search"]
    if search["algorithm"] == "random":
        ((name, values),) = document.get("scientific", {"warmup_steps": [0]}).items()
        return [fixed | {name: value} for value in values]
    if search["algorithm"] == "list":
        return [fixed | trial for trial in search["trials"]]
    low, high = document["nuisance"]["learning_rate"]["log_uniform"]
    points = search.get("points", search.get("trials"))
    count = points if isinstance(points, int) else points["learning_rate"]
    return [fixed | {"learning_rate": float(rate)} for rate in np.geomspace(low, high, count)]


DEFAULTS = {"optimizer": "sgd", "schedule": "constant", "warmup_steps": 0, "clip_norm": 0.0}


def judged(outcomes):
    """Mark the outcomes that got nowhere, as a dataset does: no better than the untrained model."""
    for item in outcomes:
        best = item.loss if item.best_value is None else item.best_value
        lost = item.loss is not None and best > 0.98 * item.train_losses[0]
        yield Outcome(**{**vars(item), "loss": None if lost else item.loss, "nowhere": lost})


def outcome(values, training, losses, norms, *, diverged, best):
    """Return the outcome of a trial from what it has at every step."""
    window = window_of(training["eval_every"])
    ends = window_ends(training["max_train_steps"], training["eval_every"])
    means = np.asarray(losses)[: len(losses) // window * window].reshape(-1, window).mean(axis=1)
    sizes = np.asarray(norms)[: len(norms) // window * window].reshape(-1, window).mean(axis=1)
    return Outcome(
        trial=f"{values['learning_rate']:.6g}",
        values=values,
        loss=None if diverged else best,
        diverged=diverged,
        steps=tuple(int(step) for step in ends),
        train_losses=tuple(float(loss) for loss in means),
        norms=tuple(float(norm) for norm in sizes),
        norm_bins=tuple(map(float, NORM_EDGES[:-1])),
        norm_counts=tuple(map(float, np.histogram(norms, NORM_EDGES)[0])),
        clipped_share=float(np.mean(np.asarray(norms) > clip)) if (clip := _clip(values)) else 0.0,
    )


def _clip(values):
    return values.get("clip_norm", 0.0)


def descend(
    values, training, *, gradient, loss, seed=0, noise=0.0, size=4, rerun=0, outliers=0.0, factor=50
):
    """Return the outcome of gradient descent with momentum on a simulated loss.

    Args:
        values: The trial's hyperparameters.
        training: What its round says of training.
        gradient: Of the weights and the step: [size].
        loss: Of the weights and the step.
        seed: Of the weights that it starts from, and of the noise.
        noise: Standard deviation of what is added to each entry of the gradient.
        size: The number of weights.
        rerun: The number of the rerun, whose seed is another.
        outliers: The share of steps whose gradient is many times as large as it should be.
        factor: So many times.
    """
    random = np.random.default_rng([seed, rerun])
    weights, velocity = random.normal(size=size), np.zeros(size)
    rate, decay = values["learning_rate"], values.get("momentum", 0.0)
    warmup, clip = values["warmup_steps"], values["clip_norm"]
    losses, norms = [], []
    for step in range(training["max_train_steps"]):
        losses.append(loss(weights, step))
        slope = gradient(weights, step) + noise * random.normal(size=size)
        if random.random() < outliers:
            slope = slope * factor
        norm = float(np.linalg.norm(slope))
        norms.append(norm)
        if clip and norm > clip:
            slope = slope * clip / norm
        velocity = decay * velocity + slope
        weights = weights - rate * min(1.0, (step + 1) / max(1, warmup)) * velocity
        if not math.isfinite(norm) or losses[-1] > TOO_LARGE:
            return outcome(values, training, losses[:-1], norms[:-1], diverged=True, best=None)
    return outcome(values, training, losses, norms, diverged=False, best=min(losses))


def quadratic(curvatures, *, seed=0, noise=0.0):
    """Return what trains on half the sum of curvature times weight squared.

    Gradient descent is unstable from 2 / h for the largest curvature h, with momentum b from
    2 (1 + b) / h.
    """
    curvatures = np.asarray(curvatures, float)
    return functools.partial(
        descend,
        gradient=lambda weights, step: curvatures * weights,
        loss=lambda weights, step: float(0.5 * curvatures @ weights**2),
        seed=seed,
        noise=noise,
        size=len(curvatures),
    )


def falling_curvature(largest, halved_after, *, seed=0, noise=0.0):
    """Return what trains on a quadratic whose largest curvature falls as it trains.

    At step t it is largest / (1 + t / halved_after). After a warmup of k steps to `times` times the
    rate 2 / largest, the product of rate and curvature stays below 2 if k is at least
    (times - 1) * halved_after. Two more directions, of far less curvature, are there to be learned.
    """
    slow = np.array([1e-2, 3e-3]) * largest

    def curvatures(step):
        return np.array([largest / (1 + step / halved_after), *slow])

    return functools.partial(
        descend,
        gradient=lambda weights, step: curvatures(step) * weights,
        loss=lambda weights, step: float(0.5 * curvatures(step) @ weights**2),
        seed=seed,
        noise=noise,
        size=3,
    )
