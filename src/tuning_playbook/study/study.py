"""A study: a spec that has passed every check, with each hyperparameter of each arm resolved."""

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from tuning_playbook.declarations import ONE_MINUS, Hyperparameter, Value, same, spec_name
from tuning_playbook.errors import SpecError
from tuning_playbook.study import shape
from tuning_playbook.study.distributions import Distribution
from tuning_playbook.study.families import choices_of, training_hyperparameters
from tuning_playbook.study.optimizer_hyperparameters import OPTIMIZER
from tuning_playbook.study.origin import Taken
from tuning_playbook.study.schedule_hyperparameters import SCHEDULE
from tuning_playbook.study.searches import ListSearch
from tuning_playbook.study.workload_description import WorkloadDescription
from tuning_playbook.trials.imported_trial import ImportedTrial

BASELINE = "baseline"
"""The name of the baseline beside those of the arms, wherever it was rerun as they were."""

LEAST_RERUNS = 5
"""Below this the variance is not known: the 95 % interval of a standard deviation from four values
reaches from half to almost four times the estimate."""

SearchedRole = Literal["scientific", "nuisance"]


@dataclass(frozen=True)
class Dimension:
    """One searched hyperparameter of an arm.

    Attributes:
        name: As in the spec, `one_minus_` included.
        hyperparameter: The hyperparameter that it sets.
        distribution: What its values are drawn from; None where a list gives them.
        condition: The condition it is under, as `optimizer=adam`; empty if it has none.
        role: `scientific` for one that a joint design samples over a range.
        derived: Whether nobody said what it was searched over, and the trials alone tell.
        when: The values of nuisance choices with which it exists; a trial that drew others has no
            value of it.
    """

    name: str
    hyperparameter: Hyperparameter
    distribution: Distribution | None
    condition: str = ""
    role: SearchedRole = "nuisance"
    derived: bool = False
    when: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    def exists(self, drawn: Mapping[str, Value]) -> bool:
        """Return whether a trial has it that drew these values of choices, by their names."""
        return all(
            name in drawn and any(same(drawn[name], value) for value in values)
            for name, values in self.when.items()
        )

    def resolve(self, value: Value) -> Value:
        """Return the hyperparameter's own value for a searched `value`."""
        return resolve_value(spec_name(self.name), self.hyperparameter, value)


@dataclass(frozen=True)
class Draw:
    """What the trials of an arm have that drew the same nuisance choices, and the others have not.

    Attributes:
        choices: The values drawn of the choices that other hyperparameters depend on.
        fixed: What is fixed with them.
        defaulted: The names among `fixed` that the spec does not mention.
    """

    choices: Mapping[str, Value]
    fixed: Mapping[str, Value]
    defaulted: tuple[str, ...]


@dataclass(frozen=True)
class Arm:
    """One setting of the scientific hyperparameters.

    Attributes:
        name: As `optimizer=adam, depth=2`; `all trials` where nothing is scientific.
        scientific: The setting, as the spec gives it.
        batch_size: Examples a step.
        dimensions: What is searched, in the order of the spec.
        fixed: The value of every hyperparameter that is not searched, and is the same in all its
            trials.
        defaulted: The names among `fixed` that the spec does not mention.
        elsewhere: The names that are scientific in other arms only.
        trials: How many trials it has; None for as many as the search says.
        draws: What trials may draw of the choices that others depend on, as the optimizer; empty
            where it has no such choice.
    """

    name: str
    scientific: Mapping[str, Value]
    batch_size: int
    dimensions: tuple[Dimension, ...]
    fixed: Mapping[str, Value]
    defaulted: tuple[str, ...]
    elsewhere: Collection[str] = ()
    trials: int | None = None
    draws: tuple[Draw, ...] = ()

    @property
    def settings(self) -> tuple[Mapping[str, Value], ...]:
        """What conditions of the spec are about, of each draw."""
        return tuple({**self.scientific, **draw.choices} for draw in self.draws) or (
            self.scientific,
        )

    @property
    def searched_at_once(self) -> int:
        """How many searched hyperparameters a trial has; of its draws, with the most."""
        if not self.draws:
            return len(self.dimensions)
        return max(
            sum(item.exists(draw.choices) for item in self.dimensions) for draw in self.draws
        )

    def draw_of(self, values: Mapping[str, Value]) -> Draw:
        """Return what a trial has with these searched values."""
        if not self.draws:
            return Draw({}, {}, ())
        drawn = by_spec_name(values)
        return next(
            draw
            for draw in self.draws
            if all(name in drawn and same(drawn[name], v) for name, v in draw.choices.items())
        )

    def each_draw(self) -> tuple["Arm", ...]:
        """Return an arm for each draw, in which its choices are fixed; itself where it has none."""
        if not self.draws:
            return (self,)
        return tuple(
            replace(
                self,
                dimensions=tuple(
                    replace(item, when={})
                    for item in self.dimensions
                    if spec_name(item.name) not in draw.choices and item.exists(draw.choices)
                ),
                fixed={**self.fixed, **draw.fixed, **draw.choices},
                defaulted=(*self.defaulted, *draw.defaulted),
                draws=(),
            )
            for draw in self.draws
        )


FLOAT32_MOST, FLOAT32_LEAST = 3.4028234663852886e38, 1.1754943508222875e-38
"""The largest number of 32 bits, and the smallest one that devices do not round to zero."""


@dataclass(frozen=True)
class Incumbent:
    """The baseline of a study: where it is, and its whole configuration.

    Attributes:
        path: Its file; the study and the trial where it is an earlier result.
        batch_size: Examples a step.
        hyperparameters: The value of every hyperparameter.
    """

    path: str
    batch_size: int
    hyperparameters: Mapping[str, Value]


@dataclass(frozen=True)
class Study:
    """A study whose spec has passed every check.

    Attributes:
        name: The spec's stem; of a round of a procedure, its folder among the results.
        path: The spec's file.
        spec: The spec as written, with the defaults of its shape.
        text: The spec's text.
        workload: What the workload declares.
        arms: One for each setting of the scientific hyperparameters.
        baseline: The incumbent, where the spec names one.
        imported: The trials that were trained before, where the spec names their source; then
            `spec` is the list search that would train them.
        taken: What the spec takes from the results of earlier studies.
        chosen_on_all_seeds: Whether the candidate is found by the means of all seeds, because every
            imported configuration was trained with enough of them; else the first seed of each
            finds it, and those that were trained again may owe that to their luck with it.
        import_notes: What reading imported trials dropped, merged, guessed or left unread, in
            sentences.
        renamed: The hyperparameters that imported trials were trained with by another name: that
            name, and the one here.
    """

    name: str
    path: Path
    spec: shape.StudySpec
    text: str
    workload: WorkloadDescription
    arms: tuple[Arm, ...]
    baseline: Incumbent | None
    imported: tuple[ImportedTrial, ...] = ()
    taken: tuple[Taken, ...] = ()
    chosen_on_all_seeds: bool = False
    import_notes: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def hyperparameters(self) -> dict[str, Hyperparameter]:
        """Return every hyperparameter of any of its arms, and of its baseline, by name."""
        if self.imported:
            return dict(self.workload.hyperparameters)
        configurations = [draw.fixed for arm in self.arms for draw in arm.each_draw()]
        if self.baseline:
            configurations.append(self.baseline.hyperparameters)
        known: dict[str, Hyperparameter] = {}
        for configuration in configurations:
            known |= available(self.workload, choices_of(configuration))
        return known

    def traced(self, configuration: Mapping[str, Value]) -> tuple[str, ...]:
        """Return the hyperparameters of a configuration that a compiled program takes as arguments.

        Args:
            configuration: The value of every hyperparameter, by name.
        """
        if self.workload.is_command:
            return ()
        key = (configuration[OPTIMIZER.name], configuration[SCHEDULE.name])
        if key not in self._declared:
            self._declared[key] = available(self.workload, choices_of(configuration))
        declared = self._declared[key]
        return tuple(
            name for name in sorted(configuration) if declared[name].traced(configuration[name])
        )

    @functools.cached_property
    def _declared(self) -> dict[tuple[Value, Value], dict[str, Hyperparameter]]:
        """The hyperparameters that configurations have, by their choices: many are asked for."""
        return {}


def available(
    workload: WorkloadDescription, chosen: Mapping[str, str]
) -> dict[str, Hyperparameter]:
    """Return every hyperparameter of a configuration with these choices, by name."""
    listed = (*training_hyperparameters(chosen, workload.optax), *workload.hyperparameters.values())
    return {item.name: item for item in listed}


def check_float32(name: str, value: Value) -> None:
    """Check that a 32-bit number holds what a spec gives, be it less precisely.

    Raises:
        SpecError: It would become infinite, or zero; the message does not name the place.
    """
    if isinstance(value, bool | str):
        return
    size = abs(value)
    if size > FLOAT32_MOST:
        raise SpecError(f"'{name}' is more than a 32-bit number holds, {FLOAT32_MOST:.3g}")
    if 0 < size < FLOAT32_LEAST:
        raise SpecError(
            f"'{name}' is {value:g}, and a 32-bit number holds none but 0 below "
            f"{FLOAT32_LEAST:.3g}: give 0, or a larger one"
        )


def resolve_value(name: str, hyperparameter: Hyperparameter, value: Value) -> Value:
    """Return the value of `hyperparameter` that a spec sets by `name`.

    Raises:
        SpecError: It is not valid; the message does not name the place.
    """
    if not name.startswith(ONE_MINUS):
        return hyperparameter.check(value)
    if not isinstance(hyperparameter.default, float):
        raise SpecError(f"'{name}' needs a numeric '{hyperparameter.name}', and that is none")
    if isinstance(value, bool | str):
        raise SpecError(f"'{name}' takes a number, not {value!r}")
    try:
        return hyperparameter.check(float(f"{1.0 - value:.12g}"))
    except SpecError as error:
        raise SpecError(
            f"'{name}' {value:g} sets {hyperparameter.name} to {1 - value:g}: {error}"
        ) from None


def arm_name(setting: Mapping[str, Value]) -> str:
    """Return the name of an arm, as `optimizer=adam, depth=2`."""
    written = [f"{name}={write_value(value)}" for name, value in setting.items()]
    return ", ".join(written) or "all trials"


def write_value(value: Value) -> str:
    """Write a value as YAML does."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def by_spec_name(searched: Mapping[str, Value]) -> dict[str, Value]:
    """Return searched values by the names that a spec has for them; a trial has one of each."""
    return {spec_name(name): value for name, value in searched.items()}


def drew(
    entry: Mapping[str, Value],
    drawn: Mapping[str, Value],
    known: Mapping[str, Hyperparameter],
) -> bool:
    """Whether a listed trial has these values of choices; one that it does not name is the default.

    Args:
        entry: The trial.
        drawn: The values.
        known: What is declared of each.
    """
    return all(same(entry.get(name, known[name].default), v) for name, v in drawn.items())


def entries_of(
    search: ListSearch, setting: Mapping[str, Value], elsewhere: Collection[str]
) -> list[tuple[int, dict[str, Value]]]:
    """Return the listed trials of an arm, each with its place in the list.

    A trial that names values of scientific hyperparameters is in the arms that have them; one that
    names none is in every arm. The scientific values are taken out.

    Args:
        search: The list.
        setting: The arm's values of the scientific hyperparameters.
        elsewhere: The names that are scientific in other arms only.
    """
    found = []
    for index, entry in enumerate(search.trials):
        named = {name: value for name, value in entry.items() if name in setting}
        here = not any(name in elsewhere for name in entry)
        if here and all(same(setting[name], value) for name, value in named.items()):
            rest = {name: value for name, value in entry.items() if name not in setting}
            found.append((index, rest))
    return found
