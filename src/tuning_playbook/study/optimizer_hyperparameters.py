"""The hyperparameters of the optimizers; `engine.optimizers` builds their update rules."""

from tuning_playbook.declarations import Hyperparameter

LARGEST_DECAY = 0.9999999
"""The largest decay that float32 tells from one, with which nothing would ever decay."""

LEARNING_RATE = "factor of the update at every step"
MOMENTUM = Hyperparameter(
    "momentum", 0.9, "decay of the velocity (gamma in the playbook)", low=0.0, high=LARGEST_DECAY
)
BETA_1 = Hyperparameter(
    "b1", 0.9, "decay of the gradient's running mean", low=0.0, high=LARGEST_DECAY
)
BETA_2 = Hyperparameter(
    "b2", 0.999, "decay of the squared gradient's running mean", low=0.0, high=LARGEST_DECAY
)
EPSILON = Hyperparameter("epsilon", 1e-8, "added to the denominator", low=0.0)


def _learning_rate(default: float) -> Hyperparameter:
    return Hyperparameter("learning_rate", default, LEARNING_RATE, low=0.0)


OPTIMIZERS: dict[str, tuple[Hyperparameter, ...]] = {
    "sgd": (_learning_rate(0.1),),
    "momentum": (_learning_rate(0.03), MOMENTUM),
    "nesterov": (_learning_rate(0.03), MOMENTUM),
    "rmsprop": (
        _learning_rate(1e-3),
        MOMENTUM,
        Hyperparameter(
            "rho", 0.9, "decay of the squared gradient's running mean", low=0.0, high=LARGEST_DECAY
        ),
        Hyperparameter("epsilon", 1e-8, "added inside the root of the denominator", low=0.0),
    ),
    "adam": (_learning_rate(1e-3), BETA_1, BETA_2, EPSILON),
    "nadam": (_learning_rate(1e-3), BETA_1, BETA_2, EPSILON),
    "adamw": (_learning_rate(1e-3), BETA_1, BETA_2, EPSILON),
    "lamb": (
        _learning_rate(1e-3),
        BETA_1,
        BETA_2,
        Hyperparameter("epsilon", 1e-6, "added to the denominator", low=0.0),
    ),
    "lion": (
        _learning_rate(1e-4),
        BETA_1,
        Hyperparameter("b2", 0.99, "decay of the momentum", low=0.0, high=LARGEST_DECAY),
    ),
    "adafactor": (
        _learning_rate(1e-2),
        Hyperparameter(
            "decay_rate",
            0.8,
            "exponent by which the second moment's decay rises",
            low=0.0,
            high=LARGEST_DECAY,
        ),
    ),
}
"""Each optimizer's hyperparameters, by its name in a spec."""

OPTIMIZER = Hyperparameter(
    "optimizer", "adam", "the optimizer's update rule", choices=tuple(OPTIMIZERS), static=True
)
