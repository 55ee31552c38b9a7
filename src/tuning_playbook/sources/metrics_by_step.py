"""What was measured of runs, step by step, under the names here."""

import math
import statistics
from collections.abc import Mapping, Sequence

from tuning_playbook.errors import SourceError, nearest
from tuning_playbook.sources.by_step import ByStep
from tuning_playbook.sources.measurements import Steps, split_of
from tuning_playbook.sources.naming import Naming
from tuning_playbook.sources.runs import END, Run, listed
from tuning_playbook.trials.dataset_names import LOGGED

LEAST_RUNS = 4
"""Fewer have no quartiles."""

FAR_LESS = 0.25
"""Of the distance between the quartiles after an epoch, what initialization and chance make up."""


def metrics_by_step(runs: Sequence[Run], naming: Naming) -> tuple[list[Steps], list[str]]:
    """Return what was measured of each run by step, under the names here, and what is said."""
    known = list(dict.fromkeys(name for run in runs for name in run.measured))
    names: dict[str, str] = {}
    for name in known:
        here = naming.objective if name == naming.logged else naming.rename.get(name, name)
        # A metric that has the objective's name while the spec names another is not the objective.
        shadowed = here == naming.objective and naming.logged in known and name != naming.logged
        if (split_of(here) is not None or here in LOGGED) and not shadowed:
            names[name] = here
    taken: dict[str, str] = {}
    for name, here in names.items():
        if taken.setdefault(here, name) != name:
            raise SourceError(
                f"{runs[0].where}: two metrics, '{taken[here]}' and '{name}', would be '{here}'; "
                "give one of them another name under 'source.rename'"
            )
    failed = [run for run in runs if run.outcome and run.outcome[0] == "failed"]
    if naming.objective not in taken and len(failed) == len(runs):
        raise SourceError(
            f"{runs[0].where}: all {len(runs)} runs have failed and none has a value of "
            f"'{naming.logged}'; this one: {failed[0].outcome[1] if failed[0].outcome else ''}"
        )
    if naming.objective not in taken:
        raise SourceError(
            f"{runs[0].where}: neither this run nor another has a metric '{naming.logged}'"
            f"{nearest(naming.logged, known)} (known: {listed(known) or 'none'}); say with "
            "'source.objective' what it is called there"
        )
    unread = [name for name in known if name not in names or split_of(names[name]) == "test"]
    steps: list[Steps] = []
    notes = []
    if unread:
        notes.append(
            f"Metrics left unread: {listed(unread)}. 'source.rename' can name them <split>/<name>."
        )
    again = [
        f"{name} of {run.name}"
        for run in runs
        for name, values in run.measured.items()
        if name not in unread and isinstance(values, ByStep) and values.replaced
    ]
    if again:
        notes.append(
            "Logged more than once at a step with other values, as by a run that was resumed, by "
            "two runs of one name, or by one that logs no steps; the last one counts: "
            f"{listed(again)}."
        )
    trained, said = _step_0(runs, naming)
    notes += said
    shift = int(bool(said) and trained)
    for run in runs:
        curves = {
            names[name]: _stepped(values) if trained else values
            for name, values in run.measured.items()
            if name not in unread
        }
        own = [step + shift for values in curves.values() for step in values if step != END]
        last = max(own, default=naming.last_step)
        measured: Steps = {}
        for name, values in curves.items():
            for step, value in values.items():
                measured.setdefault(last if step == END else step + shift, {})[name] = value
        steps.append(measured)
    return steps, notes


def _step_0(runs: Sequence[Run], naming: Naming) -> tuple[bool, list[str]]:
    """Return whether what was measured at step 0 had trained, and what is said where there is such.

    Nothing is said of a source that has the untrained model at step 0, as this project has.
    """
    trained = naming.step_0_trained
    if trained is False or not any(0 in _stepped(v) for run in runs for v in run.measured.values()):
        return bool(trained), []
    if trained is None and _alike_at_0(runs, naming.logged):
        return False, [
            "The source counts epochs from 0. The trials differ far less there than after the next "
            "epoch, so it is read as the model before training; 'source: {step_0: trained}' says "
            "otherwise."
        ]
    return True, [
        "The source counts steps from 0, and a model that has not trained is none of its "
        "measurements: its steps are counted from 1 here. 'source: {step_0: untrained}' says "
        "otherwise."
    ]


def _alike_at_0(runs: Sequence[Run], metric: str) -> bool:
    """Whether runs differ so much less at step 0 than at the next that they cannot have trained."""
    first, second = [], []
    for run in runs:
        values = {n: value for n, value in run.measured.get(metric, {}).items() if n >= 0}
        later = min((step for step in values if step > 0), default=None)
        if later is not None and 0 in values:
            first.append(values[0])
            second.append(values[later])
    known = [pair for pair in zip(first, second, strict=True) if all(map(math.isfinite, pair))]
    if len(known) < LEAST_RUNS:
        return False
    before = statistics.quantiles([pair[0] for pair in known])
    after = statistics.quantiles([pair[1] for pair in known])
    return before[-1] - before[0] < FAR_LESS * (after[-1] - after[0])


def _stepped(values: Mapping[int, float]) -> Mapping[int, float]:
    """Return a metric's values; one at step 0 alone has no step: tools write 0 for none."""
    return {END: values[0]} if set(values) == {0} else values
