"""Studies from Python and notebooks: `import tuning_playbook as tp`, then `tp.open("my_study")`.

`check`, `expand` and `train` do for a spec what the commands of the same names do. Nothing here
needs Snakemake.
"""

import functools
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import xarray as xr
from matplotlib.figure import Figure

from tuning_playbook.analysis.findings import Finding, read_findings
from tuning_playbook.analysis.trial_values import value_columns
from tuning_playbook.dataset.study_status import study_status
from tuning_playbook.errors import ArtefactError, SpecError, TuningPlaybookError, nearest
from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.train_plan import train_plan
from tuning_playbook.planning.incomplete import Use
from tuning_playbook.planning.own_folder import spec_of_folder
from tuning_playbook.planning.plan import Plan, find_spec
from tuning_playbook.planning.targets import StudyFiles
from tuning_playbook.plots.study_plots import Drawings, every_plot
from tuning_playbook.procedures.found_plan import found_plan, found_plans
from tuning_playbook.report.check_lines import check_lines
from tuning_playbook.report.so_far import FILE, SoFar, report_so_far, what_there_is
from tuning_playbook.report.status_lines import how_far
from tuning_playbook.study.planned_round import ROUND

FILES = ("study.nc", "reruns.nc", "resources.nc", "diagnostics.json", "launch.json")
"""The files that Snakemake has made for a study once it is decided."""

COLUMNS = {
    "arm": "arm",
    "objective": "objective",
    "best_step": "best_step",
    "status": "status",
    "infeasible_reason": "infeasible_reason",
    "seed": "seed",
    "index": "place",
}
"""The columns of the table of trials beside hyperparameters, by the names in the dataset."""


@dataclass(frozen=True, eq=False, repr=False)
class OpenedStudy:
    """The results of a study.

    Attributes:
        name: The study's.
        folder: Its folder of results.
        dataset: Its trials, as `study.nc` has them.
        reruns: Its reruns, as `reruns.nc` has them.
        resources: Time, memory and machine of its trials.
        findings: What the checklist found: a `Finding` for each check.
        launch: The answer and the decision, as `launch.json` has them.
    """

    name: str
    folder: Path
    dataset: xr.Dataset
    reruns: xr.Dataset
    resources: xr.Dataset
    findings: tuple[Finding, ...]
    launch: Mapping[str, Any]
    _replicates: xr.Dataset | None = None
    _so_far: SoFar | None = None

    def __repr__(self) -> str:
        """Return what a notebook shows for it."""
        return f"study '{self.name}', {self.dataset.sizes['trial']} trials: {self.decision}"

    @property
    def answer(self) -> str:
        """Return the study's answer to its goal, in a sentence or two."""
        return str(self.launch["answer"]["sentence"])

    @property
    def decision(self) -> str:
        """Return `adopt`, `reject`, `provisional`, or `undecided` where trials are missing."""
        return str(self.launch["decision"])

    @property
    def trials(self) -> Any:
        """Return a pandas table of the search's trials, by id: one row each, in their order.

        Its columns are the arm, the objective (missing where infeasible), the step where it was
        reached, the status, every hyperparameter under its own name, and the seconds it took.
        """
        columns: dict[str, Any] = {
            column: ("trial", self.dataset[name].values)
            for name, column in COLUMNS.items()
            if name in self.dataset
        }
        hyperparameters = value_columns(self.dataset)
        columns |= {name: ("trial", self.dataset[f"hp_{name}"].values) for name in hyperparameters}
        trial = self.dataset["trial"].values
        if "wall_seconds" in self.resources:
            took = self.resources["wall_seconds"].reindex(trial=trial)
            columns["seconds"] = ("trial", took.values)
        return xr.Dataset(columns, coords={"trial": trial}).to_dataframe()

    @property
    def plots(self) -> tuple[str, ...]:
        """Return the names of the plots that `plot` draws."""
        return tuple(self._drawings)

    def plot(self, name: str) -> Figure:
        """Return a plot of the report as a matplotlib figure.

        Args:
            name: One of `plots`.

        Raises:
            TuningPlaybookError: There is no such plot.
        """
        if name not in self._drawings:
            raise TuningPlaybookError(
                f"the study '{self.name}' has no plot '{name}'{nearest(name, self.plots)} "
                f"(it has {', '.join(self.plots)})"
            )
        return self._drawings[name]()

    def report(self) -> Path:
        """Return the file of the report; a report of the results so far is written anew.

        Raises:
            ArtefactError: Snakemake has not written the report of a decided study yet.
        """
        if self._so_far is not None:
            results = self.folder.parents[self.name.count("/")]
            plan = self._so_far.plan
            said = how_far(study_status(plan, results))
            file = self.folder / FILE
            write_atomically(file, report_so_far(self._so_far, results, said=said))
            return file
        file = self.folder / "report.html"
        if not file.exists():
            raise ArtefactError(
                f"{file}: it is not there yet: run snakemake --config "
                f"study={self.name.partition('/')[0]}"
            )
        return file

    @functools.cached_property
    def _drawings(self) -> Drawings:
        return every_plot(self.dataset, self.reruns, self._replicates, self.findings)


def open(study: str | Path, results: str | Path = "results") -> OpenedStudy:
    """Return the results of a study; before it is decided, the results so far.

    A warning says so where the spec or the code has changed since the study was decided.

    Args:
        study: Its name, that of a round of a procedure (`stability/rounds/1`), or the path of its
            spec.
        results: The folder of all results.

    Raises:
        ArtefactError: No trial has a result yet.
        SpecError: There are no results, and no spec of that name either.
    """
    name = Path(study).stem if str(study).endswith((".yaml", ".yml")) else str(study)
    folder = Path(results) / name
    if all((folder / file).exists() for file in FILES):
        _warn_if_outdated(study, name, folder, Path(results))
        return _opened(name, folder)
    if (folder / "conclusion.json").exists():
        raise ArtefactError(
            f"{folder}: it is a procedure; open one of its rounds, as '{name}/rounds/1', or read "
            "conclusion.json and conclusion.nc"
        )
    return _so_far(_planned(_spec(_whose(study, name)), name, Path(results)), Path(results))


def check(spec: str | Path, results: str | Path = "results") -> list[str]:
    """Return what `tuning-playbook check` says about a spec, in lines; nothing is trained.

    Args:
        spec: The study's name, or the path of its spec.
        results: The folder of all results, which shows how long training takes.

    Raises:
        TuningPlaybookError: The spec, or the workload behind it, cannot be carried out.
    """
    return list(check_lines(_spec(spec), Path(results)))


def expand(spec: str | Path, results: str | Path = "results") -> Any:
    """Return a pandas table of a spec's trials, by id: arm, place, and every hyperparameter.

    Its arguments and errors are those of `check`.
    """
    trials = found_plan(_spec(spec), Path(results)).trials
    names = dict.fromkeys(name for item in trials for name in item.trial.hyperparameters)
    columns: dict[str, Any] = {
        "arm": [item.arm for item in trials],
        "place": [item.index for item in trials],
        "seed": [item.trial.seed for item in trials],
    }
    columns |= {name: [item.trial.hyperparameters.get(name) for item in trials] for name in names}
    table = {name: ("trial", values) for name, values in columns.items()}
    return xr.Dataset(table, coords={"trial": [item.trial.id for item in trials]}).to_dataframe()


def train(
    spec: str | Path,
    results: str | Path = "results",
    *,
    trials: Sequence[str] = (),
    threads: int = 1,
) -> OpenedStudy:
    """Train the trials of a spec in this process, and return the study's results so far.

    Finished trials are kept, and Snakemake uses them later. Reruns and the decision are left to
    Snakemake.

    Args:
        spec: The study's name, or the path of its spec.
        results: The folder of all results.
        trials: The ids of the trials to train; all of the search where it is empty.
        threads: CPU cores to use; without effect once JAX was imported.

    Raises:
        TuningPlaybookError: The spec cannot be carried out, or a trial is not the study's.
    """
    path = _spec(spec)
    train_plan(found_plan(path, Path(results)), Path(results), only=trials, threads=threads)
    return _so_far(found_plan(path, Path(results)), Path(results))


def _spec(study: str | Path) -> Path:
    return find_spec(str(study), folder=Path("config/studies"))


def _whose(study: str | Path, name: str) -> str | Path:
    """Return what names the spec of a study; for a round that is its procedure."""
    return name.partition("/")[0] if ROUND.fullmatch(name) else study


def _planned(spec: Path, name: str, results: Path) -> Plan:
    """Return the plan of a study, or of a round of a procedure.

    Raises:
        ArtefactError: There is no such round.
        TuningPlaybookError: The spec cannot be carried out.
    """
    if not ROUND.fullmatch(name):
        return found_plan(spec, results)
    for plan in found_plans(spec, results):
        if plan.study.name == name:
            return plan
    raise ArtefactError(f"{results / name}: no round of that number is planned yet")


def _warn_if_outdated(study: str | Path, name: str, folder: Path, results: Path) -> None:
    """Warn where the spec or the code has changed since the decision in a folder.

    Results without their spec, such as copied ones, give no warning.
    """
    whose = _whose(study, name)
    given = str(study).endswith((".yaml", ".yml"))
    try:
        spec = (None if given else spec_of_folder(results, str(whose))) or _spec(whose)
    except SpecError:
        return
    if not spec.exists() or not any(folder.glob("current/launch-*")):
        return
    # Resolved first: of a results folder that is a link, `..` does not lead back here.
    spec = Path(os.path.relpath(spec.resolve()))
    try:
        plan = _planned(spec, name, results)
        files = [StudyFiles(plan, str(folder), use) for use in get_args(Use)]
        if any(item.is_current("launch", "launch.json") for item in files):
            return
        why = (
            f"{spec}, the code, or what there is of the trials is not what this study was decided "
            "from"
        )
    except (TuningPlaybookError, ValueError, LookupError) as error:
        why = f"this study was decided before, and its spec cannot be carried out now: {error}"
    warnings.warn(
        f"{folder}: {why}; these are the earlier results: run snakemake --config "
        f"study={whose} for those of the present spec",
        stacklevel=3,
    )


def _so_far(plan: Plan, results: Path) -> OpenedStudy:
    found = what_there_is(plan, results)
    name = found.plan.study.name
    return OpenedStudy(
        name,
        results / name,
        found.study,
        found.reruns,
        found.resources,
        tuple(found.findings),
        found.launch.to_json(),
        None,
        found,
    )


def _opened(name: str, folder: Path) -> OpenedStudy:
    """Return a study from its files; all are read and closed."""
    study, reruns, resources = (xr.load_dataset(folder / file) for file in FILES[:3])
    replicates = folder / "replicates.nc"
    return OpenedStudy(
        name,
        folder,
        study,
        reruns,
        resources,
        tuple(read_findings(folder / "diagnostics.json")),
        json.loads((folder / "launch.json").read_text()),
        xr.load_dataset(replicates) if replicates.exists() else None,
    )
