"""What stands in for the values of a procedure's conclusion until they are known."""

from collections.abc import Mapping, Sequence

from tuning_playbook.declarations import ONE_MINUS, Value
from tuning_playbook.study.batch_scaling_settings import OF_TIME, BatchScalingSettings
from tuning_playbook.study.batch_sizes_settings import BatchSizesSettings
from tuning_playbook.study.conditions import SEARCHED, parts_of
from tuning_playbook.study.exploit_settings import ExploitSettings
from tuning_playbook.study.procedure_settings import ProcedureSettings
from tuning_playbook.study.shape import StudySpec

MIDDLE = 0.5
"""The quantile of a range that stands in for a value of it."""


def stand_ins(settings: ProcedureSettings, spec: StudySpec) -> dict[str, Value]:
    """Return a value for each of a conclusion, so that a study which takes one can be checked.

    Args:
        settings: Of the procedure.
        spec: Its spec, as that of a study. Its number of steps suits what evaluates as often.
    """
    found = dict(settings.VALUES)
    if isinstance(settings, BatchScalingSettings) and settings.branch:
        found = {name: value for name, value in found.items() if name not in OF_TIME}
    if "max_train_steps" in found:
        found["max_train_steps"] = spec.training.max_train_steps
    if isinstance(settings, ExploitSettings):
        found |= _configuration(spec)
        if spec.test.evaluate is not None:
            found["test_" + spec.objective.metric.partition("/")[2]] = MIDDLE
    return found


def stand_in_times(settings: ProcedureSettings) -> Sequence[Mapping[str, int | float]]:
    """Return what stands in for the times of a step that a procedure measures, if it does."""
    if not isinstance(settings, BatchSizesSettings):
        return ()
    return ({"batch_size": settings.from_, "seconds": 1.0, "devices": 1},)


def _configuration(spec: StudySpec) -> dict[str, Value]:
    """Return a value of everything that a spec searches or compares."""
    found: dict[str, Value] = {}
    for part in parts_of(spec):
        found |= {name: values[0] for name, values in part.values.items() if values[0] != SEARCHED}
        for name, drawn in {**part.sampled, **part.nuisance}.items():
            found[name.removeprefix(ONE_MINUS)] = found[name] = drawn.value(MIDDLE)
    return found
