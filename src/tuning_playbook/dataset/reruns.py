"""Choose what is trained again on fresh seeds: the best trial of each arm, and the baseline."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.dataset.collect import Row, collect
from tuning_playbook.search.expand import make_trial
from tuning_playbook.search.fingerprint import Trial, trial_from_json
from tuning_playbook.search.plan import BASELINE, Plan

BASELINE_RERUN_OF = ""


def choose_reruns(plan: Plan, best: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return what to rerun: by arm, the trial that is rerun and its reruns by number, as JSON.

    Args:
        plan: The study's.
        best: The id of the best trial of each arm that has a feasible one.

    Returns:
        What `rerun_request` and `collect_reruns` read. The baseline's reruns count downwards from
        -1: their seeds are others than an arm's even where the configurations are equal.
    """
    places = {item.trial.id: item.trial for item in plan.trials}
    seeds = range(plan.study.spec.reruns.seeds)
    chosen = {}
    for arm, trial_id in best.items():
        trial = places[trial_id]
        reruns = [make_trial(plan.study, trial.batch_size, trial.hyperparameters, n) for n in seeds]
        chosen[arm] = {"rerun_of": trial_id, "trials": [item.to_json() for item in reruns]}
    baseline = plan.study.baseline
    if baseline is not None:
        reruns = [
            make_trial(plan.study, baseline.batch_size, baseline.hyperparameters, -1 - number)
            for number in seeds
        ]
        chosen[BASELINE] = {
            "rerun_of": BASELINE_RERUN_OF,
            "trials": [item.to_json() for item in reruns],
        }
    return chosen


def rerun_request(chosen: Mapping[str, Any], arm: str, numbers: Sequence[int], like: str) -> str:
    """Return what a training job is told of some reruns of one arm: none, if it has no best trial.

    Args:
        chosen: As from `choose_reruns`.
        arm: The arm, or `baseline`.
        numbers: Which of its reruns.
        like: The request of any pack of the study, for all but the trials.
    """
    trials = chosen[arm]["trials"] if arm in chosen else []
    ids = [trials[number] for number in numbers if number < len(trials)]
    return json.dumps(json.loads(like) | {"trials": ids})


def collect_reruns(plan: Plan, chosen: Mapping[str, Any], packs: Sequence[Path]) -> xr.Dataset:
    """Return the dataset of the reruns: `study.nc`'s schema, with `rerun` and `rerun_of`."""
    rows: list[Row] = []
    for arm, choice in chosen.items():
        for number, content in enumerate(choice["trials"]):
            trial: Trial = trial_from_json(content)
            extra = {"rerun": number, "rerun_of": choice["rerun_of"]}
            rows.append(Row(len(rows), arm, trial, {}, extra))
    dataset = collect(plan.study, rows, packs)
    if not rows:
        dataset["rerun"] = ("trial", np.empty(0, np.int64))
        dataset["rerun_of"] = ("trial", np.empty(0, dtype=object))
    dataset["rerun"].attrs["long_name"] = "number of the rerun"
    dataset["rerun_of"].attrs["long_name"] = "id of the searched trial that is rerun"
    dataset.attrs["title"] = f"Trial variance of the study {plan.study.name}"
    dataset.attrs["rerun_seeds"] = plan.study.spec.reruns.seeds
    return dataset
