"""Every procedure by its name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tuning_playbook.procedures import batch_scaling, clipping, stability, warmup
from tuning_playbook.procedures.procedure_history import History, Next


@dataclass(frozen=True)
class Recipe:
    """What a procedure is.

    Attributes:
        next: Plans its next round from its history, or concludes.
        max_rounds: The most rounds that it has.
        most_trials: The most trials of the rounds after its first, by its spec and its settings.
        plots: The stems of its plots, and what each shows, in the order of the report.
        rounds: The most rounds that it has with some settings, where they say more than
            `max_rounds`.
    """

    next: Callable[[History], Next]
    max_rounds: int
    most_trials: Callable[[Mapping[str, Any], Any], int]
    plots: Mapping[str, str]
    rounds: Callable[[Any], int] | None = None


RECIPES: Mapping[str, Recipe] = {
    "stability": Recipe(
        stability.next, stability.MAX_ROUNDS, stability.most_trials, stability.PLOTS
    ),
    "warmup": Recipe(warmup.next, warmup.MAX_ROUNDS, warmup.most_trials, warmup.PLOTS),
    "clipping": Recipe(clipping.next, clipping.MAX_ROUNDS, clipping.most_trials, clipping.PLOTS),
    "batch_scaling": Recipe(
        batch_scaling.next,
        batch_scaling.MAX_ROUNDS,
        batch_scaling.most_trials,
        batch_scaling.PLOTS,
        rounds=batch_scaling.most_rounds,
    ),
}
