"""Check that a spec and the imported trials that it names fit together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tuning_playbook.declarations import Value, repeated, same
from tuning_playbook.errors import SpecError, nearest
from tuning_playbook.sources.configurations import configurations
from tuning_playbook.sources.found import Found
from tuning_playbook.sources.measurements import split_of
from tuning_playbook.study.draft import error_at
from tuning_playbook.study.import_spec import ArchiveSource, ImportSpec
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


def chosen(written: Written, found: Found) -> tuple[ImportedTrial, ...]:
    """Return the trials that the spec asks for.

    Of an archive, the reruns of a trial come with it, and so does the baseline.

    Raises:
        SpecError: One is not there.
    """
    only = written.spec.source.only
    if only is None:
        return found.trials
    named = {
        trial.name
        for number, name in enumerate(only)
        for trial in _named(written, found.trials, name, ("source", "only", number))
    }
    if isinstance(written.spec.source, ArchiveSource):
        wanted = named | {written.spec.baseline or found.incumbent}
        groups = [{trial.name for trial in group} for group in configurations(found.trials)]
        named = {name for group in groups if group & wanted for name in group}
    return tuple(trial for trial in found.trials if trial.name in named)


def with_fixed(written: Written, imported: tuple[ImportedTrial, ...]) -> tuple[ImportedTrial, ...]:
    """Return trials with the hyperparameters that the spec says each of them had.

    Raises:
        SpecError: A trial has another value of one.
    """
    fixed = written.spec.fixed
    for name, value in fixed.items():
        for trial, item in _held(name, imported):
            if not same(value, item):
                raise written.error(
                    ("fixed", name), f"trial '{trial.name}' has the value {write_value(item)}"
                )
    return tuple(
        replace(trial, hyperparameters=fixed | dict(trial.hyperparameters)) for trial in imported
    )


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


def check_roles(written: Written, searched: Sequence[ImportedTrial]) -> None:
    """Check that every trial has a place among the arms, and in the ranges that were searched.

    Raises:
        SpecError: One has not, or a name or a value of the spec is no trial's.
    """
    spec = written.spec
    names = {name for trial in searched for name in trial.hyperparameters}
    roles = [("scientific", name) for name in spec.scientific]
    roles += [("nuisance", name) for name in spec.nuisance]
    for role, name in roles:
        if name not in names:
            raise written.error(
                (role, name),
                f"no trial has a hyperparameter '{name}'{nearest(name, names)} "
                f"(known: {', '.join(sorted(names))})",
            )
        if (role == "nuisance" and name in spec.scientific) or name in spec.fixed:
            raise written.error((role, name), "has another role already; a hyperparameter has one")
    for name, values in spec.scientific.items():
        _check_values(written, name, values, searched)
    for name, given in spec.launch.simpler.items():
        for value in given if isinstance(given, list) else [given]:
            if not any(same(value, item) for item in spec.scientific.get(name, ())):
                raise written.error(
                    ("launch", "simpler", name),
                    f"'{name}' never takes the value '{write_value(value)}' under 'scientific'",
                )
    for name, drawn in spec.nuisance.items():
        distribution = drawn.distribution()
        for trial, value in _held(name, searched):
            if not distribution.contains(value):
                raise written.error(
                    ("nuisance", name),
                    f"trial '{trial.name}' has the value {write_value(value)}, which lies outside "
                    f"its {distribution.kind} range",
                )


def _check_values(
    written: Written, name: str, values: Sequence[Value], searched: Sequence[ImportedTrial]
) -> None:
    here = ("scientific", name)
    if repeated(values):
        raise written.error(here, "a value is named twice; each is one arm")
    held = list(_held(name, searched))
    for value in values:
        if not any(same(value, item) for _, item in held):
            raise written.error(here, f"no trial has the value {write_value(value)}")
    for trial, item in held:
        if not any(same(value, item) for value in values):
            raise written.error(
                here,
                f"trial '{trial.name}' has the value {write_value(item)}: list it too, or leave "
                "the trial out by naming the others under 'source.only'",
            )
    lacking = [trial for trial in searched if name not in trial.hyperparameters]
    if lacking:
        raise written.error(
            here, f"trial '{lacking[0].name}' has no such hyperparameter, and so is in no arm"
        )


def _held(name: str, searched: Sequence[ImportedTrial]) -> Iterator[tuple[ImportedTrial, Value]]:
    """Yield the trials that have a hyperparameter, and its value."""
    for trial in searched:
        if name in trial.hyperparameters:
            yield trial, trial.hyperparameters[name]


def _named(
    written: Written, imported: Sequence[ImportedTrial], name: str, location: Location
) -> list[ImportedTrial]:
    """Return the trials of a name, which may be the last part of theirs."""
    found = [trial for trial in imported if name in (trial.name, trial.name.split("/")[-1])]
    if not found:
        names = {part for trial in imported for part in (trial.name, trial.name.split("/")[-1])}
        raise written.error(location, f"no trial is named '{name}'{nearest(name, sorted(names))}")
    return found
