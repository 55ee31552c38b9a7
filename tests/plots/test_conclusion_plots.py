"""The plots of conclusions: what is marked in them, on simulated procedures, odd ones included."""

import functools
import re

import numpy as np
import pytest

from tests.procedures import fitting
from tests.procedures.simulated import falling_curvature, quadratic, run
from tuning_playbook.plots.conclusion_plots import PLOTS, conclusion_plot
from tuning_playbook.plots.style import VERMILION, lay_out, look
from tuning_playbook.procedures.conclude import conclusion_dataset
from tuning_playbook.procedures.procedure_history import Conclusion, History
from tuning_playbook.procedures.recipes import RECIPES
from tuning_playbook.study.longer_training_settings import LongerTrainingSettings
from tuning_playbook.study.procedure_settings import (
    ClippingSettings,
    ExploitSettings,
    StabilitySettings,
    StepsToFitSettings,
    WarmupSettings,
)

CURVATURES = 10 * np.array([1.0, 0.3, 0.1])
SETTINGS = {
    "stability": StabilitySettings(name="stability"),
    "warmup": WarmupSettings(name="warmup", unstable_rate=0.2),
    "clipping": ClippingSettings(name="clipping", unstable_rate=0.3),
    "longer_training": LongerTrainingSettings(name="longer_training", trials=4),
    "steps_to_fit": StepsToFitSettings(name="steps_to_fit"),
    "exploit": ExploitSettings(name="exploit"),
}
SEARCHED = {
    "nuisance": {"learning_rate": {"log_uniform": [1e-4, 10.0]}},
    "search": {"algorithm": "halton", "trials": 12},
}
CHANGES = {"steps_to_fit": fitting.spec(), "exploit": SEARCHED}


def conclude(name, train, settings=None, **fixed):
    document = {
        "goal": "What comes of it?",
        "workload": "quadratic",
        "objective": {"metric": "validation/loss", "mode": "min"},
        "training": {"max_train_steps": 400, "batch_size": 64, "eval_every": 50},
        "fixed": {"optimizer": "sgd", **fixed},
    }
    conclusion, history = run(document | CHANGES.get(name, {}), settings or SETTINGS[name], train)
    return conclusion, conclusion_dataset(history, conclusion)


FOUND = {
    "stability": quadratic(CURVATURES),
    "warmup": falling_curvature(10.0, 2, noise=1e-3),
    "clipping": quadratic(CURVATURES, noise=1e-2),
    "longer_training": quadratic(CURVATURES),
    "steps_to_fit": fitting.trials(lambda rate: 300 + 150 * abs(np.log(rate)), breaks_above=2.0),
    "exploit": quadratic(CURVATURES),
}


def lost(values, training, rerun=0):
    return quadratic([1e9, 1e9])(values, training, rerun=rerun)


def test_every_procedure_has_the_plots_that_its_recipe_names():
    assert {name: set(plots) for name, plots in PLOTS.items()} == {
        name: set(recipe.plots) for name, recipe in RECIPES.items()
    }


@pytest.mark.parametrize("train", ["found", "nothing feasible"])
@pytest.mark.parametrize("name", SETTINGS)
def test_every_plot_is_drawn_whatever_came_of_the_trials(name, train):
    _, dataset = conclude(name, FOUND[name] if train == "found" else lost)
    for plot in PLOTS[name]:
        figure = conclusion_plot(dataset, plot)
        with look():
            lay_out(figure)
        assert figure.axes


def labels(figure):
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def test_the_unstable_rate_and_the_best_are_marked():
    conclusion, dataset = conclude("stability", FOUND["stability"])
    unstable = conclusion.values["unstable_rate"]
    named = labels(conclusion_plot(dataset, "rates"))
    assert f"unstable from {unstable:.3g}" in named
    assert f"best rate {dataset.attrs['best_rate']:.3g}" in named


def test_the_warmups_stand_beside_none_with_the_steps_in_the_logarithm():
    _, dataset = conclude("warmup", FOUND["warmup"])
    figure = conclusion_plot(dataset, "warmups")
    assert figure.axes[0].get_xscale() == "log"
    assert {"no warmup", "1 step of warmup", "40 steps of warmup"} <= set(labels(figure))


def test_the_histogram_of_the_norms_shows_the_first_threshold():
    _, dataset = conclude("clipping", FOUND["clipping"])
    first = dataset.attrs["first_clip_norm"]
    assert f"first threshold {first:.3g}" in labels(conclusion_plot(dataset, "norms"))


def test_one_line_is_thick_the_one_of_an_unstable_rate_five_to_ten_times_the_best():
    _, dataset = conclude("stability", FOUND["stability"])
    figure = conclusion_plot(dataset, "training")
    lines = [line for line in figure.axes[0].lines if not line.get_label().startswith("_")]
    thickest = max(lines, key=lambda line: line.get_linewidth())
    assert sum(line.get_linewidth() == thickest.get_linewidth() for line in lines) == 1
    times = float(re.search(r"\((.*) x best\)", thickest.get_label()).group(1))
    others = [float(re.search(r"\((.*) x best\)", line.get_label()).group(1)) for line in lines]
    unstable = [
        other for other, line in zip(others, lines, strict=True) if line.get_color() == VERMILION
    ]
    assert times == min(unstable, key=lambda other: abs(np.log(np.clip(other, 5, 10) / other)))
    assert figure.axes[0].get_title(loc="left").startswith(f"Thick: {times:g} x the best")
    assert figure.axes[0].get_yscale() == "linear"


def test_the_thick_line_is_there_however_many_rates_are_left_out():
    rates = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9, 10, 20]
    settings = StabilitySettings(name="stability", rates=rates)
    _, dataset = conclude("stability", FOUND["stability"], settings=settings, learning_rate=0.05)
    figure = conclusion_plot(dataset, "training")
    lines = [line for line in figure.axes[0].lines if not line.get_label().startswith("_")]
    assert len(lines) == 6
    (thick,) = (line for line in lines if line.get_linewidth() > 2)
    times = float(re.search(r"\((.*) x best\)", thick.get_label()).group(1))
    assert 5 <= times <= 10


def test_the_gradient_norms_stand_beside_the_norm_to_clip_at_and_one_that_is_too_low():
    with_outliers = functools.partial(quadratic([1.0, 0.8, 0.6, 0.4]), noise=0.1, outliers=0.1)
    conclusion, dataset = conclude("clipping", with_outliers, learning_rate=0.01)
    clip = conclusion.values["clip_norm"]
    aggressive = dataset.attrs["aggressive_clip_norm"]
    figure = conclusion_plot(dataset, "gradients")
    named = labels(figure)
    assert f"clip norm {clip:.3g}" in named
    assert f"too aggressive: half of the steps lie above {aggressive:.3g}" in named
    good = int(np.flatnonzero(dataset["is_good"].values)[0])
    (line,) = (item for item in figure.axes[0].lines if ", stable" in str(item.get_label()))
    known = np.isfinite(dataset["grad_norm"].values[good])
    assert line.get_ydata() == pytest.approx(dataset["grad_norm"].values[good][known])
    # Half of the steps of the stable trial have a larger norm.
    counts, low = dataset["norm_count"].values[good], dataset["norm_bin"].values
    bin_width = low[1] / low[0]
    above = counts[low >= aggressive].sum() / counts.sum()
    at_most = counts[low * bin_width >= aggressive].sum() / counts.sum()
    assert above <= 0.5 <= at_most


def test_each_trial_that_trained_longer_shows_its_place_at_both_lengths():
    conclusion, dataset = conclude("longer_training", FOUND["longer_training"])
    (axes,) = conclusion_plot(dataset, "ranks").axes
    assert {text.get_text() for text in axes.texts} == {"1 → 1", "2 → 2", "3 → 3", "4 → 4"}
    assert axes.get_xlabel() == "validation/loss at 400 steps"
    assert axes.get_title("left").startswith("Rank correlation 1.00")
    curves = conclusion_plot(dataset, "curves")
    assert labels(curves) == [f"number {place}, then {place}" for place in (1, 2, 3, 4)]
    assert len(curves.axes[0].lines) == 8
    assert conclusion.values["max_train_steps"] == 2000


def test_the_steps_to_fit_are_shown_with_what_does_not_fit_and_the_answer():
    _, dataset = conclude("steps_to_fit", FOUND["steps_to_fit"])
    named = set(labels(conclusion_plot(dataset, "steps")))
    assert {"does not fit in 400 steps", "fits, trained for 400 steps", "infeasible"} <= named
    assert f"every seed fits: {dataset.attrs['found_steps']:,.0f} steps" in named
    fastest = f"1, fits after {dataset.attrs['found_steps']:,.0f} steps"
    assert fastest in labels(conclusion_plot(dataset, "losses"))


def test_the_searches_of_exploitation_stand_side_by_side_with_the_narrowed_range():
    conclusion, dataset = conclude("exploit", FOUND["exploit"])
    progress = conclusion_plot(dataset, "progress")
    assert set(labels(progress)) == {"exploration", "exploitation", "best so far", "infeasible"}
    figure = conclusion_plot(dataset, "space")
    assert {"exploration", "exploitation", "narrowed range", "chosen"} <= set(labels(figure))
    assert figure.axes[0].get_xlabel() == "learning_rate"
    low, high = (dataset.attrs[f"exploited_{end}_learning_rate"] for end in ("low", "high"))
    assert 1e-4 <= low < conclusion.values["learning_rate"] < high <= 10.0


def test_of_steps_to_a_target_fewer_are_better_whatever_the_mode():
    history = History(
        {
            "objective": {"metric": "validation/accuracy", "mode": "max", "target": 0.9},
            "training": {"max_train_steps": 10, "eval_every": 5},
        },
        SETTINGS["stability"],
    )
    dataset = conclusion_dataset(history, Conclusion("stable", {}, "", "", {}))
    assert dataset.attrs["mode"] == "min"
    assert dataset.attrs["objective"] == "steps to validation/accuracy 0.9"
