"""Chains of studies: the rounds of the playbook, each built on the results of those before it.

Until an earlier study has its result, its first trials stand in for it. So a spec can be checked
at once, and the names of its arms and plots are known, though not its trials.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tuning_playbook.declarations import Value, spec_name
from tuning_playbook.errors import SpecError, nearest
from tuning_playbook.planning.artefacts import SPEC_CODE, code_hash
from tuning_playbook.planning.division import ALONE, Division
from tuning_playbook.planning.expand import first_trials
from tuning_playbook.planning.job_sizes import with_division
from tuning_playbook.planning.plan import Plan, find_spec, study_of
from tuning_playbook.study.draft import error_at
from tuning_playbook.study.earlier_results import EarlierArm, Reference
from tuning_playbook.study.origin import EarlierResult, concluded
from tuning_playbook.study.procedure_settings import ProcedureSettings
from tuning_playbook.study.read import WrittenSpec, read_spec
from tuning_playbook.study.references import (
    BaselineReference,
    StepTimesReference,
    VarianceReference,
)
from tuning_playbook.study.stand_ins import stand_in_times, stand_ins
from tuning_playbook.study.study import write_value
from tuning_playbook.trials.trial import ID_DIGITS, Trial, digest

STAND_IN_TIMES = (1.0, 1e3, 1e6, 1e-3)
"""Multiples of the stand-ins for the values of a conclusion, tried one after the other."""


@dataclass(frozen=True)
class Link:
    """A study in a chain.

    Attributes:
        plan: Its plan; an outline, with stand-ins for results, where it takes from earlier ones.
        earlier: What it takes from other studies: their names, by the reference in its spec.
        key: The hash of what decides its settled spec; empty where it takes nothing.
        variances: The names of the studies whose trial variance it takes.
        procedure: The settings of the procedure, if it is one. Its plan is then that of its spec as
            a study, and nothing of that is trained.
        concluding: The procedures among `names`.
        division: How its trials, and those of its settled spec, are divided into jobs.
    """

    plan: Plan
    earlier: Mapping[EarlierArm, str]
    key: str
    variances: tuple[str, ...] = ()
    procedure: ProcedureSettings | None = None
    concluding: frozenset[str] = frozenset()
    division: Division = ALONE

    def divided(self, division: Division) -> "Link":
        """Return the link with its trials divided into jobs as given."""
        return replace(self, plan=with_division(self.plan, division), division=division)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the studies that it takes from, each once."""
        return tuple(dict.fromkeys(self.earlier.values()))

    def files_taken(self, results: Path) -> list[Path]:
        """Return the files that it takes from, in the folder of all results."""
        files = [
            results / name / ("conclusion.json" if name in self.concluding else "study.nc")
            for name in self.names
        ]
        return [*files, *(results / name / "reruns.nc" for name in self.variances)]


def plan_chain(paths: Iterable[Path]) -> dict[str, Link]:
    """Return some studies and all that they take from, by name, the earlier ones first.

    Their trials are not expanded: `plan.check_trials` checks whether they can be.

    Raises:
        SpecError: A spec cannot be carried out as written, whatever the results of the earlier
            studies, or studies wait for each other.
        WorkloadError: A workload cannot be imported.
    """
    chain: dict[str, Link] = {}
    for path in paths:
        _add(path, (), chain)
    return chain


def _add(path: Path, above: tuple[str, ...], chain: dict[str, Link]) -> Link:
    """Return the link of a study, added to a chain behind those that it takes from."""
    if path.stem in chain:
        link = chain[path.stem]
        if link.plan.study.path.resolve() != path.resolve():
            raise SpecError(
                f"{path}: two studies are named '{path.stem}' and would share one "
                "folder of results; rename one"
            )
        return link
    written = read_spec(path)
    if not written.references:
        chain[path.stem] = Link(Plan(study_of(written)), {}, "", procedure=written.procedure)
        return chain[path.stem]
    here = (*above, path.stem)
    earlier = {
        reference.earlier: _add(_find(written, reference, here), here, chain)
        for reference in written.references
    }
    for reference in written.references:
        link = earlier[reference.earlier]
        if not link.procedure:
            _check_arm(written, reference, link.plan)
    outline = _outline(written, earlier)
    names = {source: link.plan.study.name for source, link in earlier.items()}
    parts = [written.text, list(names.values()), code_hash(("analysis", *SPEC_CODE))]
    variances = []
    for reference in written.references:
        if isinstance(reference.wanted, VarianceReference):
            _check_alike(written, reference, outline, earlier[reference.earlier].plan)
            variances.append(names[reference.earlier])
    key = digest(parts)[:ID_DIGITS]
    concluding = frozenset(
        link.plan.study.name for link in earlier.values() if link.procedure is not None
    )
    chain[path.stem] = Link(outline, names, key, tuple(variances), written.procedure, concluding)
    return chain[path.stem]


def _find(written: WrittenSpec, reference: Reference, here: Sequence[str]) -> Path:
    """Return the spec that a reference names; studies are looked up beside the one that refers."""
    place, folder = (*reference.location, "from"), written.path.parent
    try:
        path = find_spec(reference.wanted.study, folder=folder)
        if not path.exists() and (folder / path).exists():
            path = folder / path
    except SpecError as error:
        raise error_at(written.path, written.text, place, str(error)) from None
    if path.stem in here:
        circle = " -> ".join([*here[here.index(path.stem) :], path.stem])
        raise error_at(
            written.path,
            written.text,
            place,
            f"studies wait for each other's results: {circle}; a study can only take from an "
            "earlier one",
        )
    return path


def _check_arm(written: WrittenSpec, reference: Reference, plan: Plan) -> None:
    """Check that a reference says clearly which arm's best trial it means."""
    arms = [arm.name for arm in plan.study.arms]
    study, arm = reference.earlier
    if arm and arm not in arms:
        raise error_at(
            written.path,
            written.text,
            (*reference.location, "arm"),
            f"'{study}' has no arm '{arm}'{nearest(arm, arms)} (its arms: {'; '.join(arms)})",
        )
    of_any = BaselineReference | VarianceReference | StepTimesReference
    if arm or len(arms) == 1 or isinstance(reference.wanted, of_any):
        return
    taken = {
        str(other.location[-1])
        for other in written.references
        if other.earlier == reference.earlier and other.location[0] in ("fixed", "training")
    }
    missing = [name for name in plan.study.spec.scientific if name not in taken]
    if missing:
        raise error_at(
            written.path,
            written.text,
            reference.location,
            f"'{study}' compares arms ({'; '.join(arms)}), and its best value may be of any of "
            f"them: name one with 'arm: ...', or take '{missing[0]}' from it too",
        )


def _check_alike(written: WrittenSpec, reference: Reference, own: Plan, plan: Plan) -> None:
    """Check that an earlier study measured the trial variance of what this one trains.

    The playbook measures it again only after major changes, such as another workload, number of
    steps or objective.
    """
    mine, theirs = own.study.spec, plan.study.spec
    pairs = {
        "workload": (mine.workload, theirs.workload),
        "training.max_train_steps": (
            mine.training.max_train_steps,
            theirs.training.max_train_steps,
        ),
        "objective": (
            mine.objective.written,
            theirs.objective.written,
        ),
    }
    for key, (here, there) in pairs.items():
        if here != there:
            raise error_at(
                written.path,
                written.text,
                reference.location,
                f"'{plan.study.name}' has another {key} ({there}, here {here}), so its trial "
                "variance is not this study's; leave 'variance' out and set 'reruns.seeds' to 5",
            )
    if theirs.reruns.seeds < 2 and not plan.study.imported:
        raise error_at(
            written.path,
            written.text,
            reference.location,
            f"'{plan.study.name}' has no reruns that measure its trial variance; set its "
            "'reruns.seeds' to 5",
        )


def _outline(written: WrittenSpec, earlier: Mapping[EarlierArm, Link]) -> Plan:
    """Return the plan of a study with stand-ins for the results that it takes."""
    stand_ins = [list(_stand_ins(link, source)) for source, link in earlier.items()]
    failed: SpecError | None = None
    for results in itertools.product(*stand_ins):
        try:
            return Plan(study_of(written, dict(zip(earlier, results, strict=True))))
        except SpecError as error:
            failed = failed or error
    raise failed or SpecError(f"{written.path}: the studies that it takes from have no trials")


def _stand_ins(link: Link, source: EarlierArm) -> Iterator[EarlierResult]:
    """Yield a trial of every arm that may have the best one; for a procedure a conclusion."""
    plan = link.plan
    if link.procedure:
        values = stand_ins(link.procedure, plan.study.spec)
        # At least one of them leaves room in any range that ends at such a value.
        for times in STAND_IN_TIMES:
            several = {name: _multiple(value, times) for name, value in values.items()}
            yield concluded(
                *(plan.study.name, plan.study.workload.name, several, ""),
                step_times=stand_in_times(link.procedure),
            )
        return
    first = _first_trials(plan)
    compared = _what_it_compares(plan)
    for arm in plan.study.arms:
        others = [other.name for other in plan.study.arms if other is not arm]
        if arm.name in first and source[1] in ("", arm.name):
            searched, trial = first[arm.name]
            named = plan.study.renamed
            values = {named.get(name, name): item for name, item in trial.hyperparameters.items()}
            yield EarlierResult(
                study=plan.study.name,
                arm=arm.name,
                trial=trial.id,
                fingerprint=trial.fingerprint,
                commit="",
                objective=0.0,
                workload=trial.workload,
                values={**values, "batch_size": trial.batch_size, **searched},
                scales={
                    spec_name(item.name): item.distribution.scale
                    for item in arm.dimensions
                    if item.distribution and item.name in searched
                },
                deviation=1.0,
                degrees=4,
                **compared,
                runner_up=others[0] if len(others) == 1 else "",
            )


def _multiple(value: Value, times: float) -> Value:
    """Return a multiple of a number, of the same type; other values stay as they are."""
    if isinstance(value, bool | str):
        return value
    return max(1, round(value * times)) if isinstance(value, int) else value * times


def _what_it_compares(plan: Plan) -> dict[str, Any]:
    """Return what a study compares, and what it holds fixed, as its result will have them."""
    arms = plan.study.arms
    searched = {item.hyperparameter.name for arm in arms for item in arm.dimensions}
    beside: dict[str, list[str]] = {
        "max_train_steps": [str(plan.study.spec.training.max_train_steps)]
    }
    for arm in arms:
        for name, value in {**arm.fixed, "batch_size": arm.batch_size}.items():
            if name not in searched:
                beside.setdefault(name, []).append(write_value(value))
    beside = {name: list(dict.fromkeys(values)) for name, values in beside.items()}
    scientific = dict.fromkeys(name for arm in arms for name in arm.scientific)
    return {"compared": {n: beside[n] for n in scientific if n in beside}, "beside": beside}


def _first_trials(plan: Plan) -> dict[str, tuple[Mapping[str, Value], Trial]]:
    """Return the searched values and the first trial of each arm."""
    if plan.study.imported:
        return {item.arm: (item.searched, item.trial) for item in reversed(plan.trials)}
    return first_trials(plan.study)
