"""Choose the trials of an archive that are trained again."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from tuning_playbook.errors import ArchiveError, nearest
from tuning_playbook.trials.trial import ID_DIGITS


def choose_trials(
    results: Path,
    records: Mapping[str, Mapping[str, Any]],
    *,
    named: Sequence[str] = (),
    sample: int = 0,
    everything: bool = False,
) -> list[str]:
    """Return the ids of the chosen trials and reruns, each once.

    Args:
        results: The archive's folder of results.
        records: The trial.json of every trial, by id.
        named: Ids, or positions in the study.
        sample: How many other trials or reruns to draw; the draw is always the same.
        everything: Whether to choose every trial and rerun.

    Raises:
        ArchiveError: A named trial is not in the archive.
    """
    with xr.open_dataset(results / "study.nc") as study:
        ids = [str(trial) for trial in study["trial"].to_numpy()]
        places = dict(zip(study["index"].to_numpy().tolist(), ids, strict=True))
    chosen = [_named(name, places, records) for name in named]
    if sample:
        others = sorted(records.keys() - set(chosen))
        chosen += random.Random(0).sample(others, min(sample, len(others)))
    return list(dict.fromkeys([*chosen, *(sorted(records) if everything else ())]))


def _named(name: str, places: Mapping[int, str], records: Mapping[str, object]) -> str:
    if name in records:
        return name
    if name.isdecimal() and len(name) < ID_DIGITS and int(name) in places:
        return places[int(name)]
    raise ArchiveError(
        f"the archive has no trial '{name}'{nearest(name, records)} (its places are 0 to "
        f"{max(places, default=0)}; an id has {ID_DIGITS} digits)"
    )
