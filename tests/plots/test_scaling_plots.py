"""The plots of batch sizes: what is marked in them, odd cases included."""

import numpy as np
import pytest

from tests.procedures.scaling_trials import LONG, SMALL, conclude, curve, settings, spec
from tuning_playbook.plots.conclusion_plots import PLOTS, conclusion_plot
from tuning_playbook.plots.style import lay_out, look
from tuning_playbook.procedures.conclude import conclusion_dataset

TIMES = [{"batch_size": size, "seconds": 1.0, "devices": size // 16} for size in (16, 64, 256)]

CASES = {
    "found": ({}, curve()),
    "some miss the target": ({}, curve(misses=(16, 128))),
    "none reaches it": ({}, curve(least=1e6)),
    "none is feasible": ({}, curve(infeasible=1e-9)),
    "perfect scaling": ({}, curve(1e6, least=0.01)),
    "times": ({"step_times": TIMES}, curve()),
    "epochs": ({"budget": "epochs"}, curve()),
}


def dataset_of(case):
    changes, train = CASES[case]
    conclusion, history = conclude(spec(**LONG), settings(**SMALL, **changes), train)
    return conclusion_dataset(history, conclusion)


def labels(figure):
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("case", CASES)
def test_every_plot_is_drawn_whatever_came_of_the_trials(case):
    dataset = dataset_of(case)
    for plot in PLOTS["batch_scaling"]:
        figure = conclusion_plot(dataset, plot)
        with look():
            lay_out(figure)
        assert figure.axes


def test_the_steps_have_their_curve_the_line_of_perfect_scaling_and_the_critical_batch_size():
    dataset = dataset_of("found")
    figure = conclusion_plot(dataset, "scaling")
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    perfect = next(line for line in axes.lines if "perfect" in line.get_label())
    products = np.array(perfect.get_xdata()) * np.array(perfect.get_ydata())
    assert products == pytest.approx([16 * dataset["steps"].values[0]] * 5)
    critical = dataset.attrs["critical_batch_size"]
    assert any(f"critical batch size {critical:,.0f}" in label for label in labels(figure))
    assert "did not reach the target" not in labels(figure)


def test_runs_that_missed_the_target_are_arrows():
    assert "did not reach the target" in labels(
        conclusion_plot(dataset_of("some miss the target"), "scaling")
    )


def test_device_time_is_drawn_where_it_is_another():
    dataset = dataset_of("times")
    assert len(labels(conclusion_plot(dataset, "time"))) == 2
    assert dataset["device_seconds"].values[-1] == 16 * dataset["seconds"].values[-1]
