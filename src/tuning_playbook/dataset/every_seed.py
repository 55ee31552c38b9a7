"""The reruns of imported trials, with those that stand among the searched trials.

Each run of a source is in one file, so the first seed of a configuration is in `study.nc`
alone. Where it is a rerun like the others, because it had no part in a choice, `reruns.nc` names
its trial, and what is asked of the reruns is asked of it too.
"""

from typing import overload

import numpy as np
import xarray as xr

ALSO_RERUNS = "searched_trials_that_are_reruns"
"""An attribute of the reruns: the ids of the trials of `study.nc` that are the first of them."""


@overload
def every_seed(study: xr.Dataset, reruns: xr.Dataset) -> xr.Dataset: ...
@overload
def every_seed(study: xr.Dataset, reruns: xr.Dataset | None) -> xr.Dataset | None: ...
def every_seed(study: xr.Dataset, reruns: xr.Dataset | None) -> xr.Dataset | None:
    """Return the reruns with those of the searched trials that are reruns too.

    Args:
        study: The study.
        reruns: Its reruns; None where there are none.

    Returns:
        Each such trial before the reruns of its configuration, as number 0 of them. What has no
        such trials, or has them already, is returned as it is.
    """
    named = [] if reruns is None else np.atleast_1d(reruns.attrs.get(ALSO_RERUNS, ())).tolist()
    if reruns is None or not named:
        return reruns
    rerun_of = reruns["rerun_of"].values.astype(str).tolist()
    arms = reruns["arm"].values.astype(str).tolist()
    trials = study["trial"].values.astype(str).tolist()
    places = [trials.index(name) for name in named if name in trials and name in rerun_of]
    ids = np.array([trials[place] for place in places], dtype=object)
    labels = np.array([arms[rerun_of.index(name)] for name in ids], dtype=object)
    first = study.isel(trial=places).assign(
        arm=("trial", labels),
        rerun=("trial", np.zeros(len(places), np.int64)),
        rerun_of=("trial", ids),
    )
    shared = [name for name in reruns.data_vars if name in first.data_vars]
    joined = xr.concat(
        [first[shared], reruns[shared]], dim="trial", join="override", combine_attrs="override"
    )
    for name in shared:
        joined[name].attrs = dict(reruns[name].attrs)
    joined.attrs = {name: value for name, value in reruns.attrs.items() if name != ALSO_RERUNS}
    return joined
