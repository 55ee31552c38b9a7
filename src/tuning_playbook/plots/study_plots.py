"""The plots that every study has, by the stems of their files."""

import functools
from collections.abc import Callable, Sequence

import xarray as xr
from matplotlib.figure import Figure

from tuning_playbook.analysis.best_of import best_of
from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.isolation import isolation
from tuning_playbook.analysis.ranking import arm_names
from tuning_playbook.analysis.sampled_values import sampled_values
from tuning_playbook.analysis.variance import trial_variance
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.planning.plan import axis_stem
from tuning_playbook.plots.axis_plot import axis_plot
from tuning_playbook.plots.best_of_plot import best_of_plot
from tuning_playbook.plots.gradient_norm_plot import gradient_norm_plot
from tuning_playbook.plots.importance_plot import importance_plot
from tuning_playbook.plots.isolation_plot import isolation_plot
from tuning_playbook.plots.rerun_plot import rerun_plot
from tuning_playbook.plots.training_curves import train_loss_curves, training_curves
from tuning_playbook.plots.value_curve_plot import value_curve_plot
from tuning_playbook.study.study import BASELINE

Drawings = dict[str, Callable[[], Figure]]
"""How to draw each plot, by the stem of its file."""


def diagnostic_plots(study: xr.Dataset, findings: Sequence[Finding]) -> dict[str, Figure]:
    """Return what there is to see of the search: curves, gradient norms, budgets, importance.

    Args:
        study: The study.
        findings: What the checklist found of it.
    """
    return {name: draw() for name, draw in _of_the_search(study, findings).items()}


def launch_plots(
    study: xr.Dataset,
    reruns: xr.Dataset,
    replicates: xr.Dataset | None,
    *,
    slice_count: int | None = None,
) -> dict[str, Figure]:
    """Return what the launch is decided by: the best trial of each arm, and every rerun.

    Where there is one arm, and what is scientific was sampled over a range, it is the best trial of
    each slice of that range.

    Args:
        study: The study.
        reruns: Its reruns.
        replicates: The repeats of its search, if there are any.
        slice_count: Into how many slices a range is divided; left out, as many as the trials allow.
    """
    drawings = _of_the_launch(study, reruns, replicates, slice_count)
    return {name: draw() for name, draw in drawings.items()}


def every_plot(
    study: xr.Dataset,
    reruns: xr.Dataset,
    replicates: xr.Dataset | None,
    findings: Sequence[Finding],
    *,
    slice_count: int | None = None,
) -> Drawings:
    """Return how to draw each plot of a study, axis plots included; none is drawn yet.

    Args:
        study: The study.
        reruns: Its reruns.
        replicates: The repeats of its search, if there are any.
        findings: What the checklist found of it.
        slice_count: As `launch_plots` has it.
    """
    axes: Drawings = {
        axis_stem(item.name, item.condition): functools.partial(
            axis_plot, study, item, slice_count=slice_count
        )
        for item in read_searched(study)
    }
    return (
        _of_the_launch(study, reruns, replicates, slice_count)
        | _of_the_search(study, findings)
        | axes
    )


def _of_the_search(study: xr.Dataset, findings: Sequence[Finding]) -> Drawings:
    numbers = {item.check: item.numbers for item in findings}
    return {
        "training_curves": lambda: training_curves(study),
        "training_loss": lambda: train_loss_curves(study),
        "gradient_norms": lambda: gradient_norm_plot(study, numbers["gradient_norms"]),
        "best_of": lambda: best_of_plot(study, best_of(study)),
        "importance": lambda: importance_plot(numbers["importance"]),
    }


def _of_the_launch(
    study: xr.Dataset,
    reruns: xr.Dataset,
    replicates: xr.Dataset | None,
    slice_count: int | None,
) -> Drawings:
    variances = trial_variance(study, reruns)
    baseline = next((row for row in variances if row.arm == BASELINE), None)

    def isolated() -> Figure:
        curves = sampled_values(study, slice_count) if len(arm_names(study)) == 1 else ()
        if curves:
            return value_curve_plot(study, curves, baseline)
        return isolation_plot(study, isolation(study, reruns, replicates), baseline)

    return {"isolation": isolated, "reruns": lambda: rerun_plot(study, variances)}
