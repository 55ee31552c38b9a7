"""The names that the parameters of a source have here."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tuning_playbook.declarations import NAME
from tuning_playbook.sources.column_types import Type, numeric
from tuning_playbook.sources.runs import SEED, Run, listed
from tuning_playbook.sources.table import Cell
from tuning_playbook.sources.told_by_name import is_identity, is_result

LEAST_RUNS = 3
"""Of fewer it is no wonder that all have another value."""


@dataclass(frozen=True)
class Naming:
    """What the spec says of the names and the types in its source.

    Attributes:
        objective: The objective's metric.
        logged: What the source calls it.
        rename: Names here of parameters and metrics.
        types: Types of hyperparameters, by their names here.
        implied: Types that values or ranges in the spec imply, likewise.
        hyperparameters: The parameters that are hyperparameters, by the source's names; None for
            all.
        last_step: The step of a measurement at the end of training.
        step_0_trained: Whether what was measured at step 0 had trained already, so that steps are
            counted from 1 here; None where only the numbers can tell.
        kept: Names with `one_minus_` that the spec gives a role as they are.
        given: Names of hyperparameters that the spec gives a role, or a type.
        results_beside: Whether results of training may stand among the parameters.
        what: What the source's parameters are called in messages.
        strict: Whether a parameter that cannot be a name here is an error; else it gets a name.
    """

    objective: str
    logged: str
    rename: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, Type] = field(default_factory=dict)
    implied: Mapping[str, Type] = field(default_factory=dict)
    hyperparameters: Collection[str] | None = None
    last_step: int = 1
    step_0_trained: bool | None = False
    kept: Collection[str] = ()
    given: Collection[str] = ()
    results_beside: bool = False
    what: str = "parameter"
    strict: bool = False


def named_parameters(
    runs: Sequence[Run], naming: Naming
) -> tuple[list[dict[str, Cell]], list[str]]:
    """Return the parameters of each run by their names here, and what is said of them."""
    chosen = naming.hyperparameters
    names: dict[str, str] = {}
    clashes: dict[str, str] = {}
    results = _results(runs, naming)
    for run in runs:
        for name in run.parameters:
            if name in names or name in results or (chosen is not None and _unwanted(name, naming)):
                continue
            here = name_here(name, naming.rename, strict=naming.strict)
            if not NAME.fullmatch(here):
                raise run.error(
                    naming.what,
                    name,
                    f"'{here}' is no name of a hyperparameter: those are lower-case letters, "
                    "digits and underscores; give it another under 'source.rename'",
                )
            if clashes.setdefault(here, name) != name:
                raise run.error(
                    naming.what,
                    name,
                    f"it would be '{here}' here, as '{clashes[here]}' is; give one of them another "
                    "name under 'source.rename'",
                )
            names[name] = here
    notes = []
    changed = [
        f"{old} as {new}" for old, new in names.items() if naming.rename.get(old, old) != new
    ]
    if changed:
        notes.append(f"Names read as hyperparameters of this study: {listed(changed)}.")
    if results:
        notes.append(
            f"Left unread, because the names are those of results of training, or of runs: "
            f"{listed(results)}. 'source.rename' makes one a metric, <split>/<name>; "
            "'source.hyperparameters' or a type under 'source.types' makes it a hyperparameter."
        )
    left = sorted({n for run in runs for n in run.parameters} - names.keys() - results.keys())
    if left:
        notes.append(
            f"Left unread, because 'source.hyperparameters' does not name them: {listed(left)}."
        )
    return [
        {names[name]: cell for name, cell in run.parameters.items() if name in names}
        for run in runs
    ], notes


def parameters_by_name(
    runs: Iterable[Run], rename: Mapping[str, str], *, strict: bool
) -> dict[str, str]:
    """Return the parameters of some runs by each name that a spec may call them.

    A name is first one here, after `rename`; where none is called so, the source's own.

    Args:
        runs: As the source has them.
        rename: Names here of parameters.
        strict: Whether a parameter that cannot be a name here keeps it, as `Naming` has it.
    """
    names: dict[str, str] = {}
    for run in runs:
        names |= {name: run.written.get(name, name) for name in run.parameters}
    here = {name_here(name, rename, strict=strict): name for name in names}
    own = {written: name for name, written in names.items()}
    return own | {name: name for name in names if name not in rename} | here


def name_here(name: str, rename: Mapping[str, str], *, strict: bool) -> str:
    """Return the name here of a source's parameter, which is changed to one unless `strict`."""
    given = rename.get(name, name)
    return given if NAME.fullmatch(given) or strict else _as_name(given)


def _results(runs: Sequence[Run], naming: Naming) -> dict[str, None]:
    """Return the parameters that are results of training, or say which run it was.

    Their names say so, and the one are numbers, and the other differ in all runs. What the spec
    calls a hyperparameter is one.
    """
    if not naming.results_beside or naming.hyperparameters is not None:
        return {}
    found: dict[str, None] = {}
    for name in dict.fromkeys(name for run in runs for name in run.parameters):
        here = naming.rename.get(name, name)
        cells = [run.parameters.get(name) for run in runs]
        result = is_result(here) and all(map(numeric, cells))
        identity = is_identity(here) and len(cells) >= LEAST_RUNS and len({*cells}) == len(cells)
        if here not in (*naming.given, SEED) and (result or identity):
            found[name] = None
    return found


def _unwanted(name: str, naming: Naming) -> bool:
    """Whether the spec lists the hyperparameters and this is none of them, nor the seed."""
    here = naming.rename.get(name, name)
    return here != SEED and name not in (naming.hyperparameters or ())


def _as_name(name: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
