"""The changes that a plan for a budget makes to the spec, each with the playbook's reason."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tuning_playbook.declarations import Value, same
from tuning_playbook.planning.budget_draft import (
    ADAM_TRIALS,
    RERUNS,
    Draft,
    enough,
    written_trials,
)
from tuning_playbook.study.advice import (
    FEW_TRIALS,
    VERY_MANY_TRIALS,
    adam_hyperparameters,
    optimizer_members,
    worth_tuning,
)
from tuning_playbook.study.advice_on_design import BUDGET, ROLES, TRIALS_PER_DIMENSION
from tuning_playbook.study.conditions import SEARCHED, parts_of, values_of
from tuning_playbook.study.draft import key_of
from tuning_playbook.study.rule_of_thumb import named
from tuning_playbook.study.searches import GridSearch
from tuning_playbook.study.study import Arm, Study, available, write_value
from tuning_playbook.study.yaml import Location

CANDIDATES = (
    "Determining whether to adopt a training pipeline change or hyperparameter configuration"
)
ADAM = "How should Adam's hyperparameters be tuned?"
ROUNDS = "Choosing the goal for the next round of experiments"


@dataclass(frozen=True)
class Change:
    """One change that the plan makes to the spec.

    Attributes:
        edits: The places in the spec with their new values, in the order in which to make them;
            None removes a place.
        text: The change in short, as `search.trials: 16 -> 32`.
        reason: Why, by the playbook.
        section: The playbook's section.
    """

    edits: tuple[tuple[Location, Any], ...]
    text: str
    reason: str
    section: str

    def __str__(self) -> str:
        return f"{self.text}. {self.reason} (playbook: {self.section})"


def changes_of(draft: Draft) -> Iterator[Change]:
    """Yield the changes of a plan: searched hyperparameters, then questions, then numbers."""
    # Before a condition is removed, so that the other places are still those of the spec.
    for location, name in draft.fixed:
        yield _fixing(draft, location, name)
    yield from _fewer_values(draft)
    yield from _other_trials(draft)
    yield from _other_reruns(draft)
    written = draft.study.spec.replicates
    if draft.replicates != written:
        more = (
            f"More trials gain little, so the whole search is made {draft.replicates + 1} times, "
            "each with another seed: that shows how much a lucky sample helped."
        )
        less = "Repeats of the search come after the trials and the reruns that a decision needs."
        yield _number(
            ("replicates",),
            written,
            draft.replicates,
            more if draft.replicates > written else less,
            CANDIDATES,
        )


def notes_of(draft: Draft, limit: float) -> Iterator[str]:
    """Yield notes on a plan, beyond its changes."""
    if not draft.seeds:
        yield (
            f"Nothing can be adopted with this budget: it is too small for {RERUNS} reruns "
            "beside the trials, and without them a difference may be chance. It is enough to "
            "explore."
        )
    given_up = {name.removeprefix("one_minus_") for _, name in draft.fixed}
    untuned: dict[str, list[str]] = {}
    for arm in draft.arms:
        names = {item.hyperparameter.name for item in draft.searched(arm)}
        adam = adam_hyperparameters(optimizer_members(draft.study, arm))
        worth = adam[: worth_tuning(draft.trials_of(arm))] if names else ()
        missing = [name for name in worth if name not in {*names, *arm.scientific, *given_up}]
        if missing:
            untuned.setdefault(", ".join(missing), []).append(arm.name)
    for missing_names, arms in untuned.items():
        yield (
            f"With this many trials more of Adam is worth tuning ({missing_names} in "
            f"{named(arms)}): give it a range under nuisance. (playbook: {ADAM})"
        )
    searching = [arm for arm in draft.arms if draft.searched(arm)]
    if limit - draft.cost >= max(draft.prices.values()) and all(
        draft.trials_of(arm) >= enough(draft, arm) for arm in searching
    ):
        yield (
            "What is left over gains little here; keep it for the next round, which builds on what "
            f"this one shows. (playbook: {ROUNDS})"
        )


def _fixing(draft: Draft, location: Location, name: str) -> Change:
    """Return the change that fixes a hyperparameter at the baseline's value or its default."""
    study = draft.study
    arm, item = next(
        (arm, item)
        for arm in draft.arms
        for item in arm.dimensions
        if draft.place(item) == (location, name)
    )
    target = item.hyperparameter.name
    members = optimizer_members(study, arm)
    adam = adam_hyperparameters(members)
    old, new = (*location, "nuisance", name), (*location, "fixed", target)
    value = _value_to_fix(study, arm, target)
    if target in adam:
        least = dict(zip(adam, ADAM_TRIALS, strict=True))
        reason = f"Adam's {target} is worth tuning from {least[target]} trials in an arm on."
    elif target in members:
        reason = (
            f"{TRIALS_PER_DIMENSION} trials are needed for each searched hyperparameter, and of "
            "the optimizer's the learning rate matters more; the fixed value is a caveat."
        )
    else:
        reason = (
            f"{TRIALS_PER_DIMENSION} trials are needed for each searched hyperparameter, and those "
            "of the optimizer interact the most with other changes; the fixed value is a caveat."
        )
    return Change(
        ((old, None), (new, value)),
        f"{key_of(old)} -> {key_of(new)}: {write_value(value)}",
        reason,
        ADAM if target in adam else ROLES,
    )


def _value_to_fix(study: Study, arm: Arm, name: str) -> Value:
    """Return the baseline's value, unless it belongs to another optimizer; else the default."""
    baseline = study.baseline.hyperparameters if study.baseline else {}
    optimizer = arm.fixed.get("optimizer")
    if name in baseline and (
        name not in optimizer_members(study, arm) or baseline.get("optimizer") == optimizer
    ):
        return baseline[name]
    chosen = {key: str(arm.fixed[key]) for key in ("optimizer", "schedule") if key in arm.fixed}
    known = available(study.workload, chosen) if len(chosen) == 2 else study.hyperparameters
    return known[name].default


def _fewer_values(draft: Draft) -> Iterator[Change]:
    """Yield the change that leaves out arms, with the conditional parts that go with them."""
    before = parts_of(draft.study.spec)
    edits: list[tuple[Location, Any]] = []
    texts = []
    for old, new in zip(before, draft.parts, strict=True):
        for name, values in old.values.items():
            if len(new.values[name]) < len(values):
                place = (*old.location, "scientific", name)
                edits.append((place, list(new.values[name])))
                texts.append(
                    f"{key_of(place)}: {_listed(values)} -> {_listed(tuple(new.values[name]))}"
                )
    if not edits:
        return
    # The last ones are removed first, so that the places of the others stay the same.
    for place, value in reversed([*_without_arms(draft)]):
        edits.append((place, value))
        written = _listed(tuple(value)) if isinstance(value, list) else value
        texts.append(f"{key_of(place)} {'taken away' if value is None else f'-> {written}'}")
    asked = sum(len(values) > 1 for part in draft.parts for values in part.values.values())
    reruns = f" and {draft.seeds} reruns" if draft.seeds else ""
    questions = f"leaves {_of(asked, 'question')} to ask" if asked else "compares nothing"
    yield Change(
        tuple(edits),
        "; ".join(texts),
        f"The budget is too small for {FEW_TRIALS} trials or more{reruns} in each of "
        f"{_of(len(draft.study.arms), 'arm')}, only in {len(draft.arms)}, which {questions}; the "
        "others are for a later round. With too few trials the luckier arm looks better.",
        ROUNDS,
    )


def _without_arms(draft: Draft) -> Iterator[tuple[Location, Any]]:
    """Yield the edits of the conditional parts that fewer arms meet, or none."""
    left = values_of(draft.parts)
    for name, given in draft.study.spec.launch.simpler.items():
        simpler = given if isinstance(given, list) else [given]
        kept = [value for value in simpler if any(same(value, item) for item in left[name])]
        if len(kept) < len(simpler):
            yield ("launch", "simpler", name), kept or None
    gone: list[Location] = []
    for part in draft.parts:
        if any(part.location[: len(place)] == place for place in gone):
            continue
        if not any(part.holds(setting) for arm in draft.arms for setting in arm.settings):
            split = SEARCHED in itertools.chain(*part.when.values()) and not part.values
            if split and not part.fixed and len(part.nuisance) == 1:
                yield (*part.location, "nuisance", next(iter(part.nuisance))), None
            else:
                gone.append(part.location)
                yield part.location, None
            continue
        for name, wanted in getattr(part.content, "when", {}).items():
            kept = [
                value
                for value in (wanted if isinstance(wanted, list) else ())
                if any(same(value, item) for item in left[name])
            ]
            if isinstance(wanted, list) and len(kept) < len(wanted):
                yield (*part.location, "when", name), kept


def _other_trials(draft: Draft) -> Iterator[Change]:
    search = draft.study.spec.search
    searching = [arm for arm in draft.arms if draft.searched(arm)]
    old = written_trials(draft.study)
    if not searching or draft.trials == old:
        return
    each = min(draft.trials_of(arm) for arm in searching)
    joint = f", {each} or more in each arm" if draft.study.spec.design == "joint" else ""
    if draft.trials < old:
        beside = " beside the reruns" if draft.seeds else ""
        reason = f"This is what the budget allows{beside}{joint}."
    elif all(draft.trials_of(arm) >= enough(draft, arm) for arm in searching):
        reason = (
            f"Up to here more trials gain something{joint}: the best of {VERY_MANY_TRIALS} that "
            f"are spread evenly is expected in the best {1 / VERY_MANY_TRIALS:.0%} of the space."
        )
    else:
        reason = (
            f"This is what the budget allows{joint}; the more densely the nuisance hyperparameters "
            "are sampled, the less one arm looks better because its sample was luckier."
        )
    if isinstance(search, GridSearch):
        new = {"algorithm": "halton", "trials": draft.trials}
        text = f"search: grid -> halton with search.trials: {draft.trials}"
        reason += " A grid has as many trials as its points make, whatever the budget."
        yield Change(((("search",), new),), text, reason, BUDGET)
        return
    yield _number(("search", "trials"), old, draft.trials, reason, BUDGET)


def _other_reruns(draft: Draft) -> Iterator[Change]:
    written = draft.study.spec.reruns
    baseline = " and of the baseline" if draft.study.baseline else ""
    more = (
        f"The variance is known from {RERUNS} reruns of every arm{baseline} on; with fewer nothing "
        "can be adopted."
    )
    less = (
        f"{RERUNS} reruns of every arm{baseline} measure the variance; the rest is spent on trials."
    )
    none = (
        f"The budget is too small for {RERUNS} reruns of every arm{baseline}, and fewer measure no "
        "variance."
    )
    for key, old, new in (
        ("seeds", written.seeds, draft.seeds),
        ("splits", written.splits, draft.splits),
    ):
        if old != new:
            reason = more if new > old else less if draft.seeds else none
            yield _number(("reruns", key), old, new, reason, CANDIDATES)


def _number(place: Location, old: int, new: int, reason: str, section: str) -> Change:
    return Change(((place, new),), f"{key_of(place)}: {old} -> {new}", reason, section)


def _of(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _listed(values: tuple[Value, ...]) -> str:
    return f"[{', '.join(map(write_value, values))}]"
