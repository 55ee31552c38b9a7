"""Trials that collapsed have a sign of their own, where it says so in the legend."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.analysis.synthetic import NESTEROV, make_study
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.plots.axis_plot import axis_plot
from tuning_playbook.plots.training_curves import train_loss_curves, training_curves


def collapsing():
    def jump(arm: str, at: np.ndarray) -> np.ndarray:
        return 0.8 * (at >= 0.6) * (arm == NESTEROV)

    return make_study(shape=jump, train_shape=jump)


def marks(figure: Figure) -> list[np.ndarray]:
    return [
        np.asarray(found.get_offsets())
        for axes in figure.axes
        for found in axes.collections
        if str(found.get_label()).startswith("collapsed")
    ]


def legend(figure: Figure) -> list[str]:
    (found,) = [
        found for found in (figure.legends or [axes.get_legend() for axes in figure.axes]) if found
    ]
    return [text.get_text() for text in found.get_texts()]


@pytest.mark.parametrize("plot", [training_curves, train_loss_curves])
def test_curves_are_marked_where_they_collapse(plot):
    figure = plot(collapsing())
    for across in marks(figure):
        assert set(across[:, 0]) == {1200}
        assert len(across) == 16
    assert "collapsed (16)" in legend(figure)
    assert len(marks(figure)) == len(figure.axes)


def test_objectives_of_trials_that_collapsed_are_marked():
    study = collapsing()
    searched = next(item for item in read_searched(study) if item.arms == (NESTEROV,))
    figure = axis_plot(study, searched)
    (offsets,) = marks(figure)
    values = study[searched.variable].values[study["arm"].values == NESTEROV].astype(float)
    assert sorted(offsets[:, 0]) == pytest.approx(sorted(values))


def test_without_a_collapse_there_is_no_such_sign():
    study = make_study()
    figures = [training_curves(study), axis_plot(study, read_searched(study)[0])]
    assert [marks(figure) for figure in figures] == [[], []]
    assert not any("collapsed" in entry for figure in figures for entry in legend(figure))
