"""Which arm is the simplest: a change that is not shown to help is not worth having.

Source: playbook, "The incremental tuning strategy": a launch that does not clearly help is not
worth its complexity, and features that do not help are removed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tuning_playbook.declarations import ONE_MINUS, Value
from tuning_playbook.study.equality import same_value
from tuning_playbook.study.study import Arm, Study, write_value

OFF = 0.0
BASELINES = 1.0
SAID = 2.0
"""The values that `launch.simpler` names come one after the other, so below this plus one."""

OTHER = 3.0

LEFT_OUT = ("none", "off")
"""What a choice is called that leaves something out."""


@dataclass(frozen=True)
class Simplicity:
    """How simple an arm is.

    Attributes:
        rank: The smaller, the simpler: how many of its values are neither off nor the baseline's,
            then how far its values are from off.
        words: Why, of each of its values of which there is something to say.
    """

    rank: tuple[int, float]
    words: tuple[str, ...]


def simplicity(study: Study) -> dict[str, Simplicity]:
    """Return how simple each arm is; nothing where a joint search samples what is scientific.

    The value at which a hyperparameter is off is the simplest, then the baseline's, then those that
    `launch.simpler` names. Arms of equal rank are not ordered.
    """
    if any(item.role == "scientific" for arm in study.arms for item in arm.dimensions):
        return {}
    return {arm.name: _of_arm(study, arm) for arm in study.arms}


def is_off(study: Study, name: str, value: Value) -> bool:
    """Whether a value of a hyperparameter leaves something out.

    It is the declared off value, `false`, or a choice called none. Nobody declares the
    hyperparameters of imported trials: there the number 0 counts as off.
    """
    if value is False or value in LEFT_OUT:
        return True
    declared = study.hyperparameters.get(name)
    if declared is not None and declared.off is not None:
        return same_value(value, declared.off)
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return bool(study.imported) and numeric and value == 0


def _of_arm(study: Study, arm: Arm) -> Simplicity:
    found = {name: _of_value(study, arm, name, value) for name, value in arm.scientific.items()}
    far = sum(score > BASELINES for score, _ in found.values())
    words = tuple(word for _, word in found.values() if word)
    return Simplicity((far, sum(score for score, _ in found.values())), words)


def _of_value(study: Study, arm: Arm, name: str, value: Value) -> tuple[float, str]:
    written = f"{name}={write_value(value)}"
    if not name.startswith(ONE_MINUS) and is_off(study, name, value):
        return OFF, f"{written} leaves it out"
    baseline: Mapping[str, Value] = study.baseline.hyperparameters if study.baseline else {}
    batch_size = {"batch_size": study.baseline.batch_size} if study.baseline else {}
    of_baseline = {**batch_size, **baseline}
    if name in of_baseline and same_value(value, of_baseline[name]):
        return BASELINES, f"{written} is the baseline's"
    said = study.spec.launch.simpler.get(name, [])
    for place, simpler in enumerate(said if isinstance(said, list) else [said]):
        if same_value(value, simpler):
            return SAID + place / (place + 1), f"{written} is simpler, the spec says"
    return OTHER, ""
