"""Which hyperparameters regularize, and in which arms that is on."""

from tuning_playbook.declarations import ONE_MINUS
from tuning_playbook.study.simplicity import is_off
from tuning_playbook.study.study import Study

REGULARIZERS = (
    *("weight_decay", "l2_regularization", "dropout", "dropout_rate", "label_smoothing"),
    *("mixup", "cutmix", "augmentation", "stochastic_depth", "drop_path"),
)
"""What regularizes by its name, whoever declares it."""


def regularizes(study: Study, name: str) -> bool:
    """Whether a hyperparameter regularizes: one of the workload's own with an off value does."""
    declared = study.workload.hyperparameters.get(name)
    own = declared is not None and declared.off is not None and not declared.static
    return own or name in REGULARIZERS


def regularized_arms(study: Study) -> frozenset[str]:
    """Return the arms in which a scientific hyperparameter that regularizes is on."""
    return frozenset(
        arm.name
        for arm in study.arms
        for written, value in arm.scientific.items()
        if regularizes(study, name := written.removeprefix(ONE_MINUS))
        and not is_off(study, name, value)
    )
