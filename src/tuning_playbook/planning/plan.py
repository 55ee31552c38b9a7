"""The plan of a study: its packs, its reruns, its artefacts, and what decides each of them.

This is what the Snakefile knows. Every artefact has a *key*, the hash of all that decides it; an
empty stamp with the key in its name stands beside the artefact when it is current. So a stale
artefact is seen even where Snakemake has forgotten how it was made.
"""

import functools
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tuning_playbook.errors import SpecError, nearest
from tuning_playbook.planning.expand import Expansion, StudyTrial, expand
from tuning_playbook.planning.imported_trials import list_finished
from tuning_playbook.planning.rounds import Round, add_proposals, rounds_of
from tuning_playbook.sources.imported_study import import_study
from tuning_playbook.study import shape
from tuning_playbook.study.advice import Advice, advise
from tuning_playbook.study.draft import Source
from tuning_playbook.study.earlier_results import Arm, put_in
from tuning_playbook.study.import_spec import ImportSpec
from tuning_playbook.study.origin import EarlierResult
from tuning_playbook.study.read import WrittenSpec, read_spec, validate
from tuning_playbook.study.resolve import resolve
from tuning_playbook.study.study import Study
from tuning_playbook.study.workload_description import describe
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection
from tuning_playbook.trials.request import PackRequest
from tuning_playbook.trials.trial import ID_DIGITS, Trial, digest

PACKAGE = Path(__file__).parent.parent

STUDY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")

SPEC_CODE = ("declarations.py", "planning", "search", "study", "trials")
"""The code that makes trials of a spec."""

STAGES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # stage: (the stages it builds on, the code that decides it)
    "rounds": ((), SPEC_CODE),
    "study": (("rounds",), ("dataset", "sources", *SPEC_CODE)),
    "replicates": ((), ("dataset", *SPEC_CODE)),
    "reruns": (("study",), ("analysis",)),
    "models": (("study",), ("analysis",)),
    "diagnostics": (("study",), ("analysis",)),
    "next": (("diagnostics",), ("procedures",)),
    "launch": (("reruns", "replicates", "diagnostics"), ("launches",)),
    "test": (("launch",), ()),
    "final": (("launch",), ()),
    "plots": (("reruns", "replicates"), ("analysis", "launches", "plots")),
    "report": (("launch", "plots", "next", "test", "final"), ("report",)),
}

DATASET_KEYS = (
    "workload",
    "objective",
    "training",
    "design",
    "scientific",
    "nuisance",
    "conditional",
    "fixed",
    "search",
)
"""The keys of a spec that decide its dataset."""

ENDS = ("trials", "rounds")
"""The keys of a Bayesian search that say when it ends."""

NO_RESULTS: Mapping[Arm, EarlierResult] = MappingProxyType({})

BASELINE = "baseline"
"""The name of the baseline among the arms of the reruns."""


@dataclass(frozen=True)
class Pack:
    """The trials that one job trains, in one process.

    Attributes:
        id: The trial's id where it is one; else a hash of theirs.
        arm: The name of their arm.
        trials: Sorted by id, so that a pack does not depend on their places in the study.
    """

    id: str
    arm: str
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
        rounds: The rounds of a Bayesian search, whose trials follow from results.
        replicates: The trials of each repeat of the whole search, the first repeat first.
        replicate_packs: Their training jobs.
    """

    study: Study
    expansion: Expansion
    packs: Mapping[str, Pack]
    rerun_packs: Mapping[str, RerunPack]
    rounds: Mapping[str, Round]
    replicates: tuple[Expansion, ...] = ()
    replicate_packs: Mapping[str, Pack] = field(default_factory=dict)

    @property
    def trials(self) -> tuple[StudyTrial, ...]:
        """Return the trials in the order of the study."""
        return self.expansion.trials

    @property
    def trials_per_arm(self) -> dict[str, int]:
        """Return the number of trials of each arm, by its name, those to be proposed included."""
        counts = dict.fromkeys((arm.name for arm in self.study.arms), 0)
        for item in self.trials:
            counts[item.arm] += 1
        proposed = {(item.arm, item.round) for item in self.trials}
        for to_come in self.rounds.values():
            if (to_come.arm, to_come.number) not in proposed:
                counts[to_come.arm] += to_come.trials
        return counts

    @property
    def advice(self) -> tuple[Advice, ...]:
        """Return what the playbook's rules of thumb say of the study."""
        return () if self.study.finished else advise(self.study, self.trials_per_arm)

    @property
    def stages(self) -> tuple[str, ...]:
        """Return the stages that this study has."""
        spec = self.study.spec
        absent = {
            "rounds": not self.rounds,
            "replicates": not self.replicates,
            "models": bool(self.study.finished),
            "next": bool(self.study.finished),
            "test": spec.test.evaluate is None,
            "final": not spec.final.fold_validation,
        }
        return tuple(stage for stage in STAGES if not absent.get(stage))

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
        places = [_place(item) for item in self.trials if not item.round]
        origins = [item.to_json() for item in self.study.taken]
        search = {name: value for name, value in spec["search"].items() if name not in ENDS}
        return {
            # How many rounds there are decides none of their proposals.
            "rounds": [
                search,
                [item.trials for item in self.rounds.values()][:1],
                places,
                spec["objective"],
            ],
            "study": [{key: spec[key] for key in DATASET_KEYS}, places, *origins],
            "replicates": [
                [{key: spec[key] for key in DATASET_KEYS}],
                [[_place(item) for item in repeat.trials] for repeat in self.replicates],
            ],
            "reruns": [
                spec["reruns"],
                baseline and [baseline.batch_size, dict(baseline.hyperparameters)],
                [
                    (item.name, item.record.sha256, repr(item.best), repr(item.provenance))
                    for item in self.study.finished
                ],
            ],
            "diagnostics": spec["checklist"],
            "next": self.study.text,
            "launch": spec["launch"],
            "test": spec["test"],
            "final": spec["final"],
            "plots": spec["isolation"],
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


def study_of(written: WrittenSpec, results: Mapping[Arm, EarlierResult] = NO_RESULTS) -> Study:
    """Check and resolve a study.

    Args:
        written: Its spec.
        results: Of the earlier studies that it takes values from.

    Raises:
        SpecError: The spec cannot be carried out as written.
        WorkloadError: Its workload cannot be imported.
    """
    path, spec, text = written.path, written.shape, written.text
    if isinstance(spec, ImportSpec):
        return import_study(path, spec, text)
    workload = describe(spec.workload, folder=path.parent, data=spec.data)
    if not written.references:
        return resolve(Source(path, spec, text, workload))
    document, baseline, taken = put_in(
        written.document, written.references, results, workload, path=path, text=text
    )
    spec = validate(document, text, path, shape.StudySpec)
    return resolve(Source(path, spec, text, workload, baseline, taken))


def plan_study(path: Path, results: Mapping[Arm, EarlierResult] = NO_RESULTS) -> Plan:
    """Return the plan of the study at `path`.

    Args:
        path: Its spec.
        results: Of the earlier studies that it takes values from; `chain.outline` does without.

    Raises:
        SpecError: The spec cannot be carried out as written.
        SourceError: The finished trials that it names cannot be read.
        WorkloadError: Its workload cannot be imported.
    """
    return plan_written(read_spec(path), results)


def plan_written(written: WrittenSpec, results: Mapping[Arm, EarlierResult] = NO_RESULTS) -> Plan:
    """Return the plan of a study whose spec is read already; otherwise as `plan_study`."""
    study = study_of(written, results)
    if study.finished:
        return Plan(study, list_finished(study), {}, {}, {})
    expansion = expand(study)
    replicates = tuple(expand(study, n + 1) for n in range(study.spec.replicates))
    rerun_packs = {pack.id: pack for pack in _rerun_packs(study)}
    slugs = {arm.name: slug(arm.name) for arm in study.arms}
    rounds = {item.id: item for item in rounds_of(study, slugs)}
    return Plan(
        study,
        expansion,
        {pack.id: pack for pack in _packs(study, expansion)},
        rerun_packs,
        rounds,
        replicates,
        {pack.id: pack for repeat in replicates for pack in _packs(study, repeat)},
    )


def with_proposals(plan: Plan, proposals: Iterable[Path]) -> Plan:
    """Return a plan with the trials that its rounds have proposed.

    Args:
        plan: The study's.
        proposals: The files of its rounds' proposals, as far as there are any.

    Raises:
        ArtefactError: A file does not hold proposals for this study.
    """
    found = {path.parent.name: json.loads(path.read_text()) for path in proposals}
    if not found:
        return plan
    rounds = list(plan.rounds.values())
    return replace(plan, expansion=add_proposals(plan.study, plan.expansion, rounds, found))


def make_pack(arm: str, trials: Sequence[Trial]) -> Pack:
    """Return the pack of these trials of an arm."""
    ordered = tuple(sorted(trials, key=lambda trial: trial.id))
    ids = [trial.id for trial in ordered]
    return Pack(ids[0] if len(ids) == 1 else digest(ids)[:ID_DIGITS], arm, ordered)


def request_of(plan: Plan, trials: Iterable[Trial]) -> PackRequest:
    """Return what a training job of a study is asked for."""
    objective, described = plan.study.spec.objective, plan.study.workload
    return PackRequest(
        trials=tuple(trials),
        import_from=described.import_from,
        data_folder=described.data_folder,
        selection=CheckpointSelection(
            objective.metric, objective.mode, plan.study.spec.training.keep_best
        ),
    )


def requests_of(plan: Plan) -> dict[str, PackRequest]:
    """Return what each training job of a study is asked for, by the id of its pack."""
    packs = {**plan.packs, **plan.replicate_packs}
    return {pack.id: request_of(plan, pack.trials) for pack in packs.values()}


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


def axis_stem(name: str, condition: str) -> str:
    """Return the stem of the axis plot of a searched hyperparameter under a condition.

    Example:
        >>> axis_stem("learning_rate", "optimizer=adam")
        'axis_learning_rate.optimizer-adam'
    """
    return f"axis_{name}.{slug(condition)}" if condition else f"axis_{name}"


def axis_plots(study: Study) -> dict[str, tuple[str, str]]:
    """Return the stem of every axis plot: each searched hyperparameter and condition has one."""
    searched = [(item.name, item.condition) for arm in study.arms for item in arm.dimensions]
    return {axis_stem(name, condition): (name, condition) for name, condition in searched}


@functools.cache
def code_hash(packages: tuple[str, ...]) -> str:
    """Return the hash of the code in some packages of this project."""
    state = hashlib.sha256()
    for package in packages:
        place = PACKAGE / package
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                state.update(f"{path.relative_to(PACKAGE)}\0".encode() + path.read_bytes())
    return state.hexdigest()


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _place(item: StudyTrial) -> tuple[str, str, dict[str, Any]]:
    """Return what decides a trial's row of a dataset."""
    return item.trial.fingerprint, item.arm, dict(item.searched)


def _packs(study: Study, expansion: Expansion) -> Iterator[Pack]:
    for arm in study.arms:
        trials = [item.trial for item in expansion.trials if item.arm == arm.name]
        for chunk in _chunks(trials, study.spec.resources.trials_per_job):
            yield make_pack(arm.name, chunk)


def _rerun_packs(study: Study) -> Iterator[RerunPack]:
    again = range(study.spec.reruns.seeds + study.spec.reruns.splits)
    arms = [arm.name for arm in study.arms] + ([BASELINE] if study.baseline else [])
    for arm in arms:
        for number, chunk in enumerate(_chunks(again, study.spec.resources.trials_per_job)):
            yield RerunPack(f"{slug(arm)}-{number}", arm, tuple(chunk))
