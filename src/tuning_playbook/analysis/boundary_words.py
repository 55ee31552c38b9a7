"""What the check `boundary` found, and what it advises, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from tuning_playbook.analysis.numbers import text

Rows = Sequence[Mapping[str, Any]]
"""Rows of the numbers of the finding, one for each hyperparameter and arm."""


def summary_of(flagged: Rows, limits: Rows, single: Rows) -> str:
    """Return what was found: clusters at an edge, at a last valid value, and lone best trials."""
    found = [*map(_at_boundary, flagged), *map(_at_limit, limits), *map(_on_the_very_edge, single)]
    return " ".join(found)


def advice_on(flagged: Rows, limits: Rows, single: Rows) -> str:
    """Return what to do about the same."""
    return " ".join([*map(_wider, flagged), *map(_closer, limits), *map(_look_at, single)])


def _at_boundary(row: Mapping[str, Any]) -> str:
    return f"{_cluster(row)} (p = {row['p_value']:.2g})."


def _at_limit(row: Mapping[str, Any]) -> str:
    return (
        f"{_cluster(row)} (p = {row['p_value']:.2g}); beyond it no value is valid, so "
        "no wider range exists."
    )


def _cluster(row: Mapping[str, Any]) -> str:
    return (
        f"The best trials of {row['arm']} cluster at the {row['edge']} edge of "
        f"{row['hyperparameter']}: {_best(row)}"
    )


def _on_the_very_edge(row: Mapping[str, Any]) -> str:
    return (
        f"The best trial of {row['arm']} lies on the very {row['edge']} edge of "
        f"{row['hyperparameter']}, though the other top ones do not: {_best(row)} "
        f"(p = {row['p_value_of_the_best']:.2g})."
    )


def _best(row: Mapping[str, Any]) -> str:
    low, high = row["range"]
    return f"the best has {text(row['best_value'])} in [{text(low)}, {text(high)}]"


def _wider(row: Mapping[str, Any]) -> str:
    return (
        f"Search {_range(row)}, and go on until the best trial is no longer close to the boundary."
    )


def _closer(row: Mapping[str, Any]) -> str:
    return (
        f"Fix {row['hyperparameter']} of {row['arm']} at that end, or search it closer to the end "
        "in a scale that has more values there."
    )


def _look_at(row: Mapping[str, Any]) -> str:
    return (
        f"Look at the axis plot of {row['hyperparameter']}; a single trial may be a lucky one. "
        f"Search {_range(row)} if it is not."
    )


def _range(row: Mapping[str, Any]) -> str:
    low, high = row["proposed_range"]
    return f"{row['hyperparameter']} of {row['arm']} over [{text(low)}, {text(high)}]"


def all_clear(rows: Rows, limited: Rows, telling: int) -> str:
    """Return the summary where no best trials cluster at an edge."""
    sentences = [
        "The best trials do not cluster at an edge of the range, in any of "
        f"{telling} combinations of a hyperparameter and an arm."
    ]
    if telling < len(rows):
        sentences.append(f"{len(rows) - telling} more have too few feasible trials.")
    sentences += [
        f"At the {row['edge']} edge of {row['hyperparameter']} in {row['arm']} the trials beyond "
        "the best one, which broke down, end the good region, and not the range."
        for row in limited
    ]
    return " ".join(sentences)


def too_few(rows: Rows, tests: int) -> str:
    """Return the summary where the trials are too few for a cluster to differ from chance."""
    outermost = [row for row in rows if row["best_position"] in (0.0, 1.0)]
    sentences = [
        f"There are too few feasible trials ({max(row['feasible'] for row in rows)} in the "
        f"largest arm, for {tests} edges) to tell best trials that cluster at an edge from chance."
    ]
    sentences += [
        f"The best trial of {row['arm']} lies at the end of {row['hyperparameter']}: {_best(row)}."
        for row in outermost
    ]
    return " ".join(sentences)
