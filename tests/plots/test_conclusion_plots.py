"""The plots of conclusions: what is marked in them, on simulated procedures, odd ones included."""

import numpy as np
import pytest

from tests.procedures import fitting
from tests.procedures.simulated import falling_curvature, quadratic, run
from tuning_playbook.plots.conclusion_plots import PLOTS, conclusion_plot
from tuning_playbook.plots.style import lay_out, look
from tuning_playbook.procedures.conclude import conclusion_dataset
from tuning_playbook.procedures.procedure_history import Conclusion, History
from tuning_playbook.procedures.recipes import RECIPES
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
    "steps_to_fit": StepsToFitSettings(name="steps_to_fit"),
    "exploit": ExploitSettings(name="exploit"),
}
SEARCHED = {
    "nuisance": {"learning_rate": {"log_uniform": [1e-4, 10.0]}},
    "search": {"algorithm": "halton", "trials": 12},
}
CHANGES = {"steps_to_fit": fitting.spec(), "exploit": SEARCHED}


def conclude(name, train, **fixed):
    document = {
        "goal": "What comes of it?",
        "workload": "quadratic",
        "objective": {"metric": "validation/loss", "mode": "min"},
        "training": {"max_train_steps": 400, "batch_size": 64, "eval_every": 50},
        "fixed": {"optimizer": "sgd", **fixed},
    }
    conclusion, history = run(document | CHANGES.get(name, {}), SETTINGS[name], train)
    return conclusion, conclusion_dataset(history, conclusion)


FOUND = {
    "stability": quadratic(CURVATURES),
    "warmup": falling_curvature(10.0, 2, noise=1e-3),
    "clipping": quadratic(CURVATURES, noise=1e-2),
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
