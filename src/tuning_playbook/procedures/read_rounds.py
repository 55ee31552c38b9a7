"""The finished rounds of a procedure, read from their files of results."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.ranking import censored, losses, metric_losses, strings
from tuning_playbook.analysis.trial_values import spec_values_of
from tuning_playbook.dataset.feasibility import REASON
from tuning_playbook.errors import ArtefactError
from tuning_playbook.procedures.procedure_history import FinishedRound, Outcome, StepCost
from tuning_playbook.study.planned_round import ABOUT, read_round
from tuning_playbook.study.study import by_spec_name
from tuning_playbook.study.yaml import read_yaml


def read_rounds(
    planned: Path,
    studies: Sequence[Path],
    launches: Sequence[Path],
    reruns: Sequence[Path],
    resources: Sequence[Path] = (),
    *,
    tests: Sequence[Path] = (),
    finals: Sequence[Path] = (),
    incomplete: bool,
) -> tuple[FinishedRound, ...]:
    """Return the finished rounds of a procedure, the first one first.

    Args:
        planned: The folder with the plan of each round.
        studies: The dataset of each.
        launches: The launch.json of each that was compared with a baseline.
        reruns: The reruns of each that has any.
        resources: The time and memory of each round's trials; left out where they are not needed.
        tests: The test.json of each that reads the test set.
        finals: The final/final.json of each that trains on validation data too.
        incomplete: Whether a round with missing trials counts.

    Raises:
        ArtefactError: A round is incomplete, and incomplete rounds do not count.
    """
    decided = {path.parent: path for path in launches}
    repeated = {path.parent: path for path in reruns}
    measured = {path.parent: path for path in resources}
    read = {path.parent: path for path in tests}
    folded = {path.parents[1]: path for path in finals}
    found = []
    for number, path in enumerate(studies, 1):
        study = _load(path)
        if not study.attrs.get("complete", 1) and not incomplete:
            raise ArtefactError(
                f"{path}: some trials of this round are missing, so the next one is not planned; "
                "run snakemake again, or decide with what there is: --config incomplete=decide"
            )
        document, text = read_yaml(planned / f"{number}.yaml", what="plan of a round")
        found.append(
            FinishedRound(
                purpose=document[ABOUT]["purpose"],
                document=read_round(document, text).document,
                outcomes=outcomes(study),
                launch=_content(decided.get(path.parent)),
                reruns=outcomes(_load(repeated[path.parent])) if path.parent in repeated else (),
                costs=costs(_load(measured[path.parent])) if path.parent in measured else {},
                test=_content(read.get(path.parent)),
                final=_content(folded.get(path.parent)),
            )
        )
    return tuple(found)


def _content(path: Path | None) -> dict[str, Any] | None:
    """Return what a JSON file holds, if there is one."""
    return None if path is None else dict(json.loads(path.read_text()))


def _load(path: Path) -> xr.Dataset:
    with xr.open_dataset(path) as dataset:
        return dataset.load()


def outcomes(study: xr.Dataset) -> tuple[Outcome, ...]:
    """Return the result of each trial of a study."""
    loss, best = losses(study), metric_losses(study)
    status, reasons = strings(study, "status"), strings(study, "infeasible_reason")
    collapse = _column(study, "collapse_step")
    clipped = _column(study, "clipped_share")
    missed = censored(study)
    curves, norms = _curves(study, "train_loss"), _curves(study, "grad_norm")
    steps = study["train_step"].values.astype(int)
    bins = tuple(map(float, study["grad_norm_bin"].values)) if "grad_norm_bin" in study else ()
    found = []
    for place, trial in enumerate(study["trial"].values):
        known = np.isfinite(curves[place])
        end = len(known) if known.all() else int(np.argmin(known))
        found.append(
            Outcome(
                trial=str(trial),
                values=by_spec_name(spec_values_of(study, place)),
                loss=float(loss[place]) if np.isfinite(loss[place]) else None,
                best_value=float(best[place]) if np.isfinite(best[place]) else None,
                diverged=status[place] == "diverged",
                nowhere=reasons[place].startswith(REASON),
                collapse_step=int(collapse[place]) if np.isfinite(collapse[place]) else None,
                steps=tuple(map(int, steps)),
                train_losses=tuple(map(float, curves[place, :end])),
                norms=tuple(map(float, norms[place, :end])),
                norm_bins=bins,
                norm_counts=_counts(study, place),
                clipped_share=float(np.nan_to_num(clipped[place])),
                censored=bool(missed[place]),
            )
        )
    return tuple(found)


def costs(resources: xr.Dataset) -> dict[str, StepCost]:
    """Return the time of a step of each trial, by its id, where that is known."""
    rates = resources["steps_per_second"].values.astype(float)
    shared = resources["devices"].values.astype(float)
    machines = zip(strings(resources, "machine"), strings(resources, "device"), strict=True)
    names = [" ".join(filter(None, dict.fromkeys(item))) for item in machines]
    return {
        str(trial): StepCost(1.0 / rates[place], float(shared[place]), names[place])
        for place, trial in enumerate(resources["trial"].values)
        if rates[place] > 0 and np.isfinite(shared[place])
    }


def _curves(study: xr.Dataset, name: str) -> Any:
    return study[name].transpose("trial", "train_step").values.astype(float)


def _column(study: xr.Dataset, name: str) -> Any:
    if name not in study:
        return np.full(study.sizes["trial"], np.nan)
    return study[name].values.astype(float)


def _counts(study: xr.Dataset, place: int) -> tuple[float, ...]:
    if "grad_norm_count" not in study:
        return ()
    counts = study["grad_norm_count"].transpose("trial", "grad_norm_bin").values[place]
    return tuple(map(float, np.nan_to_num(counts)))
