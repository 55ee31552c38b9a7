"""The plan of a study: its packs, its reruns, its artefacts, and what decides each of them.

This is what the Snakefile knows. Every artefact has a *key*, the hash of all that decides it; an
empty stamp with the key in its name stands beside the artefact when it is current. So a stale
artefact is seen even where Snakemake has forgotten how it was made.
"""

import functools
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuning_playbook.errors import SpecError, nearest
from tuning_playbook.search.expand import Expansion, StudyTrial, expand
from tuning_playbook.search.fingerprint import ID_DIGITS, Trial, canonical, digest
from tuning_playbook.spec.read import read_spec
from tuning_playbook.spec.resolve import resolve
from tuning_playbook.spec.source import Source
from tuning_playbook.spec.study import Study
from tuning_playbook.spec.workload import describe

PACKAGE = Path(__file__).parent.parent

STUDY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")

STAGES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # stage: (the stages it builds on, the code that decides it)
    "study": ((), ("dataset", "search", "spec")),
    "reruns": (("study",), ("analysis",)),
    "models": (("study",), ("analysis",)),
    "diagnostics": (("study",), ("analysis",)),
    "launch": (("reruns", "diagnostics"), ()),
    "plots": (("reruns",), ("analysis", "plots")),
    "report": (("launch", "plots"), ("report",)),
}

DATASET_KEYS = (
    "workload",
    "objective",
    "training",
    "scientific",
    "nuisance",
    "conditional",
    "fixed",
    "search",
)
"""The keys of a spec that decide its dataset."""

BASELINE = "baseline"
"""The name of the baseline among the arms of the reruns."""


@dataclass(frozen=True)
class Pack:
    """The trials that one job trains, in one process.

    Attributes:
        id: The trial's id where it is one; else a hash of theirs.
        trials: Sorted by id, so that a pack does not depend on their places in the study.
    """

    id: str
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class RerunPack:
    """Reruns of one arm's best trial, or of the baseline, that one job trains.

    Attributes:
        id: Its name, known before the best trial is.
        arm: The name of the arm, or `baseline`.
        reruns: The numbers of its reruns.
    """

    id: str
    arm: str
    reruns: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """A study, what it trains and what it makes.

    Attributes:
        study: The resolved spec.
        expansion: Its trials.
        packs: Its training jobs.
        rerun_packs: The training jobs of its reruns.
    """

    study: Study
    expansion: Expansion
    packs: Mapping[str, Pack]
    rerun_packs: Mapping[str, RerunPack]

    @property
    def trials(self) -> tuple[StudyTrial, ...]:
        """Return the trials in the order of the study."""
        return self.expansion.trials

    @functools.cached_property
    def keys(self) -> dict[str, str]:
        """Return the key of every stage: the hash of all that decides its artefacts."""
        settings = self._settings()
        keys: dict[str, str] = {}
        for stage, (upstream, packages) in STAGES.items():
            parts = [settings.get(stage), [keys[name] for name in upstream], code_hash(packages)]
            keys[stage] = digest(parts)[:ID_DIGITS]
        return keys

    def _settings(self) -> dict[str, Any]:
        spec = self.study.spec.model_dump(mode="json")
        baseline = self.study.baseline
        places = [(item.trial.fingerprint, item.arm, dict(item.searched)) for item in self.trials]
        return {
            "study": [{key: spec[key] for key in DATASET_KEYS}, places],
            "reruns": [
                spec["reruns"],
                baseline and [baseline.batch_size, dict(baseline.hyperparameters)],
            ],
            "launch": spec["launch"],
            "report": self.study.text,
        }


def find_spec(study: str, *, folder: Path) -> Path:
    """Return the file of a study, given by its path or by its name in `folder`.

    Raises:
        SpecError: There is none, or its name cannot be a folder's.
    """
    if "/" in study or study.endswith((".yaml", ".yml")):
        path = Path(study)
    else:
        path = folder / f"{study}.yaml"
        if not path.exists():
            known = sorted(item.stem for item in folder.glob("*.yaml"))
            raise SpecError(
                f"there is no study '{study}' in {folder}{nearest(study, known)} "
                f"(known: {', '.join(known) or 'none'}); or give the path of its spec"
            )
    if not STUDY_NAME.fullmatch(path.stem):
        raise SpecError(
            f"{path}: '{path.stem}' cannot name a study and its folder: use letters, "
            "digits, '-' and '_'"
        )
    return path


def read_study(path: Path) -> Study:
    """Read, check and resolve the study at `path`.

    Raises:
        SpecError: The spec cannot be carried out as written.
        WorkloadError: Its workload cannot be imported.
    """
    spec, text = read_spec(path)
    workload = describe(spec.workload, folder=path.parent, data=spec.data)
    return resolve(Source(path, spec, text, workload))


def plan_study(path: Path) -> Plan:
    """Return the plan of the study at `path`.

    Raises:
        SpecError: The spec cannot be carried out as written.
        WorkloadError: Its workload cannot be imported.
    """
    study = read_study(path)
    expansion = expand(study)
    size = study.spec.resources.trials_per_job
    packs: dict[str, Pack] = {}
    for arm in study.arms:
        trials = [item.trial for item in expansion.trials if item.arm == arm.name]
        for chunk in _chunks(trials, size):
            pack = make_pack(chunk)
            packs[pack.id] = pack
    rerun_packs = {pack.id: pack for pack in _rerun_packs(study, size)}
    return Plan(study, expansion, packs, rerun_packs)


def make_pack(trials: Sequence[Trial]) -> Pack:
    """Return the pack of these trials."""
    ordered = tuple(sorted(trials, key=lambda trial: trial.id))
    ids = [trial.id for trial in ordered]
    return Pack(ids[0] if len(ids) == 1 else digest(ids)[:ID_DIGITS], ordered)


def pack_json(plan: Plan, pack: Pack) -> str:
    """Return what a training job is told of its pack, as canonical JSON."""
    return canonical(
        {
            "trials": [trial.to_json() for trial in pack.trials],
            "import_from": plan.study.workload.import_from,
            "data_folder": plan.study.workload.data_folder,
        }
    )


def slug(text: str) -> str:
    """Return a name for files that tells `text` from every other, whatever it holds.

    Example:
        >>> slug("optimizer=adam")
        'optimizer-adam'
    """
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")
    if "-" not in text and plain == text.replace("=", "-").replace(", ", "-") and len(plain) < 80:
        return plain
    return f"{plain[:60]}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def axis_plots(study: Study) -> dict[str, tuple[str, str]]:
    """Return the stem of every axis plot: each searched hyperparameter and condition has one."""
    plots: dict[str, tuple[str, str]] = {}
    for arm in study.arms:
        for item in arm.dimensions:
            suffix = f".{slug(item.condition)}" if item.condition else ""
            plots[f"axis_{item.name}{suffix}"] = (item.name, item.condition)
    return plots


@functools.cache
def code_hash(packages: tuple[str, ...]) -> str:
    """Return the hash of the code in some packages of this project."""
    state = hashlib.sha256()
    for package in packages:
        for path in sorted((PACKAGE / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                state.update(f"{path.relative_to(PACKAGE)}\0".encode() + path.read_bytes())
    return state.hexdigest()


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _rerun_packs(study: Study, size: int) -> Iterator[RerunPack]:
    arms = [arm.name for arm in study.arms] + ([BASELINE] if study.baseline else [])
    for arm in arms:
        for number, chunk in enumerate(_chunks(range(study.spec.reruns.seeds), size)):
            yield RerunPack(f"{slug(arm)}-{number}", arm, tuple(chunk))


CONFIG_KEYS = ("studies", "study", "results")


def plan_studies(config: Mapping[str, Any], *, folder: Path) -> dict[str, Plan]:
    """Return the plans of the studies that the configuration asks for, by name.

    Args:
        config: `studies`, a list of names or paths, or `study`, one that comes instead of them.
        folder: Where studies are looked up by name.

    Raises:
        SpecError: The configuration or a spec cannot be carried out as written.
        WorkloadError: A workload cannot be imported.
    """
    for key in config:
        if key not in CONFIG_KEYS:
            raise SpecError(
                f"unknown configuration key '{key}'{nearest(key, CONFIG_KEYS)} "
                f"(known: {', '.join(CONFIG_KEYS)})"
            )
    for key in ("study", "results"):
        if config.get(key) is not None and not isinstance(config[key], str):
            raise SpecError(
                f"configuration key '{key}' was read as the {type(config[key]).__name__} "
                f"{config[key]!r}; give a path with a '/', as ./{config[key]}"
            )
    chosen = [config["study"]] if config.get("study") is not None else config.get("studies")
    if not isinstance(chosen, list) or not chosen:
        raise SpecError(
            "the configuration names no study: list some under 'studies' in "
            "config/config.yaml, or give --config study=<name or path>"
        )
    plans: dict[str, Plan] = {}
    for study in chosen:
        path = find_spec(str(study), folder=folder)
        if path.stem in plans:
            raise SpecError(
                f"{path}: two studies are named '{path.stem}' and would share one "
                "folder of results; rename one"
            )
        plans[path.stem] = plan_study(path)
    return plans


def results_folder(config: Mapping[str, Any]) -> str:
    """Return the folder of all results, as a pattern of Snakemake's can hold it.

    Raises:
        SpecError: Its name would be taken for a pattern.
    """
    folder = str(config.get("results") or "results").rstrip("/") or "/"
    if set(folder) & set("{}*?[]"):
        raise SpecError(f"results folder '{folder}': its name must not hold any of {{}}*?[]")
    return folder
