"""Bayesian rounds against Optuna's TPE, and against a quasi-random search of twice the trials.

    python -m benchmarks.bayesian [--seeds 20] [--record FILE] [PROBLEM ...]

A search has 10 initial trials and 4 rounds of 5, the Halton search 60 trials. The regret of a
search is how far its best trial stays behind the best possible, or, where nobody knows that, the
best that any of these searches has found. Where trials depend on their seed, the lowest of many
noisy numbers says much of luck: so the configuration of the best trial is judged by reruns too, as
in a study. Prints a Markdown table. With `--record` what has been searched is kept in a file, so
that a long comparison can be made piece by piece.

Optuna is not among the project's dependencies: `python -m pip install -e .[optuna]`.
"""

import argparse
import functools
import importlib
import itertools
import json
import math
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.studies import DEFAULT_STUDY
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.search.bayesian import propose
from tuning_playbook.search.halton import halton
from tuning_playbook.study.distributions import Distribution
from tuning_playbook.trials.trial import derive_seed, digest

INITIAL, ROUNDS, BATCH = 10, 4, 5
RERUNS = 10
TWICE = 2 * (INITIAL + ROUNDS * BATCH)

Space = dict[str, Distribution]
Configuration = Mapping[str, Any]
Results = dict[str, Any]
"""Of one search: `losses`, of each trial in their order, None where it is infeasible; `judged`, the
loss of the best trial's configuration when it is tried again."""


@dataclass(frozen=True)
class Problem:
    """What is searched.

    Attributes:
        space: Each hyperparameter's distribution.
        loss: Of a configuration; NaN where it is infeasible.
        judge: Of a configuration, without the luck of one seed; NaN where it is infeasible.
        optimum: The lowest possible loss; None where it is unknown.
    """

    space: Space
    loss: Callable[[Configuration], float]
    judge: Callable[[Configuration], float]
    optimum: float | None


def branin() -> Problem:
    """Branin's function, of which a slab with one of the three minima is infeasible, a tenth.

    Source: L. C. W. Dixon, G. P. Szego, "Towards global optimization 2", 1978.
    """

    def loss(values: Configuration) -> float:
        x, y = values["x"], values["y"]
        if x > 8.5:
            return math.nan
        parabola = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
        return parabola**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10

    space = {"x": Distribution("uniform", -5, 10), "y": Distribution("uniform", 0, 15)}
    return Problem(space, loss, loss, 0.39788735772973816)


def hartmann() -> Problem:
    """Hartmann's function of six variables, all of it feasible.

    Source: L. C. W. Dixon, G. P. Szego, "Towards global optimization 2", 1978.
    """
    weights = np.array([1.0, 1.2, 3.0, 3.2])
    steepness = np.array(
        [
            [10, 3, 17, 3.5, 1.7, 8],
            [0.05, 10, 17, 0.1, 8, 14],
            [3, 3.5, 1.7, 10, 17, 8],
            [17, 8, 0.05, 10, 0.1, 14],
        ]
    )
    centre = 1e-4 * np.array(
        [
            [1312, 1696, 5569, 124, 8283, 5886],
            [2329, 4135, 8307, 3736, 1004, 9991],
            [2348, 1451, 3522, 2883, 3047, 6650],
            [4047, 8828, 8732, 5743, 1091, 381],
        ]
    )

    def loss(values: Configuration) -> float:
        point = np.array([values[f"x{axis}"] for axis in range(6)])
        distance = (steepness * np.square(point - centre)).sum(axis=1)
        return -float((weights * np.exp(-distance)).sum())

    space = {f"x{axis}": Distribution("uniform", 0, 1) for axis in range(6)}
    return Problem(space, loss, loss, -3.322368011415515)


def digits() -> Problem:
    """The arm `optimizer=nesterov` of the default study at 500 steps: the lowest validation error.

    A trial is trained by the bare script, which sees the same batches as the workflow's.
    """
    import jax  # noqa: PLC0415 - the other problems need no JAX

    from benchmarks.bare import load_data, make_training  # noqa: PLC0415
    from tuning_playbook.engine.run import (  # noqa: PLC0415
        DIVERGENCE_FACTOR,
        FAR_WORSE_FACTOR,
    )
    from tuning_playbook.workloads.digits_mlp import DigitsMLP  # noqa: PLC0415

    plan = plan_study(DEFAULT_STUDY)
    (arm,) = [arm for arm in plan.study.arms if arm.scientific["optimizer"] == "nesterov"]
    trial = next(item.trial for item in plan.trials if item.arm == arm.name)
    workload = DigitsMLP()
    data = load_data(workload)
    shorter = trial.to_json() | {"max_train_steps": 500, "eval_every": 25}
    train = jax.jit(make_training(workload, shorter, data, norms=False))

    def trained(values: Configuration, rerun: int | None = None) -> float:
        given = {
            item.hyperparameter.name: item.resolve(values[item.name]) for item in arm.dimensions
        }
        numbers = {name: np.float32(value) for name, value in given.items()}
        seed = np.uint32(derive_seed(0, {**trial.hyperparameters, **given}, rerun))
        (losses,), ((first, _), (_, start)), ((last, _), (_, errors)) = jax.device_get(
            train(seed, numbers, data)
        )
        bound = DIVERGENCE_FACTOR * losses[0, 0]
        if not (losses < bound).all() or not last[-1] <= FAR_WORSE_FACTOR * first:
            return math.nan
        return min(float(start), float(errors.min()))

    def rerun(values: Configuration) -> float:
        errors = [trained(values, number) for number in range(RERUNS)]
        # A configuration that only sometimes trains is no good one: then every answer is wrong.
        return statistics.mean(1.0 if math.isnan(error) else error for error in errors)

    space = {item.name: item.distribution for item in arm.dimensions if item.distribution}
    return Problem(space, trained, rerun, None)


def search_rounds(problem: Problem, seed: int) -> Results:
    """Search as a study with `algorithm: bayesian` does."""
    tried = quasi_random(problem, seed, INITIAL)
    losses = [problem.loss(values) for values in tried]
    for number in range(1, ROUNDS + 1):
        of_round = int(digest([seed, "all trials", number])[:8], 16)
        proposals = propose(problem.space, tried, losses, count=BATCH, seed=of_round)
        tried += proposals
        losses += [problem.loss(values) for values in proposals]
    return as_results(problem, tried, losses)


def search_halton(problem: Problem, seed: int) -> Results:
    """Search as a study with `algorithm: halton` does, with twice the trials."""
    tried = quasi_random(problem, seed, TWICE)
    return as_results(problem, tried, [problem.loss(values) for values in tried])


def search_tpe(problem: Problem, seed: int, *, same_start: bool) -> Results:
    """Search with Optuna's TPE, told by its constraints which trials were infeasible.

    A round's trials are asked for before any of them is answered; the constant liar, which
    Optuna recommends then, keeps them apart.

    Args:
        problem: What is searched.
        seed: Of the sampler.
        same_start: Whether its initial trials are those of `search_rounds`, or its own.
    """
    optuna = import_optuna()
    sampler = optuna.samplers.TPESampler(
        n_startup_trials=INITIAL,
        constant_liar=True,
        seed=seed,
    )
    study = optuna.create_study(sampler=sampler)
    if same_start:
        for values in quasi_random(problem, seed, INITIAL):
            study.enqueue_trial(values)
    tried: list[dict[str, Any]] = []
    losses: list[float] = []
    for count in [INITIAL] + [BATCH] * ROUNDS:
        trials = [study.ask() for _ in range(count)]
        asked = [
            {
                name: trial.suggest_float(
                    name, distribution.low, distribution.high, log=distribution.scale == "log"
                )
                for name, distribution in problem.space.items()
            }
            for trial in trials
        ]
        for trial, values in zip(trials, asked, strict=True):
            loss = problem.loss(values)
            tried.append(values)
            losses.append(loss)
            feasible = math.isfinite(loss)
            trial.set_constraint("infeasible", 0.0 if feasible else 1.0)
            # An infeasible trial has no value, and Optuna wants one: its rank is its violation's.
            study.tell(trial, loss if feasible else 0.0)
    return as_results(problem, tried, losses)


def quasi_random(problem: Problem, seed: int, count: int) -> list[dict[str, Any]]:
    """Return the first points of the Halton sequence of this seed, as configurations."""
    return [
        {
            name: distribution.value(u)
            for (name, distribution), u in zip(problem.space.items(), point, strict=True)
        }
        for point in halton(count, len(problem.space), seed)
    ]


def as_results(
    problem: Problem, tried: Sequence[Configuration], losses: Sequence[float]
) -> Results:
    """Return what a search came to, as JSON can hold it."""
    best = tried[int(np.nanargmin(losses))]
    return {
        "losses": [loss if math.isfinite(loss) else None for loss in losses],
        "judged": problem.judge(best),
    }


def import_optuna() -> Any:
    """Return Optuna, quiet; end with what to do where it is not installed."""
    try:
        optuna = importlib.import_module("optuna")
    except ModuleNotFoundError:
        sys.exit(
            "this comparison needs Optuna, an extra of this project: "
            "python -m pip install -e '.[optuna]'"
        )
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


PROBLEMS = {"branin": branin, "hartmann": hartmann, "digits": digits}

SEARCHES: dict[str, Callable[[Problem, int], Results]] = {
    "Bayesian rounds": search_rounds,
    "Optuna's TPE, its own start": functools.partial(search_tpe, same_start=False),
    "Optuna's TPE, the same start": functools.partial(search_tpe, same_start=True),
    "Halton, twice the trials": search_halton,
}


def main() -> None:
    """Search what the command line names, and print the table of all that is recorded."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bayesian", description=__doc__)
    parser.add_argument("problems", nargs="*", metavar="PROBLEM", help=", ".join(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=20, help="searches of each kind (20)")
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep every search there")
    options = parser.parse_args()
    names = options.problems or list(PROBLEMS)
    if unknown := set(names) - set(PROBLEMS):
        parser.error(f"no problem {', '.join(sorted(unknown))} (known: {', '.join(PROBLEMS)})")
    known = options.record and options.record.exists()
    record: dict[str, Results] = json.loads(options.record.read_text()) if known else {}
    print("| problem | search | median regret | quartiles | judged by reruns | infeasible |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in names:
        problem = PROBLEMS[name]()
        for seed in range(options.seeds):
            for search, function in SEARCHES.items():
                key = f"{name}/{search}/{seed}"
                if key not in record:
                    record[key] = function(problem, seed)
                    if options.record:
                        options.record.write_text(json.dumps(record))
        for line in table(name, problem, record, options.seeds):
            print(line, flush=True)


def table(name: str, problem: Problem, record: Mapping[str, Results], seeds: int) -> list[str]:
    """Return the lines of a problem."""
    searched = {
        search: [record[f"{name}/{search}/{seed}"] for seed in range(seeds)] for search in SEARCHES
    }
    seen = {
        search: [min(loss for loss in run["losses"] if loss is not None) for run in runs]
        for search, runs in searched.items()
    }
    judged = {search: [run["judged"] for run in runs] for search, runs in searched.items()}
    best_seen, best_judged = (
        min(itertools.chain.from_iterable(each.values()))
        if problem.optimum is None
        else problem.optimum
        for each in (seen, judged)
    )
    lines = []
    for search, runs in searched.items():
        low, median, high = np.quantile(seen[search], [0.25, 0.5, 0.75]) - best_seen
        again = statistics.median(judged[search]) - best_judged
        last = [run["losses"][INITIAL:][-ROUNDS * BATCH :] for run in runs]
        infeasible = statistics.mean(losses.count(None) for losses in last)
        lines.append(
            f"| {name} | {search} | {median:.4f} | {low:.4f} to {high:.4f} | {again:.4f} "
            f"| {infeasible:.1f} |"
        )
    return lines


if __name__ == "__main__":
    main()
