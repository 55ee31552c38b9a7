"""The plan of a study: its trials, its packs, its rounds and its reruns.

The parts of a plan are computed on first use: a training job, which only needs the spec, does not
wait for ten thousand trials.
"""

import collections
import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tuning_playbook.declarations import spec_name
from tuning_playbook.errors import SpecError, nearest
from tuning_playbook.planning.division import JobSizes
from tuning_playbook.planning.expand import Expansion, StudyTrial, expand
from tuning_playbook.planning.list_imported import list_imported
from tuning_playbook.planning.rounds import Round, add_proposals, rounds_of
from tuning_playbook.planning.space_size import configurations
from tuning_playbook.sources.imported_study import import_study
from tuning_playbook.study import shape
from tuning_playbook.study.advice import advise
from tuning_playbook.study.draft import Draft, workload_of
from tuning_playbook.study.earlier_results import EarlierArm
from tuning_playbook.study.import_spec import ImportSpec
from tuning_playbook.study.origin import EarlierResult
from tuning_playbook.study.read import WrittenSpec
from tuning_playbook.study.resolve import resolve
from tuning_playbook.study.rule_of_thumb import Advice
from tuning_playbook.study.searches import BayesianSearch
from tuning_playbook.study.settled import read_settled, settle
from tuning_playbook.study.study import BASELINE, Study
from tuning_playbook.study.workload_description import WorkloadDescription
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection
from tuning_playbook.trials.request import PackRequest
from tuning_playbook.trials.trial import Trial, pack_id

STUDY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")

LONGEST_NAME = 100
"""Most characters of a study's name: file systems allow 255 bytes, and file names add to it."""

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

NO_RESULTS: Mapping[EarlierArm, EarlierResult] = MappingProxyType({})


@dataclass(frozen=True)
class Pack:
    """The trials that one job trains, in one process.

    Attributes:
        id: The trial's id where there is only one; else a hash of their ids.
        arm: The name of their arm.
        trials: Sorted by id, so that a pack does not depend on their places in the study.
    """

    id: str
    arm: str
    trials: tuple[Trial, ...]

    @property
    def file(self) -> str:
        """Return its file, relative to the study's folder."""
        return f"packs/{self.id}.nc"


@dataclass(frozen=True)
class RerunPack:
    """Reruns of one arm's best trial, or of the baseline, that one job trains.

    Attributes:
        id: Its name, which is known before the best trial is.
        arm: The name of the arm, or `baseline`.
        reruns: The numbers of its reruns.
    """

    id: str
    arm: str
    reruns: tuple[int, ...]

    @property
    def file(self) -> str:
        """Return its file, relative to the study's folder."""
        return f"reruns/{self.id}.nc"


@dataclass(frozen=True)
class Plan:
    """A study and the trials that it trains.

    Attributes:
        study: The resolved spec.
        proposals: What the rounds of a Bayesian search have proposed so far, by their ids.
        divide: Divides its trials into jobs where its spec leaves that open; see `each_arm`.
    """

    study: Study
    proposals: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    divide: Callable[["Plan"], JobSizes] | None = None

    @functools.cached_property
    def initial(self) -> Expansion:
        """Return the trials that the spec gives."""
        return list_imported(self.study) if self.study.imported else expand(self.study)

    @functools.cached_property
    def expansion(self) -> Expansion:
        """Return all its trials: the initial ones, and those that its rounds have proposed."""
        if not self.proposals:
            return self.initial
        return add_proposals(self.study, self.initial, [*self.rounds.values()], self.proposals)

    @property
    def trials(self) -> tuple[StudyTrial, ...]:
        """Return the trials in the order of the study."""
        return self.expansion.trials

    @property
    def division_is_open(self) -> bool:
        """Return whether its spec leaves open how its trials are divided into jobs."""
        return not self.study.imported and self.study.spec.resources.trials_per_job == shape.AUTO

    @functools.cached_property
    def job_sizes(self) -> JobSizes:
        """Return how its trials are divided into jobs where its spec leaves that open."""
        return (self.divide or each_arm)(self)

    @functools.cached_property
    def packs(self) -> Mapping[str, Pack]:
        """Return the training jobs of the trials in the spec, by their ids."""
        if self.study.imported:
            return {}
        return {pack.id: pack for pack in self._packs(self.initial)}

    @functools.cached_property
    def rounds(self) -> Mapping[str, Round]:
        """Return the rounds of a Bayesian search, by their ids.

        The rounds of an arm are in their order. Their trials follow from results.
        """
        if self.study.imported:
            return {}
        slugs = {arm.name: slug(arm.name) for arm in self.study.arms}
        per_job = self._per_job(lambda sizes: sizes.round_trials)
        return {item.id: item for item in rounds_of(self.study, slugs, per_job)}

    def rounds_before(self, current: Round) -> tuple[Round, ...]:
        """Return the rounds of the same arm that come before a round."""
        return tuple(
            item
            for item in self.rounds.values()
            if item.arm == current.arm and item.number < current.number
        )

    @functools.cached_property
    def rerun_packs(self) -> Mapping[str, RerunPack]:
        """Return the training jobs of its reruns, by their ids."""
        if self.study.imported:
            return {}
        per_job = self._per_job(lambda sizes: sizes.reruns)
        return {pack.id: pack for pack in _rerun_packs(self.study, per_job)}

    @functools.cached_property
    def replicates(self) -> tuple[Expansion, ...]:
        """Return the trials of each repeat of the whole search, the first repeat first."""
        return tuple(expand(self.study, n + 1) for n in range(self.study.spec.replicates))

    @functools.cached_property
    def replicate_packs(self) -> Mapping[str, Pack]:
        """Return the training jobs of the repeats, by their ids."""
        packs = (pack for repeat in self.replicates for pack in self._packs(repeat))
        return {pack.id: pack for pack in packs}

    def _per_job(self, chosen: Callable[[JobSizes], int]) -> int:
        """Return how many trials one job trains: as in the spec, else as the division chose."""
        given = self.study.spec.resources.trials_per_job
        return max(chosen(self.job_sizes), 1) if given == shape.AUTO else given

    def _packs(self, expansion: Expansion) -> Iterator[Pack]:
        """Yield the packs of the search, or of one of its repeats."""
        per_job = self.study.spec.resources.trials_per_job
        if per_job == shape.AUTO:
            by_id = {item.trial.id: item for item in expansion.trials}
            for names in self.job_sizes.packs:
                if found := [by_id[name] for name in names if name in by_id]:
                    yield make_pack(found[0].arm, [item.trial for item in found])
            return
        for arm in self.study.arms:
            trials = [item.trial for item in expansion.trials if item.arm == arm.name]
            for chunk in _chunks(trials, per_job):
                yield make_pack(arm.name, chunk)

    @property
    def trials_per_arm(self) -> dict[str, int]:
        """Return the number of trials of each arm, by its name, future proposals included.

        Rounds propose no more than there are configurations.
        """
        counts = dict.fromkeys((arm.name for arm in self.study.arms), 0)
        for item in self.trials:
            counts[item.arm] += 1
        proposed = {(item.arm, item.round) for item in self.trials}
        for to_come in self.rounds.values():
            # A round of an exhausted space proposes nothing.
            known = (to_come.arm, to_come.number) in proposed or to_come.id in self.proposals
            if not known:
                counts[to_come.arm] += to_come.trials
        if self.rounds:
            there = collections.Counter(item.arm for item in self.trials)
            for arm in self.study.arms:
                most = max(configurations(arm), there[arm.name])
                counts[arm.name] = int(min(counts[arm.name], most))
        return counts

    @property
    def advice(self) -> tuple[Advice, ...]:
        """Return the advice of the playbook's rules of thumb on the study."""
        return () if self.study.imported else advise(self.study, self.trials_per_arm)


def find_spec(study: str, *, folder: Path) -> Path:
    """Return the file of a study, given by its path or by its name in `folder`.

    Raises:
        SpecError: There is none, or its name is not a valid folder name.
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
    if len(path.stem) > LONGEST_NAME:
        raise SpecError(
            f"{path}: the name of the study has {len(path.stem)} characters, and {LONGEST_NAME} "
            "are the most, because files are named by it: rename the spec"
        )
    return path


def study_of(
    written: WrittenSpec,
    results: Mapping[EarlierArm, EarlierResult] = NO_RESULTS,
    described: WorkloadDescription | None = None,
) -> Study:
    """Check and resolve a study.

    Args:
        written: Its spec.
        results: The results of the earlier studies that it takes values from; a settled spec has
            them already.
        described: The description of its workload if known, so that none of its code is run.

    Raises:
        SpecError: The spec cannot be carried out as written.
        WorkloadError: Its workload cannot be imported.
    """
    path, text = written.path, written.text
    if isinstance(written.shape, ImportSpec):
        return import_study(path, written.shape, text)
    workload = described or workload_of(path, written.shape, text)
    settled = settle(written, results, workload)
    assert isinstance(settled.shape, shape.StudySpec)
    draft = Draft(
        path, settled.shape, text, workload, settled.baseline, settled.taken, written.name
    )
    return resolve(draft)


def plan_study(path: Path, results: Mapping[EarlierArm, EarlierResult] = NO_RESULTS) -> Plan:
    """Return the plan of the study at `path`, of which every trial can be made.

    Args:
        path: Its spec, or its settled spec.
        results: Those of the earlier studies that it takes values from; not for `plan_chain`.

    Raises:
        ChangedDuringRunError: The spec has changed since it was settled.
        SpecError: The spec cannot be carried out as written.
        SourceError: The finished trials that it names cannot be read.
        WorkloadError: Its workload cannot be imported.
    """
    plan = Plan(study_of(read_settled(path), results))
    check_trials(plan)
    return plan


def check_trials(plan: Plan) -> None:
    """Check that every trial of a spec can be made.

    Raises:
        SpecError: There are too many, or two trials cannot be distinguished.
    """
    _ = plan.initial, plan.replicates


def with_proposals(plan: Plan, proposals: Iterable[Path]) -> Plan:
    """Return a plan with the trials that its rounds have proposed.

    Args:
        plan: The study's.
        proposals: The files of its rounds' proposals that there are.

    Raises:
        ArtefactError: A file does not hold proposals for this study.
    """
    found = {path.parent.name: json.loads(path.read_text()) for path in proposals}
    if not found:
        return plan
    whole = replace(plan, proposals=found)
    _ = whole.expansion
    return whole


def make_pack(arm: str, trials: Sequence[Trial]) -> Pack:
    """Return the pack of these trials of an arm."""
    ordered = tuple(sorted(trials, key=lambda trial: trial.id))
    ids = [trial.id for trial in ordered]
    return Pack(pack_id(ids), arm, ordered)


def request_of(plan: Plan, trials: Iterable[Trial]) -> PackRequest:
    """Return the request for a training job of a study."""
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
    """Return the request for each training job of a study, by the id of its pack."""
    packs = {**plan.packs, **plan.replicate_packs}
    return {pack.id: request_of(plan, pack.trials) for pack in packs.values()}


def slug(text: str) -> str:
    """Return a file name for any text, a different one for every text.

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
        >>> axis_stem("learning_rate (optimizer=adam)", "depth=2")
        'axis_learning_rate.optimizer-adam-depth-2'
    """
    drawn = name.removeprefix(spec_name(name)).strip(" ()")
    where = ", ".join(filter(None, (drawn, condition)))
    return f"axis_{spec_name(name)}.{slug(where)}" if where else f"axis_{name}"


def axis_plots(study: Study) -> dict[str, tuple[str, str]]:
    """Return every axis plot by its stem: one for each searched hyperparameter and condition."""
    searched = [(item.name, item.condition) for arm in study.arms for item in arm.dimensions]
    return {axis_stem(name, condition): (name, condition) for name, condition in searched}


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def each_arm(plan: Plan) -> JobSizes:
    """Return the division into one job for each arm, each of its repeats, and each arm's reruns."""
    packs: dict[tuple[int, str], list[str]] = {}
    for number, repeat in enumerate([plan.initial, *plan.replicates]):
        for item in repeat.trials:
            packs.setdefault((number, item.arm), []).append(item.trial.id)
    spec = plan.study.spec
    reruns = max(spec.reruns.seeds + spec.reruns.splits, 1)
    batch = spec.search.batch if isinstance(spec.search, BayesianSearch) else 1
    return JobSizes(tuple(map(tuple, packs.values())), reruns, batch)


def _rerun_packs(study: Study, per_job: int) -> Iterator[RerunPack]:
    again = range(study.spec.reruns.seeds + study.spec.reruns.splits)
    arms = [arm.name for arm in study.arms] + ([BASELINE] if study.baseline else [])
    for arm in arms:
        for number, chunk in enumerate(_chunks(again, per_job)):
            yield RerunPack(f"{slug(arm)}-{number}", arm, tuple(chunk))
