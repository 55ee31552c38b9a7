"""The hyperparameters of a dataset's trials: their values, roles and distributions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tuning_playbook.dataset.rows import Row, column
from tuning_playbook.dataset.searched import Searched, to_attributes
from tuning_playbook.declarations import ONE_MINUS, Hyperparameter
from tuning_playbook.study.conditions import parts_of, values_of
from tuning_playbook.study.study import Study


def hyperparameter_variables(study: Study, rows: Sequence[Row]) -> dict[str, Any]:
    """Return `hp_<name>` for every hyperparameter of any trial."""
    searched: dict[str, list[Searched]] = {}
    for item in searched_of(study):
        searched.setdefault(item.name, []).append(item)
    values: dict[str, list[Any]] = {}
    for number, row in enumerate(rows):
        trained = row.trial.hyperparameters
        own = {study.renamed.get(name, name): value for name, value in trained.items()}
        given = {**own, "batch_size": row.trial.batch_size, **row.searched}
        for name, value in given.items():
            values.setdefault(name, [None] * len(rows))[number] = value
    scientific = values_of(parts_of(study.spec))
    targets: dict[str, dict[str, None]] = {}
    for dimension in (dimension for arm in study.arms for dimension in arm.dimensions):
        targets.setdefault(dimension.hyperparameter.name, {})[dimension.name] = None
    variables = {}
    for name in sorted(values):
        attributes: dict[str, Any] = {"long_name": _description(study, name)}
        if name in searched:
            attributes |= to_attributes(searched[name])
        elif name in scientific:
            attributes["role"] = "scientific"
        elif name in targets:
            attributes |= {"role": "nuisance", "set_by": ", ".join(targets[name])}
        else:
            attributes["role"] = "fixed"
        variables[f"hp_{name}"] = ("trial", column(values[name]), attributes)
    return variables


def searched_of(study: Study) -> tuple[Searched, ...]:
    """Return the searched hyperparameters of a study, each with the arms that it is in."""
    found: dict[tuple[str, str], Searched] = {}
    for arm in study.arms:
        for item in arm.dimensions:
            key = (item.name, item.condition)
            arms = (*found[key].arms, arm.name) if key in found else (arm.name,)
            distribution = item.distribution
            lowest, highest = _valid(item.name, item.hyperparameter)
            found[key] = Searched(
                name=item.name,
                condition=item.condition,
                arms=arms,
                role=item.role,
                distribution=distribution.kind if distribution else "list",
                low=distribution.low if distribution else np.nan,
                high=distribution.high if distribution else np.nan,
                scale=distribution.scale if distribution else _listed_scale(item.hyperparameter),
                choices=distribution.choices if distribution else (),
                lowest=lowest,
                highest=highest,
                when=item.when,
            )
    return tuple(found.values())


def _valid(name: str, hyperparameter: Hyperparameter) -> tuple[float, float]:
    """Return the smallest and the largest valid value of what a spec names so."""
    low, high = float(hyperparameter.low), float(hyperparameter.high)
    return (1 - high, 1 - low) if name.startswith(ONE_MINUS) else (low, high)


def _listed_scale(hyperparameter: Any) -> str:
    numeric = isinstance(hyperparameter.default, int | float)
    return "linear" if numeric and not isinstance(hyperparameter.default, bool) else "categorical"


def _description(study: Study, name: str) -> str:
    for arm in study.arms:
        for item in arm.dimensions:
            if name == item.name != item.hyperparameter.name:
                minus = f"1 - {item.hyperparameter.name}: " if name.startswith(ONE_MINUS) else ""
                return f"{minus}{item.hyperparameter.description}"
    declared = study.hyperparameters.get(name)
    return declared.description if declared else "examples a step"
