"""The records of trials that are finished: their own, those of their packs, those of the datasets.

The numbers of a trial that the spec gives stand in its folder until they are collected, then in its
pack and in a dataset of the study. So a pack that is lost, or that Snakemake removes before it
makes it again, is made of the dataset. Whatever holds them, they are those whose hash the trial's
trial.json keeps.
"""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tuning_playbook.engine.windows import evaluation_steps, window_ends
from tuning_playbook.errors import ArtefactError
from tuning_playbook.trials.pack_file import read_pack, write_numbers
from tuning_playbook.trials.record import Curves, GradientSummary, TrialRecord
from tuning_playbook.trials.trial import Trial, trial_from_json
from tuning_playbook.trials.trial_files import (
    NUMBERS,
    best_is_damaged,
    is_told,
    own_record,
    read_trial_json,
    told_of,
    trial_folder,
)

logger = logging.getLogger(__name__)

DATASETS = ("study.nc", "reruns.nc", "replicates.nc")

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
        content = told_of(study, trial)
        if content is None or content.get("status") == "failed":
            continue
        if not best_is_damaged(trial_folder(study, trial)):
            told[trial.id] = (trial, content)
    found: dict[str, TrialRecord] = {}
    packs: dict[str, Mapping[str, TrialRecord]] = {}
    for name, (trial, content) in told.items():
        record = own_record(study, trial)
        if (record is None or not is_told(record, content)) and (pack := content.get("pack")):
            if pack not in packs:
                packs[pack] = _read_if_there(study / pack)
            record = packs[pack].get(name)
        if record is not None and is_told(record, content):
            found[name] = record
    missing = {name: trial for name, (trial, _) in told.items() if name not in found}
    restored = _in_datasets(study, missing) if missing else {}
    for name in missing:
        record = restored.get(name)
        if record is not None and is_told(record, told[name][1]):
            found[name] = record
        else:
            logger.warning("the numbers of %s are nowhere what its trial.json says", name)
    return {name: found[name] for name in told if name in found}


def give_numbers_back(study: Path, names: Iterable[str]) -> None:
    """Give finished trials whose pack is gone their own numbers back, from the datasets.

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
        pack = content.get("pack")
        if pack and not (study / pack).exists() and not (folder / NUMBERS).exists():
            trials.append(trial_from_json(content["trial"]))
    for name, record in kept_records(study, trials).items():
        write_numbers(study / "trials" / name / NUMBERS, {name: record})


def _read_if_there(path: Path) -> Mapping[str, TrialRecord]:
    try:
        return read_pack(path) if path.exists() else {}
    except ArtefactError as error:
        logger.warning("%s", error)
        return {}


def _in_datasets(study: Path, wanted: Mapping[str, Trial]) -> dict[str, TrialRecord]:
    """Return the records of trials that stand in a dataset of their study."""
    import xarray as xr  # noqa: PLC0415 - slow to import, and few jobs need it

    found: dict[str, TrialRecord] = {}
    for path in (study / name for name in DATASETS):
        try:
            with xr.open_dataset(path) as dataset:
                found |= _records(dataset, wanted)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, LookupError, RuntimeError) as error:
            logger.warning("%s: it cannot be read (%s)", path, error)
    return found


def _records(dataset: Any, wanted: Mapping[str, Trial]) -> dict[str, TrialRecord]:
    places = {str(trial): place for place, trial in enumerate(dataset["trial"].to_numpy())}
    splits = [str(split) for split in dataset["split"].to_numpy()]
    measured = [
        n for n, v in dataset.data_vars.items() if v.dims == ("trial", "eval_step", "split")
    ]
    found = {}
    for name in wanted.keys() & places.keys():
        trial, row = wanted[name], dataset.isel(trial=places[name])
        steps = evaluation_steps(trial)
        ends = window_ends(trial.max_train_steps, trial.eval_every)
        found[name] = TrialRecord(
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
    return found
