"""What is expected to transfer from short training to longer training, by the playbook's list.

Source: playbook, "Deciding how long to train when training is compute-bound", Round 1.
"""

from collections.abc import Collection

from tuning_playbook.study.advice_on_design import SIZES
from tuning_playbook.study.optimizer_hyperparameters import OPTIMIZER, OPTIMIZERS
from tuning_playbook.study.regularization import REGULARIZERS
from tuning_playbook.study.schedule_hyperparameters import OF_SCHEDULES, SCHEDULE

LIKELIHOODS = {
    "very likely": "what resolves early instability: the length of the warmup, the initialization",
    "likely": "the architecture of the model, where its gain is large",
    "perhaps": "the optimizer and its hyperparameters, data augmentation, regularization",
    "unlikely": "the learning rate schedule",
}
"""What transfers, by the authors' expectation, the most likely first."""

OF_OPTIMIZERS = {item.name for own in OPTIMIZERS.values() for item in own}

DEPENDS = "depends on what it is"
"""The likelihood for a hyperparameter whose name does not show what it is."""


def likelihood(name: str) -> str:
    """Return how likely a value of a hyperparameter transfers, by its name.

    Example:
        >>> likelihood("warmup_steps"), likelihood("width"), likelihood("learning_rate")
        ('very likely', 'likely', 'perhaps')
        >>> likelihood("decay_steps"), likelihood("colour")
        ('unlikely', 'depends on what it is')
    """
    if name == "warmup_steps":
        return "very likely"
    if name == SCHEDULE.name or name in OF_SCHEDULES:
        return "unlikely"
    if name in OF_OPTIMIZERS or name == OPTIMIZER.name or name in REGULARIZERS:
        return "perhaps"
    return "likely" if set(name.split("_")) & set(SIZES) else DEPENDS


def transfer_list(searched: Collection[str]) -> dict[str, str]:
    """Return the playbook's list, with the hyperparameters of a search in their places.

    Args:
        searched: The names of the hyperparameters that differ between the trials.
    """
    found = {}
    for likely, what in LIKELIHOODS.items():
        here = [name for name in searched if likelihood(name) == likely]
        found[likely] = f"{what}{f' (here: {_joined(here)})' if here else ''}"
    unknown = [name for name in searched if likelihood(name) == DEPENDS]
    return {**found, DEPENDS: _joined(unknown)} if unknown else found


def _joined(names: Collection[str]) -> str:
    return ", ".join(names)
