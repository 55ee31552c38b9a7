"""The hyperparameters of learning rate schedules; `engine.schedules` computes the factors."""

from tuning_playbook.declarations import Hyperparameter

DECAY_STEPS = Hyperparameter(
    "decay_steps", 0, "steps that the decay takes; 0 for all that follow the warmup", low=0
)


def _end_factor(default: float) -> Hyperparameter:
    return Hyperparameter(
        "end_factor", default, "factor of the learning rate when the decay ends", low=0.0
    )


SCHEDULES: dict[str, tuple[Hyperparameter, ...]] = {
    "constant": (),
    "linear": (DECAY_STEPS, _end_factor(0.0)),
    "cosine": (DECAY_STEPS, _end_factor(0.0)),
    "polynomial": (
        DECAY_STEPS,
        _end_factor(0.0),
        Hyperparameter("power", 2.0, "exponent of the polynomial", low=0.0, low_open=True),
    ),
    "inverse_sqrt": (
        Hyperparameter(
            "decay_steps",
            0,
            "steps after the warmup at which the rate is 1 / sqrt(2) of the base; "
            "0 for all that follow the warmup",
            low=0,
        ),
        _end_factor(0.0),
    ),
    "exponential": (
        DECAY_STEPS,
        Hyperparameter(
            "end_factor",
            0.01,
            "factor of the learning rate when the decay ends",
            low=0.0,
            low_open=True,
        ),
    ),
    "piecewise": (
        DECAY_STEPS,
        Hyperparameter("drops", 2, "drops of the learning rate, evenly over the decay", low=1),
        Hyperparameter("drop_factor", 0.1, "factor of each drop", low=0.0),
    ),
}
"""Each schedule's hyperparameters, by its name in a spec."""

SCHEDULE = Hyperparameter(
    "schedule",
    "constant",
    "how the learning rate changes after the warmup",
    choices=tuple(SCHEDULES),
    static=True,
)
