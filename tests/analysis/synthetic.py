"""Studies made up so that the answer is known, in the form of study.nc and reruns.nc."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.ranking import best_trial
from tuning_playbook.dataset.collapse_step import find_collapse
from tuning_playbook.dataset.searched import Searched, to_attributes

NESTEROV = "optimizer=nesterov"
ADAM = "optimizer=adam"
ARMS = (NESTEROV, ADAM)
EVAL_EVERY = 100
RANKS = 3

Effect = Callable[[str, Mapping[str, float]], float]
"""(arm, position of each hyperparameter in [0, 1]) -> what it adds to the objective's level."""

Shape = Callable[[str, np.ndarray], np.ndarray]
"""(arm, fraction of training) -> what it adds to the validation curve."""

Reason = Callable[[str, Mapping[str, float]], str]
"""(arm, positions) -> why the trial is infeasible; empty where it is feasible."""

Ends = Callable[[str, Mapping[str, float]], int]
"""(arm, positions) -> how many evaluations the trial has after the first one."""


def log_uniform(name: str, low: float, high: float, arms: Sequence[str], condition: str = ""):
    return Searched(name, condition, tuple(arms), "nuisance", "log_uniform", low, high, "log")


def uniform(name: str, low: float, high: float, arms: Sequence[str], condition: str = ""):
    return Searched(name, condition, tuple(arms), "nuisance", "uniform", low, high, "linear")


def choice(name: str, choices: Sequence[Any], arms: Sequence[str], condition: str = ""):
    return Searched(
        name,
        condition,
        tuple(arms),
        "nuisance",
        "choice",
        math.nan,
        math.nan,
        "categorical",
        tuple(choices),
    )


def default_searched(arms: Sequence[str]) -> tuple[Searched, ...]:
    """The nuisance hyperparameters of the default study; without its two arms, plain ones."""
    if tuple(arms) != ARMS:
        return (
            log_uniform("weight_decay", 1e-6, 1e-2, arms),
            log_uniform("learning_rate", 1e-4, 1.0, arms),
        )
    return (
        log_uniform("weight_decay", 1e-6, 1e-2, arms),
        log_uniform("learning_rate", 1e-3, 1.0, [NESTEROV], NESTEROV),
        log_uniform("one_minus_momentum", 1e-3, 1.0, [NESTEROV], NESTEROV),
        log_uniform("learning_rate", 1e-5, 1e-1, [ADAM], ADAM),
    )


def _nothing(*_: object) -> float:
    return 0.0


def _feasible(*_: object) -> str:
    return ""


def make_study(
    *,
    seed: int = 0,
    arms: Sequence[str] = ARMS,
    trials: int = 16,
    searched: Sequence[Searched] | None = None,
    effect: Effect = _nothing,
    shape: Shape = _nothing,
    reason: Reason = _feasible,
    train_shape: Shape = _nothing,
    spikes: Shape = _nothing,
    ends: Ends | None = None,
    level: float = 0.1,
    trial_noise: float = 0.01,
    noise: float = 0.002,
    evaluations: int = 20,
    time_constant: float = 0.08,
    mode: str = "min",
    places: Sequence[int] | None = None,
) -> xr.Dataset:
    """Make a study of which everything is known.

    Without any argument nothing has an effect: each trial's validation error falls from 0.9 to
    0.1, give or take the standard deviation `trial_noise`, and stays there, while its evaluations
    scatter by `noise`. The training error is the same with less scatter.

    Args:
        seed: Another seed, another study.
        arms: Their names.
        trials: Per arm.
        searched: The searched hyperparameters; those of the default study if left out.
        effect: What positions add to the level.
        shape: What is added to every validation curve.
        reason: Why a trial is infeasible.
        train_shape: What is added to every training curve.
        spikes: By how many times the typical gradient norm the largest one exceeds its own.
        ends: Where trials end that are shorter than the longest.
        level: The validation error that training comes to.
        trial_noise: Standard deviation of that between trials.
        noise: Standard deviation of one evaluation.
        evaluations: After the first one, before training.
        time_constant: Of the fall, as a fraction of training.
        mode: "max" makes the objective an accuracy.
        places: Each trial's place in the study; in order if left out.
    """
    generator = np.random.default_rng(seed)
    searched = default_searched(arms) if searched is None else tuple(searched)
    # Of its own, so that what is drawn for it moves nothing else.
    gradients = np.random.default_rng([seed, 1])
    rows = []
    for arm in arms:
        existing = [item for item in searched if arm in item.arms]
        # As even along each hyperparameter as a quasi-random search is.
        places_in_range = {
            item.name: (generator.permutation(trials) + generator.random(trials)) / trials
            for item in existing
        }
        for number in range(trials):
            positions = {name: float(column[number]) for name, column in places_in_range.items()}
            final = level + trial_noise * generator.normal() + effect(arm, positions)
            own = evaluations if ends is None else ends(arm, positions)
            fraction = np.arange(own + 1) / own
            fall = final + (0.9 - final) * np.exp(-fraction / time_constant)
            scatter = noise * generator.normal(size=(2, len(fraction)))
            train = fall + train_shape(arm, fraction) + 0.5 * scatter[1]
            norms = train[1:] * np.exp(0.26 * gradients.normal(size=own))
            highest = 1 + np.abs(gradients.normal(size=own)) + spikes(arm, fraction[1:])
            rows.append(
                {
                    "trial": hashlib.sha256(f"{seed} {arm} {number}".encode()).hexdigest()[:10],
                    "arm": arm,
                    "hyperparameters": {
                        item.name: _value(item, positions[item.name]) for item in existing
                    },
                    "validation": fall + shape(arm, fraction) + scatter[0],
                    "train": train,
                    "grad_norm": norms,
                    "grad_norm_max": norms * highest,
                    "reason": reason(arm, positions),
                }
            )
    study = _dataset(rows, arms, searched, mode, evaluations)
    if places is not None:
        study["index"] = ("trial", np.asarray(places))
    return study


def make_reruns(
    study: xr.Dataset,
    objectives: Mapping[str, Sequence[float]],
    baseline: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Make reruns with given objectives: NaN for an infeasible one.

    Args:
        study: The study whose best trials are rerun.
        objectives: Of each rerun, by arm; "baseline" for the baseline.
        baseline: The baseline's hyperparameters.
    """
    evaluations = study.sizes["eval_step"] - 1
    rows = []
    numbers = []
    rerun_of = []
    for arm, values in objectives.items():
        best = None if arm == "baseline" else best_trial(study, arm)
        hyperparameters = dict(baseline or {"learning_rate": 0.05, "weight_decay": 1e-4})
        if best is not None:
            hyperparameters = {
                str(name).removeprefix("hp_"): study[name].values[best]
                for name in study.data_vars
                if str(name).startswith("hp_") and study[name].values[best] not in ("", None)
            }
        for number, value in enumerate(values):
            flat = np.full(evaluations + 1, value, dtype=float)
            rows.append(
                {
                    "trial": hashlib.sha256(f"{arm} rerun {number}".encode()).hexdigest()[:10],
                    "arm": arm,
                    "hyperparameters": hyperparameters,
                    "validation": flat,
                    "train": flat,
                    "grad_norm": flat[1:],
                    "grad_norm_max": flat[1:],
                    "reason": "" if math.isfinite(value) else "diverged at step 100",
                }
            )
            numbers.append(number)
            rerun_of.append("" if best is None else str(study["trial"].values[best]))
    # The curves are in the objective's own unit here, whatever the mode.
    reruns = _dataset(rows, study.attrs["arms"], (), "min", evaluations)
    reruns.attrs |= {
        "objective_metric": study.attrs["objective_metric"],
        "objective_mode": study.attrs["objective_mode"],
        "rerun_seeds": max(len(values) for values in objectives.values()),
    }
    reruns["rerun"] = ("trial", np.array(numbers))
    reruns["rerun_of"] = ("trial", np.array(rerun_of))
    return reruns


def make_resources(study: xr.Dataset, jax: Sequence[str] = ("0.10.2",)) -> xr.Dataset:
    """Make the resources of a study: trained on one machine, by versions of JAX in turn."""
    count = study.sizes["trial"]
    columns = {
        "backend": ["cpu"],
        "device": ["cpu"],
        "machine": ["x86_64"],
        "python": ["3.11.7"],
        "version_jax": list(jax),
        "version_optax": ["0.2.8"],
    }
    return xr.Dataset(
        {
            name: ("trial", np.array((values * count)[:count], dtype=object))
            for name, values in columns.items()
        },
        coords={"trial": study["trial"]},
    )


def _value(searched: Searched, position: float) -> Any:
    if searched.choices:
        return searched.choices[int(position * len(searched.choices))]
    if searched.scale == "log":
        value = searched.low * (searched.high / searched.low) ** position
    else:
        value = searched.low + position * (searched.high - searched.low)
    return round(value) if "int" in searched.distribution else value


def _setting(arm: str) -> dict[str, str]:
    """The values that an arm's name says: all of them text, which is enough to tell them apart."""
    return dict(part.split("=") for part in arm.split(", ") if "=" in part)


def _stacked(rows: Sequence[Mapping[str, Any]], name: str, length: int) -> np.ndarray:
    """One curve of each trial, NaN beyond its end: [trial, length]."""
    curves = np.full((len(rows), length), np.nan)
    for curve, row in zip(curves, rows, strict=True):
        curve[: len(row[name])] = row[name]
    return curves


def _collapse_steps(errors: np.ndarray, steps: np.ndarray, feasible: np.ndarray) -> np.ndarray:
    """As `dataset.outcome.collapse_variables`, of errors: [trial, split, evaluation]."""
    found = [find_collapse(validation, train) for train, validation in errors]
    return np.array(
        [
            steps[collapse.place] if collapse and kept else np.nan
            for collapse, kept in zip(found, feasible, strict=True)
        ]
    )


def _dataset(
    rows: Sequence[Mapping[str, Any]],
    arms: Sequence[str],
    searched: Sequence[Searched],
    mode: str,
    evaluations: int,
) -> xr.Dataset:
    feasible = np.array([not row["reason"] for row in rows])
    steps = EVAL_EVERY * np.arange(evaluations + 1)
    splits = ("train", "validation")
    errors = np.stack([_stacked(rows, split, evaluations + 1) for split in splits], axis=1)
    # An infeasible trial trains for a third of its steps.
    errors[~feasible, :, evaluations // 3 :] = np.nan
    metric = "accuracy" if mode == "max" else "error_rate"
    values = 1 - errors if mode == "max" else errors
    worst = np.where(np.isnan(errors[:, 1]), np.inf, errors[:, 1])
    order = np.argsort(worst, axis=1, kind="stable")[:, :RANKS]
    best = order[:, 0]
    count = len(rows)
    best_steps = np.full((count, RANKS), -1)
    best_steps[feasible, : order.shape[1]] = steps[order[feasible]]
    objective = np.where(feasible, values[np.arange(count), 1, best], np.nan)
    curve = ("trial", "eval_step", "split")
    train = 3 * errors[:, 0, 1:]
    norms = {
        name: np.where(np.isnan(train), np.nan, _stacked(rows, name, evaluations))
        for name in ("grad_norm", "grad_norm_max")
    }
    # Of its windows, which are equally long; NaN is sorted to the end.
    known = np.maximum(np.isfinite(norms["grad_norm"]).sum(axis=1) - 1, 0)
    p90 = np.sort(norms["grad_norm"])[np.arange(len(rows)), np.round(0.9 * known).astype(int)]
    edges = np.logspace(-8, 8, 129)
    counts = [np.histogram(row, edges)[0] for row in norms["grad_norm"]]
    variables: dict[str, Any] = {
        metric: (curve, values.transpose(0, 2, 1), {"long_name": metric.replace("_", " ")}),
        "loss": (curve, 3 * errors.transpose(0, 2, 1), {"long_name": "cross-entropy loss"}),
        **{
            name: (("trial", "train_step"), factor * train, {"long_name": name.replace("_", " ")})
            for name, factor in (
                ("train_loss", 1.0),
                ("update_norm", 0.1),
                ("learning_rate_t", 0.01),
            )
        },
        **{name: (("trial", "train_step"), values) for name, values in norms.items()},
        "grad_norm_p90": ("trial", p90),
        "grad_norm_count": (("trial", "grad_norm_bin"), np.array(counts)),
        "clipped_share": ("trial", np.full(count, np.nan)),
        "max_train_steps": (
            "trial",
            EVAL_EVERY * np.array([len(row["train"]) - 1 for row in rows]),
        ),
        "objective": ("trial", objective),
        "best_step": ("trial", np.where(feasible, steps[best], -1)),
        "best_steps": (("trial", "rank"), best_steps),
        "status": ("trial", np.where(feasible, "completed", "diverged")),
        "infeasible_reason": ("trial", np.array([row["reason"] for row in rows])),
        "collapse_step": ("trial", _collapse_steps(errors, steps, feasible)),
        "index": ("trial", np.arange(count)),
        "arm": ("trial", np.array([row["arm"] for row in rows])),
        "seed": ("trial", np.arange(count)),
        "fingerprint": ("trial", np.array([row["trial"] * 6 for row in rows])),
    }
    for name in dict.fromkeys(name for row in rows for name in row["hyperparameters"]):
        column = [row["hyperparameters"].get(name) for row in rows]
        textual = any(isinstance(value, str) for value in column)
        missing: Any = "" if textual else math.nan
        data = np.array([missing if value is None else value for value in column])
        described = [item for item in searched if item.name == name]
        attributes = to_attributes(described) if described else {"role": "fixed"}
        variables[f"hp_{name}"] = ("trial", data, attributes | {"long_name": name})
    return xr.Dataset(
        variables,
        coords={
            "trial": np.array([row["trial"] for row in rows]),
            "eval_step": steps,
            "split": ["train", "validation"],
            "train_step": steps[1:],
            "rank": np.arange(RANKS),
            "grad_norm_bin": edges[:-1],
        },
        attrs={
            "title": "Which optimizer reaches the lowest validation error?",
            "study": "optimizer_choice",
            "workload": "digits_mlp",
            "objective_metric": f"validation/{metric}",
            "objective_mode": mode,
            "max_train_steps": int(steps[-1]),
            "eval_every": EVAL_EVERY,
            "arms": list(arms),
            "arm_settings": json.dumps([_setting(arm) for arm in arms]),
        },
    )
