"""The best trial of a study, as a later study takes it."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import xarray as xr

from tuning_playbook.analysis.ranking import (
    arm_settings,
    arms_by_best,
    best_trial,
    metric_direction,
    metric_losses,
    strings,
    trial_id,
)
from tuning_playbook.analysis.trial_values import spec_values_of
from tuning_playbook.analysis.variance import pooled_deviation
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.declarations import spec_name, target_of
from tuning_playbook.errors import ArtefactError
from tuning_playbook.study.compared_before import STEPS
from tuning_playbook.study.earlier_results import EarlierArm
from tuning_playbook.study.origin import EarlierResult, concluded
from tuning_playbook.study.study import write_value
from tuning_playbook.trials.probe import disturbed, machines_of, probe_from_json
from tuning_playbook.trials.trial_json import read_provenance


def best_result(study: xr.Dataset, arm: str = "") -> EarlierResult:
    """Return the best trial of a study, or of one of its arms.

    Args:
        study: Its dataset.
        arm: The name of the arm; empty for all.

    Returns:
        Its `commit` is empty: the dataset does not tell which code trained a trial.

    Raises:
        ArtefactError: No trial is feasible, or the study is incomplete.
    """
    name = str(study.attrs["study"])
    if not study.attrs.get("complete", 1):
        raise ArtefactError(
            f"the study '{name}' is incomplete: which of its trials is the best is known when it "
            "has run to its end"
        )
    position = best_trial(study, arm or None)
    if position is None:
        where = f" in the arm '{arm}'" if arm else ""
        raise ArtefactError(
            f"no trial of the study '{name}'{where} is feasible, so there is nothing to take from "
            "it; its report says why"
        )
    own_arm = str(strings(study, "arm")[position])
    values = spec_values_of(study, position)
    return EarlierResult(
        study=name,
        arm=own_arm,
        trial=trial_id(study, position),
        fingerprint=str(study["fingerprint"].values[position]),
        commit="",
        objective=float(metric_direction(study) * metric_losses(study)[position]),
        workload=str(study.attrs["workload"]),
        values=values,
        scales={
            spec_name(item.name): item.scale
            for item in read_searched(study)
            if own_arm in item.arms and item.name in values
        },
        **_what_it_compared(study, own_arm),
    )


def _what_it_compared(study: xr.Dataset, arm: str) -> dict[str, Any]:
    """Return what a study compared, what it held fixed meanwhile, and its best other arm."""
    searched = {target_of(item.name) for item in read_searched(study)}
    beside: dict[str, list[str]] = {STEPS: [str(int(study.attrs[STEPS]))]}
    for position in range(study.sizes["trial"]):
        for name, value in spec_values_of(study, position).items():
            if target_of(name) not in searched and value is not None:
                beside.setdefault(name, []).append(write_value(value))
    beside = {name: list(dict.fromkeys(values)) for name, values in beside.items()}
    names = dict.fromkeys(name for of in arm_settings(study).values() for name in of)
    others = [other for other in arms_by_best(study) if other != arm]
    return {
        "compared": {name: beside[name] for name in names if name in beside},
        "beside": beside,
        "runner_up": others[0] if others else "",
    }


def best_results(
    earlier: Mapping[EarlierArm, str],
    folders: Mapping[str, Path],
    variances: Collection[str] = (),
    concluding: Collection[str] = (),
) -> dict[EarlierArm, EarlierResult]:
    """Return the results that a study takes from earlier ones, with the commits that trained them.

    Args:
        earlier: The name of the earlier study, by what the spec says of it and its arm.
        folders: The folder of results of each, by its name.
        variances: The names of those whose trial variance is taken.
        concluding: The names of those that are procedures.

    Raises:
        ArtefactError: As `best_result`.
    """
    results = {}
    for (written, arm), name in earlier.items():
        if name in concluding:
            results[written, arm] = conclusion_of(folders[name])
            continue
        with xr.open_dataset(folders[name] / "study.nc") as dataset:
            result = best_result(dataset, arm)
        trial = folders[name] / "trials" / result.trial
        if trial.exists():  # another tool's trials have none
            result = replace(result, commit=str(read_provenance(trial)["git_commit"]))
        if name in variances:
            with xr.open_dataset(folders[name] / "reruns.nc") as reruns:
                known = pooled_deviation(reruns)
            if known is not None:
                result = replace(result, deviation=known[0], degrees=known[1])
        results[written, arm] = result
    return results


def conclusion_of(folder: Path) -> EarlierResult:
    """Return what a procedure concludes.

    Args:
        folder: Its folder of results.
    """
    content = json.loads((folder / "conclusion.json").read_text())
    probes = [probe_from_json(item) for item in content.get("probes", ())]
    times = [
        {
            "batch_size": probe.batch_size,
            "seconds": probe.seconds_per_step,
            "devices": int(probe.machine["devices"]),
        }
        for probe in probes
        if probe.seconds_per_step is not None
    ]
    return concluded(
        *(folder.name, content["workload"], content["values"], content["sentence"]),
        step_times=times if len(machines_of(probes)) == 1 and not disturbed(probes) else (),
    )
