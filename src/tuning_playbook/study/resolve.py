"""From a spec to a study: every hyperparameter of every arm gets its value or its range."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from tuning_playbook.declarations import ONE_MINUS, Hyperparameter, Value, same, spec_name
from tuning_playbook.errors import SpecError
from tuning_playbook.study.branch_rules import branch_objection
from tuning_playbook.study.conditions import (
    SEARCHED,
    Part,
    draws_of,
    listed_choices,
    parts_of,
    settings_of,
    values_of,
)
from tuning_playbook.study.confirm import confirmed, with_confirmed
from tuning_playbook.study.distributions import Distribution
from tuning_playbook.study.draft import Draft
from tuning_playbook.study.families import families
from tuning_playbook.study.given_values import BATCH_SIZE, check_at, checked_choices, complete
from tuning_playbook.study.idle_rate import idle_objection
from tuning_playbook.study.incumbents import earlier_incumbent, read_incumbent
from tuning_playbook.study.own_drops import drop_objection
from tuning_playbook.study.roles import check_rules
from tuning_playbook.study.searches import ListSearch
from tuning_playbook.study.study import (
    Arm,
    Dimension,
    Draw,
    SearchedRole,
    Study,
    arm_name,
    available,
    drew,
    entries_of,
    write_value,
)
from tuning_playbook.study.yaml import Location

QUESTION_ROLES = ("scientific", "nuisance", "fixed")


def resolve(draft: Draft) -> Study:
    """Resolve a spec of the right shape.

    Raises:
        SpecError: A name, a value or a role cannot be carried out as written.
    """
    check_rules(draft)
    written, draft = draft, with_confirmed(draft)
    parts = parts_of(draft.spec)
    arms = []
    for setting in settings_of(parts):
        arm = confirmed(written, _resolve_arm(draft, parts, setting))
        _check_something_to_search(draft, arm)
        _check_rate(draft, arm)
        arms.append(arm)
    _check_next_questions(draft, arms[0])
    baseline = earlier_incumbent(draft) or read_incumbent(draft)
    sizes = {arm.batch_size for arm in arms} | ({baseline.batch_size} if baseline else set())
    for batch_size in sizes:
        _check_shares(draft, batch_size)
    where, objection = branch_objection(draft.spec.training, arms, sizes, baseline)
    if objection:
        raise draft.error(("training", *where), objection)
    return Study(
        name=draft.name or draft.path.stem,
        path=draft.path,
        spec=draft.spec,
        text=draft.text,
        workload=draft.workload,
        arms=tuple(arms),
        baseline=baseline,
        taken=draft.taken,
    )


def _check_next_questions(draft: Draft, arm: Arm) -> None:
    """Check that the questions of later rounds name what there is, before any of them is asked.

    Args:
        draft: The spec.
        arm: One of its arms, whose optimizer and schedule a question has that names none.
    """
    drawn = [
        {
            family.choice.name: (of.fixed.get(family.choice.name, family.choice.default), ())
            for family in families(draft.workload.optax)
        }
        for of in arm.each_draw()
    ]
    for number, question in enumerate(draft.spec.next_questions):
        here = ("next_questions", number)
        listed = {
            name: tuple(given) if isinstance(given, list) else _extremes(given.distribution())
            for name, given in {**question.scientific, **question.nuisance}.items()
        }
        listed |= {name: (value,) for name, value in question.fixed.items()}
        for name, values in listed.items():
            role = next(role for role in QUESTION_ROLES if name in getattr(question, role))
            for value in values:
                if name == BATCH_SIZE.name or value == SEARCHED:
                    continue
                _check_asked(draft, (*here, role, name), name, value, drawn)


def _check_asked(
    draft: Draft,
    place: Location,
    name: str,
    value: Value,
    drawn: Sequence[Mapping[str, tuple[Value, Location]]],
) -> None:
    """Check that a question names what trials with one draw or another have."""
    for number, own in enumerate(drawn):
        choices = {**own, **({name: (value, place)} if name in own else {})}
        try:
            chosen = checked_choices(draft, choices)
            check_at(draft, place, name, value, available(draft.workload, chosen), chosen)
        except SpecError:
            if number + 1 == len(drawn):
                raise
        else:
            return


def _check_shares(draft: Draft, batch_size: int) -> None:
    """Check that a batch can be cut into the parts that are computed apart, all of one size."""
    resources, branch = draft.spec.resources, draft.spec.training.branch
    parts = resources.devices * resources.nodes
    if branch is not None:  # a step of it sees a batch of its run
        batch_size = min(batch_size, branch.batch_size)
    if resources.lanes == 1 and batch_size % parts:
        raise draft.error(
            ("resources", "devices" if resources.devices > 1 else "nodes"),
            f"{parts} devices in all cannot have equal parts of a batch of {batch_size}: choose a "
            "number that divides it",
        )
    part = draft.spec.training.microbatch
    if not 0 < part < batch_size:
        return
    if batch_size % part:
        raise draft.error(
            ("training", "microbatch"),
            f"{part} does not divide a batch of {batch_size} into equal parts: choose a number "
            "that divides it",
        )
    if resources.lanes == 1 and part % parts:
        raise draft.error(
            ("training", "microbatch"),
            f"{parts} devices in all cannot have equal parts of {part} examples that are computed "
            "at once: choose a multiple of the devices",
        )


@dataclass(frozen=True)
class _Range:
    """What a hyperparameter is sampled over, and where the spec says so."""

    distribution: Distribution
    part: Part
    role: SearchedRole
    location: Location


def _resolve_arm(draft: Draft, parts: Sequence[Part], setting: dict[str, Value]) -> Arm:
    """Resolve the arm of one setting of the scientific hyperparameters."""
    listed = listed_choices(draft.spec)
    draws = list(draws_of(parts, setting, listed))
    arms = [_resolve_draw(draft, parts, setting, drawn) for drawn in draws]
    _check_drawn(draft, arms, draws)
    return arms[0] if draws == [{}] else _merged(arms, draws)


def _check_drawn(draft: Draft, arms: Sequence[Arm], draws: Sequence[Mapping[str, Value]]) -> None:
    """Check that every listed trial of an arm has values of its choices that it can draw."""
    if not isinstance(draft.spec.search, ListSearch) or draws == [{}]:
        return
    known = {d.hyperparameter.name: d.hyperparameter for arm in arms for d in arm.dimensions}
    for index, entry in entries_of(draft.spec.search, arms[0].scientific, arms[0].elsewhere):
        if not any(drew(entry, drawn, known) for drawn in draws):
            given = ", ".join(
                f"{name} {write_value(entry.get(name, known[name].default))}" for name in draws[0]
            )
            raise draft.error(
                ("search", "trials", index), f"lies outside what can be drawn here: {given}"
            )


def _merged(arms: Sequence[Arm], draws: Sequence[Mapping[str, Value]]) -> Arm:
    """Return one arm of what it is with each of its draws.

    What exists everywhere comes before what depends on a choice, and every choice before what
    depends on it.
    """
    first = arms[0]
    found: dict[str, Dimension] = {}
    for arm in arms:
        for item in arm.dimensions:
            found.setdefault(item.name, item)
    for name, item in found.items():
        if item.distribution is None:  # a trial of a list that does not name it has its default
            having = [n for n, arm in enumerate(arms) if item.hyperparameter.name in _has(arm)]
            found[name] = replace(item, when=_when(draws, having))
    listed = {item.hyperparameter.name for item in found.values() if item.distribution is None}
    arms = [
        replace(arm, fixed={n: value for n, value in arm.fixed.items() if n not in listed})
        for arm in arms
    ]
    fixed = {
        name: value
        for name, value in first.fixed.items()
        if all(name in arm.fixed and same(arm.fixed[name], value) for arm in arms)
    }
    return replace(
        first,
        dimensions=tuple(sorted(found.values(), key=lambda item: bool(item.when))),
        fixed=fixed,
        defaulted=tuple(n for n in fixed if all(n in arm.defaulted for arm in arms)),
        draws=tuple(
            Draw(
                choices=drawn,
                fixed={name: value for name, value in arm.fixed.items() if name not in fixed},
                defaulted=tuple(n for n in arm.defaulted if n in arm.fixed and n not in fixed),
            )
            for arm, drawn in zip(arms, draws, strict=True)
        ),
    )


def _has(arm: Arm) -> set[str]:
    return {*arm.fixed, *(item.hyperparameter.name for item in arm.dimensions)}


def _when(
    draws: Sequence[Mapping[str, Value]], having: Sequence[int]
) -> dict[str, tuple[Value, ...]]:
    """Return the condition that some draws meet; of each choice the values that they have."""
    found: dict[str, tuple[Value, ...]] = {}
    for name in set.intersection(*map(set, draws)):
        inside = [draws[n][name] for n in having]
        if any(draw[name] not in inside for draw in draws):
            found[name] = tuple(dict.fromkeys(inside))
    return dict(sorted(found.items()))


def _resolve_draw(
    draft: Draft, parts: Sequence[Part], setting: dict[str, Value], drawn: Mapping[str, Value]
) -> Arm:
    """Resolve what the trials of an arm are that drew the same choices."""
    given, searched = _named(draft, parts, setting, drawn)
    _check_searched(draft, parts, setting, searched)
    in_a_list: Location = ("search", "trials")
    choices = {
        name: (value, searched[name].location if name in searched else in_a_list)
        for name, value in drawn.items()
    }
    chosen = checked_choices(draft, {**given, **choices})
    known = available(draft.workload, chosen)
    for name, (value, here) in given.items():
        check_at(draft, here, name, value, known, chosen)
    dimensions = []
    for name, item in searched.items():
        distribution, here = item.distribution, item.location
        for value in _extremes(distribution):
            check_at(draft, here, name, value, known, chosen)
        hyperparameter = known[name.removeprefix(ONE_MINUS)]
        if hyperparameter.whole and not (distribution.integer or distribution.kind == "choice"):
            raise draft.error(
                here,
                f"'{name}' takes whole numbers: use int_uniform, log_int_uniform or choice",
            )
        dimensions.append(
            Dimension(
                name=item.part.searched_name(name),
                hyperparameter=hyperparameter,
                distribution=distribution,
                condition=item.part.condition,
                role=item.role,
                when=item.part.drawn_when,
            )
        )
    elsewhere = frozenset(values_of(parts)) - {*setting, *searched}
    dimensions += _listed(draft, setting, drawn, elsewhere, known, chosen, dimensions, list(given))
    values = {name: value for name, (value, _) in given.items()}
    fixed, defaulted = complete({**values, **drawn}, draft.workload)
    for dimension in dimensions:
        fixed.pop(dimension.hyperparameter.name)
    batch_size = setting.get(BATCH_SIZE.name, draft.spec.training.batch_size)
    try:
        batch_size = int(BATCH_SIZE.check(batch_size))
    except SpecError as error:
        raise draft.error(("scientific", BATCH_SIZE.name), str(error)) from None
    return Arm(
        name=arm_name(setting),
        scientific=setting,
        batch_size=batch_size,
        dimensions=tuple(dimensions),
        fixed=fixed,
        defaulted=tuple(name for name in defaulted if name in fixed),
        elsewhere=elsewhere,
    )


def _named(
    draft: Draft,
    parts: Sequence[Part],
    setting: Mapping[str, Value],
    drawn: Mapping[str, Value],
) -> tuple[dict[str, tuple[Value, Location]], dict[str, _Range]]:
    """Return what the spec gives one value in an arm with a draw, and what it searches there."""
    given: dict[str, tuple[Value, Location]] = {}
    searched: dict[str, _Range] = {}
    roles: tuple[SearchedRole, ...] = ("scientific", "nuisance")
    for part in parts:
        if not part.holds({**setting, **drawn}):
            continue
        scientific = {name: setting[name] for name in part.values}
        for role, values in {"scientific": scientific, "fixed": part.fixed}.items():
            for name, value in values.items():
                here = (*part.location, role, name)
                _check_given_once(draft, name, [*given, *searched], here)
                if name != BATCH_SIZE.name and not (role == "scientific" and value == SEARCHED):
                    given[name] = (value, here)
        for searched_role, ranges in zip(roles, (part.sampled, part.nuisance), strict=True):
            for name, distribution in ranges.items():
                here = (*part.location, searched_role, name)
                _check_given_once(draft, name, [*given, *searched], here)
                searched[name] = _Range(distribution, part, searched_role, here)
    return given, searched


def _check_searched(
    draft: Draft, parts: Sequence[Part], setting: Mapping[str, Value], searched: Collection[str]
) -> None:
    """Check that what an arm is to search has a range."""
    ranges = {name.removeprefix(ONE_MINUS) for name in searched}
    for part in parts:
        for name in part.values:
            if part.holds(setting) and setting[name] == SEARCHED and name not in ranges:
                raise draft.error(
                    (*part.location, "scientific", name),
                    f"'{name}' is to be searched in one arm: give its range under 'nuisance'",
                )


def _check_given_once(draft: Draft, name: str, others: list[str], here: Location) -> None:
    target = name.removeprefix(ONE_MINUS)
    if target in {other.removeprefix(ONE_MINUS) for other in others}:
        raise draft.error(here, f"'{target}' is given twice in one arm; give it once")


def _listed(
    draft: Draft,
    setting: Mapping[str, Value],
    drawn: Mapping[str, Value],
    elsewhere: Collection[str],
    known: Mapping[str, Hyperparameter],
    chosen: Mapping[str, str],
    dimensions: list[Dimension],
    given: list[str],
) -> list[Dimension]:
    """Return a dimension for every name that a list search gives and no distribution has."""
    if not isinstance(draft.spec.search, ListSearch):
        return []
    distributions = {spec_name(item.name): item.distribution for item in dimensions}
    taken = {name.removeprefix(ONE_MINUS) for name in (*given, *setting)}
    found: dict[str, Dimension] = {}
    for index, entry in entries_of(draft.spec.search, setting, elsewhere):
        if not drew(entry, drawn, known):
            continue
        here = ("search", "trials", index)
        targets = [name.removeprefix(ONE_MINUS) for name in entry]
        if len(set(targets)) < len(targets):
            raise draft.error(here, "gives a hyperparameter twice")
        missing = [name for name in distributions if name not in entry]
        if missing:
            raise draft.error(here, f"'{missing[0]}' is searched and has no value")
        for name, value in entry.items():
            target = name.removeprefix(ONE_MINUS)
            if target in taken:
                raise draft.error(
                    (*here, name), f"'{target}' has its value in the arm '{arm_name(setting)}'"
                )
            spelt = {item.removeprefix(ONE_MINUS): item for item in (*distributions, *found)}
            if spelt.get(target, name) != name:
                raise draft.error(
                    (*here, name), f"is written elsewhere as '{spelt[target]}'; write it one way"
                )
            check_at(draft, (*here, name), name, value, known, chosen)
            distribution = distributions.get(name)
            if distribution and not distribution.contains(value):
                raise draft.error(
                    (*here, name),
                    f"{write_value(value)} lies outside its {distribution.kind} range",
                )
            if name not in distributions:
                found[name] = Dimension(name, known[name.removeprefix(ONE_MINUS)], None)
    for name in (drawn.keys() & listed_choices(draft.spec).keys()) - distributions.keys():
        found.setdefault(name, Dimension(name, known[name], None))
    return list(found.values())


def _check_something_to_search(draft: Draft, arm: Arm) -> None:
    search = draft.spec.search
    if isinstance(search, ListSearch):
        if not entries_of(search, arm.scientific, arm.elsewhere):
            raise draft.error(("search", "trials"), f"no listed trial is in the arm '{arm.name}'")
    elif not arm.dimensions and getattr(search, "trials", 1) > 1:
        one = "'trials: 1'"
        if draft.spec.design == "joint":
            one += " in a separate design"
        raise draft.error(
            ("search",),
            f"nothing is searched in the arm '{arm.name}', so its trials would all be one: "
            f"give it nuisance hyperparameters, or {one}",
        )


def _check_rate(draft: Draft, arm: Arm) -> None:
    """Check that no trial of an arm trains for long at next to no learning rate.

    A drop of the rate that no trial has is a mistake too.
    """
    # Which learning rate a command has at a step, it alone knows.
    if draft.workload.is_command:
        return
    name, unused = drop_objection(draft.spec, arm)
    if unused:
        raise draft.error(("fixed", name), unused)
    objection = idle_objection(draft.spec, arm)
    if objection:
        raise draft.error(("training", "max_train_steps"), objection)


def _extremes(distribution: Distribution) -> tuple[Value, ...]:
    if distribution.kind == "choice":
        return distribution.choices
    return (distribution.low, distribution.high)
