"""The plots of `batch_sizes`: what is marked in them, where nothing fits as well."""

import numpy as np
import pytest

from tests.procedures.probes import probe, refused, saturating
from tests.procedures.test_batch_sizes import settings, spec
from tuning_playbook.plots.conclusion_plots import PLOTS, conclusion_plot
from tuning_playbook.plots.style import lay_out, look
from tuning_playbook.procedures import batch_sizes
from tuning_playbook.procedures.probe_dataset import probe_dataset
from tuning_playbook.procedures.procedure_history import History

SIZES = [8 * 2**power for power in range(8)]
DRAWN = {
    "found": (*saturating(SIZES, 1.5e-3, 1e-6), refused(2048), refused(4096, "not tried", {})),
    "one": (probe(8, 0.1),),
    "none": (refused(8),),
}


def dataset(probes):
    history = History(spec(), settings(), probes=tuple(probes))
    return probe_dataset(history, batch_sizes.next(history))


def labels(figure):
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("probes", DRAWN)
@pytest.mark.parametrize("name", PLOTS["batch_sizes"])
def test_every_plot_is_drawn_whatever_came_of_the_probes(name, probes):
    figure = conclusion_plot(dataset(DRAWN[probes]), name)
    with look():
        lay_out(figure)
    assert figure.axes


@pytest.mark.parametrize("name", PLOTS["batch_sizes"])
def test_what_is_worthwhile_and_what_does_not_fit_is_marked(name):
    figure = conclusion_plot(dataset(DRAWN["found"]), name)
    assert {"doubling pays up to 256", "2048 does not fit"} <= set(labels(figure))
    assert [axes.get_xscale() for axes in figure.axes] == ["log"]
    assert [axes.get_yscale() for axes in figure.axes] == ["log"]


def test_the_ideal_line_doubles_from_the_smallest_size():
    conclusion = dataset(DRAWN["found"])
    (axes,) = conclusion_plot(conclusion, "throughput").axes
    lines = {line.get_label(): line.get_ydata() for line in axes.lines}
    ideal = lines["perfect doubling"]
    assert ideal[1:] == pytest.approx(2 * ideal[:-1])
    measured = conclusion["examples_per_second"].values[:8]
    assert lines["median, with quartiles"] == pytest.approx(measured)
    assert np.isnan(conclusion["examples_per_second"].values[8:]).all()
