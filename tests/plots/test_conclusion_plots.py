"""The plots of conclusions: what is marked in them, on simulated procedures, odd ones included."""

import numpy as np
import pytest

from tests.procedures.simulated import falling_curvature, quadratic, run
from tuning_playbook.plots.conclusion_plots import PLOTS, conclusion_plot
from tuning_playbook.plots.style import lay_out, look
from tuning_playbook.procedures.conclude import conclusion_dataset
from tuning_playbook.procedures.procedure_history import Conclusion, History
from tuning_playbook.procedures.recipes import RECIPES
from tuning_playbook.study.procedure_settings import (
    ClippingSettings,
    StabilitySettings,
    WarmupSettings,
)

CURVATURES = 10 * np.array([1.0, 0.3, 0.1])
SETTINGS = {
    "stability": StabilitySettings(name="stability"),
    "warmup": WarmupSettings(name="warmup", unstable_rate=0.2),
    "clipping": ClippingSettings(name="clipping", unstable_rate=0.3),
}


def conclude(name, train, **fixed):
    document = {
        "goal": "What comes of it?",
        "workload": "quadratic",
        "objective": {"metric": "validation/loss", "mode": "min"},
        "training": {"max_train_steps": 400, "batch_size": 64, "eval_every": 50},
        "fixed": {"optimizer": "sgd", **fixed},
    }
    conclusion, history = run(document, SETTINGS[name], train)
    return conclusion, conclusion_dataset(history, conclusion)


FOUND = {
    "stability": quadratic(CURVATURES),
    "warmup": falling_curvature(10.0, 2, noise=1e-3),
    "clipping": quadratic(CURVATURES, noise=1e-2),
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
