"""Trials that did not reach the target have a sign of their own, at the last step."""

import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, NESTEROV, make_study
from tests.analysis.targets import reruns_to_target, with_target
from tests.plots.reading import overlaps
from tests.plots.test_collapse_marks import legend
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.plots.axis_plot import axis_plot
from tuning_playbook.plots.censored_marks import SIGN
from tuning_playbook.plots.study_plots import launch_plots
from tuning_playbook.plots.training_curves import training_curves


def arrows(figure):
    """Where the arrows stand: [(across, up)]."""
    (axes,) = figure.axes
    found = [item for item in axes.collections if item.get_label() == SIGN]
    return np.concatenate([np.asarray(item.get_offsets()) for item in found] or [np.empty((0, 2))])


@pytest.fixture
def study():
    def effect(arm, positions):
        return 0.1 if arm == ADAM else 0.0

    def reason(arm, positions):
        return "diverged at step 300" if positions["weight_decay"] > 0.9 else ""

    return with_target(make_study(effect=effect, reason=reason), 0.15)


def test_an_arrow_at_the_last_step_and_no_cross(study):
    (searched,) = [item for item in read_searched(study) if item.name == "weight_decay"]
    figure = axis_plot(study, searched)
    missed = study["censored"].values == 1
    found = arrows(figure)
    assert sorted(found[:, 0]) == pytest.approx(sorted(study["hp_weight_decay"].values[missed]))
    assert set(found[:, 1]) == {2000.0}
    crosses = int((study["status"].values != "completed").sum())
    assert f"infeasible, each arm in its row ({crosses})" in legend(figure)
    axes = figure.axes[0]
    assert axes.get_ylabel().replace("\n", " ") == "steps to validation/error_rate <= 0.15"
    assert overlaps(figure) == []


def test_reruns_and_arms_that_missed_it_are_arrows_too(study):
    steps = {NESTEROV: [500, None, 600], ADAM: [None] * 3, "baseline": [900, None, 700]}
    figures = launch_plots(study, reruns_to_target(study, steps), None)
    assert len(arrows(figures["reruns"])) == 5
    # The best trial of the search, and the reruns of both arms.
    assert len(arrows(figures["isolation"])) == 1 + 4
    for name in ("reruns", "isolation"):
        assert not any("infeasible" in entry for entry in legend(figures[name]))
        assert overlaps(figures[name]) == []


def test_the_target_is_a_line_in_the_panel_of_the_objective_alone(study):
    figure = training_curves(study)
    lines = [
        [line for line in axes.lines if str(line.get_label()).startswith("target")]
        for axes in figure.axes
    ]
    assert [len(found) for found in lines] == [0, 1]
    assert set(lines[1][0].get_ydata()) == {0.15}
    low, high = figure.axes[1].get_ylim()
    assert low < 0.15 < high
    assert "target 0.15" in legend(figure)


def test_without_a_target_there_is_neither():
    study = make_study()
    figures = [training_curves(study), axis_plot(study, read_searched(study)[0])]
    assert not any(SIGN in entry or "target" in entry for f in figures for entry in legend(f))
