"""The trials of a study, ranked: its arms, their feasible trials, the best of each."""

import json
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tuning_playbook.dataset.steps_to_target import losses_with_censored
from tuning_playbook.study.steps_to import steps_to

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

WORST = 3.0
"""A trial that is worse than the median by more than this many times what the best is better counts
as that bad: otherwise the few that hardly trained would make up all of the variance."""


def arm_names(study: xr.Dataset) -> tuple[str, ...]:
    """Return the names of the arms in the study's order."""
    return tuple(str(name) for name in np.atleast_1d(study.attrs["arms"]))


def arm_settings(study: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Return each arm's values of the scientific hyperparameters, in the study's order of arms."""
    settings = json.loads(study.attrs["arm_settings"])
    return dict(zip(arm_names(study), settings, strict=True))


def strings(dataset: xr.Dataset, name: str) -> NDArray[np.str_]:
    """Return a string variable of one value a trial, whatever type the file gave it."""
    return np.asarray(dataset[name].values.astype(str))


def target(study: xr.Dataset) -> float | None:
    """Return what the metric is to reach; None where its best value ranks the trials."""
    told = study.attrs.get("objective_target")
    return None if told is None else float(told)


def metric_direction(study: xr.Dataset) -> float:
    """Return 1 where a smaller value of the objective's metric is better, -1 where a larger is."""
    return -1.0 if study.attrs["objective_mode"] == "max" else 1.0


def direction(study: xr.Dataset) -> float:
    """Return 1 where a smaller objective is better, and -1 where a larger one is.

    Of steps to a target fewer are better, whatever the metric's mode.
    """
    return metric_direction(study) if target(study) is None else 1.0


def censored(study: xr.Dataset) -> NDArray[np.bool_]:
    """Return which trials did not reach the target in their steps: [trial]; none without one."""
    if target(study) is None:
        return np.zeros(study.sizes["trial"], bool)
    return np.asarray(study["censored"].values.astype(int) == 1)


def objective_losses(study: xr.Dataset) -> Floats:
    """Return each trial's objective, negated if need be so that smaller is better.

    Returns:
        [trial]; NaN for an infeasible trial, and for a censored one.
    """
    return np.asarray(direction(study) * study["objective"].values.astype(float))


def metric_losses(study: xr.Dataset) -> Floats:
    """Return each trial's best value of the metric over training, smaller being better.

    Returns:
        [trial]; NaN for an infeasible trial. Without a target these are the objectives.
    """
    if target(study) is None:
        return objective_losses(study)
    return np.asarray(metric_direction(study) * study["best_value"].values.astype(float))


def beyond_the_budget(study: xr.Dataset) -> float:
    """Return the fewest steps to the target that a censored trial can have needed.

    It needed more than all of its steps, so at the earliest it would have been at the target one
    evaluation after the last step of the study.
    """
    return float(study.attrs["max_train_steps"]) + float(study.attrs["eval_every"])


def fewest_steps(study: xr.Dataset) -> Floats:
    """Return the fewest steps to the target that each trial can have needed.

    Returns:
        [trial]; NaN for an infeasible trial.
    """
    return np.where(censored(study), beyond_the_budget(study), objective_losses(study))


def losses(study: xr.Dataset) -> Floats:
    """Return a number for each trial by which all are ranked, smaller being better.

    It is the objective, negated if need be; censored trials stand behind all others, by their best
    values.

    Returns:
        [trial]; NaN for an infeasible trial.
    """
    if target(study) is None:
        return objective_losses(study)
    return losses_with_censored(
        objective_losses(study),
        censored(study),
        metric_losses(study),
        beyond_the_budget(study),
        float(study.attrs["eval_every"]),
    )


def members(study: xr.Dataset, arm: str | None = None) -> Indices:
    """Return the positions along `trial` of an arm's trials; of all trials without an arm."""
    if arm is None:
        return np.arange(study.sizes["trial"])
    return np.flatnonzero(strings(study, "arm") == arm)


def ranked(study: xr.Dataset, arm: str | None = None) -> Indices:
    """Return the positions of the feasible trials, the best first.

    Of equal objectives the one that was reached in fewer steps comes first, then the trial that
    stands first in the study, so that the best trial is the same one wherever it is asked for.
    Trials that did not reach a target stand behind all that did, by their best values.
    """
    loss = losses(study)
    positions = members(study, arm)
    positions = positions[np.isfinite(loss[positions])]
    place, step = (study[name].values[positions] for name in ("index", "best_step"))
    return positions[np.lexsort((place, step, loss[positions]))]


def collapsed(study: xr.Dataset) -> NDArray[np.bool_]:
    """Return which trials collapsed: [trial]."""
    if "collapse_step" not in study:
        return np.zeros(study.sizes["trial"], bool)
    return np.asarray(np.isfinite(study["collapse_step"].values.astype(float)))


def best_trial(study: xr.Dataset, arm: str | None = None) -> int | None:
    """Return the position of the best feasible trial, or None where there is none."""
    order = ranked(study, arm)
    return int(order[0]) if len(order) else None


def best_value_steps(study: xr.Dataset) -> Indices:
    """Return the step of each trial's best value of the metric: [trial]; -1 where there is none.

    Without a target that is its best step.
    """
    if target(study) is None:
        return np.asarray(study["best_step"].values.astype(np.int64))
    return np.asarray(study["best_steps"].values[:, 0].astype(np.int64))


def best_trials(study: xr.Dataset) -> dict[str, int]:
    """Return the position of the best trial of each arm that has a feasible one."""
    bests = {arm: best_trial(study, arm) for arm in arm_names(study)}
    return {arm: trial for arm, trial in bests.items() if trial is not None}


def arms_by_best(study: xr.Dataset) -> tuple[str, ...]:
    """Return the arms that have a feasible trial, that of the best one first."""
    return tuple(dict.fromkeys(strings(study, "arm")[ranked(study)].tolist()))


def trial_id(study: xr.Dataset, position: int) -> str:
    """Return the id of the trial at `position`."""
    return str(study["trial"].values[position])


def best_ids(study: xr.Dataset) -> dict[str, str]:
    """Return the id of the best trial of every arm that has a feasible one."""
    return {arm: trial_id(study, position) for arm, position in best_trials(study).items()}


def trial_ids(study: xr.Dataset, positions: Indices) -> tuple[str, ...]:
    """Return the ids of the trials at `positions`."""
    return tuple(str(trial) for trial in study["trial"].values[positions])


def arms_of(study: xr.Dataset, positions: Indices) -> tuple[str, ...]:
    """Return the names of the arms that the trials at `positions` are in, in the study's order."""
    present = set(strings(study, "arm")[positions])
    return tuple(arm for arm in arm_names(study) if arm in present)


def objective_metric(study: xr.Dataset) -> str:
    """Return the name of the objective's metric without its split, as `error_rate`."""
    return str(study.attrs["objective_metric"]).split("/", 1)[1]


def ranked_by(study: xr.Dataset) -> str:
    """Return what ranks trials, as `validation/error_rate` or `steps to validation/loss <= 1`."""
    metric, mode = str(study.attrs["objective_metric"]), str(study.attrs["objective_mode"])
    aim = target(study)
    return metric if aim is None else steps_to(metric, mode, aim)


def objective_label(study: xr.Dataset) -> str:
    """Return the name of an axis that has the objective."""
    named = ranked_by(study)
    return f"best {named}" if target(study) is None else named


def objective_split(study: xr.Dataset) -> str:
    """Return the split that the objective is measured on, as `validation`."""
    return str(study.attrs["objective_metric"]).split("/", 1)[0]


def curves(study: xr.Dataset, split: str) -> Floats:
    """Return the objective's metric on `split` at each evaluation, smaller being better.

    Returns:
        [trial, eval_step]; NaN from a divergence on, and beyond the end of a shorter trial.
    """
    metric = study[objective_metric(study)].sel(split=split).transpose("trial", "eval_step")
    return np.asarray(metric_direction(study) * metric.values.astype(float))


def last_steps(study: xr.Dataset) -> Indices:
    """Return the step at which each trial's training ends: [trial].

    Trials of one study differ in it where their warmup comes on top; what a shorter trial's curves
    hold beyond its end is nothing, not a missing number.
    """
    if "max_train_steps" in study:
        return np.asarray(study["max_train_steps"].values.astype(np.int64))
    return np.full(study.sizes["trial"], int(study.attrs["max_train_steps"]))


def eval_fractions(study: xr.Dataset) -> Floats:
    """Return the evaluation steps as fractions of each trial's own length.

    Returns:
        [trial, eval_step]; above 1 beyond a trial's end.
    """
    return np.asarray(study["eval_step"].values / last_steps(study)[:, None].astype(float))


def late(fractions: Floats, since: float) -> NDArray[np.bool_]:
    """Tell which evaluations lie between `since` and the end of training, as fractions of it."""
    return np.asarray((fractions >= since) & (fractions <= 1))


def without_the_worst(loss: Floats) -> Floats:
    """Return losses of which none is worse than the median by more than the best is better, thrice.

    Args:
        loss: Smaller being better: [trial].

    Returns:
        [trial]; the losses as they are where the best is no better than the median.
    """
    middle = float(np.median(loss))
    return np.minimum(loss, middle + WORST * (middle - loss.min())) if middle > loss.min() else loss
