"""The repeats of a study's whole search, each with another seed: they show study variance."""

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import xarray as xr

from tuning_playbook.dataset.collect import collect
from tuning_playbook.dataset.rows import Row
from tuning_playbook.planning.plan import Plan


def collect_replicates(plan: Plan, packs: Iterable[Path], folder: Path | None = None) -> xr.Dataset:
    """Return the trials of all repeats: `study.nc`'s schema, with `replicate`, counted from 1.

    They stand apart from those of the search itself. The best of several searches is better than
    the best of one, so nothing that judges the study's own search may see them.

    Args:
        plan: The study's.
        packs: The pack files of the repeats.
        folder: The study's folder of results, see `dataset.collect`.

    Raises:
        ArtefactError: A trial is in no pack file, or has other numbers there than its own record
            says.
    """
    items = [(n, item) for n, repeat in enumerate(plan.replicates, 1) for item in repeat.trials]
    rows = [
        Row(place, item.arm, item.trial, item.searched, {"replicate": number})
        for place, (number, item) in enumerate(items)
    ]
    dataset = collect(plan.study, rows, packs, folder)
    dataset["replicate"].attrs["long_name"] = "repeat of the whole search, each with another seed"
    dataset.attrs["title"] = f"Study variance of the study {plan.study.name}"
    return dataset


def open_if_any(
    files: Sequence[str],
) -> contextlib.AbstractContextManager[xr.Dataset | None]:
    """Return the dataset of a study's repeats, to be used in a `with`; None where it has none.

    Args:
        files: Its file, or none.
    """
    return xr.open_dataset(files[0]) if files else contextlib.nullcontext()
