"""The values that a spec gives the hyperparameters of an arm: what each may be, and the rest."""

from collections.abc import Mapping

from tuning_playbook.declarations import ONE_MINUS, Hyperparameter, Value
from tuning_playbook.errors import SpecError, nearest
from tuning_playbook.study.draft import Draft
from tuning_playbook.study.families import OWN, choices_of, families
from tuning_playbook.study.study import (
    available,
    check_float32,
    resolve_value,
)
from tuning_playbook.study.workload_description import WorkloadDescription
from tuning_playbook.study.yaml import Location

BATCH_SIZE = Hyperparameter("batch_size", 1, "examples a step", low=1, static=True)


def complete(
    given: Mapping[str, Value], workload: WorkloadDescription
) -> tuple[dict[str, Value], tuple[str, ...]]:
    """Return a whole configuration in its own types, and the names that took their default.

    Raises:
        SpecError: A name is unknown, or a value invalid; the message does not name the place.
    """
    chosen = choices_of(given)
    for family in families(workload.optax):
        family.choice.check(chosen[family.choice.name])
    check_choices(chosen, workload)
    known = available(workload, chosen)
    values: dict[str, Value] = {}
    for name, value in given.items():
        target = name.removeprefix(ONE_MINUS)
        if target in values:
            raise SpecError(f"'{target}' is given twice, once as '{name}'; give it once")
        values[target] = _check_value(name, value, known, workload, chosen)
    defaulted = tuple(name for name in known if name not in values)
    return {name: values.get(name, item.default) for name, item in known.items()}, defaulted


def check_choices(chosen: Mapping[str, str], workload: WorkloadDescription) -> None:
    """Check that a workload goes with an optimizer and a schedule.

    Raises:
        SpecError: It is to make one itself and does not, or one name would mean two things; the
            message does not name the place.
    """
    arguments = {
        "optimizer": "optimizer(self, hyperparameters, learning_rate)",
        "schedule": "schedule(self, hyperparameters, step, max_train_steps)",
    }
    for family in families(workload.optax):
        choice = family.choice.name
        if chosen[choice] == OWN and choice not in workload.makes:
            raise SpecError(
                f"{choice} '{OWN}' is one that the workload makes, and '{workload.name}' has no "
                f"method {arguments[choice]}: define it, or choose another {choice}"
            )
        brought = {item.name for item in family.members[chosen[choice]]}
        clash = sorted(brought & set(workload.hyperparameters))
        if clash:
            raise SpecError(
                f"'{clash[0]}' is a hyperparameter of workload '{workload.name}' and one of "
                f"{choice} {chosen[choice]}; give the workload's another name"
            )


def checked_choices(draft: Draft, given: Mapping[str, tuple[Value, Location]]) -> dict[str, str]:
    """Return the optimizer and the schedule of an arm, checked before what they bring is."""
    for family in families(draft.workload.optax):
        value, here = given.get(family.choice.name, (family.choice.default, ()))
        try:
            family.choice.check(value)
        except SpecError as error:
            hint = nearest(str(value), family.members)
            raise draft.error(here, f"{error}{hint}") from None
    chosen = choices_of({name: value for name, (value, _) in given.items()})
    try:
        check_choices(chosen, draft.workload)
    except SpecError as error:
        raise draft.error(("workload",), str(error)) from None
    return chosen


def check_at(
    draft: Draft,
    here: Location,
    name: str,
    value: Value,
    known: Mapping[str, Hyperparameter],
    chosen: Mapping[str, str],
) -> None:
    """Check the value that one place of a spec gives a hyperparameter."""
    try:
        _check_value(name, value, known, draft.workload, chosen)
    except SpecError as error:
        raise draft.error(here, str(error)) from None


def _check_value(
    name: str,
    value: Value,
    known: Mapping[str, Hyperparameter],
    workload: WorkloadDescription,
    chosen: Mapping[str, str],
) -> Value:
    """Return the value that `name` sets, in its own type."""
    target = name.removeprefix(ONE_MINUS)
    if target in known:
        if not workload.is_command:  # our engine computes with 32 bits, a command as it likes
            check_float32(name, value)
        return resolve_value(name, known[target], value)
    for family in families(workload.optax):
        choice = family.choice.name
        owners = [
            member
            for member, items in family.members.items()
            if target in {item.name for item in items}
        ]
        if owners:
            raise SpecError(
                f"'{target}' is no hyperparameter of {choice} '{chosen[choice]}', only of "
                f"{', '.join(owners)}: where {choice} is scientific, give it under 'conditional', "
                f"with 'when: {{{choice}: ...}}'"
            )
    names = [ONE_MINUS + item if name.startswith(ONE_MINUS) else item for item in known]
    raise SpecError(
        f"'{name}' is no hyperparameter of workload '{workload.name}' or of its training"
        f"{nearest(name, names)} (known: {', '.join(known)})"
    )
