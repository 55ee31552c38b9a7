"""The parts a report is made of: figures, curves, numbers."""

import doctest
import importlib
import math

import numpy as np
import pytest

from tests.analysis.synthetic import log_uniform
from tests.analysis.synthetic import make_study as make_constructed_study
from tuning_playbook.analysis.boundary import boundary
from tuning_playbook.analysis.checklist import CHECKLIST
from tuning_playbook.analysis.findings import Concerned, Finding
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.planning.plan import axis_stem
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


def about(check, *hyperparameters, arms=()):
    """A finding of which only what it is about is of interest."""
    concerned = tuple(Concerned(*item) for item in hyperparameters)
    return Finding(check, "?", "problem", "", hyperparameters=concerned, arms=arms).to_json()


class TestSupportingFigures:
    def stems(self, finding, figures):
        return [figure.stem for figure in supporting_figures(finding, figures)]

    def test_every_check_has_its_plots(self):
        assert {check.__name__ for check in CHECKLIST} <= set(PLOTS_FOR)

    def test_axis_plot_of_the_hyperparameter_it_is_about(self, figures):
        finding = about("boundary", ("learning_rate", ARMS[1], (ARMS[1],)), arms=(ARMS[1],))
        assert self.stems(finding, figures) == ["axis_learning_rate.optimizer-adam"]

    def test_a_name_of_two_conditions_is_two_hyperparameters(self, figures):
        both = [("learning_rate", arm, (arm,)) for arm in ARMS]
        assert self.stems(about("boundary", *both, arms=ARMS), figures) == [
            "axis_learning_rate.optimizer-nesterov",
            "axis_learning_rate.optimizer-adam",
        ]

    def test_an_arm_whose_name_begins_with_anothers_is_another(self):
        """A finding about AdamW's learning rate does not show Adam's."""
        adam, adamw = "optimizer=adam", "optimizer=adamw"
        searched = [log_uniform("learning_rate", 1e-5, 0.1, [arm], arm) for arm in (adam, adamw)]
        study = make_constructed_study(
            arms=(adam, adamw),
            searched=searched,
            effect=lambda arm, at: -0.08 * at["learning_rate"] * (arm == adamw),
        )
        finding = boundary(study)
        assert finding.answer == "problem"
        plots = {axis_stem(item.name, item.condition): SVG.format("") for item in searched}
        figures = make_figures(plots, read_searched(study))
        assert self.stems(finding.to_json(), figures) == ["axis_learning_rate.optimizer-adamw"]

    def test_axis_plots_of_its_arms_where_it_is_about_no_hyperparameter(self, figures):
        assert self.stems(about("infeasible", arms=(ARMS[1],)), figures) == [
            "axis_weight_decay",
            "axis_learning_rate.optimizer-adam",
        ]

    def test_all_axis_plots_where_it_is_about_the_whole_study(self, figures):
        assert len(self.stems(about("infeasible"), figures)) == 4

    def test_curves_for_what_curves_show(self, figures):
        finding = about("overfitting", ("weight_decay", "", ARMS))
        assert self.stems(finding, figures) == ["training_curves"]

    def test_none_for_an_unknown_check(self, figures):
        assert self.stems(about("unheard_of", ("weight_decay", "", ARMS)), figures) == []


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
