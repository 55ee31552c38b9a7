"""Do the searched hyperparameters matter at all, or is what differs the noise of training?"""

from collections.abc import Collection
from functools import partial

import numpy as np
import xarray as xr

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.numbers import number, probability, text
from tuning_playbook.analysis.ranking import arm_names, losses, members
from tuning_playbook.analysis.search_axes import in_some_trials, search_axes
from tuning_playbook.analysis.surface_test import Sample, detectable_range, p_of_no_surface
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.study.thresholds import DEFAULTS, NothingMatters

OUTLYING = 2.2
"""Times the distance of the quartiles: three standard deviations of normal values."""

ADVICE = (
    "More trials over these ranges would only find luckier seeds. Fix these hyperparameters, which "
    "is a caveat, and ask another question: wider ranges where the best trial may lie beyond them, "
    "longer training, another architecture, more data."
)


def nothing_matters(
    study: xr.Dataset, thresholds: NothingMatters = DEFAULTS.nothing_matters
) -> Finding:
    """Test whether the objectives of an arm's trials hang on their hyperparameters.

    See `surface_test`. A hyperparameter that some trials of an arm lack, as momentum where the
    optimizer is searched too, is left out, and the answer names it. An infeasible trial counts as
    worse than any other. Where the values of a search follow from its own results (a Bayesian
    search's rounds) only its initial trials are asked, because later ones were put where earlier
    ones were good.

    Nothing is said to matter in 92 % of studies in which nothing does. With 32 trials a slope, a
    bowl or a cliff in one of up to four hyperparameters whose range is three standard deviations of
    the noise is found nine times in ten; a bowl in two of them 84 times in a hundred, since most of
    its range lies in the corners.

    Source: playbook, "Extracting insight from experimental results".
    """
    initial = np.arange(study.sizes["trial"])
    if "round" in study:
        initial = np.flatnonzero(study["round"].values == 0)
    samples, searched, lacking = [], [], dict[str, None]()
    loss = np.where(np.isfinite(losses(study)), losses(study), np.inf)
    for arm in arm_names(study):
        trials = np.intersect1d(members(study, arm), initial)
        axes = search_axes(study, arm, trials)
        lacking |= dict.fromkeys(in_some_trials(study, arm, trials))
        if not axes or len(trials) < 2:
            continue
        columns = [axis.columns for axis in axes.values()]
        ranges = [item for item in columns if item.shape[1] == 1]
        choices = [item for item in columns if item.shape[1] > 1]
        empty = np.empty((len(trials), 0))
        samples.append(
            Sample(np.hstack([empty, *ranges]), np.hstack([empty, *choices]), loss[trials])
        )
        searched.append(arm)
    finding = partial(
        Finding,
        check="nothing_matters",
        question="Do the searched hyperparameters matter at all?",
        section="Extracting insight from experimental results",
        arms=tuple(searched),
    )
    left_out = _left_out(lacking)
    if not read_searched(study):
        return finding(answer="ok", summary="Nothing was searched.")
    count = sum(len(sample.values) for sample in samples)
    values = np.concatenate([np.empty(0), *(sample.values for sample in samples)])
    known = values[np.isfinite(values)]
    if count < thresholds.least_trials or len(known) < 2:
        return finding(
            answer="cannot tell",
            summary=(
                f"{count} trials that were searched over the same hyperparameters are too few to "
                f"tell a surface from noise.{left_out}"
                if lacking
                else f"{count} trials are too few to separate a surface from noise."
            ),
            numbers={"trials": count},
            advice=f"{thresholds.least_trials} trials would show it.",
        )
    if not np.ptp(known) > 0:
        return finding(
            answer="cannot tell",
            summary=f"All {count} trials reach the same, so there is nothing to explain.",
            numbers={"trials": count},
        )
    p = p_of_no_surface(samples)
    if p is None:
        return finding(
            answer="cannot tell",
            summary=f"{count} trials are too few for this many hyperparameters.",
            numbers={"trials": count},
            advice="More trials in each arm would show it.",
        )
    spread = float(np.median([_spread(sample) for sample in samples]))
    seen = detectable_range(samples, thresholds.significance) * spread
    finding = partial(
        finding,
        numbers={
            "trials": count,
            "p": p,
            "significance": thresholds.significance,
            "spread": spread,
            "detectable_range": number(seen),
            "left_out": list(lacking),
        },
    )
    if p <= thresholds.significance:
        return finding(
            answer="ok",
            summary=(
                f"The objective depends on them ({probability(p)}, {count} trials).{left_out}"
            ),
        )
    return finding(
        answer="warning",
        summary=(
            "In these ranges tuning is not what limits you: the searched hyperparameters explain "
            f"nothing beyond what training again differs by ({probability(p)}, {count} trials)."
            + _what_would_have_been_seen(seen)
            + left_out
        ),
        advice=ADVICE,
    )


def _left_out(lacking: Collection[str]) -> str:
    if not lacking:
        return ""
    return f" Left out, because some trials lack them: {', '.join(lacking)}."


def _what_would_have_been_seen(reach: float) -> str:
    if not np.isfinite(reach):
        return ""
    return (
        f" An effect of one of them with a range of {text(float(f'{reach:.2g}'))} would have been "
        "seen nine times in ten."
    )


def _spread(sample: Sample) -> float:
    """Return the standard deviation of a sample; a few terrible values count as bad ones."""
    known = sample.values[np.isfinite(sample.values)]
    if len(known) < 2:
        return 0.0
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    reach = OUTLYING * (high - low) or np.inf
    return float(known.clip(middle - reach, middle + reach).std(ddof=1))
