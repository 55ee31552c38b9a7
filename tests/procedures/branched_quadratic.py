"""Branched training on the noisy quadratic, without training: losses at every step."""

import numpy as np

from tests.procedures.noisy_quadratic import COPIES, CURVATURES, TARGET
from tests.procedures.scaling_trials import by_size
from tuning_playbook.procedures.procedure_history import Conclusion, FinishedRound, History, Outcome
from tuning_playbook.procedures.recipes import recipe_of


def losses(rate, size, scale, training, random):
    """Return the loss before each step: [steps]. A branch has an update for several steps."""
    branch = training.get("branch", {"step": training["max_train_steps"], "batch_size": size})
    batches = size // branch["batch_size"]
    squares, found = np.full(len(CURVATURES), float(COPIES)), []
    with np.errstate(over="ignore", invalid="ignore"):  # a rate may be too high
        for step in range(training["max_train_steps"]):
            found.append(0.5 * squares @ CURVATURES)
            since = step - branch["step"]
            if since >= 0 and since % batches != batches - 1:
                continue
            times = batches if since >= 0 else 1
            scaled = rate * times ** branch.get("rate_power", 0.0)
            variance = scaled**2 * scale * CURVATURES / (branch["batch_size"] * times)
            kept = 1 - scaled * CURVATURES
            cross = 2 * kept * np.sqrt(variance * squares) * random.normal(size=squares.shape)
            drawn = random.chisquare(COPIES, size=squares.shape)
            squares = np.maximum(kept**2 * squares + cross + variance * drawn, 0.0)
    return np.array(found)


def outcome(values, scale, training, random):
    """Return what came of a trial; its objective is the first step at the target."""
    found = losses(values["learning_rate"], values["batch_size"], scale, training, random)
    end = int(np.argmin(np.isfinite(found))) if not np.isfinite(found).all() else len(found)
    there = np.flatnonzero(found[:end] <= TARGET)
    steps = float(there[0]) if len(there) else float(len(found) + training["eval_every"])
    return Outcome(
        trial=f"{values['batch_size']}-{values['learning_rate']:g}",
        values=values,
        loss=steps if end == len(found) else None,
        censored=not len(there),
        diverged=end < len(found),
        steps=tuple(range(1, len(found) + 1)),
        train_losses=tuple(found[:end]),
    )


def run(document, settings, scale, seed):
    """Return what branches of a run conclude, and their history."""
    history = History(document, settings)
    while True:
        answer = recipe_of(settings).next(history)
        if isinstance(answer, Conclusion):
            return answer, history
        history = History(document, settings, (*history.rounds, finished(answer, scale, seed)))
        assert len(history.rounds) <= recipe_of(settings).max_rounds


def finished(round_, scale, seed):
    """Return a round whose trials were simulated; each has random numbers of its own."""
    random = np.random.default_rng(
        [seed, len(round_.document["search"]), sum(map(ord, round_.purpose))]
    )
    training = round_.document["training"]
    trials = [trial for trials in by_size(round_.document) for trial in trials]
    train = lambda values: outcome(values, scale, training, random)  # noqa: E731
    seeds = round_.document["reruns"]["seeds"]
    return FinishedRound(
        round_.purpose,
        round_.document,
        tuple(map(train, trials)),
        reruns=tuple(train(values) for values in trials for _ in range(seeds)),
    )
