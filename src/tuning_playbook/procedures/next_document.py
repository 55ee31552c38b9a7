"""The spec of the next round as a document: a move applied to the spec of this round."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import xarray as xr

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.numbers import plain
from tuning_playbook.analysis.ranking import best_trials, members
from tuning_playbook.analysis.trial_values import as_in_a_spec, spec_values_of
from tuning_playbook.declarations import ONE_MINUS, same, spec_name
from tuning_playbook.procedures.changes import written
from tuning_playbook.procedures.kept_arms import BATCH_SIZE, keep_arms
from tuning_playbook.procedures.listed import keep_listed_values
from tuning_playbook.procedures.more_evidence import MOST_MORE, trials_that_would_tell
from tuning_playbook.procedures.next_move import Move
from tuning_playbook.procedures.searched_by import (
    listed_values,
    may_repeat_points,
    searched_by_arms,
    searches_nothing,
)
from tuning_playbook.study.conditions import parts_of
from tuning_playbook.study.study import LEAST_RERUNS, Arm, Study, arm_name
from tuning_playbook.study.yaml import Location

LEAST_TRIALS = 10
"""Fewest trials of an arm: the playbook's least for one searched hyperparameter."""

LEAST_EXPLOITING = 20
"""Fewest trials of a Bayesian search: half of them initial, and two rounds of proposals."""

PROPOSING_ROUNDS = 2

LAUNCH_RERUNS = 10
"""Fresh seeds of the configuration to be launched."""


@dataclass(frozen=True)
class _Round:
    """The finished round and the next one.

    Attributes:
        study: Its study.
        dataset: Its trials.
        move: What the next round does.
        counts: The number of trials of each arm.
        asked: The number of trials of an arm that the checklist asks for.
    """

    study: Study
    dataset: xr.Dataset
    move: Move
    counts: Sequence[int]
    asked: int


@dataclass
class Draft:
    """A spec that is being written.

    Attributes:
        document: The spec, as YAML gives it.
        reasons: The reasons for the content of a place, in sentences, by place.
    """

    document: dict[str, Any]
    reasons: dict[Location, str] = field(default_factory=dict)

    def put(self, place: Location, value: Any, reason: str = "") -> None:
        """Set a place, with the reason for it."""
        inner: Any = self.document
        for key in place[:-1]:
            inner = inner.setdefault(key, {})
        inner[place[-1]] = value
        if reason:
            self.reasons[place] = reason


def carry_out(
    draft: Draft, study: Study, dataset: xr.Dataset, findings: Sequence[Finding], move: Move
) -> None:
    """Change the spec of a round into that of the next one, except for its goal.

    Args:
        draft: The spec, with the changes that the findings ask for.
        study: The study of this round.
        dataset: Its trials.
        findings: What the checklist found, which may ask for more trials.
        move: What the next round does.
    """
    counts = [len(members(dataset, arm.name)) for arm in study.arms]
    needed = trials_that_would_tell(study, findings, move.arms)
    round_ = _Round(study, dataset, move, counts, min(needed, MOST_MORE * max(counts)))
    document = draft.document
    if len(move.arms) < len(study.arms):
        keep_arms(document, move.arms)
        _say_what_is_decided(draft, study, move)
    elif len(study.arms) == 1 and move.kind in ("ask", "cross", "exploit", "launch"):
        keep_arms(document, move.arms)
    steps: dict[str, Callable[[Draft, _Round], None]] = {
        "repair": _go_on,
        "settle": _go_on,
        "ask": _ask,
        "cross": _cross,
        "exploit": _exploit,
        "launch": _launch,
    }
    steps[move.kind](draft, round_)
    if move.kind != "launch":  # a launch has other seeds anyway
        _next_seeds(draft, study)
    _rerun(draft, study, move)


def reruns_of_next(study: Study, move: Move) -> int:
    """Return how many reruns the next round has of each arm."""
    if move.kind == "launch":
        return LAUNCH_RERUNS
    if move.kind == "settle" and move.stands.reruns is not None:
        return max(move.stands.reruns, LEAST_RERUNS)
    return max(study.spec.reruns.seeds, LEAST_RERUNS)


def _say_what_is_decided(draft: Draft, study: Study, move: Move) -> None:
    """Add the reason for its value to each hyperparameter that this round has decided."""
    if len(move.arms) > 1:
        names = list(draft.document.get("scientific", {}))
        if names:
            left = "; ".join(arm.name for arm in move.arms)
            draft.reasons["scientific", names[0]] = f"these may still be the best: {left}."
        return
    (arm,) = move.arms
    for name in arm.scientific:
        if name in draft.document.get("fixed", {}):
            compared = _compared(study, name)
            draft.reasons["fixed", name] = f"decided by {study.name}, which compared {compared}."


def _compared(study: Study, name: str) -> str:
    values = dict.fromkeys(
        arm_name({name: arm.scientific[name]}) for arm in study.arms if name in arm.scientific
    )
    return ", ".join(values)


def _next_seeds(draft: Draft, study: Study) -> None:
    """Change the seed of the search, and that of the trials where points may repeat."""
    search = draft.document["search"]
    if search["algorithm"] not in ("list", "grid"):
        search["seed"] = search.get("seed", 0) + 1
    if may_repeat_points(draft.document):
        why = "other seeds, as a point may be one that this study had."
        draft.put(("training", "seed"), study.spec.training.seed + 1, why)


def _go_on(draft: Draft, before: _Round) -> None:
    """Repeat the question for the arms that may still win, with the trials of all arms."""
    search, arms = draft.document["search"], len(before.move.arms)
    if search["algorithm"] not in ("halton", "random"):
        return
    if not all(searched_by_arms(draft.document)):  # such an arm has one trial
        return
    shared = sum(before.counts) // arms
    trials = max(*before.counts, shared, before.asked)
    if draft.document.get("design") == "joint":
        trials = max(search["trials"], before.asked * arms)
    if trials <= search["trials"]:
        return
    why = "with this many the checklist can judge what it could not."
    if trials == shared:
        why = (
            f"the {sum(before.counts)} trials of the {len(before.counts)} arms before are shared "
            f"out among the {arms} that may still be the best."
        )
    draft.put(("search", "trials"), trials, why)


def _ask(draft: Draft, before: _Round) -> None:
    """Add the next question, and confirm what was decided without its change."""
    document = draft.document
    document.pop("design", None)
    _search_what_was_sampled(document)
    _put_question(draft, before.move)
    trials = max(LEAST_TRIALS, *before.counts)
    again = max(LEAST_TRIALS, trials // 2)
    _search_anew(draft, trials)
    if searches_nothing(document):
        again = 1
        document["scientific"] = {**document["scientific"], **listed_values(document)}
        _one_trial_each(draft)
    elif any(isinstance(given, dict) for given in document["scientific"].values()):
        arms = len(searched_by_arms(document))
        document["search"]["trials"] = trials * arms
        why = "what is asked is sampled over a range, together with what else is searched."
        draft.put(("design",), "joint", why)
        return
    runner_up, study = before.move.stands.runner_up, before.study.name
    if runner_up is not None and can_be_confirmed(document, before.study, runner_up):
        each = f"{again} trial{'s' if again > 1 else ''} of each arm that has the change."
        (winner,) = before.move.arms
        other = {
            name: value
            for name, value in runner_up.scientific.items()
            if not same(value, winner.scientific[name])
        }
        draft.put(
            ("confirm",),
            {"arm": arm_name(other), "trials": again},
            f"{study} compared {', '.join(runner_up.scientific)} without what is asked now, so its "
            f"runner-up is tried with it: {each}",
        )


def _search_what_was_sampled(document: dict[str, Any]) -> None:
    """Search what a joint design sampled over a range as a nuisance hyperparameter.

    Args:
        document: A spec of one arm, so that `scientific` has nothing else.
    """
    sampled = document.pop("scientific", {})
    if sampled:
        document["nuisance"] = {**sampled, **document.get("nuisance", {})}


def can_be_confirmed(document: Mapping[str, Any], study: Study, arm: Arm) -> bool:
    """Return whether other values under `fixed` alone make an arm that lost."""
    conditions = [part.when for part in parts_of(study.spec)]
    return all(
        name in document.get("fixed", {}) and not any(name in when for when in conditions)
        for name in arm.scientific
    )


def _cross(draft: Draft, before: _Round) -> None:
    """Add the next question beside the open one, in every combination."""
    _put_question(draft, before.move)
    arms = len(searched_by_arms(draft.document))
    _search_anew(draft, max(LEAST_TRIALS * arms, sum(before.counts)))
    if searches_nothing(draft.document):
        draft.document.pop("design", None)
        _one_trial_each(draft)
        return
    draft.put(
        ("design",),
        "joint",
        f"one search for all {arms} arms: it answers both questions, and shows whether they "
        "interact.",
    )


def _put_question(draft: Draft, move: Move) -> None:
    question, document = move.question, draft.document
    assert question is not None
    given = question.model_dump(mode="json", exclude_unset=True)
    names = (*given["scientific"], *given.get("nuisance", {}), *given.get("fixed", {}))
    targets = [name.removeprefix(ONE_MINUS) for name in names]
    for entry in keep_listed_values(document, move.arms, targets):
        draft.reasons[entry.role, entry.name] = "as the trials before were listed."
    for target in targets:
        for role in ("fixed", "nuisance"):
            for other in (target, ONE_MINUS + target):
                document.get(role, {}).pop(other, None)
    if BATCH_SIZE in given["scientific"]:
        document["training"].pop(BATCH_SIZE, None)
    for role in ("scientific", "nuisance", "fixed"):
        document[role] = {**document.get(role, {}), **given.get(role, {})}
        if not document[role]:
            del document[role]
    document["next_questions"] = document.get("next_questions", [])[1:]
    if not document["next_questions"]:
        del document["next_questions"]
    document.get("isolation", {}).pop("slices", None)


def _search_anew(draft: Draft, trials: int) -> None:
    """Search by Halton's sequence, or at random if the last round did."""
    search = draft.document["search"]
    algorithm = search["algorithm"] if search["algorithm"] == "random" else "halton"
    draft.document["search"] = {
        "algorithm": algorithm,
        "trials": trials,
        "seed": search.get("seed", 0),
    }


def _one_trial_each(draft: Draft) -> None:
    """Train each arm once where more trials of it would be the same configuration."""
    why = "nothing is searched, so each arm is one configuration."
    draft.put(("search", "trials"), 1, why)


def _exploit(draft: Draft, before: _Round) -> None:
    """Tune what the best arm searches, with a Bayesian search."""
    document = draft.document
    _search_what_was_sampled(document)
    for key in ("design", "replicates", "isolation", "confirm"):
        document.pop(key, None)
    least = max(LEAST_EXPLOITING, before.asked, *before.counts)
    trials = 4 * math.ceil(least / 4)
    document["search"] = {
        "algorithm": "bayesian",
        "trials": trials,
        "initial": trials // 2,
        "rounds": PROPOSING_ROUNDS,
        "seed": document["search"].get("seed", 0),
    }
    draft.reasons["search", "algorithm"] = (
        "the questions are answered, so the search goes where the results are good."
    )


def _launch(draft: Draft, before: _Round) -> None:
    """Train the best configuration on fresh seeds, which no search has chosen."""
    document, dataset, (arm,) = draft.document, before.dataset, before.move.arms
    best = best_trials(dataset)[arm.name]
    drawn = arm.draw_of(spec_values_of(dataset, best))
    fixed = {
        **document.get("fixed", {}),
        **{name: value for name, value in drawn.fixed.items() if name not in drawn.defaulted},
    }
    for item in (item for item in arm.dimensions if item.exists(drawn.choices)):
        value = plain(dataset[f"hp_{item.name}"].values[best])
        if item.distribution is not None:
            value = written(item.distribution, value)
        elif value is not None:
            value = as_in_a_spec(value)
            # A column with numbers missing holds floats.
            value = int(value) if item.hyperparameter.whole else value
        if value is not None:
            fixed[spec_name(item.name)] = value
    for key in (
        "scientific",
        "nuisance",
        "conditional",
        "design",
        "replicates",
        "isolation",
        "confirm",
    ):
        document.pop(key, None)
    document["fixed"] = fixed
    document["search"] = {"algorithm": "halton", "trials": 1}
    document.setdefault("training", {})["seed"] = before.study.spec.training.seed + 1
    draft.reasons["training", "seed"] = "seeds that no search has seen."


def _rerun(draft: Draft, study: Study, move: Move) -> None:
    seeds = reruns_of_next(study, move)
    if seeds == study.spec.reruns.seeds:
        return
    if move.kind == "launch":
        why = "enough of them for a launch."
    elif move.kind == "settle" and seeds > LEAST_RERUNS:
        why = "about this many of each arm settle it, if the difference is as large as it was seen."
    else:
        why = f"fewer than {LEAST_RERUNS} of an arm do not measure its variance."
    draft.put(("reruns", "seeds"), seeds, why)
