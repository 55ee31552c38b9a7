"""Which hyperparameters matter, which interact, and which can be fixed in the next round."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.findings import Finding, arms_in, concerned
from tuning_playbook.analysis.numbers import number
from tuning_playbook.analysis.ranking import arm_names, losses, ranked, without_the_worst
from tuning_playbook.analysis.search_axes import search_axes
from tuning_playbook.analysis.sobol_indices import SobolIndices, sobol_indices
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.study.thresholds import DEFAULTS, Importance

LEAST_PREDICTED = 0.2
"""Where less of the variance of trials left out is predicted the fitted function is mostly made
up, and so would be what is said of its hyperparameters."""

PREDICTED_BY_CHANCE = 3.0
"""Of noise a function with d length scales, chosen for n trials, predicts up to 3 (d + 1) / n of
the variance of trials left out, in 95 studies of a hundred (simulated, 20 to 64 trials)."""

LEAST_TRIALS = 10
"""Feasible trials below which no function of one hyperparameter is known, let alone of two."""

TRIALS_PER_HYPERPARAMETER = 5
"""And so many more are needed for each."""

MOST_TRIALS = 256
"""The cost of the fit grows with their cube; of more trials evenly spaced ones are taken."""


def importance(study: xr.Dataset, thresholds: Importance = DEFAULTS.importance) -> Finding:
    """Part the variance of the objective among the hyperparameters of each arm and their pairs.

    A Gaussian process is fitted to the objectives of an arm's feasible trials as a function of the
    positions in the sampling scale; a choice has a column for each of its values. The variance of
    its mean over the search space is parted (`sobol_indices`): the *main* index of a hyperparameter
    is the share of the variance that it explains alone, the index of a pair what both explain
    beyond their main indices, and the *total* index a hyperparameter's share with all its
    interactions.

    A hyperparameter can be fixed next round where the upper 95 % bound of its total index is below
    `negligible`, and a pair is to be tuned together where the lower bound of its index is above
    `interaction`. Both are said only of an arm in which the function predicts trials left out one
    by one: at least a fifth of their variance, and more than it would of noise. What is fixed is a
    caveat of the next round's conclusion.

    On Ishigami's function (main indices 0.31, 0.44, 0; one interaction, of the first and the third,
    0.24) with 64 trials of a Halton sequence the order of the main indices and the largest
    interaction are right for at least 95 of 100 seeds. Interactions that act in the corners of the
    space are underrated with so few trials, and total indices with them.

    Source: playbook, "Extracting insight from experimental results".
    """
    arms = [
        _arm(study, arm, thresholds)
        for arm in arm_names(study)
        if any(arm in item.arms for item in read_searched(study))
    ]
    fitted = [arm for arm in arms if arm["predicted"] is not None]
    told = [arm for arm in fitted if arm["told"]]
    hyperparameters = [row for arm in told or fitted for row in arm["hyperparameters"]]
    finding = partial(
        Finding,
        check="importance",
        question="Which hyperparameters matter, which interact, and which can be fixed next round?",
        numbers={
            "negligible": thresholds.negligible,
            "interaction": thresholds.interaction,
            "arms": [
                {key: arm[key] for key in ("arm", "feasible", "used", "predicted", "told")}
                for arm in arms
            ],
            "hyperparameters": [row for arm in fitted for row in arm["hyperparameters"]],
            "pairs": [row for arm in fitted for row in arm["pairs"]],
        },
        section="Extracting insight from experimental results",
        hyperparameters=concerned(study, hyperparameters),
        arms=arms_in(study, told or fitted),
    )
    if told:
        return finding(
            answer="ok",
            summary=" ".join(_sentence(arm) for arm in told),
            advice=" ".join(filter(None, (_advice(arm) for arm in told))),
        )
    if not arms:
        return finding(answer="ok", summary="Nothing was searched.")
    if fitted:
        return finding(
            answer="cannot tell",
            summary=(
                "In no arm do the hyperparameters predict the objective of trials left out: either "
                "they hardly matter within their ranges, or the trials are too few."
            ),
            advice="Look at the hyperparameter axis plots; more trials per arm would tell.",
        )
    return finding(
        answer="cannot tell",
        summary="No arm has the feasible trials that it takes to fit a function to them.",
        advice="More trials per arm would tell.",
    )


def _arm(study: xr.Dataset, arm: str, thresholds: Importance) -> dict[str, Any]:
    """Return the numbers of one arm; without indices where it has too few feasible trials."""
    order = ranked(study, arm)
    used = np.sort(order)
    if len(used) > MOST_TRIALS:
        used = used[np.linspace(0, len(used) - 1, MOST_TRIALS).astype(int)]
    axes = search_axes(study, arm, used)
    row: dict[str, Any] = {
        "arm": arm,
        "feasible": len(order),
        "used": len(used),
        "predicted": None,
        "told": False,
    }
    loss = losses(study)[used]
    enough = len(used) >= LEAST_TRIALS + TRIALS_PER_HYPERPARAMETER * (len(axes) - 1)
    if not axes or not enough or not np.ptp(loss) > 0:
        return row
    indices = sobol_indices(list(axes.values()), without_the_worst(loss))
    by_chance = PREDICTED_BY_CHANCE * (len(axes) + 1) / len(used)
    told = indices.predicted >= max(LEAST_PREDICTED, by_chance)
    names = list(axes)
    return row | {
        "predicted": number(indices.predicted),
        "told": told,
        "hyperparameters": _hyperparameters(arm, names, indices, told, thresholds.negligible),
        "pairs": _pairs(arm, names, indices, told, thresholds.interaction),
    }


def _hyperparameters(
    arm: str, names: Sequence[str], indices: SobolIndices, told: bool, negligible: float
) -> list[dict[str, Any]]:
    """Return the indices of each hyperparameter of an arm, the largest total index first."""
    rows = [
        {
            "arm": arm,
            "hyperparameter": name,
            "main": main.index,
            "main_low": main.low,
            "main_high": main.high,
            "total": total.index,
            "total_low": total.low,
            "total_high": total.high,
            "can_be_fixed": told and total.high < negligible,
        }
        for name, main, total in zip(names, indices.main, indices.total, strict=True)
    ]
    return sorted(rows, key=lambda row: float(row["total"]), reverse=True)


def _pairs(
    arm: str, names: Sequence[str], indices: SobolIndices, told: bool, interaction: float
) -> list[dict[str, Any]]:
    """Return the index of each pair of an arm's hyperparameters, the largest first."""
    rows = [
        {
            "arm": arm,
            "hyperparameters": [names[one], names[other]],
            **asdict(share),
            "tune_together": told and share.low > interaction,
        }
        for (one, other), share in indices.pairs.items()
    ]
    return sorted(rows, key=lambda row: float(row["index"]), reverse=True)


def _sentence(arm: Mapping[str, Any]) -> str:
    shares = ", ".join(
        f"{row['hyperparameter']} {row['total']:.0%} ({row['total_low']:.0%} to "
        f"{row['total_high']:.0%})"
        for row in arm["hyperparameters"]
    )
    sentence = f"In {arm['arm']} the variance of the objective is owed to {shares}"
    pairs = [row for row in arm["pairs"] if row["tune_together"]]
    if pairs:
        told = ", ".join(
            f"{' and '.join(row['hyperparameters'])} {row['index']:.0%}" for row in pairs
        )
        sentence += f"; of it to interactions: {told}"
    return sentence + "."


def _advice(arm: Mapping[str, Any]) -> str:
    fixable = [row["hyperparameter"] for row in arm["hyperparameters"] if row["can_be_fixed"]]
    together = [
        " and ".join(row["hyperparameters"]) for row in arm["pairs"] if row["tune_together"]
    ]
    sentences = []
    if fixable:
        sentences.append(
            f"In {arm['arm']} {', '.join(fixable)} can be fixed next round at the best trial's "
            "value, as a caveat."
        )
    if together:
        sentences.append(f"In {arm['arm']} tune together: {'; '.join(together)}.")
    return " ".join(sentences)
