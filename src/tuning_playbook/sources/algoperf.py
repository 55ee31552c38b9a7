"""Finished trials as the AlgoPerf benchmark logs them, in folders `study_<number>/trial_<number>`.

Each holds `hparams.json`, `eval_measurements.csv` and, where they were kept, `measurements.csv`,
`flags_0.json` and `meta_data_0.json`. The studies of AlgoPerf are repeats on other seeds. The
number of a study is none: every trial may draw its own, and the flags alone tell it.

Source: https://github.com/mlcommons/algorithmic-efficiency.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuning_playbook.errors import SourceError
from tuning_playbook.sources.algoperf_end import SPENT, STEP, how_it_ended
from tuning_playbook.sources.by_step import ByStep
from tuning_playbook.sources.csv_file import read_table
from tuning_playbook.sources.foreign_files import inside, read_object
from tuning_playbook.sources.measurements import split_of
from tuning_playbook.sources.runs import SEED, Logs, Run, flattened, listed
from tuning_playbook.sources.table import LARGEST, Cell, Row, Table
from tuning_playbook.trials.record import Status

FOLDER = re.compile(r"(?:study|trial)_(\d+)")

LOGGED_AS = {"loss": "train_loss", "grad_norm": "grad_norm", "lr": "learning_rate_t"}
"""The dataset's names of what `measurements.csv` logs every hundred steps."""

EVALUATIONS = "eval_measurements.csv"

FLAGS, META = "flags_*.json", "meta_data_*.json"
"""Files of the runner's flags and of its machine: one for each time that a trial was begun."""

RNG_SEED = "rng_seed"

RULESET = "tuning_ruleset"
"""The flag that is `self` where a submission tunes itself, and `external` where it is tuned."""

COUNT = "num_examples"
"""A column of every split that counts what the metrics are means of."""

MACHINE = {
    "cpu_model_name": "machine",
    "gpu_model_name": "device",
    "gpu_count": "devices",
    "python_version": "python",
    "git_commit_hash": "git_commit",
}
"""What of `meta_data_0.json` is provenance, by the names of `resources.nc`."""

SENTENCES: Mapping[str, Callable[[Any], str]] = {
    "target": lambda v: f"the target is {v[1]:g} of {v[0] or 'the objective'} on validation",
    "steps": lambda v: f"{v:,} steps were allowed",
    "seconds": lambda v: f"{v:,} s of run time were allowed",
    "machine": lambda v: f"trained on {v[0]} x {v[1]}",
    "commit": lambda v: f"with the code of commit {v[:10]}",
}
"""What is said of a fact that is in the files of the runner."""

Measured = dict[str, ByStep]


def read_algoperf(folder: Path, workload: str, column: str, wanted: Callable[[str], bool]) -> Logs:
    """Return the runs in a folder: trial by trial, and of each its studies in order.

    An empty cell of a metric whose row counts the examples is one that was not finite: AlgoPerf
    writes NaN so. A run without an evaluation has failed.

    Args:
        folder: It holds `study_<number>/trial_<number>`, or the same with a folder of the workload
            between the two.
        workload: The spec's.
        column: The logged column that is the objective's metric.
        wanted: Whether a run of this name is read.

    Raises:
        SourceError: There are none.
    """
    places = _places(folder, workload)
    runs: list[Run] = []
    left_out: dict[str, str] = {}
    unread: list[str] = []
    notes: list[str] = []
    unlogged: list[str] = []
    facts: Counter[tuple[str, Any]] = Counter()
    for key in sorted(places):
        path = places[key]
        name = path.relative_to(folder).as_posix()
        if not wanted(name):
            unread.append(name)
            continue
        flags, flaws = _objects(path, FLAGS)
        try:
            hyperparameters = _hyperparameters(path, flags)
        except SourceError as error:
            left_out[name] = str(error)
            continue
        meta, more = _objects(path, META)
        notes += [*flaws, *more]
        facts.update(_facts(flags, meta))
        seed, flaw = _seed(path, flags)
        notes += flaw
        measured, outcome, cut = _measured(path, column)
        notes += cut
        if not (path / "measurements.csv").exists():
            unlogged.append(name)
        runs.append(
            Run(
                name=name,
                study=path.relative_to(folder).parts[0],
                ended=_ended(path, meta),
                where=str(path),
                parameters=hyperparameters | ({SEED: seed} if seed is not None else {}),
                measured=measured,
                outcome=outcome,
                provenance=_provenance(path, meta),
            )
        )
    if unlogged and len(unlogged) < len(runs):
        notes.append(
            f"No measurements.csv, and so no training loss and no gradient norms, of "
            f"{len(unlogged)} of {len(runs)} trials: {listed(unlogged)}."
        )
    steps = [value for fact, value in facts if fact == "steps"]
    targets: dict[str, list[float]] = {}
    for fact, value in facts:
        if fact == "target":
            targets.setdefault(f"validation/{value[0]}", []).append(float(value[1]))
    return Logs(
        runs,
        unread,
        left_out,
        [*notes, *_told(facts)],
        max(steps, default=0),
        targets=targets,
    )


def _hyperparameters(path: Path, flags: Sequence[Mapping[str, Any]]) -> dict[str, Cell]:
    """Return what a trial was given: nothing where the submission tunes itself.

    Raises:
        SourceError: Its file cannot be read.
    """
    file = path / "hparams.json"
    if not file.exists() and any(content.get(RULESET) == "self" for content in flags):
        return {}
    return flattened(read_object(file))


def _places(folder: Path, workload: str) -> dict[tuple[int, int], Path]:
    """Return the folder of each trial, by the numbers of the trial and of the study."""
    deeper = [path for path in folder.glob("study_*/*/trial_*") if path.parent.name == workload]
    places: dict[tuple[int, int], Path] = {}
    for path in sorted([*folder.glob("study_*/trial_*"), *deeper]):
        study = FOLDER.fullmatch(path.relative_to(folder).parts[0])
        trial = FOLDER.fullmatch(path.name)
        if study and trial and path.is_dir() and inside(path, folder):
            places[int(trial[1]), int(study[1])] = path
    if not places:
        raise SourceError(
            f"{folder}: there are no folders study_<number>/trial_<number>; give the folder that "
            "holds AlgoPerf's logs of one workload"
        )
    return places


def _measured(path: Path, column: str) -> tuple[Measured, tuple[Status, str] | None, list[str]]:
    """Return what was measured of a trial, that it failed where nothing was, and what is said."""
    try:
        log = _table(path / "measurements.csv")
        measured = {} if log is None else _logged(log)
        # Where the evaluations were not kept by themselves the log has them between its lines.
        evaluations = _table(path / EVALUATIONS) or log
        found = {} if evaluations is None else _evaluated(evaluations)
    except SourceError as error:
        return {}, ("failed", str(error)), []
    tables = [table for table in (log, evaluations) if table is not None]
    notes = list(dict.fromkeys(table.last_line for table in tables if table.last_line))
    if not found.get(column):
        seen = ", ".join(name for name in found if found[name]) or "none"
        if evaluations is not None:
            why = f"it has no value of '{column}' (metrics with values: {seen})"
        elif (path / EVALUATIONS).exists():
            why = "the table has no rows"
        else:
            why = "there is no such file"
        return measured, ("failed", f"{EVALUATIONS}: {why}"), notes
    return measured | found, None, notes


def _ended(path: Path, meta: Sequence[Mapping[str, Any]]) -> str:
    """Return how a run ended before its time; empty where its files do not tell."""
    try:
        table = _table(path / EVALUATIONS)
    except SourceError:
        return ""  # said where it is read for its measurements
    if table is None or not meta:
        return ""
    wanted = [name for name in table.columns if name in (STEP, SPENT) or split_of(name)]
    columns = {name: [row.real(name) for row in table.rows] for name in wanted}
    return how_it_ended(meta[0], columns)


def _table(path: Path) -> Table | None:
    """Return a table; None where there is no file or no row."""
    if not path.exists() or path.stat().st_size == 0:
        return None
    with path.open("rb") as file:
        lines = sum(1 for line in zip(range(2), (row for row in file if row.strip()), strict=False))
    called = f"{path.parent.name}/{path.name}"
    return read_table(path, ["global_step"], called=called) if lines > 1 else None


def _evaluated(table: Table) -> Measured:
    """Return the metrics of the train and the validation split by step."""
    names = [
        name
        for name in table.columns
        if split_of(name) in ("train", "validation") and not name.endswith(f"/{COUNT}")
    ]
    counts = [name for name in table.columns if name.endswith(f"/{COUNT}")]
    found: Measured = {}
    for row in table.rows:
        evaluated = any(row.text(name) for name in counts)
        for name in names:
            value = row.real(name)
            if value is None and evaluated:
                value = math.nan
            if value is not None:
                # A run that was resumed logs a step again, and goes on from there.
                found.setdefault(name, ByStep())[row.whole("global_step")] = value
    return found


def _logged(table: Table) -> Measured:
    found: Measured = {}
    for row in table.rows:
        for name, here in LOGGED_AS.items():
            value = row.real(name) if name in table.columns else None
            if value is not None:
                found.setdefault(here, ByStep())[row.whole("global_step")] = value
    return found


def _objects(path: Path, pattern: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the objects in some files of a trial, and what is said of those without one."""
    found, flaws = [], []
    for file in sorted(path.glob(pattern)):
        try:
            found.append(read_object(file))
        except SourceError as error:
            flaws.append(f"{error}; nothing of it is used.")
    return found, flaws


def _seed(path: Path, flags: Iterable[Mapping[str, Any]]) -> tuple[int | None, list[str]]:
    """Return the seed of a trial, None where its flags do not tell it; and what is said of it.

    The runner draws one from the hardware where the flag is not given, or 0, and logs that nowhere;
    and a trial that was resumed with another seed has no single one. A seed may be negative: the
    runner draws from all of 32 bits.
    """
    told = {repr(content.get(RNG_SEED)): content.get(RNG_SEED) for content in flags}
    if len(told) != 1:
        return None, []
    (seed,) = told.values()
    if seed is None or seed == 0:
        return None, []
    if isinstance(seed, bool) or not isinstance(seed, int) or abs(seed) > LARGEST:
        return None, [f"{path}: '{RNG_SEED}' of its flags is no whole number: {seed!r}."]
    return seed, []


def _facts(
    flags: Iterable[Mapping[str, Any]], meta: Iterable[Mapping[str, Any]]
) -> Iterable[tuple[str, Any]]:
    """Yield what a trial's files say of the whole experiment."""
    steps: set[int] = set()
    for content in flags:
        steps |= {value for value in (content.get("max_global_steps"),) if isinstance(value, int)}
    for content in meta:
        hint = content.get("workload.step_hint")
        steps |= {hint} if isinstance(hint, int) and not steps else set()
        target = content.get("workload.validation_target_value")
        if isinstance(target, int | float):
            yield "target", (str(content.get("workload.target_metric_name", "")), target)
        budget = content.get("workload.max_allowed_runtime_sec")
        if isinstance(budget, int | float):
            yield "seconds", budget
        device = content.get("gpu_model_name") or content.get("cpu_model_name")
        if isinstance(device, str):
            yield "machine", (content.get("gpu_count") or 1, device)
        if isinstance(commit := content.get("git_commit_hash"), str):
            yield "commit", commit
    if steps:
        yield "steps", max(steps)


def _told(facts: Mapping[tuple[str, Any], int]) -> list[str]:
    """Return what the files say of the experiment, in a sentence."""
    parts = []
    for kind, write in SENTENCES.items():
        values = dict.fromkeys(value for fact, value in facts if fact == kind)
        if values:
            parts.append(" or ".join(write(value) for value in [*values][:2]))
    return [f"The logs say: {'; '.join(parts)}."] if parts else []


def _provenance(path: Path, meta: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return when and on what a trial was trained; None where its files do not say."""
    first = next(iter(meta), None)
    if first is None:
        return None
    found: dict[str, Any] = {"versions": {}}
    for theirs, ours in MACHINE.items():
        value = first.get(theirs)
        if isinstance(value, str | int | float):
            found[ours] = value
    try:
        table = _table(path / EVALUATIONS)
        last = table.rows[-1] if table else None
        seconds = _real(last, "accumulated_submission_time")
        steps = _real(last, "global_step")
        wall = _real(last, "total_duration")
    except SourceError:
        return found
    if wall is not None:
        found["wall_seconds"] = wall
    if seconds and steps:
        found["steps_per_second"] = steps / seconds
    return found


def _real(row: Row | None, column: str) -> float | None:
    return row.real(column) if row is not None and column in row.cells else None
