"""The objective of a study with a target, in words."""

NOT_REACHED = "not reached"
"""What is in place of the steps of a trial that did not reach the target."""


def steps_to(metric: str, mode: str, target: float) -> str:
    """Return what is counted, as `steps to validation/error_rate <= 0.05`.

    Args:
        metric: The objective's metric.
        mode: `min` where it is to fall to the target, `max` where it is to rise to it.
        target: The target.
    """
    return f"steps to {metric} {'<=' if mode == 'min' else '>='} {target:g}"
