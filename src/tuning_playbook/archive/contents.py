"""The files of an archive, their names and their texts.

- `ro-crate-metadata.json`: what each file is, and which job made it from what;
- `CITATION.cff`, `README.md`: how to cite the study, and which file is where;
- `archive.json`: the archive's content, and the code that made it;
- `environment.json`: the software and the processor of the process that made it, and those that the
  trials recorded;
- `spec/`: the spec, its baseline, and the user's own workload;
- `workload.json`, `planned.yaml`: files of `as_planned`, so that `verify` can plan the study again;
- `code/`, `code.diff`: the code, and its changes since its commit, if any;
- `results/`: the content of `results/<study>/`, without logs and names of machines.
"""

import ast
import datetime
import importlib.util
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from tuning_playbook.analysis.ranking import best_ids
from tuning_playbook.archive import citation, crate
from tuning_playbook.archive.as_planned import paths_as_given, planning_files
from tuning_playbook.archive.code import Code, read_code
from tuning_playbook.archive.described import Described, environments
from tuning_playbook.archive.machine import describe_machine
from tuning_playbook.archive.private import (
    TEXTS,
    naming_places,
    report_without_host,
    resources_without_host,
    with_own_hash,
    without_host,
    without_places,
)
from tuning_playbook.archive.provenance import jobs_of
from tuning_playbook.archive.settings import ArchiveSettings, Checkpoints
from tuning_playbook.archive.zip_layout import Content
from tuning_playbook.errors import ArchiveError
from tuning_playbook.jobs.load_workload import BUILT_IN
from tuning_playbook.planning.artefacts import stages_of
from tuning_playbook.planning.plan import Plan
from tuning_playbook.study.command_file import read_command
from tuning_playbook.trials.manifest import BEST, NOTE_OF_ORBAX, SUFFIX, manifest_of, without_note

FORMAT = 3

FORMATS = (1, 2, FORMAT)
"""The formats of archives that can be read."""

RESULTS = "results"
"""The files that a stage of a study leaves in addition to its artefacts."""

TRIAL_FILES = ("trial.json", "best-*.json", "predictions-*.npz")


@dataclass(frozen=True)
class Contents:
    """The content of an archive.

    Attributes:
        files: By their names in the archive.
        code: The code among them.
        naming: Files that still name folders of this machine, although what could be removed was.
    """

    files: Mapping[str, Content]
    code: Code
    naming: tuple[str, ...]


@dataclass(frozen=True)
class AsTold:
    """What the workflow told a job about a study.

    Attributes:
        planned: The file that it plans the study from: its spec, or the settled version.
        results: The folder of all results, as given to the workflow.
    """

    planned: Path
    results: str = "results"


def archive_contents(
    plan: Plan, folder: Path, artefacts: Iterable[Path], settings: ArchiveSettings, told: AsTold
) -> Contents:
    """Return the content of a study's archive: of its current spec, without left-behind trials.

    Args:
        plan: The study's plan.
        folder: Its folder of results.
        artefacts: Its current artefacts in that folder.
        settings: What is stored and published.
        told: What the workflow told the job.

    Raises:
        ArchiveError: A file of the study is missing, or trials of it are.
    """
    study = plan.study
    spec, decisive = _spec_files(plan), _command_files(plan)
    trials = _trials(plan, folder, settings.checkpoints)
    texts = spec | _artefacts(plan, folder, artefacts) | trials
    texts |= planning_files(plan, folder, told.planned)
    places = {
        str(folder.resolve()): f"{RESULTS}/{study.name}",
        str(folder.resolve().parent): RESULTS,
        str(study.path.resolve().parent): "spec",
        str(Path.cwd()): ".",
        str(Path.home()): "~",
    }
    places.pop("/", None)
    files = {
        name: withheld(name, content, places, hosts=settings.hosts)
        for name, content in texts.items()
    } | decisive
    records = {
        Path(name).parent.name: json.loads(Path(path).read_text())
        for name, path in trials.items()
        if name.endswith("/trial.json") and isinstance(path, Path)
    }
    code = read_code()
    about = {
        "format": FORMAT,
        "study": study.name,
        "settings": vars(settings),
        "trained": not study.imported,
        "published": _published(folder, records),
        "workload": about_workload(plan),
        "spec": f"spec/{study.path.name}",
        "as_given": paths_as_given(plan, told.results),
        "code": {
            "commit": code.commit,
            "changed": code.changed,
            "untracked": list(code.untracked),
        },
    }
    naming = naming_places(files, places)
    machine = {"format": FORMAT, **describe_machine()}
    files |= {f"code/{name}": content for name, content in code.files.items()}
    files |= {"code.diff": code.diff} if code.diff else {}
    files |= {"archive.json": withheld("archive.json", _json(about), places, hosts=True)}
    described = descriptions(plan, folder, [*files], about, machine, records)
    files |= {
        name: withheld(name, content, places, hosts=True) for name, content in described.items()
    }
    return Contents(files, code, tuple(naming))


def about_workload(plan: Plan) -> dict[str, Any]:
    """Return the entry in `archive.json` about the workload of a study."""
    described = plan.study.workload
    return {
        "name": described.name,
        "about": _about(described.name) or described.description,
        "versions": dict(described.versions),
    }


def descriptions(
    plan: Plan,
    folder: Path,
    names: Sequence[str],
    about: Mapping[str, Any],
    machine: Mapping[str, Any],
    records: Mapping[str, Mapping[str, Any]],
) -> dict[str, bytes]:
    """Return the files in which an archive describes its other files, by name.

    Args:
        plan: The study's plan.
        folder: Its folder of results.
        names: The names of the other files.
        about: The archive's `archive.json`.
        machine: The machine that made it, as `describe_machine` gives it.
        records: The trial.json of every trial, by id.
    """
    settings = about["settings"]
    described = Described(
        study=plan.study.name,
        goal=plan.study.spec.goal,
        spec=tuple(sorted(name for name in names if name.startswith("spec/"))),
        author=settings["author"],
        license=settings["license"],
        published=about["published"],
        commit=about["code"]["commit"],
        snakemake=machine["packages"]["snakemake"],
    )
    files = {
        "environment.json": _json({**machine, "trained_in": environments(records.values())}),
        citation.NAME: citation.citation(described),
        crate.README: described.readme.encode(),
    }
    jobs = list(jobs_of(plan, folder))
    listed = sorted([*names, *files])
    return files | {crate.NAME: crate.crate_metadata(described, listed, jobs, records)}


def _published(folder: Path, records: Mapping[str, Mapping[str, Any]]) -> str:
    """Return when the results were made: when the last trial was, or otherwise the dataset."""
    times = [record["provenance"]["finished"] for record in records.values()]
    if times:
        return str(max(times))
    changed = (folder / "study.nc").stat().st_mtime
    return datetime.datetime.fromtimestamp(changed, datetime.UTC).isoformat(timespec="seconds")


def _spec_files(plan: Plan) -> dict[str, Content]:
    study = plan.study
    files: dict[str, Content] = {f"spec/{study.path.name}": study.text.encode()}
    given = Path(study.spec.baseline or "")
    for baseline in (study.path.parent / given, given):
        if baseline.is_file():  # else it may be an earlier study
            inside = not given.is_absolute() and ".." not in given.parts
            files[f"spec/{given.as_posix() if inside else given.name}"] = baseline
            break
    described = study.workload
    if described.import_from and not (study.imported or described.is_command):
        # JAX is imported here, only for a user's workload.
        from tuning_playbook.jobs.describe_workload import workload_files  # noqa: PLC0415
        from tuning_playbook.jobs.load_workload import load_workload  # noqa: PLC0415

        workload = load_workload(described.name, described.import_from, described.data_folder)
        beside = Path(described.import_from).resolve()
        for path in workload_files(workload, described.import_from):
            if path.is_relative_to(beside):
                files[f"spec/{path.relative_to(beside).as_posix()}"] = path
    return files


def _command_files(plan: Plan) -> dict[str, Content]:
    """Return the files that decide a command's numbers, unchanged; none for another workload.

    Nothing is removed from them: with any other byte it would be another command.
    """
    if not plan.study.workload.is_command:
        return {}
    command = read_command(Path(plan.study.workload.import_from) / plan.study.workload.name)
    folder = command.path.parent
    names = (command.path.name, *command.files)
    return {f"spec/{name}": folder / name for name in names}


def _artefacts(plan: Plan, folder: Path, artefacts: Iterable[Path]) -> dict[str, Content]:
    patterns = [stage.leaves for stage in stages_of(plan) if stage.leaves]
    further = [path for pattern in patterns for path in folder.glob(pattern)]
    paths = [path for path in (*artefacts, *further) if path.name != NOTE_OF_ORBAX]
    return {_result(folder, path): path for path in paths if path.is_file()}


def _trials(plan: Plan, folder: Path, checkpoints: Checkpoints) -> dict[str, Content]:
    """Return the files of all trials: the study's, its reruns', and those of further datasets."""
    if plan.study.imported:
        return {}
    trials: list[str] = []
    further = [("replicates.nc", plan.replicates), ("set_back.nc", plan.study.spec.reruns.back)]
    for name in ("study.nc", "reruns.nc", *(name for name, asked in further if asked)):
        with xr.open_dataset(folder / name) as dataset:
            trials += [str(trial) for trial in dataset["trial"].to_numpy()]
            if name == "study.nc":
                best = set(best_ids(dataset).values())
            if not dataset.attrs.get("complete", 1):
                raise ArchiveError(
                    f"{folder}: the study is incomplete; run it again without incomplete=... "
                    "before it is archived"
                )
    kept = {"all": set(trials), "best": best, "none": set[str]()}[checkpoints]
    files: dict[str, Content] = {}
    for trial in dict.fromkeys(trials):
        of_trial = folder / "trials" / trial
        names = [path for name in TRIAL_FILES for path in sorted(of_trial.glob(name))]
        if not (of_trial / "trial.json").is_file():
            raise ArchiveError(
                f"{of_trial}/trial.json: it is missing; remove the trial's folder and its pack, "
                "and run snakemake again"
            )
        if trial in kept:
            names += _checkpoint_files(of_trial / "checkpoints")
        files |= {_result(folder, path): path for path in names if path.is_file()}
    return files


def _checkpoint_files(folder: Path) -> Iterable[Path]:
    inside = sorted((folder / BEST).rglob("*"))
    return [
        *(path for path in inside if path.name != NOTE_OF_ORBAX),
        manifest_of(folder, BEST),
        folder / "model.jax_export",
    ]


def _result(folder: Path, path: Path) -> str:
    return f"{RESULTS}/{path.relative_to(folder).as_posix()}"


def withheld(name: str, content: Content, places: Mapping[str, str], *, hosts: bool) -> Content:
    """Return a file without private information, or with names of machines if they are public.

    Args:
        name: The file's name in the archive.
        content: Its content in the results.
        places: The replacement for each folder of this machine.
        hosts: Whether names of machines are published.
    """
    path = Path(name)
    if path.name == "resources.nc" and isinstance(content, Path):
        return content if hosts else resources_without_host(content)
    if path.suffix not in (*TEXTS, SUFFIX):
        return content
    data = content if isinstance(content, bytes) else content.read_bytes()
    if path.name == "trial.json" and not hosts:
        data = without_host(data)
    if path.name == "report.html" and not hosts:
        data = report_without_host(data)
    if path.suffix == SUFFIX:
        data = without_note(data.decode()).encode()
    told = without_places(data, places)
    return with_own_hash(told) if path.name == "trial.json" else told


def _about(workload: str) -> str:
    """Return what a built-in workload's module says about its data and their licence."""
    module = BUILT_IN.get(workload, "").partition(":")[0]
    spec = importlib.util.find_spec(module) if module else None
    if spec is None or spec.origin is None:
        return ""
    return ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode()
