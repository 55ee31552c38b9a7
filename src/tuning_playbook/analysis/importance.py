"""Which hyperparameters matter, which interact, and which can be fixed in the next round."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import xarray as xr

from tuning_playbook.analysis.arm_importance import ArmImportance, arm_importance
from tuning_playbook.analysis.findings import Finding, arms_in, concerned
from tuning_playbook.analysis.numbers import text
from tuning_playbook.analysis.ranking import arm_names
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.study.thresholds import DEFAULTS, Importance


def importance(study: xr.Dataset, thresholds: Importance = DEFAULTS.importance) -> Finding:
    """Part the variance of the objective among the hyperparameters of each arm and their pairs.

    A Gaussian process is fitted to the objectives of an arm's feasible trials as a function of the
    positions in the sampling scale; a choice has a column for each of its values. The variance of
    its mean over the search space is divided (`sobol_indices`): a hyperparameter's *main* index
    is the share of the variance that it explains alone, the index of a pair what both explain
    beyond their main indices, and the *total* index a hyperparameter's share with all its
    interactions.

    That is asked of further parts of an arm, each with a fit of its own:

    - the region in which its better trials lie (`good_region`), where it is smaller than the search
      space: in wide ranges the bad ends make up most of the variance. The better trials are a
      quarter, a third or half of them, the fewest from whose region something can be told;
    - the trials that have a hyperparameter which others of the arm lack. It is left out of what is
      said of the whole arm, and `left_out` in the numbers says so.

    A hyperparameter can be fixed next round where the upper 95 % bound of its total index is below
    `negligible`, in the good region too where there is one, and a pair is to be tuned together
    where the lower bound of its index is above `interaction`. Both are said only where the function
    predicts trials left out one by one: at least a fifth of their variance, and more than it would
    of noise. What is fixed is a caveat of the next round's conclusion.

    On Ishigami's function (main indices 0.31, 0.44, 0; one interaction, of the first and the third,
    0.24) with 64 trials of a Halton sequence the order of the main indices and the largest
    interaction are right for at least 95 of 100 seeds. Interactions that act in the corners of the
    space are underrated with so few trials, and total indices with them. Of a function that jumps
    at 60 % of one range and has a slope in another, the first has at least 95 % of the variance of
    the whole, and the second at least 80 % of that of the good region, with 64 trials for at least
    95 of 100 seeds.

    Source: playbook, "Extracting insight from experimental results".
    """
    arms = [
        arm_importance(study, arm, thresholds)
        for arm in arm_names(study)
        if any(arm in item.arms for item in read_searched(study))
    ]
    fits = [fit for arm in arms for fit in (arm.whole, *arm.parts) if fit.get("hyperparameters")]
    told = [fit for fit in fits if fit["told"]]
    whole = [arm.whole for arm in arms if arm.whole.get("hyperparameters")]
    left_out = [row for arm in arms for row in arm.left_out]
    finding = partial(
        Finding,
        check="importance",
        question="Which hyperparameters matter, which interact, and which can be fixed next round?",
        numbers={
            "negligible": thresholds.negligible,
            "interaction": thresholds.interaction,
            "arms": [
                {key: arm.whole[key] for key in ("arm", "feasible", "used", "predicted", "told")}
                for arm in arms
            ],
            "hyperparameters": [row for fit in whole for row in fit["hyperparameters"]],
            "pairs": [row for fit in whole for row in fit["pairs"]],
            "parts": [fit for arm in arms for fit in arm.parts],
            "left_out": left_out,
        },
        section="Extracting insight from experimental results",
        hyperparameters=concerned(
            study, [row for fit in told or fits for row in fit["hyperparameters"]] + left_out
        ),
        arms=arms_in(study, told or fits),
    )
    if told:
        return finding(
            answer="ok",
            summary=" ".join(filter(None, map(_sentences, arms))),
            advice=" ".join(filter(None, map(_advice, arms))),
        )
    if not arms:
        return finding(answer="ok", summary="Nothing was searched.")
    lacking = "".join(f" {_left_out(row)}" for row in left_out)
    if fits:
        return finding(
            answer="cannot tell",
            summary=(
                "In no arm do the hyperparameters predict the objective of trials left out: either "
                f"they hardly matter within their ranges, or the trials are too few.{lacking}"
            ),
            advice="Look at the hyperparameter axis plots; more trials per arm would show it.",
        )
    return finding(
        answer="cannot tell",
        summary=f"No arm has the feasible trials that it takes to fit a function to them.{lacking}",
        advice="More trials per arm would show it.",
    )


def _sentences(arm: ArmImportance) -> str:
    """Return what is said of an arm and its parts."""
    fits = [fit for fit in (arm.whole, *arm.parts) if fit["told"]]
    return " ".join([*map(_sentence, fits), *map(_left_out, arm.left_out)])


def _sentence(fit: Mapping[str, Any]) -> str:
    shares = ", ".join(
        f"{row['hyperparameter']} {row['total']:.0%} ({row['total_low']:.0%} to "
        f"{row['total_high']:.0%})"
        for row in fit["hyperparameters"]
    )
    sentence = f"In {_place(fit)} the variance of the objective is explained by {shares}"
    pairs = [row for row in fit["pairs"] if row["tune_together"]]
    if pairs:
        told = ", ".join(
            f"{' and '.join(row['hyperparameters'])} {row['index']:.0%}" for row in pairs
        )
        sentence += f"; of it to interactions: {told}"
    return sentence + "."


def _place(fit: Mapping[str, Any]) -> str:
    """Return which trials a fit is of, for a sentence."""
    if "part" not in fit:
        return str(fit["arm"])
    ranges = [f"{name} {text(low)} to {text(high)}" for name, (low, high) in fit["ranges"].items()]
    values = [f"{name} {' or '.join(map(str, left))}" for name, left in fit["values"].items()]
    told = f" ({', '.join(ranges + values)})" if ranges or values else ""
    return f"{fit['arm']}, {fit['part']}{told},"


def _left_out(row: Mapping[str, Any]) -> str:
    return (
        f"{row['hyperparameter']} is left out of the shares in {row['arm']}: {row['trials']} of "
        f"{row['feasible']} trials have it."
    )


def _advice(arm: ArmImportance) -> str:
    fixable = [
        row["hyperparameter"] for row in arm.whole.get("hyperparameters", ()) if row["can_be_fixed"]
    ]
    sentences = []
    if fixable:
        sentences.append(
            f"In {arm.whole['arm']} {', '.join(fixable)} can be fixed next round at the best "
            "trial's value, as a caveat."
        )
    for fit in (arm.whole, *arm.parts):
        together = [
            " and ".join(row["hyperparameters"])
            for row in fit.get("pairs", ())
            if row["tune_together"]
        ]
        if together:
            sentences.append(f"In {_place(fit)} tune together: {'; '.join(together)}.")
    return " ".join(sentences)
