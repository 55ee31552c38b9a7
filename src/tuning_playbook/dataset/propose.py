"""Propose the trials of a round from the results of those before it."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.dataset.collect import collect
from tuning_playbook.dataset.rows import Row
from tuning_playbook.dataset.steps_to_target import losses_with_censored
from tuning_playbook.declarations import Value
from tuning_playbook.planning.expand import Expansion
from tuning_playbook.planning.plan import Plan
from tuning_playbook.planning.rounds import Round, add_proposals
from tuning_playbook.search.bayesian import propose
from tuning_playbook.study.study import Dimension, Study, by_spec_name


def propose_round(
    plan: Plan, current: Round, packs: Iterable[Path], folder: Path | None = None
) -> dict[str, Any]:
    """Return the proposals of a round.

    Args:
        plan: The study's, with the trials that earlier rounds proposed.
        current: The round.
        packs: The pack files of the arm's initial trials and of its earlier rounds.
        folder: The study's folder of results, see `dataset.collect`.

    Returns:
        A JSON object: `searched`, the proposals by their names in the spec, the most promising
        first, and `trials`, what they are to be trained as.
    """
    (arm,) = [arm for arm in plan.study.arms if arm.name == current.arm]
    items = [item for item in plan.trials if item.arm == arm.name and item.round < current.number]
    rows = [Row(item.index, item.arm, item.trial, item.searched) for item in items]
    # What a trial that never got anywhere measured helps the search more than that it did not.
    found = collect(plan.study, rows, packs, folder, judged=False)
    proposals = propose(
        {item.name: item.distribution for item in arm.dimensions if item.distribution},
        [item.searched for item in items],
        _losses(plan.study, found).tolist(),
        count=current.trials,
        seed=current.seed,
        exists=partial(_exists, {item.name: item for item in arm.dimensions}),
    )
    content = {"searched": proposals}
    added = add_proposals(plan.study, Expansion((), ()), [current], {current.id: content})
    return content | {"trials": [item.trial.to_json() for item in added.trials]}


def _exists(dimensions: Mapping[str, Dimension], name: str, searched: Mapping[str, Value]) -> bool:
    return dimensions[name].exists(by_spec_name(searched))


def _losses(study: Study, found: xr.Dataset) -> np.ndarray:
    """Return what is to be small of each trial: [trial]; NaN where it is infeasible."""
    objective = study.spec.objective
    sign = -1.0 if objective.mode == "max" else 1.0
    values = found["objective"].to_numpy().astype(float)
    if objective.target is None:
        return np.asarray(sign * values)
    every = float(study.spec.training.eval_every)
    return losses_with_censored(
        values,
        found["censored"].to_numpy() == 1,
        sign * found["best_value"].to_numpy().astype(float),
        float(found.attrs["max_train_steps"]) + every,
        every,
    )
