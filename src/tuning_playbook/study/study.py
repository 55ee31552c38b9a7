"""A study: a spec that has passed every check, with each hyperparameter of each arm resolved."""

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tuning_playbook.declarations import ONE_MINUS, Hyperparameter, Value, same
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
        condition: The condition it stands under, as `optimizer=adam`; empty if it has none.
        role: `scientific` for one that a joint design samples over a range.
        derived: Whether nobody said what it was searched over, and the trials alone tell.
    """

    name: str
    hyperparameter: Hyperparameter
    distribution: Distribution | None
    condition: str = ""
    role: SearchedRole = "nuisance"
    derived: bool = False

    def resolve(self, value: Value) -> Value:
        """Return the hyperparameter's own value for a searched `value`."""
        return resolve_value(self.name, self.hyperparameter, value)


@dataclass(frozen=True)
class Arm:
    """One setting of the scientific hyperparameters.

    Attributes:
        name: As `optimizer=adam, depth=2`; `all trials` where nothing is scientific.
        scientific: The setting, as the spec gives it.
        batch_size: Examples a step.
        dimensions: What is searched, in the order of the spec.
        fixed: The value of every hyperparameter that is not searched.
        defaulted: The names among `fixed` that the spec does not mention.
        elsewhere: The names that are scientific in other arms only.
        trials: How many trials it has; None for as many as the search says.
    """

    name: str
    scientific: Mapping[str, Value]
    batch_size: int
    dimensions: tuple[Dimension, ...]
    fixed: Mapping[str, Value]
    defaulted: tuple[str, ...]
    elsewhere: Collection[str] = ()
    trials: int | None = None


FLOAT32_MOST, FLOAT32_LEAST = 3.4028234663852886e38, 1.1754943508222875e-38
"""The largest number of 32 bits, and the smallest one that devices do not round to zero."""


@dataclass(frozen=True)
class Incumbent:
    """The baseline of a study: where it stands, and its whole configuration.

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
        configurations = [arm.fixed for arm in self.arms]
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
