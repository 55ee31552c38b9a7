"""Which imported trials have one configuration, and differ by their seeds alone."""

from collections.abc import Iterable, Mapping

from tuning_playbook.declarations import Value
from tuning_playbook.trials.imported_trial import ImportedTrial


def configurations(imported: Iterable[ImportedTrial]) -> list[tuple[ImportedTrial, ...]]:
    """Return trials by their configuration, each with its seeds, in the order of the source."""
    groups: dict[frozenset[object], list[ImportedTrial]] = {}
    for trial in imported:
        groups.setdefault(_key(trial.hyperparameters), []).append(trial)
    return [tuple(group) for group in groups.values()]


def equal(one: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
    """Whether two configurations are one."""
    return _key(one) == _key(other)


def _key(hyperparameters: Mapping[str, Value]) -> frozenset[object]:
    """Return what equal configurations share; 1 and 1.0 are one value, 1 and true are not."""
    return frozenset((name, isinstance(v, bool), v) for name, v in hyperparameters.items())
