"""The plots of what a procedure concludes, by the procedure and the plot's name."""

from collections.abc import Callable, Mapping

import xarray as xr
from matplotlib.figure import Figure

from tuning_playbook.plots import clipping_plots, scaling_plots, stability_plots, warmup_plots

Draw = Callable[[xr.Dataset], Figure]

PLOTS: Mapping[str, Mapping[str, Draw]] = {
    "stability": {
        "training": stability_plots.training,
        "rates": stability_plots.rates,
        "look": stability_plots.early_look,
    },
    "warmup": {"warmups": warmup_plots.warmups, "benefit": warmup_plots.benefit},
    "clipping": {"norms": clipping_plots.norms, "clipped": clipping_plots.clipped},
    "batch_scaling": {
        "scaling": scaling_plots.scaling,
        "rates": scaling_plots.rates,
        "time": scaling_plots.time,
    },
}


def conclusion_plot(conclusion: xr.Dataset, name: str) -> Figure:
    """Return a plot of a procedure's conclusion.

    Args:
        conclusion: Its conclusion.nc.
        name: The plot's.
    """
    return PLOTS[str(conclusion.attrs["procedure"])][name](conclusion)
