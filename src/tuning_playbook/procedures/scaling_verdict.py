"""The fit of the steps over all batch sizes of `batch_scaling`, and the verdict."""

from dataclasses import dataclass

from tuning_playbook.procedures.scaling_fit import ScalingFit, critical_interval, fit_scaling
from tuning_playbook.procedures.scaling_sizes import SizeResult
from tuning_playbook.study.batch_scaling_settings import FEWEST, BatchScalingSettings

FOUND, PERFECT, FLAT = (
    "critical batch size found",
    "perfect scaling up to the largest batch size",
    "no batch size saves steps",
)
EPOCHS, FEW, NEVER, EDGE, UNTRAINED = (
    "an epoch budget shows perfect scaling alone",
    "the target was reached at too few batch sizes",
    "the target was reached at no batch size",
    "the search was too narrow",
    "the untrained model is at the target",
)
"""The verdicts."""

FAR = 2.0
"""A critical batch size beyond those that reach the target by more than this factor is unknown."""


@dataclass(frozen=True)
class Scaling:
    """The results of all batch sizes together.

    Attributes:
        results: The result of each batch size, the smallest first.
        fitted: The batch sizes whose runs are fitted.
        fit: The fit of the steps; None where the target was reached at too few batch sizes.
        interval: The interval of the critical batch size; None without a fit.
    """

    results: tuple[SizeResult, ...]
    fitted: tuple[SizeResult, ...]
    fit: ScalingFit | None
    interval: tuple[float, float] | None

    @property
    def there(self) -> tuple[SizeResult, ...]:
        """Return the batch sizes that reach the target."""
        return tuple(item for item in self.results if item.steps is not None)


def scaling_of(results: tuple[SizeResult, ...]) -> Scaling:
    """Return the fit of the steps, of the batch sizes that can be fitted.

    A batch size that did not reach the target needs more steps than it had. The fit assumes that
    only of those that are smaller than any that did and whose best learning rate is not outermost:
    a larger batch size never needs more steps when it is tuned as well. Otherwise the search is the
    likely cause, and the batch size is left out.

    Args:
        results: The result of each batch size, the smallest first.
    """
    there = [item for item in results if item.steps is not None]
    fitted = tuple(
        item
        for item in results
        if item in there
        or (there and item.size < there[0].size and item.runs.missed and not item.side)
    )
    if len(there) < FEWEST or any(item.untrained for item in results):
        return Scaling(results, fitted, None, None)
    runs = [item.runs for item in fitted]
    fit = fit_scaling(runs)
    return Scaling(results, fitted, fit, critical_interval(runs, fit))


def verdict_of(settings: BatchScalingSettings, scaling: Scaling) -> str:
    """Return the verdict on some batch sizes."""
    there = scaling.there
    if any(item.untrained for item in scaling.results):
        return UNTRAINED
    if not there:
        return NEVER
    if settings.budget == "epochs":
        return EPOCHS
    if all(item.side for item in there):
        return EDGE
    return FEW if scaling.fit is None else _of_fit(scaling.fit, there)


def _of_fit(fit: ScalingFit, there: tuple[SizeResult, ...]) -> str:
    if fit.critical > FAR * there[-1].size:
        return PERFECT
    return FLAT if fit.critical * FAR < there[0].size else FOUND
