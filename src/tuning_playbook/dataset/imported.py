"""The datasets of imported trials: study.nc, reruns.nc and resources.nc.

Trials of one study share their coordinates (`shared_steps`). Objectives and best steps are found in
what was measured itself.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from tuning_playbook.dataset.best_checkpoints import checkpoint_steps, checkpoints_dataset
from tuning_playbook.dataset.collect import ROUND, assemble
from tuning_playbook.dataset.every_seed import ALSO_RERUNS
from tuning_playbook.dataset.outcome import objective_variables
from tuning_playbook.dataset.reruns import BASELINE_RERUN_OF, describe_reruns
from tuning_playbook.dataset.resources import provenance_dataset
from tuning_playbook.dataset.rows import Axes, Row
from tuning_playbook.dataset.shared_steps import nearest, shared_steps
from tuning_playbook.declarations import Value
from tuning_playbook.engine.windows import gradient_summary
from tuning_playbook.planning.list_imported import as_trial
from tuning_playbook.planning.plan import Plan
from tuning_playbook.sources.configurations import configurations
from tuning_playbook.study.early_ends import early_ends
from tuning_playbook.study.study import BASELINE, Study
from tuning_playbook.trials.imported_trial import ImportedTrial
from tuning_playbook.trials.record import EVALUATED_SPLITS, Curves, TrialRecord

CHOSEN_AMONG = "chosen_among"
"""An attribute of the reruns: among how many configurations their own means chose."""

ENDED_EARLY = "ended_early"
"""The variable that says of each trial how it ended before the longest; empty where it did not."""


def study_dataset(plan: Plan) -> xr.Dataset:
    """Return `study.nc`: each configuration once, with the first of its seeds."""
    numbers = {as_trial(plan.study, item).id: item for item in plan.study.imported}
    searched = [numbers[item.trial.id] for item in plan.trials]
    ended = early_ends(plan.study)
    in_rounds = any(trial.round is not None for trial in searched)
    rows = [
        Row(
            item.index,
            item.arm,
            item.trial,
            item.searched,
            _about(plan.study, trial, ended) | ({"round": trial.round} if in_rounds else {}),
        )
        for item, trial in zip(plan.trials, searched, strict=True)
    ]
    dataset = _dataset(plan.study, rows, numbers)
    if in_rounds:
        dataset["round"].attrs["long_name"] = ROUND
    return dataset


def reruns_dataset(plan: Plan, best: Mapping[str, str]) -> xr.Dataset:
    """Return `reruns.nc`: every configuration that was trained with several seeds.

    The seeds of an arm's best configuration, and those of the baseline, stand under their name, and
    those of any other under a name of its own. Where configurations compete, the first seed of each
    chooses among them and is none of its reruns: the best was chosen for being lucky, and the
    others may have been trained again for that. But where all have seeds enough nobody made a
    choice before them. Then all seeds are reruns, and their mean chooses; the dataset says among
    how many. An archive's searched trial is never a rerun, as it was none there. A first seed that
    is a rerun is in `study.nc` alone, and the dataset names it (`every_seed`).

    Args:
        plan: The study's.
        best: The id of the best trial of each arm that has a feasible one, by its first seed.
    """
    study = plan.study
    if study.chosen_on_all_seeds:
        best = _best_on_all_seeds(plan)
    competitors = Counter(item.arm for item in plan.trials)
    places = {item.trial.id: item for item in plan.trials}
    ended = early_ends(study)
    rows: list[Row] = []
    numbers: dict[str, ImportedTrial] = {}
    also: list[str] = []
    for trials in configurations(study.imported):
        trial = as_trial(study, trials[0])
        place = places.get(trial.id)
        if place is None:
            label, rerun_of, reruns, first = BASELINE, BASELINE_RERUN_OF, trials, 0
        elif len(trials) == 1:
            continue
        else:
            chosen = best.get(place.arm) == trial.id
            label = place.arm if chosen else f"{place.arm}: {trials[0].name}"
            rivals = competitors.total() if study.baseline else competitors[place.arm]
            archived = trials[0].trained is not None
            first_chose = archived or (rivals > 1 and not study.chosen_on_all_seeds)
            rerun_of, reruns, first = trial.id, trials[1:], 0 if first_chose else 1
            also += [] if first_chose else [trial.id]
        for number, item in enumerate(reruns, first):
            rerun = as_trial(study, item)
            numbers[rerun.id] = item
            about = _about(study, item, ended) | {"rerun": number, "rerun_of": rerun_of}
            if study.spec.reruns.splits:
                about["data_split"] = rerun.data_split
            rows.append(Row(len(rows), label, rerun, {}, about))
    dataset = describe_reruns(_dataset(study, rows, numbers), study)
    return dataset.assign_attrs(
        ({CHOSEN_AMONG: competitors.total()} if study.chosen_on_all_seeds else {})
        | ({ALSO_RERUNS: also} if also else {})
    )


def _best_on_all_seeds(plan: Plan) -> dict[str, str]:
    """Return by arm the id of the configuration with the best mean over its seeds.

    The mean of one that some seeds were infeasible of leaves those out, so that any without comes
    first. Of steps to a target it is the median, in which a seed that did not reach it is the
    worst.
    """
    study = plan.study
    seeds = {as_trial(study, trials[0]).id: trials for trials in configurations(study.imported)}
    counted = study.spec.objective.target is not None
    sign = 1.0 if counted or study.spec.objective.mode == "min" else -1.0
    ranks: dict[str, list[tuple[float, float, int, str]]] = {}
    for item in plan.trials:
        found = [_measured_best(study, trial.record) for trial in seeds[item.trial.id]]
        reached = np.array([one["objective"][1][0] for one in found])
        if counted:
            missed = np.array([bool(one["censored"][1][0]) for one in found])
            reached[missed] = study.spec.training.max_train_steps + study.spec.training.eval_every
        known = reached[np.isfinite(reached)]
        if len(known):
            level = float(np.median(known) if counted else known.mean())
            rank = (1 - len(known) / len(reached), sign * level, item.index)
            ranks.setdefault(item.arm, []).append((*rank, item.trial.id))
    return {arm: min(found)[-1] for arm, found in ranks.items()}


def resources_dataset(study: Study, trials: Iterable[str]) -> xr.Dataset:
    """Return `resources.nc`: what an archive says; of what another tool used nothing is known.

    Args:
        study: The study.
        trials: The ids of those of its trials that are in its datasets.
    """
    listed = list(trials)
    known = {as_trial(study, item).id: item.provenance for item in study.imported}
    records = [record for trial in listed if (record := known.get(trial)) is not None]
    if len(records) < len(listed):
        return xr.Dataset(coords={"trial": np.array(listed, dtype=object)})
    return provenance_dataset(listed, records)


def imported_checkpoints(plan: Plan, study: xr.Dataset) -> xr.Dataset:
    """Return `checkpoints.nc`: what an archive has of its trials' best checkpoints.

    The checkpoints themselves are not imported. Ranked by another objective than in the archive, a
    trial has another best step, of which nothing was measured.

    Args:
        plan: The study's.
        study: Its `study.nc`.
    """
    told = {as_trial(plan.study, item).id: item.best for item in plan.study.imported}
    trials = [str(trial) for trial in study["trial"].to_numpy()]
    steps = checkpoint_steps(study).tolist()
    bests = [
        best if (best := told[trial]) is not None and best.step == step else None
        for trial, step in zip(trials, steps, strict=True)
    ]
    return checkpoints_dataset(plan.study, trials, bests, [False] * len(trials))


def _about(study: Study, trial: ImportedTrial, ended: Mapping[str, str]) -> dict[str, Value | None]:
    about: dict[str, Value | None] = {"source_trial": trial.name}
    if ended:
        about[ENDED_EARLY] = ended.get(trial.name, "")
    if any(item.study for item in study.imported):
        about["source_study"] = trial.study
    return about


def _dataset(study: Study, rows: Sequence[Row], numbers: Mapping[str, ImportedTrial]) -> xr.Dataset:
    axes = Axes(
        shared_steps([item.record.evaluations for item in study.imported]),
        shared_steps([item.record.logged for item in study.imported]),
        EVALUATED_SPLITS,
    )
    records = {
        row.trial.id: _onshared_steps(study, row.trial.fingerprint, numbers[row.trial.id], axes)
        for row in rows
    }
    dataset = assemble(study, rows, [records], axes)
    exact = []
    for row, status in zip(rows, dataset["status"].to_numpy(), strict=True):
        record = numbers[row.trial.id].record
        feasible = status == "completed"
        exact.append(
            _measured_best(study, record if feasible else replace(record, status="failed"))
        )
    for place, found in enumerate(exact):
        for name, (_, values, _) in found.items():
            dataset[name].values[place] = values[0]
    if not any(row.trial.batch_size for row in rows):
        dataset = dataset.drop_vars("hp_batch_size", errors="ignore")
    if "source_trial" in dataset:
        dataset["source_trial"].attrs["long_name"] = "the trial's name in its source"
    if ENDED_EARLY in dataset:
        dataset[ENDED_EARLY].attrs["long_name"] = "how the trial ended before the longest"
    if "source_study" in dataset:
        dataset["source_study"].attrs["long_name"] = "which study of its source trained the trial"
    named = "training steps before the evaluation; the nearest of a trial's own where they differ"
    dataset["eval_step"].attrs["long_name"] = named
    dataset.attrs |= {
        "source": study.workload.description,
        "history": study.workload.description,
        "max_train_steps": study.spec.training.max_train_steps,
    }
    if study.spec.objective.target is not None:
        dataset["objective"].attrs["valid_max"] = float(study.spec.training.max_train_steps)
    return dataset


def _at(curves: Curves, name: str, places: np.ndarray) -> np.ndarray:
    values = np.append(np.array(curves.values.get(name, ()), np.float64), np.nan)
    known = (places >= 0) & (places < len(values) - 1)
    return np.asarray(values[np.where(known, places, -1)])


def _onshared_steps(
    study: Study, fingerprint: str, trial: ImportedTrial, axes: Axes
) -> TrialRecord:
    """Return the record of a trial as it would be if it had been measured at the shared steps."""
    record = trial.record
    evaluated = nearest(record.evaluations, axes.eval_step)
    logged = nearest(record.logged, axes.train_step)
    names = {name for item in study.imported for name in item.record.logged.values}
    norms = np.array(record.logged.values.get("grad_norm", ()), np.float64)
    return replace(
        record,
        fingerprint=fingerprint,
        evaluations=Curves(
            axes.eval_step,
            {
                f"{split}/{name}": _at(record.evaluations, f"{split}/{name}", evaluated)
                for name in study.workload.metrics
                for split in axes.split
            },
        ),
        logged=Curves(
            axes.train_step,
            {name: _at(record.logged, name, logged) for name in sorted(names | {"train_loss"})},
        ),
        gradient=record.gradient or gradient_summary(norms, 0.0),
    )


def _measured_best(
    study: Study, record: TrialRecord
) -> dict[str, tuple[object, np.ndarray, object]]:
    """Return the objective of a trial and its best steps, of all that was measured."""
    objective = study.spec.objective
    split, _, name = objective.metric.partition("/")
    evaluations = record.evaluations
    known = len(evaluations.steps) > 0
    steps = np.array(evaluations.steps if known else (0,), np.int64)
    values = np.array(evaluations.values.get(objective.metric, (np.nan,)), np.float64)
    found: dict[str, tuple[object, np.ndarray, object]] = objective_variables(
        {name: values[None, :, None]},
        Axes(steps, np.empty(0), (split,)),
        [record],
        objective.metric,
        objective.mode,
        study.spec.training.keep_best,
        objective.target,
    )
    return found
