"""What training itself has: choices that bring hyperparameters of their own, and common ones.

Only declarations stand here; `training` carries them out. They stand apart because a spec is
checked without importing JAX.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tuning_playbook.declarations import Hyperparameter, Value
from tuning_playbook.study.optimizer_hyperparameters import LARGEST_DECAY, OPTIMIZER, OPTIMIZERS
from tuning_playbook.study.schedule_hyperparameters import SCHEDULE, SCHEDULES

Members = Mapping[str, tuple[Hyperparameter, ...]]
"""The hyperparameters that each value of a choice brings."""


OWN = "workload"
"""The optimizer and the schedule that a workload makes itself; it declares what they need."""

OWN_LEARNING_RATE = Hyperparameter(
    "learning_rate",
    1e-3,
    "base learning rate, which the workload's own optimizer is given",
    low=0.0,
)


@dataclass(frozen=True)
class Family:
    """A choice, and the hyperparameters that exist only under each of its values."""

    choice: Hyperparameter
    members: Members


def families(optax: Members | None) -> tuple[Family, ...]:
    """Return the choices of training: the optimizer, optax's own among them, and the schedule.

    A workload that makes its own is another member of either; `resolve` sees whether it does.

    Args:
        optax: The hyperparameters of each `optax.<name>`, as a workload's description has them.
            None for a command, which trains by itself and has neither choice.
    """
    if optax is None:
        return ()
    optimizers = {**OPTIMIZERS, **optax, OWN: (OWN_LEARNING_RATE,)}
    schedules = {**SCHEDULES, OWN: ()}
    return (
        Family(replace(OPTIMIZER, choices=tuple(optimizers)), optimizers),
        Family(replace(SCHEDULE, choices=tuple(schedules)), schedules),
    )


def optimizers_of(optax: Members | None) -> Members:
    """Return the hyperparameters of each optimizer; none for a command, see `families`."""
    return {} if optax is None else families(optax)[0].members


def choices_of(configuration: Mapping[str, Value]) -> dict[str, str]:
    """Return the optimizer and the schedule of a configuration, each by its name."""
    return {
        family.choice.name: str(configuration.get(family.choice.name, family.choice.default))
        for family in families({})
    }


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
        high=LARGEST_DECAY,
        off=0.0,
    ),
)
"""What goes with any optimizer and schedule; off by default, and costing nothing when off."""


def training_hyperparameters(
    chosen: Mapping[str, str], optax: Members | None
) -> tuple[Hyperparameter, ...]:
    """Return what training has under the values of its choices.

    Where an optimizer of optax has an argument with the name of a common hyperparameter, as
    `optax.adamw` has `weight_decay`, the optimizer's own comes instead.

    Args:
        chosen: The value of each choice, by its name.
        optax: The hyperparameters of each `optax.<name>`; None for a command, which has none of
            these.
    """
    if optax is None:
        return ()
    own = [
        item
        for family in families(optax)
        for item in (family.choice, *family.members[chosen[family.choice.name]])
    ]
    names = {item.name for item in own}
    return (*own, *(item for item in COMMON if item.name not in names))


def reserved_names() -> frozenset[str]:
    """Return the names that training always has, which no workload may use.

    What belongs to one optimizer or schedule is refused where a study has that one.
    """
    choices = [family.choice for family in families({})]
    return frozenset(item.name for item in (*choices, *COMMON, OWN_LEARNING_RATE))
