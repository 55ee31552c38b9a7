"""How long a learning rate is next to nothing, from the schedule alone.

`engine.schedules` computes the same rates in JAX, which a spec is checked without.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping

from tuning_playbook.declarations import Value, same, spec_name
from tuning_playbook.study.schedule_hyperparameters import OWN_DROPS
from tuning_playbook.study.searches import ListSearch
from tuning_playbook.study.shape import StudySpec, Training
from tuning_playbook.study.study import Arm, Dimension, entries_of, write_value

IDLE = 0.01
"""A learning rate below so much of its peak moves the weights next to nothing."""

MOST_IDLE = 0.1
"""So much of a run may have such a rate: a cosine to zero has it for 6 % of its length."""

MOST_STEPS = 2000
"""This many steps of a run are looked at, evenly spread."""

ROUNDING = 1e-9
"""Of a rate: two drops by a factor of ten end at 1 %, not below it."""

SHAPING = (
    *("decay_steps", "end_factor", "power", "drops", "drop_factor", "warmup_steps", "hold_steps"),
    *OWN_DROPS,
)
"""The hyperparameters that decide when the rate is low."""

DECAY_STEPS, WARMUP_STEPS, HOLD_STEPS = "decay_steps", "warmup_steps", "hold_steps"

OFF_AT_ZERO = (HOLD_STEPS, *OWN_DROPS)
"""What says nothing of a rate at 0."""

Numbers = Mapping[str, Value]


def train_steps(training: Training, warmup_steps: int) -> int:
    """Return how many steps a trial trains for.

    Where a warmup extends the run, evaluations stay at whole intervals, and so does its end.
    """
    if not training.warmup_extends:
        return training.max_train_steps
    return training.max_train_steps + -(-warmup_steps // training.eval_every) * training.eval_every


def idle_share(schedule: str, values: Numbers, steps: int) -> float:
    """Return the part of a run of `steps` steps whose rate is below 1 % of its peak.

    Args:
        schedule: Its name.
        values: `warmup_steps`, and the schedule's own hyperparameters.
        steps: Of the run, the warmup included.
    """
    looked_at = min(steps, MOST_STEPS)
    rates = [
        relative_rate(schedule, values, number * steps // looked_at, steps)
        for number in range(looked_at)
    ]
    lowest = IDLE * max(rates) * (1 - ROUNDING)
    return sum(rate < lowest for rate in rates) / looked_at


def relative_rate(schedule: str, values: Numbers, step: int, steps: int) -> float:
    """Return the learning rate of a step as a part of the base learning rate.

    Args:
        schedule: Its name.
        values: `warmup_steps`, and the schedule's own hyperparameters.
        step: The number of steps already taken.
        steps: Of the run, the warmup included.
    """
    numbers = {name: float(values[name]) for name in SHAPING if name in values}
    warmup = numbers[WARMUP_STEPS]
    begin = warmup + numbers.get(HOLD_STEPS, 0.0)
    decay = numbers.get(DECAY_STEPS, 0.0) or max(steps - begin, 1.0)
    rising = min((step + 1) / max(warmup, 1.0), 1.0)
    return rising * FACTORS[schedule](max(step - begin, 0.0), decay, numbers)


def idle_objection(spec: StudySpec, arm: Arm) -> str:
    """Say which trials of an arm would have next to no learning rate for long; nothing if none.

    Of a range its ends are looked at, of a choice and a list every value. What a workload's own
    schedule does is not known here.
    """
    if spec.training.allow_idle:
        return ""
    worst = max(
        (
            (idle_share(schedule, values, steps), steps, schedule, values)
            for draw in arm.each_draw()
            for schedule, values in extreme_combinations(spec, draw)
            if schedule in FACTORS
            for steps in [train_steps(spec.training, int(values[WARMUP_STEPS]))]
        ),
        key=lambda found: found[0],
        default=None,
    )
    if worst is None or worst[0] <= MOST_IDLE:
        return ""
    share, steps, schedule, values = worst
    combination = ", ".join(
        f"{name} {write_value(values[name])}"
        for name in SHAPING
        if name in values and (values[name] or name not in OFF_AT_ZERO)
    )
    return (
        f"the learning rate would be below {IDLE:.0%} of its peak for {share:.0%} of {steps} steps "
        f"with schedule {schedule}, {combination}"
        f"{'' if arm.name == 'all trials' else f' (arm {arm.name})'}: let the decay take the whole "
        "run (decay_steps 0), begin it later (hold_steps), train fewer steps, or say `training: "
        "{allow_idle: true}`"
    )


def extreme_combinations(spec: StudySpec, arm: Arm) -> Iterator[tuple[str, dict[str, Value]]]:
    """Return the schedules of an arm with the values that shape them, the extreme ones."""
    listed: list[dict[str, Value]] = [{}]
    if isinstance(spec.search, ListSearch):
        listed = [
            entry
            for _, entry in entries_of(spec.search, arm.scientific, arm.elsewhere)
            if all(same(arm.fixed.get(name, value), value) for name, value in entry.items())
        ]
    dimensions = {item.hyperparameter.name: item for item in arm.dimensions}
    seen = set()
    for entry in listed:
        choices = {
            name: _values(dimensions[name], entry) if name in dimensions else [arm.fixed[name]]
            for name in (*SHAPING, "schedule")
            if name in dimensions or name in arm.fixed
        }
        for combination in itertools.product(*choices.values()):
            if combination not in seen:
                seen.add(combination)
                values = dict(zip(choices, combination, strict=True))
                yield str(values.pop("schedule")), values


def _values(dimension: Dimension, entry: Mapping[str, Value]) -> list[Value]:
    """Return the values of a searched hyperparameter at which the rate may be lowest."""
    distribution = dimension.distribution
    if spec_name(dimension.name) in entry:
        found = [entry[spec_name(dimension.name)]]
    elif distribution is None:
        return [dimension.hyperparameter.default]
    elif distribution.kind == "choice":
        found = [*distribution.choices]
    else:
        found = [distribution.low, distribution.high]
        if spec_name(dimension.name) == DECAY_STEPS and distribution.low < 1 <= distribution.high:
            found.append(1)  # the shortest decay: 0 stands for the longest
    return [dimension.resolve(value) for value in found]


def _constant(step: float, decay: float, numbers: Mapping[str, float]) -> float:
    del step, decay, numbers
    return 1.0


def _linear(step: float, decay: float, numbers: Mapping[str, float]) -> float:
    return 1 + (numbers["end_factor"] - 1) * min(step / decay, 1.0)


def _cosine(step: float, decay: float, numbers: Mapping[str, float]) -> float:
    end = numbers["end_factor"]
    return end + (1 - end) * 0.5 * (1 + math.cos(math.pi * min(step / decay, 1.0)))


def _polynomial(step: float, decay: float, numbers: Mapping[str, float]) -> float:
    end = numbers["end_factor"]
    return float(end + (1 - end) * (1 - min(step / decay, 1.0)) ** numbers["power"])


def _inverse_sqrt(step: float, decay: float, numbers: Mapping[str, float]) -> float:
    return max(1 / math.sqrt(1 + step / decay), numbers["end_factor"])


def _exponential(step: float, decay: float, numbers: Mapping[str, float]) -> float:
    return float(numbers["end_factor"] ** min(step / decay, 1.0))


def _piecewise(step: float, decay: float, numbers: Mapping[str, float]) -> float:
    drops = int(numbers["drops"])
    own = dict(enumerate((numbers[name] for name in OWN_DROPS), 1))
    evenly = min(math.floor(step * (drops + 1) / decay), drops)
    dropped = sum(
        step >= own[number] if own.get(number) else number <= evenly
        for number in range(1, drops + 1)
    )
    return float(numbers["drop_factor"] ** dropped)


FACTORS: dict[str, Callable[[float, float, Mapping[str, float]], float]] = {
    "constant": _constant,
    "linear": _linear,
    "cosine": _cosine,
    "polynomial": _polynomial,
    "inverse_sqrt": _inverse_sqrt,
    "exponential": _exponential,
    "piecewise": _piecewise,
}
"""The formula of each schedule: steps since the decay began, steps that it takes -> factor of the
base rate."""
