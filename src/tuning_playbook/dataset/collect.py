"""Collect pack files into one dataset: `study.nc`, and `reruns.nc` likewise.

Arrays are allocated once and filled pack by pack, which is far quicker than joining datasets.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from ruamel.yaml import YAML

import tuning_playbook
from tuning_playbook.dataset.pack import Axes, PackedTrial, read_packs
from tuning_playbook.dataset.searched import Searched, to_attributes
from tuning_playbook.errors import ArtefactError
from tuning_playbook.files import atomic
from tuning_playbook.search.fingerprint import Trial
from tuning_playbook.search.plan import DATASET_KEYS
from tuning_playbook.spec.declarations import Value
from tuning_playbook.spec.study import Study
from tuning_playbook.training.records import EVALUATED_SPLITS
from tuning_playbook.training.windows import NORM_EDGES, window_ends

SERIES_NAMES = {
    "train_loss": "training loss, mean over the window",
    "grad_norm": "unclipped global L2 norm of the gradient, mean over the window",
    "grad_norm_max": "unclipped global L2 norm of the gradient, maximum over the window",
    "update_norm": "global L2 norm of the update, mean over the window",
    "learning_rate_t": "learning rate, mean over the window",
}


@dataclass(frozen=True)
class Row:
    """A trial at its place in a dataset.

    Attributes:
        index: Its place.
        arm: The name of its arm.
        trial: What was trained.
        searched: The searched values, by their names in the spec.
        extra: Further variables: name to value.
    """

    index: int
    arm: str
    trial: Trial
    searched: Mapping[str, Value]
    extra: Mapping[str, Value] = field(default_factory=dict)


def collect(study: Study, rows: Sequence[Row], packs: Iterable[Path]) -> xr.Dataset:
    """Return the dataset of the trials in `rows`, whose numbers are in the pack files.

    Raises:
        ArtefactError: A trial is in no pack file, or is there under another fingerprint.
    """
    objective = study.spec.objective
    place = {row.trial.id: number for number, row in enumerate(rows)}
    axes = axes_of(study, rows)
    metrics: dict[str, np.ndarray] = {}
    series: dict[str, np.ndarray] = {}
    found: list[PackedTrial | None] = [None] * len(rows)
    for _, trials in read_packs(packs):
        for trial_id, packed in trials.items():
            if trial_id not in place:
                continue
            number = place[trial_id]
            found[number] = packed
            for store, values, size in (
                (metrics, packed.metrics, len(axes.eval_step)),
                (series, packed.series, len(axes.train_step)),
            ):
                for name, array in values.items():
                    if name not in store:
                        shape = (len(rows), size, *array.shape[1:])
                        store[name] = np.full(shape, np.nan, np.float32)
                    kept = array[:size]  # a pack is as long as its longest trial, asked for or not
                    store[name][number, : len(kept)] = kept
    present = _check(rows, found)
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
        )
        | _gradient_variables(present)
        | _whole_variables(study, present)
        | _status_variables(rows, present)
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
        attrs=_attributes(study, axes),
    )
    return dataset


def write_dataset(path: Path, dataset: xr.Dataset) -> None:
    """Write a dataset, whole or not at all; the same one gives the same bytes."""
    with atomic(path) as temporary:
        dataset.to_netcdf(temporary, engine="netcdf4")


def objective_variables(
    metrics: Mapping[str, np.ndarray],
    axes: Axes,
    trials: Sequence[PackedTrial],
    metric: str,
    mode: str,
    keep_best: int,
) -> dict[str, Any]:
    """Return the objective of each trial and the steps at which its best values were reached.

    The best value over training is found retrospectively; of equal values the earlier counts. An
    infeasible trial has none.
    """
    split, _, name = metric.partition("/")
    values = np.full((len(trials), len(axes.eval_step)), np.nan)
    if trials:
        values = metrics[name][:, :, axes.split.index(split)].astype(np.float64)
    values[[trial.status != "completed" for trial in trials]] = np.nan
    values[~np.isfinite(values)] = np.nan  # as training, which keeps no checkpoint of those
    cost = np.where(np.isnan(values), np.inf, -values if mode == "max" else values)
    order = np.argsort(cost, axis=1, kind="stable")[:, :keep_best]
    finite = np.isfinite(np.take_along_axis(cost, order, axis=1))
    steps = np.where(finite, np.asarray(axes.eval_step)[order], -1)
    padding = ((0, 0), (0, keep_best - steps.shape[1]))
    steps = np.pad(steps, padding, constant_values=-1).astype(np.int64)
    best = values[np.arange(len(trials)), order[:, 0]] if trials else np.empty(0)
    units = {"long_name": f"best {metric} over training ({mode})"}
    return {
        "objective": ("trial", best, units),
        "best_step": (
            "trial",
            steps[:, 0],
            {"long_name": "step at which the objective was reached", "units": "step"},
        ),
        "best_steps": (
            ("trial", "rank"),
            steps,
            {"long_name": "steps of the best evaluations", "units": "step"},
        ),
    }


def hyperparameter_variables(study: Study, rows: Sequence[Row]) -> dict[str, Any]:
    """Return `hp_<name>` for every hyperparameter of any trial."""
    searched: dict[str, list[Searched]] = {}
    for item in searched_of(study):
        searched.setdefault(item.name, []).append(item)
    values: dict[str, list[Value | None]] = {}
    for number, row in enumerate(rows):
        given = {**row.trial.hyperparameters, "batch_size": row.trial.batch_size, **row.searched}
        for name, value in given.items():
            values.setdefault(name, [None] * len(rows))[number] = value
    targets = {item.hyperparameter.name: item.name for arm in study.arms for item in arm.dimensions}
    variables = {}
    for name in sorted(values):
        attributes: dict[str, Any] = {"long_name": _description(study, name)}
        if name in searched:
            attributes |= to_attributes(searched[name])
        elif name in study.spec.scientific:
            attributes["role"] = "scientific"
        elif name in targets:
            attributes |= {"role": "nuisance", "set_by": targets[name]}
        else:
            attributes["role"] = "fixed"
        variables[f"hp_{name}"] = ("trial", _column(values[name]), attributes)
    return variables


def searched_of(study: Study) -> tuple[Searched, ...]:
    """Return the searched hyperparameters of a study, each with the arms that it is in."""
    found: dict[tuple[str, str], Searched] = {}
    for arm in study.arms:
        for item in arm.dimensions:
            key = (item.name, item.condition)
            arms = (*found[key].arms, arm.name) if key in found else (arm.name,)
            distribution = item.distribution
            found[key] = Searched(
                name=item.name,
                condition=item.condition,
                arms=arms,
                role="nuisance",
                distribution=distribution.kind if distribution else "list",
                low=distribution.low if distribution else np.nan,
                high=distribution.high if distribution else np.nan,
                scale=distribution.scale if distribution else _listed_scale(item.hyperparameter),
                choices=distribution.choices if distribution else (),
            )
    return tuple(found.values())


def _listed_scale(hyperparameter: Any) -> str:
    numeric = isinstance(hyperparameter.default, int | float)
    return "linear" if numeric and not isinstance(hyperparameter.default, bool) else "categorical"


def _check(rows: Sequence[Row], found: Sequence[PackedTrial | None]) -> list[PackedTrial]:
    present = []
    for row, packed in zip(rows, found, strict=True):
        if packed is None or packed.fingerprint != row.trial.fingerprint:
            raise ArtefactError(
                f"trial {row.trial.id} (index {row.index}) is in none of the pack files; "
                "run snakemake again"
            )
        present.append(packed)
    return present


def _status_variables(rows: Sequence[Row], trials: Sequence[PackedTrial]) -> dict[str, Any]:
    def texts(values: Iterable[str]) -> np.ndarray:
        return np.array(list(values), dtype=object)

    variables: dict[str, Any] = {
        "status": (
            "trial",
            texts(trial.status for trial in trials),
            {"long_name": "how the trial ended: completed, diverged or failed"},
        ),
        "infeasible_reason": (
            "trial",
            texts(trial.reason for trial in trials),
            {"long_name": "why the trial is infeasible"},
        ),
        "index": (
            "trial",
            np.array([row.index for row in rows], np.int64),
            {"long_name": "place in the study"},
        ),
        "arm": (
            "trial",
            texts(row.arm for row in rows),
            {"long_name": "setting of the scientific hyperparameters"},
        ),
        "seed": (
            "trial",
            np.array([row.trial.seed for row in rows], np.int64),
            {"long_name": "seed of every draw"},
        ),
        "fingerprint": (
            "trial",
            texts(row.trial.fingerprint for row in rows),
            {"long_name": "SHA-256 of everything that decides the numbers"},
        ),
    }
    for name in rows[0].extra if rows else ():
        column = [row.extra[name] for row in rows]
        variables[name] = ("trial", _column(column))
    return variables


def _column(values: Sequence[Value | None]) -> np.ndarray:
    """Return values as an array: numbers with NaN, or texts with "", where there is none."""
    given = [value for value in values if value is not None]
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in given)
    if whole and len(given) == len(values):
        return np.array(values, np.int64)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in given):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    texts = ["" if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in values]
    return np.array(texts, dtype=object)


def axes_of(study: Study, rows: Sequence[Row]) -> Axes:
    """Return the coordinates of a dataset: those of its longest trial."""
    training = study.spec.training
    longest = max((row.trial for row in rows), key=lambda t: t.max_train_steps, default=None)
    steps = longest.max_train_steps if longest else training.max_train_steps
    evaluations = longest.eval_steps if longest else range(0, steps + 1, training.eval_every)
    return Axes(
        np.array(evaluations, np.int64), window_ends(steps, training.eval_every), EVALUATED_SPLITS
    )


def _whole_variables(study: Study, trials: Sequence[PackedTrial]) -> dict[str, Any]:
    """Return what is known of the best checkpoints on the whole validation split."""
    variables: dict[str, Any] = {}
    if study.spec.training.validation_sample:
        for name, metric in study.workload.metrics.items():
            values = np.array([trial.whole[name] for trial in trials], np.float64)
            where = "at the best step, on the whole validation split"
            variables[f"whole_{name}"] = (
                "trial",
                values,
                {"long_name": f"{metric.description}, {where}"},
            )
    classes = max((len(trial.class_right) for trial in trials), default=0)
    if classes:
        for name, what in (("class_right", "right predictions"), ("class_examples", "examples")):
            counts = np.zeros((len(trials), classes), np.int64)
            for row, trial in enumerate(trials):
                found = getattr(trial, name)
                counts[row, : len(found)] = found
            variables[name] = (
                ("trial", "class"),
                counts,
                {"long_name": f"{what} of each class in the validation split, at the best step"},
            )
    return variables


def _gradient_variables(trials: Sequence[PackedTrial]) -> dict[str, Any]:
    counts = [trial.gradient.counts for trial in trials] or np.empty((0, len(NORM_EDGES) - 1))
    return {
        "grad_norm_count": (
            ("trial", "grad_norm_bin"),
            np.array(counts, np.int64),
            {"long_name": "steps whose unclipped gradient norm lies in the bin"},
        ),
        "grad_norm_p90": (
            "trial",
            np.array([trial.gradient.p90 for trial in trials], np.float64),
            {"long_name": "90th percentile of the unclipped gradient norms"},
        ),
        "clipped_share": (
            "trial",
            np.array([trial.gradient.clipped_share for trial in trials], np.float64),
            {"long_name": "share of steps whose gradient was clipped", "units": "1"},
        ),
    }


def _metric_attributes(study: Study, name: str) -> dict[str, str]:
    metric = study.workload.metrics[name]
    attributes = {"long_name": metric.description}
    return attributes | {"units": metric.units} if metric.units else attributes


def _description(study: Study, name: str) -> str:
    for arm in study.arms:
        for item in arm.dimensions:
            if name == item.name != item.hyperparameter.name:
                return f"1 - {item.hyperparameter.name}: {item.hyperparameter.description}"
    declared = study.hyperparameters.get(name)
    return declared.description if declared else "examples a step"


def _attributes(study: Study, axes: Axes) -> dict[str, Any]:
    """Return the global attributes: ACDD's, and what analysis needs.

    Of the spec only what decides the dataset is among them: a word changed in the goal must not
    make it another one. The whole spec is in the report.
    """
    spec = study.spec.model_dump(mode="json", include=set(DATASET_KEYS), exclude_none=True)
    text = io.StringIO()
    YAML(typ="safe", pure=True).dump(spec, text)
    training, objective = study.spec.training, study.spec.objective
    return {
        "Conventions": "ACDD-1.3",
        "title": f"Hyperparameter study {study.name} of the workload {study.workload.name}",
        "summary": f"Every trial of the study {study.name}: {study.workload.description}",
        "source": f"trained by tuning_playbook {tuning_playbook.__version__}",
        "history": "collected from the pack files of the study's training jobs",
        "spec": text.getvalue(),
        "study": study.name,
        "workload": study.workload.name,
        "objective_metric": objective.metric,
        "objective_mode": objective.mode,
        "max_train_steps": int(axes.eval_step[-1]),
        "eval_every": training.eval_every,
        "batch_size": study.arms[0].batch_size,
        "arms": [arm.name for arm in study.arms],
    }
