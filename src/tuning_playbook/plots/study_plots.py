"""The plots that every study has, by the stems of their files."""

from collections.abc import Sequence

import xarray as xr
from matplotlib.figure import Figure

from tuning_playbook.analysis.best_of import best_of
from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.isolation import isolation
from tuning_playbook.analysis.ranking import arm_names
from tuning_playbook.analysis.sampled_values import sampled_values
from tuning_playbook.analysis.variance import trial_variance
from tuning_playbook.plots.best_of_plot import best_of_plot
from tuning_playbook.plots.gradient_norm_plot import gradient_norm_plot
from tuning_playbook.plots.importance_plot import importance_plot
from tuning_playbook.plots.isolation_plot import isolation_plot
from tuning_playbook.plots.rerun_plot import rerun_plot
from tuning_playbook.plots.training_curves import train_loss_curves, training_curves
from tuning_playbook.plots.value_curve_plot import value_curve_plot
from tuning_playbook.study.study import BASELINE


def diagnostic_plots(study: xr.Dataset, findings: Sequence[Finding]) -> dict[str, Figure]:
    """Return what there is to see of the search: curves, gradient norms, budgets, importance.

    Args:
        study: The study.
        findings: What the checklist found of it.
    """
    numbers = {item.check: item.numbers for item in findings}
    return {
        "training_curves": training_curves(study),
        "training_loss": train_loss_curves(study),
        "gradient_norms": gradient_norm_plot(study, numbers["gradient_norms"]),
        "best_of": best_of_plot(study, best_of(study)),
        "importance": importance_plot(numbers["importance"]),
    }


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
        slice_count: Into how many slices a range is parted; as many as the trials bear if left out.
    """
    variances = trial_variance(study, reruns)
    baseline = next((row for row in variances if row.arm == BASELINE), None)
    curves = sampled_values(study, slice_count) if len(arm_names(study)) == 1 else ()
    return {
        "isolation": value_curve_plot(study, curves, baseline)
        if curves
        else isolation_plot(study, isolation(study, reruns, replicates), baseline),
        "reruns": rerun_plot(study, variances),
    }
