"""Every procedure by its name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tuning_playbook.procedures import (
    batch_branches,
    batch_scaling,
    batch_sizes,
    clipping,
    exploit,
    longer_training,
    stability,
    steps_to_fit,
    warmup,
)
from tuning_playbook.procedures.exploit_rules import check_exploit
from tuning_playbook.procedures.fit_rules import check_fit
from tuning_playbook.procedures.procedure_history import History, Next
from tuning_playbook.study.batch_scaling_settings import BRANCHES
from tuning_playbook.study.branch_rules import check_branches
from tuning_playbook.study.procedure_settings import ProcedureSettings, recipe_name
from tuning_playbook.study.study import Study


@dataclass(frozen=True)
class Recipe:
    """The parts of a procedure.

    Attributes:
        next: Plans its next round from its history, or concludes.
        max_rounds: The most rounds that it has; 0 where it concludes from probes alone.
        most_trials: The most trials of the rounds after its first, by its spec and its settings.
        plots: The stems of its plots, and what each shows, in the order of the report.
        check: Raises a SpecError where it cannot be carried out with its spec, given as a study;
            None where every spec will do.
        rounds: The most rounds that it has with given settings, where these decide more than
            `max_rounds`.
    """

    next: Callable[[History], Next]
    max_rounds: int
    most_trials: Callable[[Mapping[str, Any], Any], int]
    plots: Mapping[str, str]
    check: Callable[[Study], None] | None = None
    rounds: Callable[[Any], int] | None = None


RECIPES: Mapping[str, Recipe] = {
    "stability": Recipe(
        stability.next, stability.MAX_ROUNDS, stability.most_trials, stability.PLOTS
    ),
    "warmup": Recipe(warmup.next, warmup.MAX_ROUNDS, warmup.most_trials, warmup.PLOTS),
    "clipping": Recipe(clipping.next, clipping.MAX_ROUNDS, clipping.most_trials, clipping.PLOTS),
    "batch_sizes": Recipe(batch_sizes.next, 0, lambda document, settings: 0, batch_sizes.PLOTS),
    "batch_scaling": Recipe(
        batch_scaling.next,
        batch_scaling.MAX_ROUNDS,
        batch_scaling.most_trials,
        batch_scaling.PLOTS,
        rounds=batch_scaling.most_rounds,
    ),
    BRANCHES: Recipe(
        batch_branches.next,
        batch_branches.MAX_ROUNDS,
        batch_branches.most_trials,
        batch_branches.PLOTS,
        check_branches,
    ),
    "longer_training": Recipe(
        longer_training.next,
        longer_training.MAX_ROUNDS,
        longer_training.most_trials,
        longer_training.PLOTS,
    ),
    "steps_to_fit": Recipe(
        steps_to_fit.next,
        steps_to_fit.MAX_ROUNDS,
        steps_to_fit.most_trials,
        steps_to_fit.PLOTS,
        check_fit,
    ),
    "exploit": Recipe(
        exploit.next, exploit.MAX_ROUNDS, exploit.most_trials, exploit.PLOTS, check_exploit
    ),
}


def recipe_of(settings: ProcedureSettings) -> Recipe:
    """Return the recipe that carries out a procedure with some settings."""
    return RECIPES[recipe_name(settings)]
