"""The goal of the next round: one question, which its spec answers."""

from collections.abc import Sequence

from tuning_playbook.declarations import spec_name
from tuning_playbook.procedures.next_move import Move
from tuning_playbook.study.study import Arm, Study, write_value

MOST_NAMED = 4
"""Most arms or hyperparameters that a goal names; of more it gives the number."""


def next_goal(study: Study, move: Move, *, steps: int, reruns: int, clauses: Sequence[str]) -> str:
    """Return the question of the next round.

    Args:
        study: The study of this round.
        move: What the next round does.
        steps: The steps of its trials.
        reruns: The reruns of its best trials.
        clauses: What else changes in it, as "with dropout searched up to 0.7".
    """
    if move.question is not None:
        beside = f" And beside it: which {_choice(move.arms)} is the better?"
        return move.question.goal + (beside if move.kind == "cross" else "")
    if move.kind == "launch":
        return _of_a_launch(study, steps, reruns)
    objective = study.spec.objective
    extreme = "lowest" if objective.mode == "min" else "highest"
    metric = objective.metric.replace("/", " ").replace("_", " ")
    best = f"the {extreme} {metric} in {steps:,} steps"
    if objective.target is not None:
        best = f"a {metric} of {objective.target:g} first, in at most {steps:,} steps"
    if move.kind == "settle":
        best += f", judged by {reruns} reruns of each"
    also = "".join(f", {clause}" for clause in clauses)
    if len(move.arms) == 1:
        (arm,) = move.arms
        return f"Which {_searched(arm)} reach{_es(arm)} {best}{_within(arm)}{also}?"
    return f"Which {_choice(move.arms)} reaches {best}{also}?"


def _of_a_launch(study: Study, steps: int, reruns: int) -> str:
    best, seeds = f"the best configuration of {study.name}", f"{reruns} fresh seeds"
    if study.baseline is None:
        return f"What does {best} reach on average over {seeds}, in {steps:,} steps?"
    return f"Is {best} better than the baseline on {seeds}, in {steps:,} steps?"


def _choice(arms: Sequence[Arm]) -> str:
    """Return the name of what is to be chosen."""
    names = {name for arm in arms for name in arm.scientific}
    varying = [name for name in names if len({repr(arm.scientific.get(name)) for arm in arms}) > 1]
    if len(arms) > MOST_NAMED:
        return f"of the {len(arms)} arms"
    if len(varying) == 1 and all(varying[0] in arm.scientific for arm in arms):
        (name,) = varying
        return f"{name}, {_either([write_value(arm.scientific[name]) for arm in arms])},"
    return f"arm, {_either([arm.name for arm in arms], '; ')},"


def _searched(arm: Arm) -> str:
    names = list(dict.fromkeys(spec_name(item.name) for item in arm.dimensions))
    if len(names) > MOST_NAMED:
        return f"values of the {len(names)} searched hyperparameters"
    return _joined(names) if names else "configuration"


def _es(arm: Arm) -> str:
    return "" if len(arm.dimensions) > 1 else "es"


def _within(arm: Arm) -> str:
    return f" with {arm.name}" if arm.scientific else ""


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _either(names: Sequence[str], between: str = ", ") -> str:
    return f"{between.join(names[:-1])} or {names[-1]}"
