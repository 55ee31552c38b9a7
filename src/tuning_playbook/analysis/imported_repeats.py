"""Repeats of the search among imported trials: studies of the same points with other seeds."""

import numpy as np
import xarray as xr

from tuning_playbook.analysis.ranking import strings

STUDY = "source_study"
"""The variable that holds in which study of its source a trial was trained."""


def imported_repeats(study: xr.Dataset, reruns: xr.Dataset | None) -> tuple[xr.Dataset, ...]:
    """Return the trials of each repeat of an imported search.

    A source may hold several studies. Where the searched trials are those of one of them, another
    one that trained every configuration of theirs too is a repeat of the search. It has the same
    points, so it says nothing of what other points would bring.

    Args:
        study: The study.
        reruns: Its reruns, where the trials of the other studies stand; None where there are none.

    Returns:
        A dataset for each repeat, in the order of the studies' names, with the arms of the searched
        trials; none where the source has no other study, or these are not known.
    """
    if reruns is None or STUDY not in study or STUDY not in reruns:
        return ()
    own = set(strings(study, STUDY))
    if len(own) != 1 or own == {""}:
        return ()
    arms = dict(zip(strings(study, "trial"), strings(study, "arm"), strict=True))
    of, studies = strings(reruns, "rerun_of"), strings(reruns, STUDY)
    again = np.isin(of, list(arms)) & ~np.isin(studies, list(own))
    found = []
    for name in np.unique(studies[again]):
        places = np.flatnonzero(again & (studies == name))
        if name and set(of[places]) == set(arms):
            repeat = reruns.isel(trial=places)
            found.append(repeat.assign(arm=("trial", [arms[trial] for trial in of[places]])))
    return tuple(found)
