"""Check that a spec and the imported trials that it names fit together."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tuning_playbook.declarations import ONE_MINUS, Value, same
from tuning_playbook.errors import SpecError, nearest
from tuning_playbook.sources.arms import Place, given_in, place_of
from tuning_playbook.sources.configurations import configurations
from tuning_playbook.sources.found import Found
from tuning_playbook.sources.measurements import split_of
from tuning_playbook.sources.metric_ranges import range_of
from tuning_playbook.study.conditions import SEARCHED, Part, parts_of, values_of
from tuning_playbook.study.draft import error_at
from tuning_playbook.study.import_spec import ArchiveSource, ImportSpec
from tuning_playbook.study.roles import check_conditions, check_scientific
from tuning_playbook.study.study import write_value
from tuning_playbook.study.yaml import Location
from tuning_playbook.trials.imported_trial import ImportedTrial


@dataclass(frozen=True)
class Written:
    """A spec as it is written: its file, what it says, its text."""

    path: Path
    spec: ImportSpec
    text: str

    def error(self, location: Location, message: str) -> SpecError:
        """Return an error that names the file, the line and the key that `location` leads to."""
        return error_at(self.path, self.text, location, message)


def check_objective(written: Written) -> None:
    """Check that the objective is a metric of the train or the validation split.

    Raises:
        SpecError: It is not.
    """
    metric = written.spec.objective.metric
    split, _, name = metric.partition("/")
    if split == "test":
        raise written.error(
            ("objective", "metric"),
            "the test split is read once, at the end, and ranks no trials; "
            f"did you mean 'validation/{name}'?",
        )
    if split_of(metric) is None:
        raise written.error(
            ("objective", "metric"),
            f"'{metric}' is no metric: write it <split>/<name>, as validation/accuracy",
        )


def check_source(written: Written, found: Found) -> None:
    """Check that the source holds what the spec is about.

    Raises:
        SpecError: It is of another workload, or the objective was not measured.
    """
    if found.workload and found.workload != written.spec.workload:
        raise written.error(
            ("workload",), f"the source holds trials of the workload '{found.workload}'"
        )
    metric = written.spec.objective.metric
    measured = sorted({name for trial in found.trials for name in trial.record.evaluations.values})
    if found.metrics and metric not in measured:
        raise written.error(
            ("objective", "metric"),
            f"no trial has a metric '{metric}'{nearest(metric, measured)} "
            f"(known: {', '.join(measured)})",
        )


def with_target(written: Written, found: Found) -> Written:
    """Return the spec with the target that its source names, where it asks for that.

    Raises:
        SpecError: The source names none, or several.
    """
    objective = written.spec.objective
    if objective.target != "source":
        return written
    logged = getattr(written.spec.source, "objective", None) or objective.metric
    told = sorted(set(found.targets.get(logged, ())))
    if len(told) != 1:
        every = [f"{name}: {', '.join(f'{v:g}' for v in of)}" for name, of in found.targets.items()]
        what = "several" if told else "none"
        raise written.error(
            ("objective", "target"),
            f"the source names {what} of '{logged}' (targets there: {'; '.join(every) or 'none'}); "
            "give the target as a number",
        )
    known = written.spec.model_copy(
        update={"objective": objective.model_copy(update={"target": told[0]})}
    )
    return replace(written, spec=known)


def check_range(written: Written, imported: Sequence[ImportedTrial]) -> None:
    """Check that the target, and all that was measured, is what the objective's metric can be.

    Raises:
        SpecError: It is not.
    """
    objective = written.spec.objective
    if objective.target is not None:
        _check_target(written, imported)
    if objective.range is None:
        return
    low, high = objective.range
    for trial in imported:
        for value in map(float, trial.record.evaluations.values.get(objective.metric, ())):
            below, above = low is not None and value < low, high is not None and value > high
            if math.isfinite(value) and (below or above):
                raise written.error(
                    ("objective", "range"),
                    f"trial '{trial.name}' reached {value:g}, which is "
                    f"{'less' if below else 'more'} than the metric can be",
                )


def _check_target(written: Written, imported: Sequence[ImportedTrial]) -> None:
    objective = written.spec.objective
    low, high = objective.range or (None, None)
    ends = (-math.inf if low is None else low, math.inf if high is None else high)
    if objective.range is None:
        measured = (
            value
            for trial in imported
            for value in map(float, trial.record.evaluations.values.get(objective.metric, ()))
        )
        ends = range_of(objective.metric.partition("/")[2], measured)
    if why_not := objective.why_not_the_target(*ends):
        raise written.error(("objective", "target"), why_not)


def chosen(written: Written, found: Found) -> tuple[ImportedTrial, ...]:
    """Return the trials that the spec asks for.

    Of an archive, the reruns of a trial come with it, and so does the baseline.

    Raises:
        SpecError: One is not there.
    """
    only = written.spec.source.only
    if only is None:
        return found.trials
    for number, name in enumerate(only):
        if (reason := _of_name(found.left_out, name)) is not None:
            raise written.error(("source", "only", number), f"it cannot be read: {reason}")
    named = {
        trial.name
        for number, name in enumerate(only)
        for trial in _named(
            written, found.trials, name, ("source", "only", number), unread=found.unread
        )
    }
    if isinstance(written.spec.source, ArchiveSource):
        wanted = named | {written.spec.baseline or found.incumbent}
        groups = [{trial.name for trial in group} for group in configurations(found.trials)]
        named = {name for group in groups if group & wanted for name in group}
    return tuple(trial for trial in found.trials if trial.name in named)


def with_fixed(
    written: Written, imported: Sequence[ImportedTrial], parts: Sequence[Part]
) -> tuple[ImportedTrial, ...]:
    """Return trials with the hyperparameters that the spec says each of them had.

    What is fixed under a condition, only those in the arms that meet it had.

    Raises:
        SpecError: A trial has another value of one.
    """
    trials = list(imported)
    for part in parts:
        for place, trial in enumerate(trials):
            if part.when and not part.holds(place_of(parts, trial.hyperparameters).setting):
                continue
            for name, value in part.fixed.items():
                item = trial.hyperparameters.get(name, value)
                if not same(value, item):
                    raise written.error(
                        (*part.location, "fixed", name),
                        f"trial '{trial.name}' has the value {write_value(item)}",
                    )
            trials[place] = replace(
                trial, hyperparameters=dict(part.fixed) | dict(trial.hyperparameters)
            )
    return tuple(trials)


def incumbent_of(
    written: Written, imported: Sequence[ImportedTrial], default: str
) -> dict[str, Value] | None:
    """Return the configuration of the trial that is the baseline; None without one.

    Args:
        written: The spec, which may name it.
        imported: The study's trials.
        default: The name of the source's own, where the spec names none; empty if it has none.

    Raises:
        SpecError: The trial is not there, or its name is that of several configurations.
    """
    wanted = written.spec.baseline or default
    if not wanted:
        return None
    named = configurations(_named(written, imported, wanted, ("baseline",)))
    if len(named) > 1:
        names = ", ".join(trials[0].name for trials in named)
        raise written.error(
            ("baseline",), f"several configurations bear this name; give one of {names}"
        )
    return dict(named[0][0].hyperparameters)


def check_parts(written: Written) -> tuple[Part, ...]:
    """Return the parts of the spec, each with its condition, if they fit together.

    Raises:
        SpecError: They do not, whatever the trials are.
    """
    parts = parts_of(written.spec)
    check_scientific(parts, written.error, joint=written.spec.design == "joint")
    check_conditions(parts, written.error)
    for name, given in written.spec.launch.simpler.items():
        for value in given if isinstance(given, list) else [given]:
            if not any(same(value, item) for item in values_of(parts).get(name, ())):
                raise written.error(
                    ("launch", "simpler", name),
                    f"'{name}' never takes the value '{write_value(value)}' under 'scientific'",
                )
    return parts


def check_roles(
    written: Written,
    searched: Sequence[ImportedTrial],
    parts: Sequence[Part],
    incumbent: Mapping[str, Value] | None = None,
) -> None:
    """Check that every trial has a place among the arms, and in the ranges that were searched.

    Args:
        written: The spec.
        searched: The trials that compete.
        parts: The spec's.
        incumbent: The baseline's configuration, whose values the spec may list too.

    Raises:
        SpecError: One has not, or a name or a value of the spec is no trial's.
    """
    names = {name: None for trial in searched for name in trial.hyperparameters}
    for part in parts:
        roles = [("scientific", name) for name in (*part.values, *part.sampled)]
        roles += [("nuisance", name) for name in part.nuisance]
        for role, name in roles:
            _check_known(written, (*part.location, role, name), [*names])
    places = {trial.name: place_of(parts, trial.hyperparameters) for trial in searched}
    for part in parts:
        inside = [trial for trial in searched if part.holds(places[trial.name].setting)]
        _check_values(written, part, inside, places, incumbent or {})
    for trial in searched:
        _check_place(written, trial, places[trial.name])
    for setting in {place.order: place.setting for place in places.values()}.values():
        _check_single_roles(written, parts, setting, [*names])
    for part in parts:
        inside = [trial for trial in searched if part.holds(places[trial.name].setting)]
        if not inside and part.location:
            raise written.error(
                (*part.location, "when"), f"no trial meets this condition: {part.condition}"
            )
        _check_ranges(written, part, inside, [*names])


def _check_known(written: Written, here: Location, names: Sequence[str]) -> None:
    name = str(here[-1])
    searched = here[-2] == "nuisance"
    if name not in names and not (searched and name.removeprefix(ONE_MINUS) in names):
        raise written.error(
            here,
            f"no trial has a hyperparameter '{name}'{nearest(name, names)} "
            f"(known: {', '.join(sorted(names))})",
        )


def _check_values(
    written: Written,
    part: Part,
    inside: Sequence[ImportedTrial],
    places: Mapping[str, Place],
    incumbent: Mapping[str, Value],
) -> None:
    """Check that each value that makes arms is some trial's, or the baseline's."""
    for name, values in part.values.items():
        taken = [places[trial.name].setting.get(name) for trial in inside]
        taken.append(incumbent.get(name))
        for value in values:
            if not any(same(value, item) for item in taken):
                raise written.error(
                    (*part.location, "scientific", name),
                    f"no trial{_under(part)} has the value {write_value(value)}"
                    if value != SEARCHED
                    else f"each trial{_under(part)} has one of the other values, so none is in "
                    f"the arm '{SEARCHED}'; take it away",
                )


def _check_place(written: Written, trial: ImportedTrial, place: Place) -> None:
    """Check that a trial is in an arm."""
    if place.lacking is not None:
        here, name = place.lacking
        value = trial.hyperparameters.get(name)
        raise written.error(
            here,
            f"trial '{trial.name}' has no such hyperparameter, so it is in no arm"
            if value is None
            else f"trial '{trial.name}' has the value {write_value(value)}: list it too, or leave "
            "the trial out by naming the others under 'source.only'",
        )
    for name, value in place.setting.items():
        if value == SEARCHED == trial.hyperparameters[name]:
            raise written.error(
                ("source",),
                f"trial '{trial.name}' has the value '{SEARCHED}' of '{name}', which stands for "
                "a search over a range; write it otherwise in the source",
            )


def _check_single_roles(
    written: Written, parts: Sequence[Part], setting: Mapping[str, Value], names: Sequence[str]
) -> None:
    """Check that no hyperparameter has two roles in an arm."""
    roles = [
        ((*part.location, role, name), name)
        for part in parts
        if part.holds(setting)
        for role, content in (("scientific", part.values), ("fixed", part.fixed))
        for name in content
        if role == "fixed" or setting[name] != SEARCHED
    ]
    roles += [(item.location, item.target) for item in given_in(parts, setting, names)]
    for number, (here, target) in enumerate(roles):
        if target in [other for _, other in roles[:number]]:
            raise written.error(here, "has another role already; a hyperparameter has one")


def _check_ranges(
    written: Written, part: Part, inside: Sequence[ImportedTrial], names: Sequence[str]
) -> None:
    """Check that the trials which a part is about lie in its ranges."""
    for given in given_in([replace(part, when={})], {}, names):
        drawn = [(trial, given.value(trial.hyperparameters)) for trial in inside]
        for trial, value in drawn:
            if value is None and given.role == "scientific":
                raise written.error(
                    given.location,
                    f"trial '{trial.name}' has no such hyperparameter: leave the trial out by "
                    "naming the others under 'source.only'",
                )
            if value is not None and not given.distribution.contains(value):
                raise written.error(
                    given.location,
                    f"trial '{trial.name}' has the value {write_value(value)}, which lies outside "
                    f"its {given.distribution.kind} range",
                )
        if all(value is None for _, value in drawn):
            raise written.error(
                given.location, f"no trial{_under(part)} has a hyperparameter '{given.target}'"
            )


def _under(part: Part) -> str:
    return f" of {part.condition}" if part.condition else ""


def _of_name(reasons: Mapping[str, str], name: str) -> str | None:
    """Return what is said of a trial of this name, or with this last part of its name."""
    return next(
        (reason for item, reason in reasons.items() if name in (item, item.split("/")[-1])), None
    )


def _named(
    written: Written,
    imported: Sequence[ImportedTrial],
    name: str,
    location: Location,
    *,
    unread: Sequence[str] = (),
) -> list[ImportedTrial]:
    """Return the trials of a name, which may be the last part of theirs."""
    found = [trial for trial in imported if name in (trial.name, trial.name.split("/")[-1])]
    if not found:
        every = [*(trial.name for trial in imported), *unread]
        names = {part for item in every for part in (item, item.split("/")[-1])}
        raise written.error(location, f"no trial is named '{name}'{nearest(name, sorted(names))}")
    return found
