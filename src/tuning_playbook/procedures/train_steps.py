"""Whether the next round may have another number of training steps."""

import re

from tuning_playbook.study.idle_rate import SHAPING, relative_rate
from tuning_playbook.study.study import Arm, Study

DECAYED = 0.1
"""Part of its peak below which a rate has decayed. Training has then come to rest, so the last step
is the best one by construction."""

STEPS_IN_WORDS = re.compile(
    r"(?<![\d.,])(\d{1,3}(?:,\d{3})+|\d+)[\s-]+(?:training |train )?steps?\b"
)
"""The pattern of a number of steps in a goal, as "2,000 steps"."""


def steps_are_given(study: Study) -> bool:
    """Return whether the number of steps is part of what a study asks.

    It is where `training.steps` says so, or where the goal names the number.

    Example:
        A goal such as "Which optimizer is the best in 2,000 steps?" with `max_train_steps: 2000`.
    """
    training = study.spec.training
    return training.steps == "given" or training.max_train_steps in steps_named(study.spec.goal)


def steps_named(goal: str) -> tuple[int, ...]:
    """Return the numbers of steps that a goal names.

    Example:
        >>> steps_named("Is it better in 2,000 steps, or after 300 training steps?")
        (2000, 300)
    """
    return tuple(int(found.replace(",", "")) for found in STEPS_IN_WORDS.findall(goal))


def decays_to_its_end(study: Study) -> bool:
    """Return whether the learning rate of every arm has decayed at the end of training."""
    return all(_end_of(study, draw) <= DECAYED for arm in study.arms for draw in arm.each_draw())


def why_no_other_steps(study: Study) -> str:
    """Return a sentence on why other steps are not proposed; empty where they may be."""
    steps = study.spec.training.max_train_steps
    if steps_are_given(study):
        return f"max_train_steps stays {steps}: the study asks what is best in this many steps."
    if decays_to_its_end(study):
        return (
            "The learning rate has decayed by the last step, which is the best one by construction "
            "then, so it is no reason for more steps."
        )
    return ""


def _end_of(study: Study, arm: Arm) -> float:
    """Return the last step's learning rate as a part of its peak; 1 where the schedule varies."""
    steps = study.spec.training.max_train_steps
    searched = {item.hyperparameter.name: item.hyperparameter for item in arm.dimensions}
    if "schedule" not in arm.fixed:
        return 1.0
    # Searched parts of the schedule are judged at their default, which fills the run.
    values = {
        name: arm.fixed[name] if name in arm.fixed else searched[name].default
        for name in SHAPING
        if name in arm.fixed or name in searched
    }
    return relative_rate(str(arm.fixed["schedule"]), values, steps - 1, steps)
