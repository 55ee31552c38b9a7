"""Were all trials trained by the same software on the same kind of machine?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.ranking import arm_names, arms_of, strings, trial_ids

HARDWARE = ("backend", "device", "machine")
SOFTWARE = ("python",)
LANES = ("lanes",)
"""Fewer than the spec's where memory ran out. The lanes of a program decide how it rounds."""
VERSION = "version_"
"""What the variables begin with that hold the versions of packages."""

ADVICE = (
    "Another processor or another version of a library rounds differently, and so gives other "
    "numbers from the same seed: within the trial variance as a rule, but not for sure. Train the "
    "trials of a study on one kind of machine, or rerun both sides of a comparison on one. So do "
    "fewer lanes, which a trial has where memory ran out: ask for as many as always fit."
)


def mixed_machines(study: xr.Dataset, resources: xr.Dataset | None = None) -> Finding:
    """Tell whether hardware or software differed among the trials.

    Compared are JAX's backend, the kinds of device and of processor, the versions of Python and of
    every package, and the lanes that trials were trained in. The host's name is no hardware, and
    the code that decides a trial's numbers is part of its fingerprint already. Any difference is a
    warning; where it sets whole arms apart the sentence says so, because then it may be what the
    arms' difference is made of.

    Nothing here is left to chance: a study of one kind is never warned about, a mixed one always.

    Source: playbook, "Determining whether to adopt a training pipeline change or hyperparameter
    configuration": a launch must rest on a change of the configuration, not of its surroundings.

    Args:
        study: The study.
        resources: Time, memory and machine of its trials; None where they are not known.
    """
    finding = partial(
        Finding,
        check="mixed_machines",
        question="Were all trials trained by the same software on the same kind of machine?",
        section="Determining whether to adopt a training pipeline change",
    )
    places = _places(study, resources)
    if resources is None or not places:
        return finding(
            answer="cannot tell", summary="It is not recorded what the trials were trained on."
        )
    names = [str(name) for name in resources.data_vars]
    kinds = [
        *(name for name in (*HARDWARE, *SOFTWARE, *LANES) if name in names),
        *(name for name in names if name.startswith(VERSION)),
    ]
    arm_of = dict(zip(strings(study, "trial"), strings(study, "arm"), strict=True))
    rows = []
    for name in kinds:
        values = _values(resources, places, name)
        if len(set(values.values())) > 1:
            rows.append({"what": name.removeprefix(VERSION), **differences(values, arm_of)})
    finding = partial(
        finding, numbers={"compared": len(kinds), "trials": len(places), "differences": rows}
    )
    if not rows:
        return finding(
            answer="ok",
            arms=arm_names(study),
            summary=f"The machines are of one kind for all {len(places)} trials; the software of a "
            "command is not recorded."
            if study.attrs.get("engine") == "command"
            else f"Hardware and software are the same for all {len(places)} trials.",
        )
    fewest = {trial for row in rows for trial in row["minority"]}
    lonely = np.flatnonzero([name in fewest for name in strings(study, "trial")])
    return finding(
        answer="warning",
        summary=_summary(rows),
        trials=trial_ids(study, lonely),
        arms=arms_of(study, lonely),
        advice=ADVICE,
    )


def _places(study: xr.Dataset, resources: xr.Dataset | None) -> Mapping[str, int]:
    """Return where the trials of the study stand in its resources."""
    if resources is None:
        return {}
    known = {str(name): place for place, name in enumerate(resources["trial"].values)}
    return {name: known[name] for name in strings(study, "trial") if name in known}


def _values(resources: xr.Dataset, places: Mapping[str, int], name: str) -> dict[str, str]:
    """Return what is recorded of the trials under a name, where it is, by their ids."""
    column = strings(resources, name)
    if resources[name].dtype.kind == "f":
        column = np.where(np.isfinite(resources[name].values), column, "")
    return {trial: str(column[place]) for trial, place in places.items() if column[place]}


def differences(values: Mapping[str, str], arm_of: Mapping[str, str]) -> dict[str, Any]:
    """Describe in what trials differ.

    Args:
        values: What is recorded of each trial, by its id.
        arm_of: The arm of each trial, by its id.

    Returns:
        How many trials have each value; whether two arms are all of one and all of another; and
        the trials that have not the commonest.
    """
    counts = Counter(values.values())
    commonest = min(counts, key=lambda value: (-counts[value], value))
    by_arm: dict[str, set[str]] = {}
    for trial, value in values.items():
        by_arm.setdefault(arm_of[trial], set()).add(value)
    alone = {next(iter(kinds)) for kinds in by_arm.values() if len(kinds) == 1}
    return {
        "values": dict(sorted(counts.items())),
        "sets_arms_apart": len(alone) > 1,
        "minority": [trial for trial, value in values.items() if value != commonest],
    }


def _summary(rows: Sequence[Mapping[str, Any]]) -> str:
    sentence = f"The trials differ in {', '.join(row['what'] for row in rows)}."
    apart = [row["what"] for row in rows if row["sets_arms_apart"]]
    if apart:
        sentence += f" Whole arms differ in {', '.join(apart)}, and so are not comparable by that."
    return sentence
