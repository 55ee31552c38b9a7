"""Collect pack files into one dataset: `study.nc`, and `reruns.nc` likewise.

Arrays are allocated once and filled pack by pack, which is far quicker than joining datasets.
"""

import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from ruamel.yaml import YAML

from tuning_playbook.dataset.discovery import discovery_attributes
from tuning_playbook.dataset.feasibility import with_those_that_got_nowhere
from tuning_playbook.dataset.hyperparameters import hyperparameter_variables
from tuning_playbook.dataset.kept import kept_records
from tuning_playbook.dataset.outcome import (
    collapse_variables,
    gradient_variables,
    objective_variables,
    status_variables,
)
from tuning_playbook.dataset.own_steps import all_steps, places_in
from tuning_playbook.dataset.rows import Axes, Row
from tuning_playbook.engine.windows import NORM_EDGES, evaluation_steps, window_ends
from tuning_playbook.errors import ArtefactError
from tuning_playbook.files import FORMAT, atomic
from tuning_playbook.planning.plan import DATASET_KEYS, Plan
from tuning_playbook.search.joint import period
from tuning_playbook.study.conditions import parts_of
from tuning_playbook.study.study import Study
from tuning_playbook.trials.pack_file import read_pack
from tuning_playbook.trials.record import EVALUATED_SPLITS, NO_CURVES, TrialRecord
from tuning_playbook.trials.trial import pack_id
from tuning_playbook.trials.trial_files import matches_trial_json, remove_own_numbers
from tuning_playbook.trials.trial_json import HASHED_FORMATS, read_trial_json

ROUND = "round that proposed the trial, 0 for the initial ones"
"""What the variable `round` of a Bayesian search means."""

SERIES_NAMES = {
    "train_loss": "training loss, mean over the window",
    "grad_norm": "unclipped global L2 norm of the gradient, mean over the window",
    "grad_norm_max": "unclipped global L2 norm of the gradient, maximum over the window",
    "update_norm": "global L2 norm of the update, mean over the window",
    "learning_rate_t": "learning rate, mean over the window",
}


def collect_study(
    plan: Plan,
    packs: Iterable[Path],
    *,
    folder: Path | None = None,
    incomplete: bool = False,
) -> xr.Dataset:
    """Return the dataset of a study's trials, those included that its rounds proposed.

    Args:
        plan: The study's.
        packs: The pack files that there are.
        folder: The study's folder of results, see `collect`.
        incomplete: Whether trials may be missing. Those without a pack are read from the folder,
            and those that are not there either are left out: the dataset's attributes `complete`,
            `trials_planned` and `missing_trials` say so.

    Raises:
        ArtefactError: A trial is in no pack file, or has other numbers there than its own record
            says; or there is none at all.
    """
    rounds = [{"round": item.round} if plan.rounds else {} for item in plan.trials]
    rows = [
        Row(item.index, item.arm, item.trial, item.searched, extra)
        for item, extra in zip(plan.trials, rounds, strict=True)
    ]
    if incomplete and folder:
        dataset = _collect_there(plan, rows, packs, folder)
    else:
        dataset = collect(plan.study, rows, packs, folder)
    if plan.rounds:
        dataset["round"].attrs["long_name"] = ROUND
    return dataset


def _collect_there(
    plan: Plan, rows: Sequence[Row], packs: Iterable[Path], folder: Path
) -> xr.Dataset:
    """Return the dataset of those trials that there are, which says that it is incomplete."""
    found: dict[str, TrialRecord] = {}
    for records in _read_packs(packs, {row.trial.id for row in rows}, folder):
        found |= records
    found |= kept_records(folder, [row.trial for row in rows if row.trial.id not in found])
    there = [row for row in rows if row.trial.id in found]
    if not there:
        raise ArtefactError(
            f"{folder}: no trial of the study has a result yet, so there is nothing to collect"
        )
    dataset = assemble(plan.study, there, [found], axes_of(plan.study, there, found.values()))
    planned = sum(plan.trials_per_arm.values())
    if len(there) == planned:
        return dataset
    missing = [row.trial.id for row in rows if row.trial.id not in found]
    count = f"{len(there)} of {planned} trials"
    return dataset.assign_attrs(
        title=f"{dataset.attrs['title']} (incomplete: {count})",
        summary=f"{count} of the study {plan.study.name}: {plan.study.workload.description}",
        complete=0,
        trials_planned=planned,
        missing_trials=" ".join(missing),
    )


def collect(
    study: Study,
    rows: Sequence[Row],
    packs: Iterable[Path],
    folder: Path | None = None,
    *,
    judged: bool = True,
) -> xr.Dataset:
    """Return the dataset of the trials in `rows`, whose numbers are in the pack files.

    Args:
        study: The study.
        rows: Its trials in their order.
        packs: The pack files.
        folder: The study's folder of results. Each trial's numbers are held against the hash that
            its trial.json there keeps; None where there are no such files.
        judged: Whether trials that never got anywhere are infeasible.

    Raises:
        ArtefactError: A trial is in no pack file, or has other numbers there than its own record
            says.
    """
    listed = list(packs)
    wanted = {row.trial.id for row in rows}
    try:
        records: Iterable[dict[str, TrialRecord]] = _read_packs(listed, wanted, folder)
        if study.workload.is_command:  # at which steps it measured, its records alone tell
            listed_records = [pack.items() for pack in records]
            found = {name: one for pack in listed_records for name, one in pack if name in wanted}
            records = [found]
        else:
            found = {}
        axes = axes_of(study, rows, found.values())
        return assemble(study, rows, records, axes, judged=judged)
    except MissingTrialError as error:
        if wrong := next(filter(_holds_others, listed), None):
            raise ArtefactError(
                f"{wrong}: it holds other trials than those of its name; remove it and run "
                "snakemake again: finished trials are kept"
            ) from None
        files = ", ".join(map(str, listed[:3])) + (", ..." if listed[3:] else "")
        raise ArtefactError(
            f"{error} ({files or 'there are none'}); remove the one that should hold it, or all, "
            "and run snakemake again: finished trials are kept"
        ) from None


def _read_packs(
    packs: Iterable[Path], wanted: Set[str], folder: Path | None
) -> Iterator[dict[str, TrialRecord]]:
    """Yield the records of each pack file, those of trials that are wanted checked."""
    for path in packs:
        records = read_pack(path)
        if folder is not None:
            for name in records.keys() & wanted:
                _check_told(folder / "trials" / name, records[name], path)
        yield records


def _holds_others(pack: Path) -> bool:
    """Whether a pack that is named by its trials holds others."""
    return pack.parent.name == "packs" and pack_id(sorted(read_pack(pack))) != pack.stem


def _check_told(trial: Path, record: TrialRecord, pack: Path) -> None:
    content = read_trial_json(trial) if (trial / "trial.json").exists() else {}
    # A record of another version keeps no such hash.
    if content.get("format") in HASHED_FORMATS and not matches_trial_json(record, content):
        raise ArtefactError(
            f"{pack}: trial {trial.name} has other numbers there than its trial.json says; remove "
            "the file and run snakemake again: finished trials are kept"
        )


class MissingTrialError(ArtefactError):
    """A trial is in none of the packs that should hold it."""


def assemble(
    study: Study,
    rows: Sequence[Row],
    packs: Iterable[Mapping[str, TrialRecord]],
    axes: Axes,
    *,
    judged: bool = True,
) -> xr.Dataset:
    """Return the dataset of the trials in `rows`.

    Args:
        study: The study.
        rows: Its trials in their order.
        packs: The records of these trials, and maybe of others, by id.
        axes: The dataset's coordinates.
        judged: As in `collect`.

    Raises:
        MissingTrialError: A trial is in no pack, or is there under another fingerprint.
    """
    objective = study.spec.objective
    place = {row.trial.id: number for number, row in enumerate(rows)}
    metrics: dict[str, np.ndarray] = {}
    series: dict[str, np.ndarray] = {}
    found: list[TrialRecord | None] = [None] * len(rows)
    shape = (len(rows), len(axes.eval_step), len(axes.split))
    for records in packs:
        for trial_id, record in records.items():
            if trial_id not in place:
                continue
            number = place[trial_id]
            # Its curves are copied below, and a large study's would not fit in memory twice.
            found[number] = replace(record, evaluations=NO_CURVES, logged=NO_CURVES)
            kept, at = places_in(record.evaluations.steps, axes.eval_step)
            for column, values in record.evaluations.values.items():
                split, _, name = column.partition("/")
                if name not in metrics:
                    # As precise as it was measured: the objective is compared with its curve.
                    metrics[name] = np.full(shape, np.nan, np.asarray(values).dtype)
                measured = np.asarray(values)[kept]
                metrics[name][number, at, axes.split.index(split)] = measured
            for name, values in record.logged.values.items():
                if name not in series:
                    series[name] = np.full((len(rows), len(axes.train_step)), np.nan, np.float32)
                logged = values[: len(axes.train_step)]
                series[name][number, : len(logged)] = logged
    present = _check(rows, found)
    if judged:
        present = with_those_that_got_nowhere(
            present, metrics, axes, objective.metric, objective.mode
        )
    dataset = xr.Dataset(
        {
            name: (("trial", "eval_step", "split"), array, _metric_attributes(study, name))
            for name, array in metrics.items()
        }
        | {
            name: (("trial", "train_step"), array, {"long_name": SERIES_NAMES[name]})
            for name, array in series.items()
        }
        | objective_variables(
            metrics,
            axes,
            present,
            objective.metric,
            objective.mode,
            study.spec.training.keep_best,
            objective.target,
        )
        | collapse_variables(metrics, axes, present, objective.metric, objective.mode)
        | gradient_variables(present)
        | status_variables(rows, present)
        | hyperparameter_variables(study, rows),
        coords={
            "trial": (
                "trial",
                np.array([row.trial.id for row in rows], dtype=object),
                {"long_name": "trial id: the first digits of its fingerprint"},
            ),
            "eval_step": (
                "eval_step",
                axes.eval_step,
                {"long_name": "training steps before the evaluation", "units": "step"},
            ),
            "split": (
                "split",
                np.array(axes.split, dtype=object),
                {"long_name": "split of the data"},
            ),
            "train_step": (
                "train_step",
                axes.train_step,
                {"long_name": "last step of the window", "units": "step"},
            ),
            "grad_norm_bin": (
                "grad_norm_bin",
                NORM_EDGES[:-1],
                {"long_name": "lower edge of the bin; there are eight for each decade"},
            ),
            "rank": (
                "rank",
                np.arange(study.spec.training.keep_best, dtype=np.int64),
                {"long_name": "rank among the best evaluations, 0 the best"},
            ),
        },
        attrs=_attributes(study, rows, axes),
    )
    valid = _valid(study, objective.metric.partition("/")[2])
    if objective.target is not None:
        dataset["best_value"].attrs |= valid
        valid = {"valid_min": 0.0, "valid_max": float(dataset.attrs["max_train_steps"])}
    dataset["objective"].attrs |= valid
    return dataset


def write_dataset(path: Path, dataset: xr.Dataset) -> None:
    """Write a dataset, whole or not at all; the same one gives the same bytes."""
    with atomic(path) as temporary:
        dataset.assign_attrs(format=FORMAT).to_netcdf(temporary, engine="netcdf4")


def keep_dataset(path: Path, dataset: xr.Dataset) -> None:
    """Write a dataset of trials into their study's folder; they need no numbers of their own then.

    Args:
        path: The file.
        dataset: What was collected from the packs of the study.
    """
    write_dataset(path, dataset)
    remove_own_numbers(path.parent, map(str, dataset["trial"].to_numpy()))


def _check(rows: Sequence[Row], found: Sequence[TrialRecord | None]) -> list[TrialRecord]:
    present = []
    for row, record in zip(rows, found, strict=True):
        if record is None or record.fingerprint != row.trial.fingerprint:
            raise MissingTrialError(
                f"trial {row.trial.id} (index {row.index}) is in none of the pack files"
            )
        present.append(record)
    return present


def axes_of(study: Study, rows: Sequence[Row], records: Iterable[TrialRecord]) -> Axes:
    """Return the coordinates of a dataset: those of its longest trial.

    Args:
        study: The study.
        rows: The trials of the dataset.
        records: Theirs, where a command trained them: it measures at steps of its own.
    """
    training = study.spec.training
    longest = max((row.trial for row in rows), key=lambda t: t.max_train_steps, default=None)
    steps = longest.max_train_steps if longest else training.max_train_steps
    evaluations = np.arange(0, steps + 1, training.eval_every, dtype=np.int64)
    if longest:
        evaluations = evaluation_steps(longest)
        if study.workload.is_command:
            evaluations = all_steps(records, longest)
    return Axes(evaluations, window_ends(steps, training.eval_every), EVALUATED_SPLITS)


def _metric_attributes(study: Study, name: str) -> dict[str, str | float]:
    metric = study.workload.metrics[name]
    units = {"units": metric.units} if metric.units else {}
    return {"long_name": metric.description} | units | _valid(study, name)


def _valid(study: Study, name: str) -> dict[str, float]:
    """Return what a metric can be, as the spec says of the objective's or the workload declares."""
    objective, metric = study.spec.objective, study.workload.metrics[name]
    if objective.range is not None and objective.metric.partition("/")[2] == name:
        low, high = objective.range
        metric = replace(
            metric,
            low=-math.inf if low is None else low,
            high=math.inf if high is None else high,
        )
    return metric.valid


def _attributes(study: Study, rows: Sequence[Row], axes: Axes) -> dict[str, Any]:
    """Return the global attributes: those of ACDD, and what analysis needs.

    Of the spec only what decides the dataset is among them: a word changed in the goal must not
    make it another one. The whole spec is in the report.
    """
    spec = study.spec.model_dump(mode="json", include=set(DATASET_KEYS), exclude_none=True)
    text = io.StringIO()
    YAML(typ="safe", pure=True).dump(spec, text)
    training, objective = study.spec.training, study.spec.objective
    taken = json.dumps([item.to_json() for item in study.taken])
    engine = {"engine": "command"} if study.workload.is_command else {}
    origin: dict[str, Any] = {"taken_from_earlier_studies": taken} if study.taken else {}
    if study.spec.design == "joint":
        parts = parts_of(study.spec)
        origin["arm_shares"] = [1 / period(parts, arm.scientific) for arm in study.arms]
    described = discovery_attributes(
        study.name,
        title=f"Hyperparameter study {study.name} of the workload {study.workload.name}",
        summary=f"Every trial of the study {study.name}: {study.workload.description}",
        keywords=(study.workload.name, *study.spec.scientific),
        trials=[row.trial.fingerprint for row in rows],
        history="collected from the pack files of the study's training jobs",
    )
    return (
        described
        | origin
        | engine
        | {
            "spec": text.getvalue(),
            "study": study.name,
            "workload": study.workload.name,
            "objective_metric": objective.metric,
            "objective_mode": objective.mode,
            **({} if objective.target is None else {"objective_target": float(objective.target)}),
            "max_train_steps": max(
                (row.trial.max_train_steps for row in rows), default=training.max_train_steps
            ),
            "eval_every": training.eval_every,
            "arms": [arm.name for arm in study.arms],
            "arm_settings": json.dumps([dict(arm.scientific) for arm in study.arms]),
        }
    )
