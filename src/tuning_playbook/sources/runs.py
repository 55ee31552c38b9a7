"""Runs as a tool logged them, and the trials that they are under the names of a spec."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuning_playbook.declarations import NAME, ONE_MINUS, Value
from tuning_playbook.errors import SourceError, nearest
from tuning_playbook.sources.arms import one_minus
from tuning_playbook.sources.by_step import ByStep
from tuning_playbook.sources.column_types import Complaint, Type, typed
from tuning_playbook.sources.measurements import Steps, record_of, split_of
from tuning_playbook.sources.seeds import told_apart
from tuning_playbook.sources.table import LARGEST, NOTHING, WHOLE, Cell
from tuning_playbook.study.distributions import Distribution
from tuning_playbook.study.equality import same_value
from tuning_playbook.trials.dataset_names import LOGGED
from tuning_playbook.trials.imported_trial import ImportedTrial
from tuning_playbook.trials.record import Status

END = -1
"""The step of a measurement of which the source says no step: the end of training."""

SEED = "seed"
"""The parameter that is no hyperparameter."""

MOST_NAMED = 8
"""Names that a sentence lists; of more it says the number."""

LONGEST_TEXT = 200
"""Characters of a value. A longer one is a document, no choice."""

ONE_NUMBER = 2.0**-24
"""Of a number, what float32 rounds away at most."""

Values = tuple[Value | None, ...]
"""A hyperparameter's value in every run; None where it does not exist."""


@dataclass(frozen=True)
class Run:
    """One run, as its source has it.

    Attributes:
        name: As its source names it.
        where: The file, and the row or the folder, that it is read from.
        parameters: What it was given, by the source's names.
        measured: By the source's name of each metric, its value by step; the step `END` is the end
            of training.
        outcome: How it ended and why, where its source says that it is infeasible.
        written: What the source calls a parameter that has another name here already.
        provenance: When, how long and on what it was trained; None where that is not known.
        study: Which of the studies of its source it is part of; empty where the source has no such.
        ended: How it ended before it had trained for all its steps; empty where its source does not
            say so.
    """

    name: str
    where: str
    parameters: Mapping[str, Cell]
    measured: Mapping[str, Mapping[int, float]]
    outcome: tuple[Status, str] | None = None
    written: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, Any] | None = None
    study: str = ""
    ended: str = ""

    def error(self, what: str, name: str, message: str) -> SourceError:
        """Return an error about a parameter, which `what` calls a column or the like."""
        return SourceError(f"{self.where}, {what} '{self.written.get(name, name)}': {message}")


@dataclass(frozen=True)
class Logs:
    """What a reader found in a source.

    Attributes:
        runs: In the order of the source.
        unread: The names of the runs that the spec does not ask for.
        left_out: Runs of which not even the configuration is known, each with the reason.
        notes: What was guessed or left unread, in sentences.
        steps: How many steps the runs were to train; 0 where the source does not say.
        ranges: What hyperparameters were searched over, by their names there, where it says.
    """

    runs: Sequence[Run]
    unread: Sequence[str] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    steps: int = 0
    ranges: Mapping[str, Distribution] = field(default_factory=dict)


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
            counted from 1 here.
        kept: Names with `one_minus_` that the spec gives a role as they are.
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
    step_0_trained: bool = False
    kept: Collection[str] = ()
    what: str = "parameter"
    strict: bool = False


@dataclass(frozen=True)
class Trials:
    """Trials under the names of a spec.

    Attributes:
        trials: In the order of the source.
        notes: What was guessed, renamed or left unread, in sentences.
        inverted: Hyperparameters that the source has as one minus their value.
    """

    trials: tuple[ImportedTrial, ...]
    notes: tuple[str, ...] = ()
    inverted: frozenset[str] = frozenset()


def finish(runs: Sequence[Run], naming: Naming) -> Trials:
    """Return the trials that some runs are.

    Raises:
        SourceError: No run has the objective's metric, or a name or a value cannot be one here.
    """
    named, notes = _named(runs, naming)
    columns, inverted, more = _columns(runs, named, naming)
    measured, unread = _measured(runs, naming)
    seeds = [_seed(run, parameters, naming) for run, parameters in zip(runs, named, strict=True)]
    trials = tuple(
        ImportedTrial(
            name=run.name,
            study=run.study,
            ended=run.ended,
            where=run.where,
            seed=seed,
            seed_told=told is not None,
            hyperparameters={
                name: value
                for name, values in columns.items()
                if (value := values[place]) is not None
            },
            record=record_of(measured[place], measured[place], naming.objective, run.outcome),
            provenance=run.provenance,
        )
        for place, (run, seed, told) in enumerate(zip(runs, told_apart(seeds), seeds, strict=True))
    )
    return Trials(trials, (*notes, *more, *unread), inverted)


def flattened(content: Mapping[str, Any], prefix: str = "") -> dict[str, Cell]:
    """Return nested names with values as one layer, with a slash between the names.

    A list becomes its JSON-like text; what is longer than a choice can be is left out.

    Example:
        >>> flattened({"lr": 0.1, "optimizer": {"name": "adam", "betas": [0.9, 0.99]}})
        {'lr': 0.1, 'optimizer/name': 'adam', 'optimizer/betas': '[0.9, 0.99]'}
    """
    found: dict[str, Cell] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found |= flattened(value, f"{name}/")
        elif value is None or isinstance(value, bool | int | float):
            found[name] = value
        elif len(text := str(value)) <= LONGEST_TEXT:
            found[name] = text
    return found


def listed(names: Iterable[str]) -> str:
    """Return names in a sentence; of many the first, and how many there are.

    Example:
        >>> listed("abcdefghij")
        'a, b, c, d, e, f, g, h and 2 more'
    """
    every = list(names)
    more = f" and {len(every) - MOST_NAMED} more" if len(every) > MOST_NAMED else ""
    return ", ".join(every[:MOST_NAMED]) + more


def _named(runs: Sequence[Run], naming: Naming) -> tuple[list[dict[str, Cell]], list[str]]:
    """Return the parameters of each run by their names here, and what is said of them."""
    chosen = naming.hyperparameters
    names: dict[str, str] = {}
    clashes: dict[str, str] = {}
    for run in runs:
        for name in run.parameters:
            if name in names or (chosen is not None and _unwanted(name, naming)):
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
    left = sorted({name for run in runs for name in run.parameters} - names.keys())
    if left:
        notes.append(
            f"Left unread, because 'source.hyperparameters' does not name them: {listed(left)}."
        )
    return [
        {names[name]: cell for name, cell in run.parameters.items() if name in names}
        for run in runs
    ], notes


def _unwanted(name: str, naming: Naming) -> bool:
    """Whether the spec lists the hyperparameters and this is none of them, nor the seed."""
    here = naming.rename.get(name, name)
    return here != SEED and name not in (naming.hyperparameters or ())


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


def _as_name(name: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")


def _columns(
    runs: Sequence[Run], named: Sequence[Mapping[str, Cell]], naming: Naming
) -> tuple[dict[str, Values], frozenset[str], list[str]]:
    """Return each hyperparameter's value in every run, the inverted, and what is said of them."""
    notes: list[str] = []
    columns: dict[str, Values] = {}
    trials = [run.name for run in runs]
    for name in dict.fromkeys(name for parameters in named for name in parameters):
        if name == SEED:
            continue
        found = typed(
            name,
            [parameters.get(name) for parameters in named],
            naming.types.get(name) or naming.implied.get(name),
            _complaint(runs, naming.what, name),
            trials,
        )
        values, more = one_value_each(name, found.values)
        columns[name] = values
        notes += [*found.notes, *more]
    return (*_set_right(runs, columns, naming), notes)


def _complaint(runs: Sequence[Run], what: str, name: str) -> Complaint:
    return lambda place, message: runs[place].error(what, name, message)


def _set_right(
    runs: Sequence[Run], columns: Mapping[str, Values], naming: Naming
) -> tuple[dict[str, Values], frozenset[str]]:
    """Return the columns with `one_minus_<name>` resolved to `<name>`, and these names.

    Raises:
        SourceError: A run has both, and they do not fit together.
    """
    found = dict(columns)
    inverted = set()
    for name, values in columns.items():
        base = name.removeprefix(ONE_MINUS)
        numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in _some(values))
        if base == name or name in naming.kept or not numeric or not NAME.fullmatch(base):
            continue
        beside = found.get(base, (None,) * len(values))
        for run, value, other in zip(runs, values, beside, strict=True):
            if value is not None and other is not None and not same_value(one_minus(value), other):
                raise run.error(
                    naming.what, name, f"{value} does not fit the {other} that '{base}' has"
                )
        found[base] = tuple(
            one_minus(value) if value is not None else other
            for value, other in zip(values, beside, strict=True)
        )
        del found[name]
        inverted.add(base)
    return found, frozenset(inverted)


def one_value_each(name: str, values: Values) -> tuple[Values, list[str]]:
    """Return a column in which real numbers that are one are equal, and what is said of it.

    Numbers are one where they differ by less than float32 can tell: one tool prints 14 digits of
    what another prints 19 of, or keeps in float32. Of such the first with the most digits stands.

    Example:
        >>> one_value_each("rate", (0.00025118864315, 0.0002511886431509582))[0]
        (0.0002511886431509582, 0.0002511886431509582)
    """
    numbers = sorted({value for value in values if isinstance(value, float)})
    place = {value: n for n, value in reversed([*enumerate(values)])}
    groups: list[list[float]] = []
    for number in numbers:
        if groups and abs(number - groups[-1][0]) <= ONE_NUMBER * abs(number):
            groups[-1].append(number)
        else:
            groups.append([number])
    several = [group for group in groups if len(group) > 1]
    chosen = {
        number: max(group, key=lambda n: (len(repr(n)), -place[n]))
        for group in several
        for number in group
    }
    if not chosen:
        return values, []
    first = several[0]
    return tuple(
        chosen.get(value, value) if isinstance(value, float) else value for value in values
    ), [
        f"{name}: {' and '.join(map(str, first))} are read as one value, and so are all that "
        f"differ by less than {ONE_NUMBER:.0e} of themselves, as printed digits and float32 do."
    ]


def _some(values: Values) -> list[Value]:
    return [value for value in values if value is not None]


def _measured(runs: Sequence[Run], naming: Naming) -> tuple[list[Steps], list[str]]:
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
            "Logged more than once at a step with other values, as by a run that was resumed or "
            f"logs no steps; the last one counts: {listed(again)}."
        )
    shift = 0
    if naming.step_0_trained and any(
        0 in _stepped(v) for run in runs for v in run.measured.values()
    ):
        shift = 1
        notes.append(
            "The source counts steps from 0, and a model that has not trained is none of its "
            "measurements: its steps are counted from 1 here. 'source: {step_0: untrained}' says "
            "otherwise."
        )
    for run in runs:
        curves = {
            names[name]: _stepped(values) if naming.step_0_trained else values
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


def _stepped(values: Mapping[int, float]) -> Mapping[int, float]:
    """Return a metric's values; one at step 0 alone has no step: tools write 0 for none."""
    return {END: values[0]} if set(values) == {0} else values


def _seed(run: Run, parameters: Mapping[str, Cell], naming: Naming) -> int | None:
    """Return the seed of a run, which may be negative; None where its source does not tell it.

    Raises:
        SourceError: It is no whole number that a dataset can hold.
    """
    cell = parameters.get(SEED)
    if cell is None or cell == "" or str(cell).lower() in NOTHING:
        return None
    try:
        number = float(cell)
        if not isinstance(cell, bool) and -LARGEST <= number <= LARGEST and number == int(number):
            seed = int(cell) if isinstance(cell, int) or WHOLE.fullmatch(str(cell)) else int(number)
            if abs(seed) <= LARGEST:
                return seed
    except ValueError:
        pass
    raise run.error(naming.what, SEED, f"'{cell}' is no whole number from {-LARGEST} to {LARGEST}")
