"""What training itself has: choices that bring hyperparameters of their own, and common ones.

Only declarations stand here; `training` carries them out. They stand apart because a spec is
checked without importing JAX.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tuning_playbook.spec.declarations import Hyperparameter
from tuning_playbook.spec.optimizers import OPTIMIZER, OPTIMIZERS
from tuning_playbook.spec.schedules import SCHEDULE, SCHEDULES


@dataclass(frozen=True)
class Family:
    """A choice, and the hyperparameters that exist only under each of its values."""

    choice: Hyperparameter
    members: Mapping[str, tuple[Hyperparameter, ...]]


FAMILIES = (Family(OPTIMIZER, OPTIMIZERS), Family(SCHEDULE, SCHEDULES))

COMMON: tuple[Hyperparameter, ...] = (
    Hyperparameter(
        "warmup_steps",
        0,
        "steps over which the learning rate rises from 0 to its base, before the schedule begins",
        low=0,
        off=0,
    ),
    Hyperparameter(
        "weight_decay",
        0.0,
        "decoupled weight decay: its product with the learning rate is taken off every weight",
        low=0.0,
        off=0.0,
    ),
    Hyperparameter(
        "l2_regularization",
        0.0,
        "factor of half the squared norm of the weights, added to the training loss",
        low=0.0,
        off=0.0,
    ),
    Hyperparameter(
        "clip_norm",
        0.0,
        "global norm that gradients are clipped to; 0 for no clipping",
        low=0.0,
        off=0.0,
    ),
    Hyperparameter(
        "polyak_decay",
        0.0,
        "decay of the running average of the weights that is evaluated; 0 for the weights as "
        "they are",
        low=0.0,
        high=1.0,
        off=0.0,
    ),
)
"""What goes with any optimizer and schedule; off by default, and costing nothing when off."""


def training_hyperparameters(chosen: Mapping[str, str]) -> tuple[Hyperparameter, ...]:
    """Return what training has under the values of its choices.

    Args:
        chosen: The value of each family's choice, by its name.
    """
    families = [
        item
        for family in FAMILIES
        for item in (family.choice, *family.members[chosen[family.choice.name]])
    ]
    return (*families, *COMMON)


def reserved_names() -> frozenset[str]:
    """Return every name that training itself has, which no workload may use."""
    members = [item for family in FAMILIES for items in family.members.values() for item in items]
    choices = [family.choice for family in FAMILIES]
    return frozenset(item.name for item in (*members, *choices, *COMMON))
