import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import StepPatch

from tests.analysis.synthetic import (
    ADAM,
    ARMS,
    NESTEROV,
    choice,
    log_uniform,
    make_reruns,
    make_study,
    uniform,
)
from tuning_playbook.analysis.best_of import best_of
from tuning_playbook.analysis.gradient_norms import gradient_norms
from tuning_playbook.analysis.importance import importance
from tuning_playbook.analysis.isolation import isolation
from tuning_playbook.analysis.ranking import best_trials, ranked, trial_id
from tuning_playbook.analysis.variance import trial_variance
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.plots.axis_plot import axis_plot
from tuning_playbook.plots.best_of_plot import best_of_plot
from tuning_playbook.plots.gradient_norm_plot import gradient_norm_plot
from tuning_playbook.plots.importance_plot import importance_plot
from tuning_playbook.plots.isolation_plot import isolation_plot
from tuning_playbook.plots.rerun_plot import rerun_plot
from tuning_playbook.plots.style import COLOURS, MARKERS, clean, looks, save, wrapped
from tuning_playbook.plots.training_curves import train_loss_curves, training_curves
from tuning_playbook.report.figures import make_figures

ODD = ("$x$=1", "<script>alert('x')</script>=2", "_hidden=3", "名前=\x00\x1b4", "long" * 40)
FIVE = 0.1 + np.array([-0.004, -0.002, 0.0, 0.002, 0.004])


def searched(study, label):
    (found,) = (item for item in read_searched(study) if item.label == label)
    return found


def study_with_infeasible(**settings):
    return make_study(
        reason=lambda _arm, at: "diverged" if at["learning_rate"] > 0.85 else "", **settings
    )


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def points(axes):
    """The scattered points by their label: [point, (x, y)]."""
    return {
        collection.get_label(): np.asarray(collection.get_offsets())
        for collection in axes.collections
        if isinstance(collection, PathCollection)
    }


def lines(axes):
    return {line.get_label(): line for line in axes.lines}


def svg(figure, folder) -> str:
    save(figure, folder / "figure.svg")
    return (folder / "figure.svg").read_text()


def texts(content: str) -> str:
    """All text of an SVG, as a reader sees it."""
    return "\n".join("".join(node.itertext()) for node in ET.fromstring(content).iter())


class TestAxisPlot:
    def test_every_trial_of_the_condition_is_there(self):
        study = study_with_infeasible()
        figure = axis_plot(study, searched(study, f"learning_rate ({ADAM})"))
        (axes,) = figure.axes
        found = points(axes)
        crosses = found["infeasible (2)"]
        assert len(found[ADAM]) == 14
        assert len(crosses) == 2
        assert NESTEROV not in found
        assert (crosses[:, 0] > 0.85 * 0.01).all()
        assert axes.get_xscale() == "log"
        assert (axes.get_title(loc="left"), axes.get_xlabel()) == (
            f"learning_rate ({ADAM})",
            "learning_rate",
        )

    @pytest.mark.parametrize(("role", "bars"), [("scientific", 8), ("nuisance", 0)])
    def test_a_scientific_range_shows_the_best_trial_of_each_slice(self, role, bars):
        decay = replace(log_uniform("weight_decay", 1e-6, 1e-2, ["all trials"]), role=role)
        study = make_study(arms=("all trials",), trials=40, searched=(decay,))
        (axes,) = axis_plot(study, searched(study, "weight_decay")).axes
        drawn = [line for line in axes.lines if line.get_label() == "best trial of each slice"]
        assert len(drawn) == bars
        ends = [tuple(line.get_xdata()) for line in drawn]
        assert all(high / low == pytest.approx(10**0.5) for low, high in ends)

    def test_both_arms_differ_in_colour_and_marker(self):
        study = make_study()
        (axes,) = axis_plot(study, searched(study, "weight_decay")).axes
        assert len(points(axes)[NESTEROV]) == len(points(axes)[ADAM]) == 16
        paths = {
            item.get_label(): (tuple(item.get_facecolor()[0]), len(item.get_paths()[0]))
            for item in axes.collections
            if item.get_label() in ARMS
        }
        assert paths[NESTEROV][0] != paths[ADAM][0]
        assert paths[NESTEROV][1] != paths[ADAM][1]

    def test_the_best_three_are_marked_and_named(self):
        study = make_study()
        figure = axis_plot(study, searched(study, "weight_decay"))
        (axes,) = figure.axes
        best = ranked(study)[:3]
        for rank, trial in enumerate(best, start=1):
            (entry,) = (text for text in legend(figure) if text.startswith(f"{rank}: "))
            assert trial_id(study, trial) in entry
            (place,) = points(axes)[entry]
            assert place == pytest.approx(
                [study["hp_weight_decay"].values[trial], study["objective"].values[trial]]
            )
        assert [text.get_text() for text in axes.texts] == ["1", "2", "3"]

    @pytest.mark.parametrize(("mode", "inside"), [("min", 0.94), ("max", 0.06)])
    def test_infeasible_trials_are_on_the_bad_side(self, mode, inside):
        study = study_with_infeasible(mode=mode)
        (axes,) = axis_plot(study, searched(study, f"learning_rate ({ADAM})")).axes
        found = points(axes)
        (crosses,) = (found[label] for label in found if label.startswith("infeasible"))
        assert crosses[:, 1] == pytest.approx(inside)
        low, high = axes.get_ylim()
        heights = (found[ADAM][:, 1] - low) / (high - low)
        assert heights.max() < 0.88 if mode == "min" else heights.min() > 0.12

    @pytest.mark.parametrize("mode", ["min", "max"])
    def test_infeasible_trials_of_several_arms_have_a_row_each(self, mode):
        """The rows are in the arms' order, each with the mark of its arm at its left."""
        study = study_with_infeasible(mode=mode)
        (axes,) = axis_plot(study, searched(study, "weight_decay")).axes
        found = points(axes)
        (crosses,) = (found[label] for label in found if label.startswith("infeasible"))
        rows = sorted({*crosses[:, 1].tolist()}, reverse=True)
        lost = study["arm"].values[study["infeasible_reason"].values != ""]
        assert [int((crosses[:, 1] == row).sum()) for row in rows] == [
            int((lost == arm).sum()) for arm in ARMS
        ]
        marks = [
            item
            for item in axes.collections
            if isinstance(item, PathCollection) and np.asarray(item.get_offsets())[0, 0] < 0
        ]
        places = np.concatenate([np.asarray(mark.get_offsets()) for mark in marks])
        assert places[:, 1].tolist() == pytest.approx(rows)
        assert [tuple(mark.get_facecolor()[0]) for mark in marks] == [
            to_rgba(look.color) for look in looks(ARMS).values()
        ]
        low, high = axes.get_ylim()
        heights = (np.concatenate([found[arm] for arm in ARMS])[:, 1] - low) / (high - low)
        assert (heights < min(rows) if mode == "min" else heights > max(rows)).all()

    def test_where_one_arm_of_two_has_infeasible_trials_its_mark_says_so(self):
        study = make_study(reason=lambda arm, _at: "diverged" if arm == ADAM else "")
        (axes,) = axis_plot(study, searched(study, "weight_decay")).axes
        assert len(points(axes)["infeasible, each arm in its row (16)"]) == 16
        assert ADAM in legend(axes.figure)

    def test_the_range_is_drawn(self):
        study = make_study()
        (axes,) = axis_plot(study, searched(study, "weight_decay")).axes
        assert [line.get_xdata()[0] for line in axes.lines if not line.get_gid()] == [1e-6, 1e-2]

    def test_objectives_over_decades_get_a_logarithmic_axis(self):
        study = make_study(
            level=0.01,
            trial_noise=0.001,
            noise=0.0,
            effect=lambda _arm, at: 0.6 * (at["weight_decay"] > 0.5),
        )
        (axes,) = axis_plot(study, searched(study, "weight_decay")).axes
        assert axes.get_yscale() == "log"
        (axes,) = axis_plot(make_study(), searched(study, "weight_decay")).axes
        assert axes.get_yscale() == "linear"

    def test_choices_are_spread_and_always_in_the_same_way(self):
        nuisances = [choice("activation", ["relu", "tanh", True, 3], ARMS)]
        study = make_study(searched=nuisances)
        (axes,) = axis_plot(study, read_searched(study)[0]).axes
        across = np.concatenate([points(axes)[arm][:, 0] for arm in ARMS])
        assert len(across) == 32
        assert np.abs(across - np.round(across)).max() <= 0.25
        assert len(np.unique(across)) == 32
        labels = [label.get_text() for label in axes.get_xticklabels()]
        assert labels == ["relu", "tanh", "True", "3"]
        (again,) = axis_plot(study, read_searched(study)[0]).axes
        assert (points(again)[ADAM] == points(axes)[ADAM]).all()

    def test_a_list_shows_the_values_that_ran(self):
        nuisances = [choice("activation", ["relu", "tanh"], ARMS), choice("depth", [4, 2], ARMS)]
        study = make_study(searched=nuisances)
        for name, expected in (("activation", {"relu", "tanh"}), ("depth", {"2", "4"})):
            study[f"hp_{name}"].attrs |= {"choices": "[]", "distribution": "list"}
            (axes,) = axis_plot(study, searched(study, name)).axes
            assert {label.get_text() for label in axes.get_xticklabels()} == expected
            assert sum(len(points(axes)[arm]) for arm in ARMS) == 32

    def test_linear_range(self):
        study = make_study(searched=[uniform("dropout_rate", 0.0, 0.5, ARMS)])
        (axes,) = axis_plot(study, read_searched(study)[0]).axes
        assert axes.get_xscale() == "linear"

    def test_no_feasible_trial(self, tmp_path):
        study = make_study(trials=3, reason=lambda *_: "diverged")
        figure = axis_plot(study, searched(study, "weight_decay"))
        crosses = "infeasible, each arm in its row (6)"
        assert legend(figure) == ["ends of the range", crosses, *ARMS]
        svg(figure, tmp_path)


class TestTrainingCurves:
    def test_all_trials_and_the_best_three_in_front(self):
        study = study_with_infeasible()
        figure = training_curves(study)
        train, validation = figure.axes
        assert "train" in train.get_ylabel()
        assert "validation" in validation.get_ylabel()
        best = [trial_id(study, trial) for trial in ranked(study)[:3]]
        for axes in figure.axes:
            feasible, infeasible = (
                item for item in axes.collections if isinstance(item, LineCollection)
            )
            assert (len(feasible.get_segments()), len(infeasible.get_segments())) == (28, 4)
            assert feasible.get_linestyle() != infeasible.get_linestyle()
            fronts = [line for line in axes.lines if line.get_label()[0] in "123"]
            assert [name in line.get_label() for name, line in zip(best, fronts, strict=True)]
            assert len({line.get_linestyle() for line in fronts}) == 3
            assert all(line.get_zorder() > feasible.get_zorder() for line in fronts)
            (crosses,) = (line for line in axes.lines if line.get_marker() == "x")
            assert len(crosses.get_xdata()) == 4
        assert validation.lines[1].get_ydata() == pytest.approx(
            study["error_rate"].values[ranked(study)[0], :, 1]
        )
        assert {f"1: {best[0]}"} <= {text[:13] for text in legend(figure)}

    def test_training_loss(self):
        study = make_study()
        (axes,) = train_loss_curves(study).axes
        assert axes.get_ylabel() == "train_loss"
        assert len(axes.collections[0].get_segments()) == 32

    def test_what_was_not_logged_is_said(self):
        """Trials of another tool may come without their training loss."""
        study = make_study()
        (axes,) = train_loss_curves(study.assign(train_loss=study["train_loss"] * np.nan)).axes
        assert [text.get_text() for text in axes.texts] == ["not logged"]
        (axes,) = train_loss_curves(study).axes
        assert not axes.texts

    def test_an_exploding_trial_does_not_set_the_scale(self):
        study = study_with_infeasible()
        lost = np.flatnonzero(np.isnan(study["objective"].values))
        study["error_rate"][lost, 2:5, :] = 1e30
        for axes in training_curves(study).axes:
            assert axes.get_ylim()[1] < 2

    def test_an_error_that_reaches_zero_keeps_its_decades(self):
        study = make_study(level=0.01, trial_noise=0.001, noise=0.001)
        error = study["error_rate"]
        error[:, -3:, 0] = 0.0
        train, _ = training_curves(study).axes
        assert train.get_yscale() == "symlog"
        assert "0" in [label.get_text() for label in train.get_yticklabels()]

    def test_one_trial_and_none_feasible(self, tmp_path):
        for settings in ({}, {"reason": lambda *_: "diverged"}):
            study = make_study(arms=["all trials"], trials=1, **settings)
            svg(training_curves(study), tmp_path)
            svg(train_loss_curves(study), tmp_path)

    def test_many_trials_stay_small(self, tmp_path):
        content = svg(training_curves(make_study(trials=500, evaluations=50)), tmp_path)
        assert len(content) < 1_000_000


class TestIsolationPlot:
    def test_best_trial_reruns_interval_and_baseline(self):
        study = make_study()
        reruns = make_reruns(study, {NESTEROV: FIVE, ADAM: FIVE[:3], "baseline": FIVE + 0.1})
        found = isolation(study, reruns)
        figure = isolation_plot(study, found, trial_variance(study, reruns)[-1])
        (axes,) = figure.axes
        assert [label.get_text() for label in axes.get_xticklabels()] == list(ARMS)
        bests = [line for line in axes.lines if line.get_label() == "best trial in the search"]
        assert [line.get_ydata()[0] for line in bests] == [point.objective for point in found]
        dots = [line for line in axes.lines if line.get_label().startswith("its reruns")]
        assert [len(line.get_ydata()) for line in dots] == [5, 3]
        assert len(axes.containers) == 1  # no interval of three reruns
        (baseline,) = (line for line in axes.lines if line.get_label().startswith("baseline"))
        assert list(baseline.get_ydata()) == pytest.approx([0.2, 0.2])
        assert len(axes.patches) == 1
        assert len(legend(figure)) == len(set(legend(figure))) == 5

    def test_without_reruns_a_best_trial_stands_at_the_place_of_its_arm(self):
        study = make_study()
        both = make_reruns(study, {NESTEROV: FIVE, ADAM: FIVE})
        for reruns, expected in ((None, [0.0, 1.0]), (both, [-0.13, 0.87])):
            (axes,) = isolation_plot(study, isolation(study, reruns)).axes
            bests = [line for line in axes.lines if line.get_label() == "best trial in the search"]
            assert [float(best.get_xdata()[0]) for best in bests] == pytest.approx(expected)

    def test_an_arm_without_a_feasible_trial(self):
        study = make_study(reason=lambda arm, _at: "diverged" if arm == ADAM else "")
        figure = isolation_plot(study, isolation(study))
        (axes,) = figure.axes
        (crosses,) = points(axes).values()
        assert crosses.tolist() == [[1.0, 0.94]]
        assert "no feasible trial in the arm (1)" in legend(figure)

    def test_many_arms_are_named_upright(self, tmp_path):
        names = [f"depth={depth}, optimizer=a_very_long_name_of_one" for depth in range(12)]
        study = make_study(arms=names, trials=2)
        figure = isolation_plot(study, isolation(study))
        svg(figure, tmp_path)
        labels = figure.axes[0].get_xticklabels()
        assert {label.get_rotation() for label in labels} == {90}
        height = figure.get_size_inches()[1]
        assert figure.axes[0].get_position().height * height > 2.5


class TestRerunPlot:
    def test_every_rerun_and_the_biased_score_beside(self):
        study = make_study()
        reruns = make_reruns(study, {ADAM: [*FIVE, math.nan], "baseline": FIVE[:3]})
        rows = trial_variance(study, reruns)
        figure = rerun_plot(study, rows)
        (axes,) = figure.axes
        names = [label.get_text() for label in axes.get_xticklabels()]
        assert names == [NESTEROV, ADAM, "baseline"]
        dots = [line for line in axes.lines if line.get_label() == "rerun"]
        assert [len(line.get_ydata()) for line in dots] == [5, 3]
        scores = [line for line in axes.lines if "biased by selection" in line.get_label()]
        assert [line.get_ydata()[0] for line in scores] == [
            row.search_objective for row in rows[:2]
        ]
        assert all(line.get_markerfacecolor() == "none" for line in scores)
        assert len(points(axes)["infeasible rerun (1)"]) == 1
        assert "mean of too few reruns for an interval" in legend(figure)
        assert [text.get_text() for text in axes.texts] == ["no reruns"]


class TestImportancePlot:
    def plot(self, **settings):
        finding = importance(make_study(trials=30, **settings))
        return finding.numbers, importance_plot(finding.numbers)

    def test_every_hyperparameter_with_its_indices(self):
        numbers, figure = self.plot(effect=lambda _arm, at: at["learning_rate"])
        panels = {axes.get_title("left"): axes for axes in figure.axes}
        above, below = panels[NESTEROV], panels[ADAM]
        assert [label.get_text() for label in below.get_yticklabels()] == [
            "learning_rate",
            "weight_decay",
            "weight_decay × learning_rate",
        ]
        bars = [patch.get_width() for patch in below.patches]
        row = numbers["hyperparameters"][-2]
        assert bars[:2] == [row["total"], row["main"]]
        assert len(above.patches) == 2 * 3 + 3
        assert "95 % interval" in legend(figure)

    def test_a_part_of_an_arm_has_a_panel_and_what_is_left_out_a_row(self, tmp_path):
        def effect(arm, at):
            return 2.0 * (at["learning_rate"] > 0.6) + 0.2 * at["weight_decay"]

        study = make_study(trials=64, effect=effect)
        some = np.where(np.arange(128) % 2 == 0, 0.3, np.nan)
        study["hp_dropout"] = ("trial", some, study["hp_weight_decay"].attrs)
        finding = importance(study)
        figure = importance_plot(finding.numbers)
        titles = [" ".join(axes.get_title("left").split()) for axes in figure.axes]
        parts = [part for part in finding.numbers["parts"] if part["arm"] == ADAM]
        assert titles[titles.index(ADAM) + 1 :] == [f"{ADAM}, {part['part']}" for part in parts]
        assert any("in the region of the better" in title for title in titles)
        drawn = texts(svg(figure, tmp_path))
        assert "left out: 32 of 64 trials have it" in drawn
        assert "dropout" in drawn

    def test_an_arm_of_which_nothing_can_be_told(self, tmp_path):
        for settings in ({}, {"searched": []}):
            _, figure = self.plot(**settings)
            assert "too little is predicted" in texts(svg(figure, tmp_path))


class TestBestOfPlot:
    def test_a_box_for_each_budget_of_each_arm(self):
        study = make_study(trials=12)
        arms = best_of(study)
        figure = best_of_plot(study, arms)
        boxes, curves = figure.axes
        labels = [label.get_text() for label in curves.get_xticklabels()]
        assert labels == ["1", "2", "4", "8", "12"]
        medians = {line.get_ydata()[0] for line in boxes.lines if len(set(line.get_ydata())) == 1}
        assert {budget.quantiles[2] for arm in arms for budget in arm.budgets} <= medians
        assert legend(figure)[0] == (
            f"{NESTEROV}: twice as many would gain {arms[0].next_doubling:.2g}"
        )

    @pytest.mark.parametrize("mode", ["min", "max"])
    def test_the_curve_with_its_band_which_is_open_where_no_trial_bounds_it(self, mode):
        study = make_study(trials=12, arms=["all trials"], mode=mode)
        study["objective"].attrs |= {"valid_min": 0.0, "valid_max": 1.0}
        (arm,) = best_of(study)
        figure = best_of_plot(study, [arm])
        _, axes = figure.axes
        low, high, median = (line.get_ydata() for line in axes.lines)
        assert median.tolist() == list(arm.curve.median)
        better, is_open = (
            (low, arm.curve.low_open) if mode == "min" else (high, arm.curve.high_open)
        )
        assert np.isnan(better).tolist() == list(is_open)
        assert is_open[-1]
        # What the metric can be at the best is far away, and does not stretch the axis.
        bottom, top = axes.get_ylim()
        assert 0.0 < bottom < top < 1.0
        edges = axes.collections[0].get_paths()[0].vertices[:, 1]
        assert (edges.min(), edges.max()) >= (bottom, bottom)
        assert any("an edge without a line is open" in text for text in legend(figure))

    def test_no_box_where_none_of_the_drawn_may_be_feasible(self, tmp_path):
        study = make_study(trials=4, reason=lambda *_: "diverged")
        svg(best_of_plot(study, best_of(study)), tmp_path)


class TestGradientNormPlot:
    def test_norms_and_their_histogram_with_the_threshold(self):
        study = make_study(spikes=lambda arm, at: 30.0 * (at == 0.5) * (arm == ADAM))
        numbers = gradient_norms(study).numbers
        figure = gradient_norm_plot(study, numbers)
        above, below = figure.axes
        mean, largest, threshold = above.lines[:3]
        best = ranked(study, NESTEROV)[0]
        assert mean.get_ydata() == pytest.approx(study["grad_norm"].values[best])
        assert largest.get_ydata() == pytest.approx(study["grad_norm_max"].values[best])
        steps = [patch for patch in below.patches if isinstance(patch, StepPatch)]
        assert [patch.get_data().values.sum() for patch in steps] == pytest.approx([1, 1])
        proposed = [row["proposed_clip_norm"] for row in numbers["arms"]]
        assert threshold.get_ydata()[0] == proposed[0]
        assert [line.get_xdata()[0] for line in below.lines] == proposed

    def test_the_percentile_where_no_threshold_is_proposed(self, tmp_path):
        study = make_study()
        figure = gradient_norm_plot(study, {})
        thresholds = [line.get_xdata()[0] for line in figure.axes[1].lines]
        assert thresholds == [study["grad_norm_p90"].values[i] for i in best_trials(study).values()]
        assert "clip at" not in texts(svg(figure, tmp_path))

    def test_norms_of_single_steps_are_a_line(self):
        study = make_study().drop_vars("grad_norm_max")
        above, _ = gradient_norm_plot(study, gradient_norms(study).numbers).axes
        norms = [line for line in above.lines if len(line.get_xdata()) == 20]
        assert [line.get_label() for line in norms] == [
            f"{arm}: {trial_id(study, trial)}" for arm, trial in best_trials(study).items()
        ]

    def test_no_feasible_trial_and_none_logged(self, tmp_path):
        study = make_study(trials=2)
        unlogged = study.drop_vars(["grad_norm", "grad_norm_max", "grad_norm_p90"])
        empty = study.assign(grad_norm=study["grad_norm"] * np.nan)
        lost = make_study(trials=2, reason=lambda *_: "diverged")
        for each, said in (
            (lost, "no feasible trial"),
            (unlogged, "no gradient norm was logged"),
            (empty, "no gradient norm was logged"),
        ):
            content = svg(gradient_norm_plot(each, gradient_norms(each).numbers), tmp_path)
            assert said in texts(content)


def all_figures(arms=ARMS):
    study = make_study(arms=arms, trials=4, searched=[log_uniform("rate", 1e-3, 1.0, arms)])
    reruns = make_reruns(study, dict.fromkeys([*arms, "baseline"], FIVE))
    rows = trial_variance(study, reruns)
    return {
        "axis": axis_plot(study, read_searched(study)[0]),
        "curves": training_curves(study),
        "train_loss": train_loss_curves(study),
        "isolation": isolation_plot(study, isolation(study, reruns), rows[-1]),
        "reruns": rerun_plot(study, rows),
        "gradient_norms": gradient_norm_plot(study, gradient_norms(study).numbers),
        "best_of": best_of_plot(study, best_of(study)),
        "importance": importance_plot(importance(study).numbers),
    }


def test_the_same_study_gives_the_same_bytes(tmp_path):
    first, second = all_figures(), all_figures()
    for name, figure in first.items():
        content = svg(figure, tmp_path)
        assert content == svg(second[name], tmp_path)
        assert "<dc:date>" not in content
        assert [path.name for path in tmp_path.iterdir()] == ["figure.svg"]


def test_odd_names_are_shown_as_they_are(tmp_path):
    for name, figure in all_figures(ODD).items():
        content = svg(figure, tmp_path)
        assert "<script" not in content
        if name in ("axis", "isolation", "reruns"):  # name every arm
            shown = re.sub(r"\s+", "", texts(content))
            assert all(arm in shown for arm in ("$x$=1", "_hidden=3", "名前=4", "longlong", "…"))
            assert "<script>al" in shown


def test_odd_choices_and_labels(tmp_path):
    nuisances = [choice("activation", ODD, ARMS, condition="a=$b$ & <i>")]
    study = make_study(searched=nuisances)
    content = svg(axis_plot(study, read_searched(study)[0]), tmp_path)
    assert "<script" not in content
    assert "activation (a=$b$ & <i>)" in texts(content)


def test_the_users_settings_of_matplotlib_change_nothing(tmp_path):
    expected = svg(all_figures()["reruns"], tmp_path)
    with matplotlib.rc_context({"text.usetex": True, "font.size": 30, "svg.hashsalt": "mine"}):
        assert svg(all_figures()["reruns"], tmp_path) == expected
    assert matplotlib.rcParams["svg.hashsalt"] is None


def test_arms_look_different():
    names = [str(place) for place in range(len(COLOURS) * len(MARKERS))]
    assert len(set(looks(names).values())) == len(names)


def test_clean_and_wrapped():
    assert clean("a\n\tb\x00c") == "a b c"
    assert clean("_a") == " _a"
    assert len(clean("x" * 100, 20)) == 20
    assert wrapped("", 10) == ""
    assert all(len(line) <= 10 for line in wrapped("y" * 100, 10).splitlines())
    assert len(wrapped("word " * 100, 10).splitlines()) <= 3


def test_every_point_of_an_axis_plot_says_which_trial_it_is(tmp_path):
    """The places of the report's own reading of the SVG, in per cent, against those drawn."""
    study = make_study(reason=lambda _, at: "lost" if at["weight_decay"] > 0.8 else "")
    (weight_decay, *_) = read_searched(study)
    save(axis_plot(study, weight_decay), tmp_path / "axis_weight_decay.svg")
    (figure,) = make_figures(
        {"axis_weight_decay": (tmp_path / "axis_weight_decay.svg").read_text()}, [weight_decay]
    )
    places = {
        trial: (float(x), float(y))
        for trial, x, y in (point.split(" ") for point in figure.points.split(";"))
    }
    assert places.keys() == set(study["trial"].to_numpy())
    data = study.set_index(trial="trial").sel(trial=list(places))
    x, y = np.array(list(places.values())).T
    feasible = np.isfinite(data["objective"].to_numpy())
    across = np.corrcoef(np.log(data["hp_weight_decay"]), x)[0, 1]
    up = np.corrcoef(data["objective"][feasible], y[feasible])[0, 1]
    assert (across, up) == (pytest.approx(1, abs=1e-4), pytest.approx(-1, abs=1e-4))
    nesterov, adam = ({*y[~feasible & (data["arm"] == arm).to_numpy()]} for arm in ARMS)
    assert (len(nesterov), len(adam)) == (1, 1)
    assert max(nesterov) < min(adam)  # measured from the top
