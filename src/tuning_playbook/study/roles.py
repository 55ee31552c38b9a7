"""The playbook's rules of what may be tuned, and of how the parts of a spec fit together.

Each check takes the whole spec and raises a `SpecError` at the first thing that is wrong. What
depends on one arm (which hyperparameters its optimizer has) is checked in `resolve`.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from tuning_playbook.declarations import ONE_MINUS, Value, repeated, same
from tuning_playbook.errors import SpecError, nearest
from tuning_playbook.study import shape
from tuning_playbook.study.command_rules import check_command
from tuning_playbook.study.conditions import (
    BRING_THEIR_OWN,
    SEARCHED,
    Part,
    draws_of,
    listed_choices,
    parts_of,
    settings_of,
    values_of,
)
from tuning_playbook.study.draft import Draft
from tuning_playbook.study.search_rules import check_design, check_search, check_variance
from tuning_playbook.study.searches import (
    ListSearch,
)
from tuning_playbook.study.study import write_value
from tuning_playbook.study.training_rules import (
    check_objective,
    check_test,
    check_train_split,
    check_training,
)
from tuning_playbook.study.yaml import Location

MOST_ARMS = 10_000
"""More arms than this are a mistake: each has a search and reruns of its own."""

BATCH_SIZE_AS_NUISANCE = (
    "the batch size is never a nuisance hyperparameter: it governs training speed, and what it "
    "seems to do to the validation metric goes away once the optimizer and regularization "
    "hyperparameters are tuned for each batch size. Give it under 'training', or make it "
    "scientific with those as nuisances"
)
SEEDS_SEARCHED = (
    "seeds are not searched: a lucky seed is no better configuration. 'reruns' trains the best "
    "trials on fresh seeds to know the trial variance"
)
OR_A_CHOICE = ", nor a choice under 'nuisance'"
ONE_VALUE = "is one value for every trial of a study and is never tuned: give it under 'training'"

NEVER_A_HYPERPARAMETER = {
    "max_train_steps": f"max_train_steps {ONE_VALUE}; the best steps of the trials say whether to "
    "change it",
    "eval_every": f"eval_every {ONE_VALUE}",
    "keep_best": f"keep_best {ONE_VALUE}",
    "seed": SEEDS_SEARCHED,
    "seeds": SEEDS_SEARCHED,
}
LONGEST_NAME = 200
"""Characters of a variable's name; netCDF has 256 bytes."""

NEVER_A_NUISANCE = {"batch_size": BATCH_SIZE_AS_NUISANCE}


def check_rules(draft: Draft) -> None:
    """Check every rule that holds for the spec as a whole.

    Raises:
        SpecError: One is broken; the message quotes the reason.
    """
    check_command(draft)
    check_training(draft)
    check_objective(draft)
    check_train_split(draft)
    check_test(draft)
    _check_names(draft)
    _check_single_roles(draft)
    _check_batch_size(draft)
    _check_scientific(draft)
    _check_number_of_arms(draft)
    check_design(draft)
    _check_conditions(draft)
    check_search(draft)
    check_variance(draft)
    _check_simpler(draft)


def _check_names(draft: Draft) -> None:
    """Check that nothing is in a role that it can never have."""
    for location, names in _roles(draft.spec):
        for name in names:
            target = name.removeprefix(ONE_MINUS)
            if target in NEVER_A_HYPERPARAMETER:
                raise draft.error((*location, name), NEVER_A_HYPERPARAMETER[target])
            if target in NEVER_A_NUISANCE and location[-1] != "scientific":
                if location[-1] != "fixed":
                    raise draft.error((*location, name), NEVER_A_NUISANCE[target])
                if target == "batch_size":
                    raise draft.error((*location, name), "the batch size is under 'training'")


def _check_single_roles(draft: Draft) -> None:
    """Check that no hyperparameter has two of the roles that hold in every arm."""
    roles: dict[str, str] = {}
    spec = draft.spec
    always: dict[str, Iterable[str]] = {
        "scientific": spec.scientific,
        "nuisance": spec.nuisance,
        "fixed": spec.fixed,
    }
    for role, names in always.items():
        for name in names:
            target = name.removeprefix(ONE_MINUS)
            given = spec.scientific.get(target, ())
            if role == "nuisance" and isinstance(given, list) and SEARCHED in given:
                continue
            if target in roles:
                raise draft.error(
                    (role, name),
                    f"'{target}' is under '{roles[target]}' already; a hyperparameter has one role",
                )
            roles[target] = role


def _check_batch_size(draft: Draft) -> None:
    scientific = "batch_size" in draft.spec.scientific
    given = draft.spec.training.batch_size is not None
    if scientific and given:
        raise draft.error(
            ("training", "batch_size"), "the batch size is scientific here; take it away"
        )
    if not scientific and not given:
        raise draft.error(("training", "batch_size"), "this key is required and missing")


def check_scientific(
    parts: Sequence[Part], error: Callable[[Location, str], SpecError], *, joint: bool
) -> None:
    """Check that what is scientific has different values, or a range in a joint design alone.

    Args:
        parts: The spec's.
        error: Makes the error at a place of the spec.
        joint: Whether its design is joint.

    Raises:
        SpecError: It has not.
    """
    for part in parts:
        for name, values in part.values.items():
            if repeated(values):
                raise error(
                    (*part.location, "scientific", name), "a value is named twice; each is one arm"
                )
        for name, given in part.content.scientific.items():
            if not joint and not isinstance(given, list):
                raise error(
                    (*part.location, "scientific", name),
                    "a distribution of a scientific hyperparameter is sampled together with the "
                    "nuisances: write 'design: joint', or list its values, one for each arm",
                )


def _check_scientific(draft: Draft) -> None:
    parts = parts_of(draft.spec)
    check_scientific(parts, draft.error, joint=draft.spec.design == "joint")
    for part in parts:
        for name, values in part.values.items():
            here = (*part.location, "scientific", name)
            if name.startswith(ONE_MINUS):
                raise draft.error(here, f"give the values of '{name[len(ONE_MINUS) :]}' themselves")
            if SEARCHED in values and isinstance(draft.spec.search, ListSearch):
                raise draft.error(
                    here,
                    f"'{SEARCHED}' draws values from a range, and this search lists its trials",
                )
            if SEARCHED in values and name in NEVER_A_NUISANCE:
                raise draft.error(here, NEVER_A_NUISANCE[name])
            if SEARCHED in values and name in BRING_THEIR_OWN:
                raise draft.error(
                    here,
                    f"the {name} is compared or searched, not both: list its values here, or give "
                    "them as a choice under 'nuisance'",
                )
            if part.drawn:
                raise draft.error(here, _drawn_for_some(part))
            if name == "batch_size" and part.location:
                raise draft.error(here, "the batch size is scientific in every arm or in none")
        for name in part.sampled:
            if part.drawn:
                raise draft.error((*part.location, "scientific", name), _drawn_for_some(part))
            if name == "batch_size":
                raise draft.error(
                    (*part.location, "scientific", name), "list the batch sizes to be compared"
                )


def _drawn_for_some(part: Part) -> str:
    name = next(iter(part.drawn_when))
    return (
        f"'{name}' is a nuisance hyperparameter here, so part of the trials alone would have this "
        f"one: make it a nuisance too, or make '{name}' scientific"
    )


def _check_number_of_arms(draft: Draft) -> None:
    settings = settings_of(parts_of(draft.spec))
    if next(itertools.islice(settings, MOST_ARMS, None), None) is not None:
        raise draft.error(
            ("scientific",),
            f"every combination of these values is an arm, and there are more than {MOST_ARMS:,}: "
            "compare fewer at once, and make the rest nuisance hyperparameters",
        )


def check_conditions(
    parts: Sequence[Part],
    error: Callable[[Location, str], SpecError],
    listed: Mapping[str, tuple[Value, ...]] | None = None,
) -> None:
    """Check that conditions name scientific hyperparameters or choices, and values of these.

    Args:
        parts: The spec's.
        error: Makes the error at a place of the spec.
        listed: The choices that a list draws; None for the trials of other tools, where what was
            drawn is no condition.

    Raises:
        SpecError: One does not.
    """
    choices = {**(listed or {}), **_choices(parts)}
    scientific = values_of(parts)
    sampled = {name for part in parts for name in part.sampled}
    for part in parts:
        if not isinstance(part.content, shape.Conditional):
            continue
        known = {**scientific, **{name: choices[name] for name in part.drawn}}
        for name, wanted in part.content.when.items():
            here = (*part.location, "when", name)
            if name not in known and name in sampled:
                raise error(
                    here, f"'{name}' is sampled over a range; a condition names listed values"
                )
            if name not in known:
                raise error(
                    here,
                    f"'{name}' is not scientific here{'' if listed is None else OR_A_CHOICE}, so "
                    f"nothing can depend on it{nearest(name, known)}",
                )
            for value in wanted if isinstance(wanted, list) else [wanted]:
                if not any(same(value, item) for item in known[name]):
                    values = [write_value(item) for item in known[name]]
                    raise error(
                        here,
                        f"'{name}' never takes the value '{write_value(value)}'"
                        f"{nearest(write_value(value), values)} (it takes: {', '.join(values)})",
                    )


def _check_drawn_names(draft: Draft, parts: Sequence[Part]) -> None:
    """Check that what is drawn with a choice can be named by it in a dataset."""
    for part in parts:
        for name in part.nuisance if part.drawn_when else ():
            searched = part.searched_name(name)
            if len(searched) > LONGEST_NAME or not searched.replace("/", "\n").isprintable():
                raise draft.error(
                    (*part.location, "when"),
                    f"'{searched[:LONGEST_NAME]}' cannot be the name of a variable: give values "
                    f"without '/', and at most {LONGEST_NAME} characters in all",
                )


def _choices(parts: Sequence[Part]) -> dict[str, tuple[Value, ...]]:
    """Return every value that each nuisance choice can be drawn as."""
    found: dict[str, tuple[Value, ...]] = {}
    for part in parts:
        for name, given in part.nuisance.items():
            found[name] = (*found.get(name, ()), *given.choices)
    return found


def _check_conditions(draft: Draft) -> None:
    parts = parts_of(draft.spec)
    listed = listed_choices(draft.spec)
    check_conditions(parts, draft.error, listed)
    _check_drawn_names(draft, parts)
    settings = [
        {**setting, **drawn}
        for setting in settings_of(parts)
        for drawn in draws_of(parts, setting, listed)
    ]
    for part in parts:
        conditional = isinstance(part.content, shape.Conditional)
        if conditional and not any(part.holds(setting) for setting in settings):
            raise draft.error(
                (*part.location, "when"),
                "nothing meets this condition together with those around it",
            )


def _check_simpler(draft: Draft) -> None:
    scientific = values_of(parts_of(draft.spec))
    for name, given in draft.spec.launch.simpler.items():
        for value in given if isinstance(given, list) else [given]:
            if not any(same(value, item) for item in scientific.get(name, ())):
                raise draft.error(
                    ("launch", "simpler", name),
                    f"'{name}' never takes the value '{write_value(value)}' under 'scientific'"
                    f"{nearest(name, scientific) if name not in scientific else ''}",
                )


def _roles(spec: shape.StudySpec) -> Iterator[tuple[Location, Iterable[str]]]:
    """Yield every place where hyperparameters are named, and the names there."""
    parts = parts_of(spec)
    for part in parts:
        yield (*part.location, "scientific"), (*part.values, *part.sampled)
        yield (*part.location, "nuisance"), part.nuisance
        yield (*part.location, "fixed"), part.fixed
    if isinstance(spec.search, ListSearch):
        scientific = values_of(parts)
        for index, entry in enumerate(spec.search.trials):
            yield ("search", "trials", index), [name for name in entry if name not in scientific]
