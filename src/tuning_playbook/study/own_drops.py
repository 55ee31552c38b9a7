"""Whether each drop of a learning rate that has a step of its own is one of its drops."""

from tuning_playbook.study.idle_rate import extreme_combinations
from tuning_playbook.study.schedule_hyperparameters import OWN_DROPS
from tuning_playbook.study.shape import StudySpec
from tuning_playbook.study.study import Arm


def drop_objection(spec: StudySpec, arm: Arm) -> tuple[str, str]:
    """Return a step that no trial of an arm uses, by its name, and why; nothing if there is none.

    Example:
        `third_drop: 900` beside `drops: 2`.
    """
    for draw in arm.each_draw():
        combinations = [found for _, found in extreme_combinations(spec, draw) if "drops" in found]
        drops = max((int(values["drops"]) for values in combinations), default=0)
        for number, name in enumerate(OWN_DROPS, 1):
            given = max((int(values[name]) for values in combinations), default=0)
            if given and number > drops:
                said = f"{name} is {given}, and the learning rate drops {drops} times"
                return name, f"{said}: raise 'drops'"
    return "", ""
