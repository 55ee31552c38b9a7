"""Every plot of odd studies: texts can be read, marks are seen, and nothing else is named."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.analysis.synthetic import ARMS, choice, log_uniform, make_reruns, make_study, uniform
from tests.plots.reading import overlaps
from tuning_playbook.analysis.best_of import best_of
from tuning_playbook.analysis.gradient_norms import gradient_norms
from tuning_playbook.analysis.importance import importance
from tuning_playbook.analysis.isolation import isolation
from tuning_playbook.analysis.sampled_values import sampled_values
from tuning_playbook.analysis.variance import trial_variance
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.plots.axis_plot import axis_plot
from tuning_playbook.plots.best_of_plot import best_of_plot
from tuning_playbook.plots.gradient_norm_plot import gradient_norm_plot
from tuning_playbook.plots.importance_plot import importance_plot
from tuning_playbook.plots.isolation_plot import isolation_plot
from tuning_playbook.plots.rerun_plot import rerun_plot
from tuning_playbook.plots.training_curves import train_loss_curves, training_curves
from tuning_playbook.plots.value_curve_plot import value_curve_plot

ONE = ("all trials",)
MANY = [f"optimizer=adam_number_{number}, depth={number}" for number in range(24)]
LONG = [
    f"optimizer=a_very_long_name_{number}, activation=gelu_with_tanh_{number}" for number in "ab"
]
WIDE = [f"WWWWWWWWWWWWWWWWWWWW={number}.{'0' * 9}1" for number in range(5)]


def changed(study, change):
    """The study with other values of its metric."""
    study["error_rate"][:] = change(study["error_rate"].values)
    study["objective"][:] = change(study["objective"].values)
    return study


def listed(name, values, arms=ONE):
    return replace(choice(name, values, arms), distribution="list")


STUDIES = {
    "two arms": lambda: make_study(trials=6),
    "24 arms": lambda: make_study(
        arms=MANY, trials=2, searched=[log_uniform("rate", 1e-3, 1.0, MANY)]
    ),
    "one trial": lambda: make_study(arms=ONE, trials=1),
    "all infeasible": lambda: make_study(trials=3, reason=lambda *_: "diverged"),
    "long names": lambda: make_study(
        arms=LONG, trials=4, searched=[choice("a" * 50, [*LONG, "relu", "tanh", "selu"], LONG)]
    ),
    "wide names with long numbers": lambda: make_study(
        arms=WIDE, trials=2, searched=[log_uniform("rate", 3e-4, 3.01e-4, WIDE)]
    ),
    "twelve decades": lambda: changed(
        make_study(arms=ONE, trials=8, searched=[log_uniform("rate", 1e-9, 1e3, ONE)]),
        lambda error: 10 ** (14 * error - 13),
    ),
    "negative values": lambda: changed(
        make_study(arms=ONE, trials=8, searched=[uniform("shift", -3e-7, 2e-7, ONE)]),
        lambda error: 1e-9 * (0.1 - error),
    ),
    "large negative values": lambda: changed(
        make_study(arms=ONE, trials=8, searched=[uniform("shift", -3e6, 2.0, ONE)]),
        lambda error: -1234567.0 * error,
    ),
    "almost equal values": lambda: changed(
        make_study(
            arms=ONE,
            trials=4,
            searched=[uniform("rate", 1.0, 1.0000001, ONE), choice("name", [*"abc"], ONE)],
        ),
        lambda error: 1000 + 1e-6 * error,
    ),
    "equal values": lambda: changed(make_study(arms=ONE, trials=4), lambda error: 0 * error + 0.3),
    "a sampled scientific range": lambda: make_study(
        arms=ONE,
        trials=30,
        searched=[
            replace(log_uniform("rate", 1e-9, 1e3, ONE), role="scientific"),
            replace(uniform("name_" * 20, 0.30000001, 0.30000009, ONE), role="scientific"),
        ],
        effect=lambda _arm, at: 0.1 * (at["rate"] - 0.5) ** 2,
    ),
    "zero in every trial": lambda: changed(make_study(trials=4), lambda error: 0 * error),
    "booleans, texts, numbers": lambda: make_study(
        arms=ONE,
        trials=12,
        searched=[
            choice("nesterov", [True, False], ONE),
            choice("version", ["1.1", "1.10", "none"], ONE),
            choice("dropout_rate", [0.0, 0.1, 0.3], ONE),
            choice("close", [3e-4, 0.00030000000001, 3.1e-4], ONE),
            listed("batch_size", [16, 32, 64, 128, 256, 512, 1024]),
            listed("many", list(range(40))),
            choice("names", [f"name_{number}" for number in range(20)], ONE),
        ],
    ),
}


def figures(study):
    """All plots of a study by name, the reruns and the baseline beside it."""
    feasible = set(study["arm"].values[np.isfinite(study["objective"].values)])
    scores = (0.1, 0.1, 0.11, 0.12)
    reruns = make_reruns(study, dict.fromkeys([*sorted(feasible), "baseline"], scores))
    variances = trial_variance(study, reruns)
    curves = sampled_values(study) if len(study.attrs["arms"]) == 1 else ()
    return {
        **{f"axis {item.label}": axis_plot(study, item) for item in read_searched(study)},
        "training curves": training_curves(study),
        "training loss": train_loss_curves(study),
        "isolation": isolation_plot(study, isolation(study, reruns), variances[-1]),
        "reruns": rerun_plot(study, variances),
        "gradient norms": gradient_norm_plot(study, gradient_norms(study).numbers),
        "best of": best_of_plot(study, best_of(study)),
        "importance": importance_plot(importance(study).numbers),
        **({"value curve": value_curve_plot(study, curves)} if curves else {}),
    }


@pytest.mark.parametrize("name", STUDIES)
def test_no_text_lies_over_another_or_beyond_the_edge(name):
    found = {plot: overlaps(figure) for plot, figure in figures(STUDIES[name]()).items()}
    assert {plot: texts for plot, texts in found.items() if texts} == {}


def test_texts_that_do_overlap_are_found():
    figure = figures(STUDIES["two arms"]())["reruns"]
    figure.axes[0].text(0.5, 0.5, "one", transform=figure.axes[0].transAxes)
    figure.axes[0].text(0.5, 0.5, "other", transform=figure.axes[0].transAxes)
    assert overlaps(figure) == [("one", "other")]


def test_no_number_is_broken_or_cut():
    """Every number at the end of a line is a whole one, and no arm loses its own."""
    (axes,) = figures(STUDIES["wide names with long numbers"]())["isolation"].axes
    for number, label in enumerate(axes.get_xticklabels()):
        assert label.get_text().splitlines()[-1].endswith(f"{number}.0000000001")


def test_ticks_with_different_values_have_different_labels():
    for name, make in STUDIES.items():
        for axes in training_curves(make()).axes:
            labels = [label.get_text() for label in axes.get_yticklabels()]
            assert len(set(labels)) == len(labels), name


def zero_study():
    return STUDIES["zero in every trial"]()


def test_a_metric_that_is_zero_everywhere_is_drawn_on_a_linear_axis():
    for name in ("training curves", "isolation", "best of"):
        (*_, axes) = figures(zero_study())[name].axes
        assert axes.get_yscale() == "linear"
        low, high = axes.get_ylim()
        assert low <= 0 < high


def drawn_at(figure):
    """The places of all trials' marks: [trial, (x, y)]."""
    (axes,) = figure.axes
    marks = [item for item in axes.collections if item.get_sizes().tolist() == [34.0]]
    return axes, np.concatenate([np.asarray(item.get_offsets()) for item in marks])


class TestListedNumbers:
    @pytest.mark.parametrize(
        ("values", "scale"),
        [
            ([0.0, 0.1, 0.3], "linear"),
            ([0.1, 0.5], "linear"),
            ([-1, 0, 5], "linear"),
            ([16, 32, 1024], "log"),
            ([0, 1e-6, 1e-4], "symlog"),
        ],
    )
    @pytest.mark.parametrize("make", [lambda *given: choice(*given, ONE), listed])
    def test_have_an_axis_of_numbers_with_a_tick_at_each(self, make, values, scale):
        study = make_study(arms=ONE, trials=12, searched=[make("width", values)])
        axes, marks = drawn_at(axis_plot(study, read_searched(study)[0]))
        assert axes.get_xscale() == scale
        assert axes.get_xticks() == pytest.approx(values)
        transform = axes.xaxis.get_transform()
        places = transform.transform(np.array(values, dtype=float))
        away = np.abs(transform.transform(marks[:, 0])[:, None] - places).min(axis=1)
        assert away.max() <= 0.25 * np.diff(places).min() + 1e-12

    def test_distances_follow_the_numbers(self):
        study = make_study(arms=ONE, trials=6, searched=[choice("width", [0.0, 0.1, 0.3], ONE)])
        (axes,) = axis_plot(study, read_searched(study)[0]).axes
        first, second, third = axes.transData.transform([(v, 0.1) for v in (0.0, 0.1, 0.3)])[:, 0]
        assert (third - second) / (second - first) == pytest.approx(2)

    def test_the_arms_of_a_listed_number_too(self):
        arms = [f"dropout_rate={value}" for value in (0.0, 0.1, 0.3)]
        study = make_study(arms=arms, trials=4)
        study.attrs["arm_settings"] = (
            '[{"dropout_rate": 0.0}, {"dropout_rate": 0.1}, {"dropout_rate": 0.3}]'
        )
        (axes,) = isolation_plot(study, isolation(study)).axes
        assert axes.get_xticks() == pytest.approx([0.0, 0.1, 0.3])
        assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "0.1", "0.3"]
        assert axes.get_xlabel() == "dropout_rate"

    @pytest.mark.parametrize(
        "values", [[True, False], ["1.1", "1.10"], [1, "auto"], [1.0, 1.0001, 9]]
    )
    def test_what_no_axis_of_numbers_can_show_has_places_in_a_row(self, values):
        study = make_study(arms=ONE, trials=6, searched=[choice("width", values, ONE)])
        (axes,) = axis_plot(study, read_searched(study)[0]).axes
        assert axes.get_xticks().tolist() == list(range(len(values)))
        assert [label.get_text() for label in axes.get_xticklabels()] == [str(v) for v in values]


class TestEqualPoints:
    def test_of_a_range_stand_side_by_side_and_the_plot_says_so(self):
        study = make_study(arms=ONE, trials=6, searched=[log_uniform("rate", 1e-3, 1.0, ONE)])
        study["hp_rate"][:] = [0.01, 0.01, 0.01, 0.1, 0.1, 0.5]
        study["objective"][:] = [0.2, 0.2, 0.2, 0.2, 0.3, 0.3]
        axes, marks = drawn_at(axis_plot(study, read_searched(study)[0]))
        assert len({(round(x, 9), round(y, 9)) for x, y in marks}) == 6
        pixels = axes.transData.transform(marks)
        left, middle, right = np.sort(pixels[:3, 0])
        assert middle - left == pytest.approx(right - middle)
        assert middle - left > 4
        assert marks[3:, 0] == pytest.approx([0.1, 0.1, 0.5])
        assert axes.get_xlabel() == "rate\n(equal points stand side by side)"

    def test_crosses_of_infeasible_trials_too(self):
        study = make_study(
            arms=ONE,
            trials=4,
            searched=[log_uniform("rate", 1e-3, 1.0, ONE)],
            reason=lambda *_: "diverged",
        )
        study["hp_rate"][:] = 0.01
        (axes,) = axis_plot(study, read_searched(study)[0]).axes
        (crosses,) = (item for item in axes.collections if item.get_sizes().tolist() == [40.0])
        assert len(np.unique(np.asarray(crosses.get_offsets())[:, 0])) == 4

    def test_of_a_listed_value_are_spread_and_the_plot_says_so(self):
        study = make_study(arms=ONE, trials=12, searched=[choice("width", ["a", "b"], ONE)])
        study["objective"][:] = 0.2
        axes, marks = drawn_at(axis_plot(study, read_searched(study)[0]))
        assert len(np.unique(marks[:, 0])) == 12
        assert axes.get_xlabel() == "width\n(trials of one value are spread sideways)"

    def test_without_any_nothing_is_moved_or_said(self):
        study = make_study(arms=ONE, trials=6, searched=[log_uniform("rate", 1e-3, 1.0, ONE)])
        axes, marks = drawn_at(axis_plot(study, read_searched(study)[0]))
        assert sorted(marks[:, 0]) == pytest.approx(sorted(study["hp_rate"].values))
        assert axes.get_xlabel() == "rate"


def legend(figure):
    return [text.get_text() for box in figure.legends for text in box.get_texts()]


class TestLegend:
    def test_no_reruns_are_named_where_there_are_none(self):
        study = make_study()
        assert legend(isolation_plot(study, isolation(study))) == [
            "best trial in the search",
            "best of another search, 90 % interval; open without an end",
        ]

    def test_no_arm_is_named_that_has_neither_box_nor_curve(self):
        study = make_study(trials=6, reason=lambda arm, _: "lost" if arm == ARMS[1] else "")
        entries = legend(best_of_plot(study, best_of(study)))
        assert entries[0].startswith(ARMS[0])
        assert not any(entry.startswith(ARMS[1]) for entry in entries)

    def test_no_curves_are_named_where_none_was_logged(self):
        study = make_study()
        study["train_loss"][:] = math.nan
        assert legend(train_loss_curves(study)) == []

    def test_no_other_trials_are_named_where_the_best_are_all(self):
        study = make_study(arms=ONE, trials=3)
        assert [entry[:2] for entry in legend(training_curves(study))] == ["1:", "2:", "3:"]

    def test_a_trial_without_a_curve_is_not_counted(self):
        study = make_study(
            arms=ONE, trials=6, reason=lambda _, at: "x" * (at["weight_decay"] > 0.5)
        )
        lost = np.flatnonzero(np.isnan(study["objective"].values))
        study["error_rate"][lost[0]] = math.nan
        assert f"infeasible trials ({len(lost) - 1})" in legend(training_curves(study))


def test_curves_evaluated_at_steps_of_their_own_are_joined():
    """A row of the table of evaluations of one trial is missing in those of the others."""
    study = make_study(arms=ONE, trials=5)
    curves = study["error_rate"].values
    for trial in range(5):
        curves[trial, np.arange(21) % 5 != trial] = math.nan
    *_, axes = training_curves(study).axes
    (thin,) = (item for item in axes.collections if item.get_label().startswith("feasible"))
    assert sorted(len(line) for line in thin.get_segments()) == [4, 4, 4, 4, 5]
    assert all(np.isfinite(line).all() for line in thin.get_segments())


def test_a_single_evaluation_of_each_trial_is_a_point():
    study = make_study(arms=ONE, trials=5)
    study["error_rate"][:, :20] = math.nan
    *_, axes = training_curves(study).axes
    dots = [line for line in axes.lines if line.get_marker() == "." and len(line.get_xdata()) == 5]
    assert len(dots) == 1
    assert sum(line.get_label()[:2] in ("1:", "2:", "3:") for line in axes.lines) == 3
