"""What a spec must be for `steps_to_fit`: a sweep of constant rates, without regularization."""

from tuning_playbook.declarations import Value
from tuning_playbook.errors import SpecError
from tuning_playbook.study.draft import error_at
from tuning_playbook.study.regularization import regularizes
from tuning_playbook.study.simplicity import is_off
from tuning_playbook.study.study import Arm, Study, write_value
from tuning_playbook.study.yaml import Location

RATE = "learning_rate"

NOT_OF_TRAINING = (
    "steps_to_fit counts the steps until the training set is fit: rank the trials by a metric of "
    "the training split, as train/error_rate"
)
NO_TARGET = (
    "say when the training set counts as fit: 0 for an error rate, 1 for an accuracy, or a very "
    "low loss"
)
RATE_IS_FIXED = (
    "steps_to_fit sweeps the learning rate, because one that is too low makes many steps look "
    "necessary: remove it, or give its range under 'nuisance'"
)
RATE_ALONE = "steps_to_fit sweeps the learning rate alone: give one value under 'fixed'"
NOT_CONSTANT = (
    "steps_to_fit trains at a constant learning rate, because a schedule is tuned to a number of "
    "steps that is not known yet: remove it"
)
WARMUP = "a warmup is no constant learning rate, and its steps would be counted: remove it"


def check_fit(study: Study) -> None:
    """Check that a spec is one that `steps_to_fit` can carry out.

    Source: playbook, "Algorithm for picking an initial candidate for max_train_steps using a
    learning rate sweep": a constant learning rate, without data augmentation and regularization.

    Args:
        study: The procedure's spec as a study.

    Raises:
        SpecError: It is not; the message says what to change, and why.
    """
    objective = study.spec.objective
    if not objective.metric.startswith("train/"):
        raise _error(study, ("objective", "metric"), NOT_OF_TRAINING)
    if objective.target is None:
        raise _error(study, ("objective", "target"), NO_TARGET)
    if study.spec.scientific or study.spec.conditional:
        key = "scientific" if study.spec.scientific else "conditional"
        name = next(iter(study.spec.scientific), 0)
        raise _error(study, (key, name), RATE_ALONE)
    (arm,) = study.arms
    searched = [item.name for item in arm.dimensions]
    for name in searched:
        if name != RATE:
            raise _error(study, _place(study, name), RATE_ALONE)
    if RATE in study.spec.fixed:
        raise _error(study, ("fixed", RATE), RATE_IS_FIXED)
    if arm.fixed.get("schedule") != "constant":
        raise _error(study, ("fixed", "schedule"), NOT_CONSTANT)
    if arm.fixed.get("warmup_steps"):
        raise _error(study, ("fixed", "warmup_steps"), WARMUP)
    _check_regularization(study, arm)


def _check_regularization(study: Study, arm: Arm) -> None:
    for name, value in arm.fixed.items():
        if regularizes(study, name) and not _is_off(study, name, value):
            raise _error(
                study,
                ("fixed", name),
                f"{write_value(value)} regularizes, and that delays or prevents a perfect fit of "
                "the training set, by which steps_to_fit tells how long to train: switch it off "
                "under 'fixed'",
            )


def _is_off(study: Study, name: str, value: Value) -> bool:
    """Return whether a value regularizes nothing; for optax, which declares no off value, 0.

    Args:
        study: The study.
        name: The name of a hyperparameter that regularizes.
        value: Its value.
    """
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return is_off(study, name, value) or (numeric and value == 0)


def _place(study: Study, name: str) -> Location:
    """Return the place of a searched hyperparameter."""
    return ("nuisance", name) if name in study.spec.nuisance else ("search", "trials")


def _error(study: Study, place: Location, message: str) -> SpecError:
    return error_at(study.path, study.text, place, message)
