"""The hyperparameters of learning rate schedules; `engine.schedules` computes the factors."""

from tuning_playbook.declarations import Hyperparameter

HOLD_STEPS = Hyperparameter(
    "hold_steps", 0, "steps after the warmup in which the rate stays at its base", low=0
)

DECAY_STEPS = Hyperparameter(
    "decay_steps",
    0,
    "steps that the decay takes; 0 for all that follow the warmup and the hold",
    low=0,
)

OWN_DROPS = ("first_drop", "second_drop", "third_drop", "fourth_drop")
"""The steps of the drops of `piecewise` that are not where an even spread puts them."""


def _end_factor(default: float) -> Hyperparameter:
    return Hyperparameter(
        "end_factor", default, "factor of the learning rate when the decay ends", low=0.0
    )


SCHEDULES: dict[str, tuple[Hyperparameter, ...]] = {
    "constant": (),
    "linear": (HOLD_STEPS, DECAY_STEPS, _end_factor(0.0)),
    "cosine": (HOLD_STEPS, DECAY_STEPS, _end_factor(0.0)),
    "polynomial": (
        HOLD_STEPS,
        DECAY_STEPS,
        _end_factor(0.0),
        Hyperparameter("power", 2.0, "exponent of the polynomial", low=0.0, low_open=True),
    ),
    "inverse_sqrt": (
        HOLD_STEPS,
        Hyperparameter(
            "decay_steps",
            0,
            "steps of the decay after which the rate is 1 / sqrt(2) of the base; "
            "0 for all that follow the warmup and the hold",
            low=0,
        ),
        _end_factor(0.0),
    ),
    "exponential": (
        HOLD_STEPS,
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
        HOLD_STEPS,
        DECAY_STEPS,
        Hyperparameter("drops", 2, "drops of the learning rate, evenly over the decay", low=1),
        Hyperparameter("drop_factor", 0.1, "factor of each drop", low=0.0),
        *(
            Hyperparameter(
                name, 0, f"steps of the decay before the {name[:-5]} drop; 0: its even place", low=0
            )
            for name in OWN_DROPS
        ),
    ),
}
"""Each schedule's hyperparameters, by its name in a spec."""

OF_SCHEDULES = tuple(dict.fromkeys(item.name for own in SCHEDULES.values() for item in own))
"""The names of all of these."""

STEPS = (HOLD_STEPS.name, DECAY_STEPS.name, *OWN_DROPS)
"""Those that are numbers of steps: 0 stands for what follows from the length of the run."""

SCHEDULE = Hyperparameter(
    "schedule",
    "constant",
    "how the learning rate changes after the warmup",
    choices=tuple(SCHEDULES),
    static=True,
)
