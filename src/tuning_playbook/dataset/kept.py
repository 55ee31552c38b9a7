"""The records of trials that are finished: their own, those of their packs, those of the datasets.

The numbers of a trial stand in its folder until they are collected, then in its pack and in a
dataset of the study. So a pack that is lost, or that Snakemake removes before it makes it again, is
made of the dataset. Whatever holds them, they are those whose hash the trial's trial.json keeps.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from tuning_playbook.dataset.feasibility import as_trained
from tuning_playbook.dataset.own_steps import measured_alone
from tuning_playbook.engine.windows import evaluation_steps, window_ends
from tuning_playbook.errors import ArtefactError
from tuning_playbook.study.workload_description import is_command
from tuning_playbook.trials.pack_file import read_pack, write_numbers
from tuning_playbook.trials.record import Curves, GradientSummary, TrialRecord
from tuning_playbook.trials.trial import Trial, trial_from_json
from tuning_playbook.trials.trial_files import (
    NUMBERS,
    best_is_damaged,
    current_trial_json,
    matches_trial_json,
    own_record,
    trial_folder,
)
from tuning_playbook.trials.trial_json import read_trial_json

logger = logging.getLogger(__name__)

Found = TypeVar("Found")

DATASETS = ("study.nc", "reruns.nc", "replicates.nc", "set_back.nc")

SERIES = ("train_loss", "grad_norm", "grad_norm_max", "update_norm", "learning_rate_t")


def kept_records(study: Path, trials: Iterable[Trial]) -> dict[str, TrialRecord]:
    """Return the records of those trials that are finished, by id.

    A trial that failed is not finished: another machine may have the memory that it lacked. Nor is
    one whose best checkpoint is damaged, or whose numbers are nowhere what its trial.json says.

    Args:
        study: The study's folder of results.
        trials: The trials in question.
    """
    told: dict[str, tuple[Trial, dict[str, Any]]] = {}
    for trial in trials:
        content = current_trial_json(study, trial)
        if content is None or content.get("status") == "failed":
            continue
        if not best_is_damaged(trial_folder(study, trial)):
            told[trial.id] = (trial, content)
    found: dict[str, TrialRecord] = {}
    packs: dict[str, Mapping[str, TrialRecord]] = {}
    for name, (trial, content) in told.items():
        record = own_record(study, trial)
        if (record is None or not matches_trial_json(record, content)) and (
            pack := content.get("pack")
        ):
            if pack not in packs:
                packs[pack] = _read_if_there(study / pack)
            record = packs[pack].get(name)
        if record is not None and matches_trial_json(record, content):
            found[name] = record
    missing = {name: trial for name, (trial, _) in told.items() if name not in found}
    restored = _in_datasets(study, missing) if missing else {}
    for name in missing:
        record = restored.get(name)
        if record is not None and matches_trial_json(record, told[name][1]):
            found[name] = record
        else:
            logger.warning("the numbers of %s are nowhere what its trial.json says", name)
    return {name: found[name] for name in told if name in found}


def give_numbers_back(study: Path, names: Iterable[str]) -> None:
    """Give finished trials their own numbers back, from their packs and the datasets.

    Args:
        study: The study's folder of results.
        names: The ids of the trials in question.
    """
    trials = []
    for name in sorted(names):
        folder = study / "trials" / name
        try:
            content = read_trial_json(folder)
        except ArtefactError:
            continue
        if not (folder / NUMBERS).exists():
            trials.append(trial_from_json(content["trial"]))
    for name, record in kept_records(study, trials).items():
        write_numbers(study / "trials" / name / NUMBERS, {name: record})


def keep_chosen(study: Path, packs: str, dataset: str) -> None:
    """Give the trials that were chosen last their own numbers back, before others are chosen.

    The packs of reruns and rounds are named by their place: after another choice Snakemake removes
    them, and in the end the dataset, and neither is made again with the trials that gave way.

    Args:
        study: The study's folder of results.
        packs: The folder of their packs, in that folder.
        dataset: The dataset that they are collected into, there too.
    """
    chosen = {name for path in (study / packs).glob("*.nc") for name in _read_if_there(path)}
    chosen |= _collected_from(study, packs, dataset)
    give_numbers_back(study, chosen)


def _collected_from(study: Path, packs: str, dataset: str) -> set[str]:
    """Return the ids of the trials in a dataset whose pack is, or was, in some folder."""
    collected: list[str] = _read_dataset(
        study / dataset, lambda found: list(map(str, found["trial"].to_numpy())), []
    )
    chosen = set()
    for name in collected:
        try:
            pack = read_trial_json(study / "trials" / name).get("pack", "")
        except ArtefactError:
            continue
        if pack.startswith(f"{packs}/"):
            chosen.add(name)
    return chosen


def _read_if_there(path: Path) -> Mapping[str, TrialRecord]:
    try:
        return read_pack(path) if path.exists() else {}
    except ArtefactError as error:
        logger.warning("%s", error)
        return {}


def _in_datasets(study: Path, wanted: Mapping[str, Trial]) -> dict[str, TrialRecord]:
    """Return the records of trials that stand in a dataset of their study."""
    found: dict[str, TrialRecord] = {}
    nothing: dict[str, TrialRecord] = {}
    for name in DATASETS:
        found |= _read_dataset(study / name, lambda dataset: _records(dataset, wanted), nothing)
    return found


def _read_dataset(path: Path, read: Callable[[Any], Found], empty: Found) -> Found:
    """Return what is read of a dataset; `empty` where there is none that can be read."""
    import xarray as xr  # noqa: PLC0415 - slow to import, and few jobs need it

    try:
        with xr.open_dataset(path) as dataset:
            return read(dataset)
    except FileNotFoundError:
        return empty
    except (OSError, ValueError, LookupError, RuntimeError) as error:
        logger.warning("%s: it cannot be read (%s)", path, error)
        return empty


def _records(dataset: Any, wanted: Mapping[str, Trial]) -> dict[str, TrialRecord]:
    places = {str(trial): place for place, trial in enumerate(dataset["trial"].to_numpy())}
    splits = [str(split) for split in dataset["split"].to_numpy()]
    measured = [
        n for n, v in dataset.data_vars.items() if v.dims == ("trial", "eval_step", "split")
    ]
    found = {}
    for name in wanted.keys() & places.keys():
        trial, row = wanted[name], dataset.isel(trial=places[name])
        own = is_command(trial.workload)
        steps = dataset["eval_step"].to_numpy() if own else evaluation_steps(trial)
        ends = window_ends(trial.max_train_steps, trial.eval_every)
        record = TrialRecord(
            fingerprint=str(row["fingerprint"].item()),
            status=row["status"].item(),
            reason=str(row["infeasible_reason"].item()),
            evaluations=Curves(
                steps,
                {
                    f"{split}/{metric}": row[metric].to_numpy()[: len(steps), column]
                    for metric in measured
                    for column, split in enumerate(splits)
                },
            ),
            logged=Curves(ends, {n: row[n].to_numpy()[: len(ends)] for n in SERIES}),
            gradient=GradientSummary(
                counts=row["grad_norm_count"].to_numpy(),
                p90=float(row["grad_norm_p90"]),
                clipped_share=float(row["clipped_share"]),
            ),
        )
        if own:
            record = replace(record, evaluations=measured_alone(record.evaluations))
        found[name] = as_trained(record)
    return found
