"""The plots of what a procedure concludes, by the procedure and the plot's name."""

from collections.abc import Callable, Mapping

import xarray as xr
from matplotlib.figure import Figure

from tuning_playbook.plots import (
    batch_size_plots,
    branch_plots,
    clipping_plots,
    exploit_plots,
    fit_plots,
    longer_training_plots,
    scaling_plots,
    stability_plots,
    warmup_plots,
)
from tuning_playbook.study.batch_scaling_settings import BRANCHES

Draw = Callable[[xr.Dataset], Figure]

PLOTS: Mapping[str, Mapping[str, Draw]] = {
    "stability": {
        "training": stability_plots.training,
        "rates": stability_plots.rates,
        "look": stability_plots.early_look,
    },
    "warmup": {"warmups": warmup_plots.warmups, "benefit": warmup_plots.benefit},
    "clipping": {
        "gradients": clipping_plots.gradients,
        "norms": clipping_plots.norms,
        "clipped": clipping_plots.clipped,
    },
    "batch_sizes": {
        "throughput": batch_size_plots.throughput,
        "step_time": batch_size_plots.step_time,
    },
    "longer_training": {
        "ranks": longer_training_plots.ranks,
        "curves": longer_training_plots.training_losses,
    },
    "steps_to_fit": {"steps": fit_plots.steps, "losses": fit_plots.losses},
    "exploit": {"progress": exploit_plots.progress, "space": exploit_plots.space},
    "batch_scaling": {
        "scaling": scaling_plots.scaling,
        "rates": scaling_plots.rates,
        "time": scaling_plots.time,
    },
    BRANCHES: {"branches": branch_plots.branches, "losses": branch_plots.losses},
}


def conclusion_plot(conclusion: xr.Dataset, name: str) -> Figure:
    """Return a plot of a procedure's conclusion.

    Args:
        conclusion: Its conclusion.nc.
        name: The plot's.
    """
    return PLOTS[str(conclusion.attrs["procedure"])][name](conclusion)
