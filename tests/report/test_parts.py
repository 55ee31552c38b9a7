"""The parts a report is made of: figures, curves, numbers."""

import doctest
import importlib
import math

import numpy as np
import pytest

from tuning_playbook.analysis.checklist import CHECKLIST
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.report.curves import HEIGHT, MOST_POINTS, WIDTH, make_curves
from tuning_playbook.report.figures import PLOTS_FOR, make_figures, supporting_figures

from .example import ARMS, STEPS, SVG, make_study


@pytest.mark.parametrize("module", ["evidence", "formatting", "page", "tracking"])
def test_examples_in_docstrings(module):
    results = doctest.testmod(importlib.import_module(f"tuning_playbook.report.{module}"))
    assert results.attempted > 0
    assert results.failed == 0


@pytest.fixture(scope="module")
def figures(example):
    return make_figures(example.plots, read_searched(example.study))


class TestSupportingFigures:
    def stems(self, *arguments):
        return [figure.stem for figure in supporting_figures(*arguments)]

    def test_every_check_has_its_plots(self):
        assert {check.__name__ for check in CHECKLIST} <= set(PLOTS_FOR)

    def test_axis_plot_of_the_arm_that_the_summary_names(self, figures):
        summary = f"The best trials of {ARMS[1]} cluster at the low edge of learning_rate."
        assert self.stems("boundary", (summary, "weight_decay"), figures) == [
            "axis_learning_rate.optimizer-adam"
        ]

    def test_axis_plots_of_every_arm_where_none_is_named(self, figures):
        assert self.stems("boundary", ("Look at learning_rate.",), figures) == [
            "axis_learning_rate.optimizer-nesterov",
            "axis_learning_rate.optimizer-adam",
        ]

    def test_a_name_within_a_name_is_another(self, figures):
        assert self.stems("boundary", ("momentum", "one_minus_momentum"), figures) == [
            "axis_one_minus_momentum.optimizer-nesterov"
        ]

    def test_all_axis_plots_where_no_hyperparameter_is_named(self, figures):
        assert len(self.stems("infeasible", ("3 of 16 trials are infeasible.",), figures)) == 4

    def test_curves_for_what_curves_show(self, figures):
        assert self.stems("overfitting", ("weight_decay",), figures) == ["training_curves"]

    def test_none_for_an_unknown_check(self, figures):
        assert self.stems("unheard_of", ("weight_decay",), figures) == []


def test_an_svg_without_a_view_box_has_no_size():
    (figure,) = make_figures({"isolation": "<svg/>"}, ())
    assert (figure.width, figure.height) == (0, 0)


def test_a_wide_plot_takes_the_whole_width():
    wide = SVG.format("").replace("0 0 504 360", "0 0 720.5 360")
    figures = make_figures({"isolation": SVG.format(""), "reruns": wide}, ())
    assert [figure.wide for figure in figures] == [False, True]


class TestCurves:
    def test_best_step_and_ends_are_where_they_belong(self, example):
        scale, curves = make_curves(example.study, "error_rate", "validation")
        assert set(curves) == set(example.study["trial"].to_numpy())
        assert scale.log
        assert (scale.low, scale.high, scale.last_step) == (
            pytest.approx(example.study["error_rate"].where(lambda values: values > 0).min()),
            pytest.approx(0.9 + 0.2 * 0.05, abs=0.01),
            2000,
        )
        best = example.launch["candidate"]["trial"]
        (train, first), (validation, second) = curves[best].lines
        assert (train, validation) == ("train", "validation")
        assert len(first.split()) == len(second.split()) == len(STEPS)
        objective = float(example.study.sel(trial=best)["objective"])
        share = math.log(objective / scale.low) / math.log(scale.high / scale.low)
        assert curves[best].best == (WIDTH, round(HEIGHT * (1 - share)))
        assert second.split()[-1] == f"{WIDTH},{round(HEIGHT * (1 - share))}"

    def test_a_diverged_trial_ends_where_it_diverged(self, example):
        _, curves = make_curves(example.study, "error_rate", "validation")
        lost = example.study["trial"].to_numpy()[example.study["status"].to_numpy() == "diverged"]
        for trial in lost:
            assert curves[trial].best is None
            assert [len(points.split()) for _, points in curves[trial].lines] == [5, 5]

    def test_infeasible_values_do_not_stretch_the_scale(self):
        study = make_study()
        usual, _ = make_curves(study, "error_rate", "validation")
        lost = np.flatnonzero(study["status"].to_numpy() == "diverged")
        study["error_rate"][lost, 1] = 1e9
        scale, curves = make_curves(study, "error_rate", "validation")
        assert scale == usual
        places = [
            int(pair.split(",")[1])
            for _, line in curves[str(study["trial"][lost[0]].item())].lines
            for pair in line.split()
        ]
        assert min(places) == 0

    def test_long_curves_are_thinned(self):
        study = make_study(4)
        fine = np.linspace(0, 2000, 1001).astype(int)
        _, curves = make_curves(study.interp(eval_step=fine), "error_rate", "validation")
        for curve in curves.values():
            assert all(len(points.split()) <= MOST_POINTS for _, points in curve.lines)

    def test_a_constant_metric_is_a_level_line(self):
        study = make_study(4)
        study["error_rate"] = study["error_rate"] * 0 + 0.5
        scale, curves = make_curves(study, "error_rate", "validation")
        assert not scale.log
        line = curves[str(study["trial"][0].item())].lines[0][1]
        assert {pair.split(",")[1] for pair in line.split()} == {str(HEIGHT // 2)}

    def test_no_curve_without_the_metric(self):
        assert make_curves(make_study(4), "unheard_of", "validation") is None
