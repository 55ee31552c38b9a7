"""The procedure `batch_scaling` without training: rounds whose steps to the target are given."""

import numpy as np

from tuning_playbook.procedures.procedure_history import Conclusion, FinishedRound, History, Outcome
from tuning_playbook.procedures.recipes import RECIPES
from tuning_playbook.study.batch_scaling_settings import BatchScalingSettings

LONG = {"training": {"max_train_steps": 5000, "eval_every": 10}}
SMALL = {"from": 16, "to": 256}


def settings(**changes):
    return BatchScalingSettings.model_validate({"name": "batch_scaling", **changes})


def spec(**changes):
    return {
        "goal": "From which batch size on do larger ones hardly save steps?",
        "workload": "quadratic",
        "objective": {"metric": "validation/loss", "mode": "min", "target": 0.1},
        "training": {"max_train_steps": 500, "eval_every": 2},
        "fixed": {"optimizer": "sgd"},
        "nuisance": {"learning_rate": {"log_uniform": [3e-3, 3.0]}},
        "search": {"algorithm": "grid", "points": 7},
        **changes,
    }


def conclude(document, settings, steps_of):
    """Return what the procedure concludes, and its history.

    Args:
        document: Its spec.
        settings: Its settings.
        steps_of: The steps to the target of the trials at a batch size: called with their values,
            what the round says of training, and the number of the rerun; inf where one misses it,
            NaN where it is infeasible.
    """
    history = History(document, settings)
    while True:
        answer = RECIPES[settings.name].next(history)
        if isinstance(answer, Conclusion):
            return answer, history
        history = History(document, settings, (*history.rounds, finished(answer, steps_of)))
        assert len(history.rounds) <= RECIPES[settings.name].rounds(settings)


def finished(round_, steps_of, costs=None):
    """Return a round whose trials were simulated."""
    document, seeds = round_.document, round_.document["reruns"]["seeds"]
    outcomes, reruns = [], []
    for trials in by_size(document):
        outcomes += outcomes_of(trials, document["training"], steps_of, 0)
        best = min(
            outcomes[-len(trials) :], key=lambda item: np.inf if item.loss is None else item.loss
        )
        for seed in range(seeds):
            reruns += outcomes_of([best.values], document["training"], steps_of, seed + 1)
    return FinishedRound(
        round_.purpose, document, tuple(outcomes), reruns=tuple(reruns), costs=costs or {}
    )


def outcomes_of(trials, training, steps_of, rerun):
    beyond = training["max_train_steps"] + training["eval_every"]
    return [
        Outcome(
            trial=f"{values['batch_size']}-{values['learning_rate']:g}-{rerun}",
            values=values,
            loss=None if np.isnan(steps) else float(min(steps, beyond)),
            censored=bool(np.isinf(steps)),
        )
        for values, steps in zip(trials, steps_of(trials, training, rerun), strict=True)
    ]


def by_size(document):
    """Yield the values of the trials at each batch size of a study: a list, or a grid of rates."""
    size = document["training"].get("batch_size")
    sizes = [size] if size else document["scientific"]["batch_size"]
    search = document["search"]
    for size in sizes:
        fixed = {**document["fixed"], "batch_size": size}
        if search["algorithm"] == "list":
            trials = [fixed | trial for trial in search["trials"]]
            yield [trial for trial in trials if trial["batch_size"] == size]
        else:
            low, high = document["nuisance"]["learning_rate"]["log_uniform"]
            rates = np.geomspace(low, high, search["points"])
            yield [fixed | {"learning_rate": float(rate)} for rate in rates]


def curve(critical=64.0, least=100.0, best=0.1, *, infeasible=None, misses=()):
    """Steps that are least at one learning rate, the higher the larger the batch.

    Args:
        critical: The critical batch size.
        least: The least steps.
        best: The best learning rate of a batch size of 64.
        infeasible: Rates above it are.
        misses: Batch sizes that never reach the target.
    """

    def steps_of(trials, training, rerun):
        found = []
        for trial in trials:
            size, rate = trial["batch_size"], trial["learning_rate"]
            off = np.log(rate / (best * (size / 64) ** 0.5)) if best else 0.0
            steps = np.ceil(least * (1 + critical / size) * (1 + off**2) / 10) * 10
            steps = np.inf if steps > training["max_train_steps"] or size in misses else steps
            found.append(np.nan if infeasible and rate > infeasible else steps)
        return np.array(found)

    return steps_of
