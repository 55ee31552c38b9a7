"""What a design cannot tell, whatever the results of its trials; reported before they train.

A check of the checklist needs a number of evaluations or trials before it can answer. `study.needs`
has these numbers, and the checks share them. This module compares a design with them. Where the
design falls short, it looks for the smallest change of the spec with which the check can answer.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tuning_playbook.planning.cures import (
    EVAL_EVERY,
    INITIAL,
    SEEDS,
    TRIALS,
    Cure,
    Lacking,
    smallest_change,
)
from tuning_playbook.planning.plan import Plan
from tuning_playbook.planning.study_design import ArmDesign, Design, Sampled, design_of
from tuning_playbook.study.needs import (
    COLLAPSE_EVALUATIONS,
    DENSITY_TRIALS,
    LEAST_POINTS,
    PERIODIC_EVALUATIONS,
    SECOND_HALF,
    SPREAD_TRIALS,
    TERMS_PER_VALUE,
    best_step_can_be_told,
    boundary_can_be_told,
    model_can_be_fitted,
    model_trials,
)
from tuning_playbook.study.study import LEAST_RERUNS

ANSWER = "answer"
"""The name of the answer to the study's goal, beside the names of the checks."""


@dataclass(frozen=True)
class CannotTell:
    """A check that cannot answer, or the answer to the goal.

    Attributes:
        check: The name of its function, or `answer`.
        arms: The arms in which it cannot answer; empty where that is the whole study.
        needs: What it needs and the design does not have, in words.
        cure: The smallest change of the spec; None where no change of a number is enough.
    """

    check: str
    arms: tuple[str, ...]
    needs: str
    cure: Cure | None


@dataclass(frozen=True)
class Need:
    """One thing that a check needs.

    Attributes:
        check: The name of its function, or `answer`.
        lacking: Returns the arms in which a design does not meet the need.
        words: Returns the need and what these arms of a design have instead, in words.
        key: The key of the spec that decides it; empty where no number does.
    """

    check: str
    lacking: Lacking
    words: Callable[[Design, Sequence[str]], str]
    key: str


def cannot_tell(plan: Plan) -> tuple[CannotTell, ...]:
    """Return what a study cannot tell, in the order of the checklist; the answer comes first.

    All trials are assumed to be feasible: with infeasible ones it takes more. Finished trials are
    left out, because their checks have answers already.
    """
    if plan.study.imported:
        return ()
    design = design_of(plan)
    found = []
    for need in NEEDS:
        arms = tuple(need.lacking(design))
        if arms:
            everywhere = len(arms) == len(design.arms)
            cure = smallest_change(plan, design, need.key, need.lacking)
            words = need.words(design, arms)
            found.append(CannotTell(need.check, () if everywhere else arms, words, cure))
    return tuple(found)


def together(found: Sequence[CannotTell]) -> tuple[Cure, ...]:
    """Return the changes with which every check can answer: the largest for each key.

    Example:
        >>> cures = [Cure(TRIALS, 15), Cure(EVAL_EVERY, 20), Cure(TRIALS, 11), Cure(EVAL_EVERY, 25)]
        >>> [(c.key, c.value) for c in together([CannotTell("", (), "", cure) for cure in cures])]
        [('search.trials', 15), ('training.eval_every', 20)]
    """
    furthest: dict[str, Cure] = {}
    for item in found:
        for cure in item.cure.changes if item.cure else ():
            pick = min if cure.key == EVAL_EVERY else max
            other = furthest.get(cure.key, cure)
            furthest[cure.key] = pick(cure, other, key=lambda cure: cure.value)
    return tuple(furthest.values())


def _everywhere(holds: Callable[[Design], bool]) -> Lacking:
    """Return the function for a need of the whole study."""
    return lambda design: () if holds(design) else tuple(design.arms)


def _in_arms(holds: Callable[[Design, ArmDesign], bool]) -> Lacking:
    """Return the function for a need of each arm that searches anything."""
    return lambda design: [
        name for name, arm in design.arms.items() if arm.searched and not holds(design, arm)
    ]


def _edges(design: Design) -> int:
    return sum(2 * arm.ordered for arm in design.arms.values())


def _searching(design: Design) -> list[ArmDesign]:
    return [arm for arm in design.arms.values() if arm.searched]


def _evaluations(design: Design, part: float, least: int) -> str:
    """Return the number of evaluations from a part of training on, in words."""
    where = f" in the last {1 - part:.0%} of training" if part else ""
    return f"{least} evaluations{where}, not {design.evaluations_since(part)}"


def _trials(design: Design, arms: Sequence[str]) -> str:
    return _span(int(design.arms[name].trials) for name in arms)


def _span(counts: Iterable[int]) -> str:
    """Return the smallest and the largest of some counts, in words."""
    ordered = sorted(counts)
    return " to ".join(f"{count:,}" for count in dict.fromkeys((ordered[0], ordered[-1])))


def _for_importance(design: Design, arms: Sequence[str]) -> str:
    searched = [design.arms[name].searched for name in arms]
    many = "" if max(searched) == 1 else "s"
    return (
        f"{_span(map(model_trials, searched))} trials of an arm with {_span(searched)} searched "
        f"hyperparameter{many}, not {_trials(design, arms)}"
    )


def _late(design: Design, last: float) -> bool:
    """Return whether the end of training has enough evaluations for a trend."""
    return design.evaluations_since(1 - last) >= LEAST_POINTS


def _told_by_reruns(design: Design) -> bool:
    compared = len(design.arms) > 1 or design.baseline
    least = 1 if design.variance_is_known else LEAST_RERUNS
    return not compared or design.reruns >= least


def _trials_of(design: Design, item: Sampled) -> float:
    return sum(design.arms[arm].trials for arm in item.arms)


def _without_curve(design: Design) -> Sequence[str]:
    """Return the arms with too few trials for the curve of a sampled hyperparameter."""
    found: list[str] = []
    for item in design.sampled:
        if not model_can_be_fitted(int(_trials_of(design, item)), item.together):
            found += item.arms
    return list(dict.fromkeys(found))


def _best_step(design: Design) -> bool:
    until = 1 - design.checklist.best_steps.last
    late = [fraction for fraction in design.evaluations if fraction >= SECOND_HALF]
    in_last = sum(fraction > until for fraction in late)
    return best_step_can_be_told(len(late) - in_last, in_last)


def _evenly_spaced(design: Design) -> bool:
    return design.eval_every == 1 or design.dense_until <= SECOND_HALF * design.max_train_steps


NEEDS: tuple[Need, ...] = (
    Need(
        ANSWER,
        _everywhere(_told_by_reruns),
        lambda design, _: f"{LEAST_RERUNS} reruns of each arm, not {design.reruns}",
        SEEDS,
    ),
    Need(
        ANSWER,
        _without_curve,
        lambda design, _: "; ".join(
            f"{model_trials(item.together)} trials for the curve of {item.name}, not "
            f"{int(_trials_of(design, item)):,}"
            for item in design.sampled
        ),
        TRIALS,
    ),
    Need(
        "boundary",
        _everywhere(lambda design: not _searches_choices_alone(design)),
        lambda design, _: "a hyperparameter that is searched over a range",
        "",
    ),
    Need(
        "boundary",
        _in_arms(
            lambda design, arm: (
                not arm.ordered
                or boundary_can_be_told(
                    int(arm.trials), _edges(design), design.checklist.boundary.significance
                )
            )
        ),
        lambda design, arms: (
            f"more trials of an arm than {_trials(design, arms)} to ask about {_edges(design)} "
            "edges of ranges"
        ),
        TRIALS,
    ),
    Need(
        "sampling_density",
        _in_arms(lambda _, arm: arm.trials >= DENSITY_TRIALS),
        lambda design, arms: f"{DENSITY_TRIALS} trials of an arm, not {_trials(design, arms)}",
        TRIALS,
    ),
    Need(
        "collapse",
        _everywhere(lambda design: len(design.evaluations) >= COLLAPSE_EVALUATIONS),
        lambda design, _: _evaluations(design, 0.0, COLLAPSE_EVALUATIONS),
        EVAL_EVERY,
    ),
    Need(
        "overfitting",
        _everywhere(lambda design: len(design.evaluations) > LEAST_POINTS),
        lambda design, _: _evaluations(design, 0.0, LEAST_POINTS + 1),
        EVAL_EVERY,
    ),
    Need(
        "step_variance",
        _everywhere(lambda design: _late(design, design.checklist.step_variance.last)),
        lambda design, _: _evaluations(
            design, 1 - design.checklist.step_variance.last, LEAST_POINTS
        ),
        EVAL_EVERY,
    ),
    Need(
        "step_variance",
        _everywhere(
            lambda design: (
                len(design.arms) > 1
                or any(arm.trials >= SPREAD_TRIALS for arm in design.arms.values())
            )
        ),
        lambda design, arms: (
            f"{SPREAD_TRIALS} trials or a second arm, not {_trials(design, arms)} in one"
        ),
        TRIALS,
    ),
    Need(
        "still_improving",
        _everywhere(lambda design: _late(design, design.checklist.still_improving.last)),
        lambda design, _: _evaluations(
            design, 1 - design.checklist.still_improving.last, LEAST_POINTS
        ),
        EVAL_EVERY,
    ),
    Need(
        "saturated_early",
        _everywhere(
            lambda design: (
                design.evaluations_since(design.checklist.saturated_early.saturated_by)
                >= LEAST_POINTS
            )
        ),
        lambda design, _: _evaluations(
            design, design.checklist.saturated_early.saturated_by, LEAST_POINTS
        ),
        EVAL_EVERY,
    ),
    Need(
        "train_loss_rising",
        _everywhere(lambda design: design.windows > LEAST_POINTS),
        lambda design, _: f"{LEAST_POINTS + 1} windows of the training loss, not {design.windows}",
        EVAL_EVERY,
    ),
    Need(
        "best_steps",
        _everywhere(_best_step),
        lambda design, _: (
            "as many evaluations between the middle of training and its last "
            f"{design.checklist.best_steps.last:.0%} as in that, or one fewer"
        ),
        EVAL_EVERY,
    ),
    Need(
        "learning_rate_edge",
        _everywhere(lambda design: any(arm.learning_rate for arm in design.arms.values())),
        lambda design, _: "a learning rate that is searched over a range",
        "",
    ),
    Need(
        "periodicity",
        _everywhere(_evenly_spaced),
        lambda design, _: "training.eval_schedule.dense_until to end in the first half of training",
        "",
    ),
    Need(
        "periodicity",
        _everywhere(lambda design: design.evaluations_since(SECOND_HALF) >= PERIODIC_EVALUATIONS),
        lambda design, _: _evaluations(design, SECOND_HALF, PERIODIC_EVALUATIONS),
        EVAL_EVERY,
    ),
    Need(
        "nothing_matters",
        _everywhere(
            lambda design: (
                not _searching(design)
                or sum(arm.initial for arm in _searching(design) if arm.initial >= 2)
                >= design.checklist.nothing_matters.least_trials
            )
        ),
        lambda design, _: (
            f"{design.checklist.nothing_matters.least_trials} trials in all"
            f"{' before the first round' if design.in_rounds else ''}, not "
            f"{int(sum(arm.initial for arm in _searching(design))):,}"
        ),
        INITIAL,
    ),
    Need(
        "nothing_matters",
        _everywhere(
            lambda design: (
                not _searching(design)
                or any(arm.terms <= TERMS_PER_VALUE * arm.initial for arm in _searching(design))
            )
        ),
        lambda design, _: (
            f"{1 / TERMS_PER_VALUE:g} trials for each searched hyperparameter of some arm"
        ),
        INITIAL,
    ),
    Need(
        "importance",
        _in_arms(lambda _, arm: model_can_be_fitted(int(arm.trials), arm.searched)),
        _for_importance,
        TRIALS,
    ),
)
"""The needs in the order of the checklist, after those of the answer."""


def _searches_choices_alone(design: Design) -> bool:
    searching = _searching(design)
    return bool(searching) and not any(arm.ordered for arm in searching)
