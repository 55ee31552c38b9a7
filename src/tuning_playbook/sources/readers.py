"""Which reader reads a source of another tool's trials, and what its runs are under a spec."""

import filecmp
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from tuning_playbook.declarations import NAME, ONE_MINUS
from tuning_playbook.errors import SourceError, TuningPlaybookError, nearest
from tuning_playbook.sources.algoperf import read_algoperf
from tuning_playbook.sources.checks import Written
from tuning_playbook.sources.column_types import Type
from tuning_playbook.sources.csv_file import columns_of, read_table
from tuning_playbook.sources.csv_tables import ABOUT_A_TRIAL, one_row_each, read_tables
from tuning_playbook.sources.event_files import read_tensorboard
from tuning_playbook.sources.found import Found
from tuning_playbook.sources.json_lines import names_in_lines, read_json_lines
from tuning_playbook.sources.measurements import is_metric, split_of
from tuning_playbook.sources.mlflow_store import read_mlflow
from tuning_playbook.sources.naming import Naming, name_here, parameters_by_name
from tuning_playbook.sources.optuna_storage import read_optuna
from tuning_playbook.sources.outcomes import with_those_that_never_trained
from tuning_playbook.sources.ray_tune import read_ray
from tuning_playbook.sources.rename import check_rename
from tuning_playbook.sources.runs import SEED, Logs
from tuning_playbook.sources.seed_names import seed_of_runs
from tuning_playbook.sources.table import Table
from tuning_playbook.sources.trials_of_runs import trials_of_runs
from tuning_playbook.sources.wandb_table import read_wandb
from tuning_playbook.study.conditions import SEARCHED, Part, parts_of
from tuning_playbook.study.import_spec import (
    AlgoperfSource,
    ArchiveSource,
    CsvSource,
    FolderSource,
    ForeignSource,
    JsonLinesSource,
    MlflowSource,
    OptunaSource,
    RaySource,
    TensorboardSource,
    WandbSource,
)

EPOCHS = ("epoch", "epochs")

Place = Callable[[str, str], Path]
"""Where a file or a folder is that a key of the source names; and what it is, for the message."""


def read_source(written: Written, place: Place) -> Logs:
    """Return the runs in a source of another tool.

    Raises:
        SourceError: A file cannot be read.
        SpecError: A name of the spec is none of the source's.
    """
    source = written.spec.source
    if isinstance(source, CsvSource | JsonLinesSource):
        return _read_tables(written, source, place)
    if isinstance(source, ArchiveSource):
        raise TypeError("an archive has a reader of its own")
    logs = _read_folder(written, source, place)
    runs = logs.runs
    known = [{*run.parameters, *run.measured} for run in runs]
    check_rename(written, known, "hyperparameter or metric")
    for old, new in source.rename.items():
        if not NAME.fullmatch(new) and split_of(new) is None:
            raise written.error(
                ("source", "rename", old),
                f"'{new}' is no name of a hyperparameter, of lower-case letters, digits and "
                "underscores, and no metric, <split>/<name>",
            )
    return logs


def found_in_logs(written: Written, logs: Logs) -> Found:
    """Return the trials that the runs of a source are, and what is to be said of them.

    Raises:
        SourceError: No run can be read, or one has what cannot be read as it should be.
    """
    source, training = written.spec.source, written.spec.training
    if not logs.runs:
        raise _nothing(written, logs)
    _check_some_readable(logs)
    tables = isinstance(source, CsvSource | JsonLinesSource)
    rename = {} if tables or isinstance(source, ArchiveSource) else dict(source.rename)
    what = "column" if tables else "parameter"
    seeds: list[str] = []
    types: Mapping[str, Type] = {}
    hyperparameters = None
    if not isinstance(source, ArchiveSource):
        told = [*_given(written), *source.rename, *source.rename.values()]
        names = {
            name: name_here(name, rename, strict=tables)
            for name in dict.fromkeys(name for run in logs.runs for name in run.parameters)
        }
        seed, seeds = seed_of_runs(logs.runs, names, told, what)
        rename |= {seed: SEED} if seed else {}
        known = parameters_by_name(logs.runs, rename, strict=tables)
        _check_parameters(written, known)
        types = {
            name_here(known[name], rename, strict=tables): kind
            for name, kind in source.types.items()
            if name in known
        }
        if source.hyperparameters is not None:
            hyperparameters = {known[name] for name in source.hyperparameters if name in known}
    naming = Naming(
        objective=written.spec.objective.metric,
        logged=(source.objective if isinstance(source, FolderSource) else None)
        or written.spec.objective.metric,
        rename=rename,
        types=types,
        implied=_implied(parts_of(written.spec)),
        hyperparameters=hyperparameters,
        last_step=training.max_train_steps if training else 1,
        step_0_trained=_step_0_trained(source, logs.step_called),
        kept=[
            name
            for part in parts_of(written.spec)
            for name in (*part.values, *part.sampled, *part.fixed)
        ],
        given=_given(written),
        results_beside=tables or isinstance(source, WandbSource),
        what=what,
        strict=tables,
    )
    found = trials_of_runs(logs.runs, naming)
    trials = with_those_that_never_trained(
        found.trials,
        logs.steps or (training.max_train_steps if training else 0),
        first_step_is_nothing=isinstance(source, AlgoperfSource),
    )
    notes = [*logs.notes, *seeds, *found.notes]
    notes += [f"Left out: {name}: {reason}." for name, reason in logs.left_out.items()]
    names = {old: naming.rename.get(old, old) for old in logs.ranges}
    return Found(
        trials=trials,
        description=f"Trained by another tool; read from its logs ({source.format}).",
        notes=tuple(notes),
        unread=tuple(logs.unread),
        left_out=logs.left_out,
        ranges={names[old]: item for old, item in logs.ranges.items()},
        inverted=found.inverted,
        begun_again=not tables,
        steps=logs.steps,
        targets=logs.targets,
    )


def _given(written: Written) -> set[str]:
    """Return the names of hyperparameters that the spec lists, or gives a role or a type."""
    source = written.spec.source
    listed = (
        ()
        if isinstance(source, ArchiveSource)
        else (*(source.hyperparameters or ()), *source.types)
    )
    roles = [
        name
        for part in parts_of(written.spec)
        for content in (part.values, part.sampled, part.nuisance, part.fixed)
        for name in content
    ]
    return {*listed, *roles, *(name.removeprefix(ONE_MINUS) for name in roles)}


def _check_parameters(written: Written, known: Mapping[str, str]) -> None:
    """Check that some trial has each hyperparameter that `hyperparameters` and `types` name.

    Raises:
        SpecError: None has.
    """
    source = written.spec.source
    if isinstance(source, ArchiveSource):
        return
    chosen = source.hyperparameters or ()
    places: list[tuple[tuple[str | int, ...], str]] = [
        (("source", "hyperparameters", place), name) for place, name in enumerate(chosen)
    ]
    places += [(("source", "types", name), name) for name in source.types]
    for here, name in places:
        if name not in known and name != SEED:
            raise written.error(
                here,
                f"no trial has a hyperparameter '{name}'{nearest(name, known)} "
                f"(known: {', '.join(sorted(known))})",
            )


def _nothing(written: Written, logs: Logs) -> TuningPlaybookError:
    """Return the error that a source has no run which can be a trial."""
    for reason in logs.left_out.values():
        return SourceError(reason)
    only = written.spec.source.only
    if only and logs.unread:
        near = nearest(only[0], logs.unread)
        return written.error(("source", "only", 0), f"no trial is named '{only[0]}'{near}")
    source = written.spec.source
    place = source.trials if isinstance(source, CsvSource | JsonLinesSource) else source.path
    return written.error(("source",), " ".join([f"{place} holds no finished trial.", *logs.notes]))


def _step_0_trained(source: object, step_called: str) -> bool | None:
    """Whether what was measured at step 0 had trained: the spec says it, or the tool means it so.

    Optuna, MLflow's own logging and TensorBoard's users count epochs from 0. Of who calls a column
    of a table an epoch some do, and others evaluate the untrained model as epoch 0: None.
    """
    if isinstance(source, ForeignSource) and source.step_0 is not None:
        return source.step_0 == "trained"
    if step_called.lower() in EPOCHS:
        return None
    return isinstance(source, OptunaSource | MlflowSource | TensorboardSource)


def _check_some_readable(logs: Logs) -> None:
    """Check that not all runs failed because they cannot be read: then the spec is wrong."""
    outcomes = [run.outcome for run in logs.runs]
    if all(item and item[0] == "failed" for item in outcomes) and not any(
        run.measured for run in logs.runs
    ):
        first = logs.runs[0]
        raise SourceError(f"{first.where}: {outcomes[0][1] if outcomes[0] else ''}")


def _read_folder(written: Written, source: FolderSource, place: Place) -> Logs:
    objective = source.objective or written.spec.objective.metric
    wanted = _wanted(source.only)
    if isinstance(source, AlgoperfSource):
        return read_algoperf(place("path", "folder"), written.spec.workload, objective, wanted)
    if isinstance(source, OptunaSource):
        mode = written.spec.objective.mode
        return read_optuna(place("path", "file"), source.study, objective, mode, wanted)
    if isinstance(source, RaySource):
        return read_ray(place("path", "folder"), source.step, wanted)
    if isinstance(source, MlflowSource):
        return read_mlflow(place("path", "file or folder"), source.experiment, wanted)
    if isinstance(source, TensorboardSource):
        return read_tensorboard(place("path", "folder"), wanted)
    types = {**_implied(parts_of(written.spec)), **source.types}
    return read_wandb(place("path", "file"), objective, source.rename, types, wanted)


def _read_tables(written: Written, source: CsvSource | JsonLinesSource, place: Place) -> Logs:
    keys = ["trials", "measurements"] if source.measurements else ["trials"]
    places = [place(key, "file") for key in keys]
    names = columns_of if isinstance(source, CsvSource) else names_in_lines
    types = {**_implied(parts_of(written.spec)), **source.types}

    def read(path: Path, required: Sequence[str]) -> Table:
        if isinstance(source, CsvSource):
            return read_table(path, required, source.rename, types=types)
        return read_json_lines(path, required, source.rename)

    check_rename(written, [names(path) for path in places] if source.rename else [], "column")
    objective = written.spec.objective.metric
    both = ["trial", "step", objective]
    measurements = None
    if source.measurements and filecmp.cmp(places[0], places[1], shallow=False):
        measurements = read(places[0], both)
        named = measurements.rows[0].written
        about = [
            name
            for name in measurements.columns
            if name not in ABOUT_A_TRIAL and not is_metric(name)
        ]
        _check_parameters(written, {name: name for name in about} | {named[n]: n for n in about})
        trials = one_row_each(measurements, source.hyperparameters, _given(written))
    else:
        trials = read(places[0], ["trial"])
        measurements = read(places[1], both) if source.measurements else None
    runs, unread, notes = read_tables(trials, measurements, objective, _wanted(source.only))
    called = (measurements or trials).rows.written.get("step", "")
    return Logs(runs, unread, notes=notes, step_called=called)


def _wanted(only: Collection[str] | None) -> Callable[[str], bool]:
    """Return whether a run of some name, or with this last part of its name, is asked for."""
    return lambda name: only is None or bool({name, name.rpartition("/")[2]} & set(only))


def _implied(parts: Iterable[Part]) -> Mapping[str, Type]:
    """Return the types of the hyperparameters whose values or ranges the spec gives."""
    found: dict[str, Type] = {}
    for part in parts:
        for name, values in part.values.items():
            kinds = {_type(value) for value in values if value != SEARCHED}
            if len(kinds) == 1:
                found[name] = kinds.pop()
        for name, distribution in (*part.nuisance.items(), *part.sampled.items()):
            if distribution.kind != "choice":
                found |= {name: "number", name.removeprefix(ONE_MINUS): "number"}
    return found


def _type(value: object) -> Type:
    if isinstance(value, bool):
        return "truth"
    return "text" if isinstance(value, str) else "number"
