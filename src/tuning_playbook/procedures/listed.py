"""The values of a list search, for a spec that no longer lists its trials."""

from collections.abc import Collection, Sequence
from typing import Any

from tuning_playbook.declarations import ONE_MINUS, Value
from tuning_playbook.procedures.role_entries import Entry, distinct, put_entry
from tuning_playbook.study.searches import ListSearch
from tuning_playbook.study.study import Arm, Dimension, entries_of


def keep_listed_values(
    document: dict[str, Any], arms: Sequence[Arm], asked: Collection[str]
) -> list[Entry]:
    """Return the values of a list as choices for a spec; a single value is fixed.

    What has a range beside the list keeps it. A hyperparameter with different values in different
    arms is put under a condition. A trial that does not name it had its default.

    Args:
        document: The spec with the list, which is changed. With another search it stays as it is.
        arms: Its arms.
        asked: The hyperparameters of the next question, which gives their values itself.
    """
    if document["search"]["algorithm"] != "list":
        return []
    search = ListSearch.model_validate(document["search"])
    found: dict[str, Entry] = {}
    for arm in arms:
        trials = [trial for _, trial in entries_of(search, arm.scientific, arm.elsewhere)]
        for item in arm.dimensions:
            if item.distribution is not None or item.hyperparameter.name in asked:
                continue
            having = [trial for trial in trials if item.exists(arm.draw_of(trial).choices)]
            values = distinct([trial.get(item.name, _default(item)) for trial in having])
            several = len(values) > 1
            role, content = ("nuisance", {"choice": values}) if several else ("fixed", values[0])
            key = repr((role, item.name, content, item.when))
            before = found[key].arms if key in found else ()
            found[key] = Entry(role, item.name, content, (*before, arm), item.when)
    for entry in found.values():
        put_entry(document, entry, arms)
    return list(found.values())


def _default(item: Dimension) -> Value:
    """Return the value of a trial that does not name a hyperparameter, as a spec writes it."""
    default = item.hyperparameter.default
    return float(f"{1.0 - float(default):.12g}") if item.name.startswith(ONE_MINUS) else default
