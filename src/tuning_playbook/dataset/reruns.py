"""Choose what is trained again: the best trial of each arm, and the baseline.

They train on fresh seeds for trial variance, and on other divisions of the data for data variance.
"""

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.dataset.collect import assemble, axes_of, collect
from tuning_playbook.dataset.kept import kept_records
from tuning_playbook.dataset.rows import Row
from tuning_playbook.declarations import Value
from tuning_playbook.planning.expand import make_trial
from tuning_playbook.planning.plan import Plan
from tuning_playbook.planning.targets import StudyFiles
from tuning_playbook.study.study import BASELINE, Study
from tuning_playbook.trials.trial import Trial, trial_from_json

BASELINE_RERUN_OF = ""

CHOICE = "reruns/choice.json"
"""Which trials are trained again, once that is known; in the study's folder of results."""


def choose_reruns(plan: Plan, best: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return what to rerun: by arm, the trial that is rerun and its reruns by number, as JSON.

    Args:
        plan: The study's.
        best: The id of the best trial of each arm that has a feasible one.

    Returns:
        What `rerun_trials` and `collect_reruns` read: the reruns on the usual data, then those on
        other divisions of it.
    """
    places = {item.trial.id: item.trial for item in plan.trials}
    chosen = {}
    for arm, trial_id in best.items():
        trial = places[trial_id]
        reruns = _reruns(plan.study, trial.batch_size, trial.hyperparameters)
        chosen[arm] = {"rerun_of": trial_id, "trials": reruns}
    baseline = plan.study.baseline
    if baseline is not None:
        reruns = _reruns(plan.study, baseline.batch_size, baseline.hyperparameters, baseline=True)
        chosen[BASELINE] = {"rerun_of": BASELINE_RERUN_OF, "trials": reruns}
    return chosen


def _reruns(
    study: Study,
    batch_size: int,
    hyperparameters: Mapping[str, Value],
    *,
    baseline: bool = False,
) -> list[dict[str, Any]]:
    """Return the reruns of one configuration.

    The baseline's count downwards from -1: their seeds are others than an arm's even where the
    configurations are equal. The divisions of the data are the same for all, so that they can be
    compared division by division.
    """

    def again(number: int) -> int:
        return -1 - number if baseline else number

    asked = study.spec.reruns
    seeds = [
        make_trial(study, batch_size, hyperparameters, again(number))
        for number in range(asked.seeds)
    ]
    splits = [
        make_trial(study, batch_size, hyperparameters, f"split {again(number)}", number + 1)
        for number in range(asked.splits)
    ]
    return [trial.to_json() for trial in (*seeds, *splits)]


def rerun_trials(chosen: Mapping[str, Any], arm: str, numbers: Sequence[int]) -> list[Trial]:
    """Return some reruns of one arm: none, if it has no best trial.

    Args:
        chosen: As from `choose_reruns`.
        arm: The arm, or `baseline`.
        numbers: Which of its reruns.
    """
    trials = chosen[arm]["trials"] if arm in chosen else []
    return [trial_from_json(trials[number]) for number in numbers if number < len(trials)]


def collect_reruns(
    plan: Plan, chosen: Mapping[str, Any], packs: Sequence[Path], folder: Path | None = None
) -> xr.Dataset:
    """Return the dataset of the reruns: `study.nc`'s schema, with `rerun` and `rerun_of`.

    Its arguments are those of `dataset.collect`.
    """
    rows = _rows(plan, chosen)
    return describe_reruns(collect(plan.study, rows, packs, folder), plan.study)


def reruns_so_far(plan: Plan, folder: Path) -> xr.Dataset:
    """Return the dataset of those reruns that have a result; none before they are chosen.

    Args:
        plan: The study's.
        folder: Its folder of results.
    """
    rows = _rows(plan, chosen_now(plan, folder))
    found = kept_records(folder, [row.trial for row in rows])
    there = [row for row in rows if row.trial.id in found]
    axes = axes_of(plan.study, there, found.values())
    return describe_reruns(assemble(plan.study, there, [found], axes), plan.study)


def chosen_now(plan: Plan, folder: Path) -> Mapping[str, Any]:
    """Return what is rerun, as from `choose_reruns`; nothing before that is known.

    Args:
        plan: The study's.
        folder: Its folder of results.
    """
    if StudyFiles(plan, str(folder)).is_current("reruns", CHOICE):
        with contextlib.suppress(OSError, ValueError, LookupError):
            chosen: Mapping[str, Any] = json.loads((folder / CHOICE).read_text())["arms"]
            return chosen
    return {}


def _rows(plan: Plan, chosen: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = []
    for arm, choice in chosen.items():
        for number, content in enumerate(choice["trials"]):
            trial: Trial = trial_from_json(content)
            extra: dict[str, Value] = {"rerun": number, "rerun_of": choice["rerun_of"]}
            if plan.study.spec.reruns.splits:
                extra["data_split"] = trial.data_split
            rows.append(Row(len(rows), arm, trial, {}, extra))
    return rows


def describe_reruns(dataset: xr.Dataset, study: Study) -> xr.Dataset:
    """Return a dataset of reruns, which may be none, with what tells it from `study.nc`."""
    if not dataset.sizes["trial"]:
        dataset["rerun"] = ("trial", np.empty(0, np.int64))
        dataset["rerun_of"] = ("trial", np.empty(0, dtype=object))
    dataset["rerun"].attrs["long_name"] = "number of the rerun"
    dataset["rerun_of"].attrs["long_name"] = "id of the searched trial that is rerun"
    if "data_split" in dataset:
        dataset["data_split"].attrs["long_name"] = (
            "division of the data into training and validation sets, 0 the usual one"
        )
    dataset.attrs["title"] = f"Trial variance of the study {study.name}"
    dataset.attrs["summary"] = (
        f"Reruns with fresh seeds of the best trials of the study {study.name}, and of its "
        f"baseline: {study.workload.description}"
    )
    dataset.attrs["rerun_seeds"] = study.spec.reruns.seeds
    known = study.spec.reruns.variance
    if known is not None:
        dataset.attrs["known_deviation"] = known.standard_deviation
        dataset.attrs["known_degrees"] = known.degrees_of_freedom
        dataset.attrs["known_from"] = known.study
    return dataset
