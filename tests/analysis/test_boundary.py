import json
import math
from dataclasses import replace

import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, ARMS, NESTEROV, choice, log_uniform, make_study, uniform
from tuning_playbook.analysis.boundary import boundary
from tuning_playbook.analysis.ranking import ranked
from tuning_playbook.analysis.sampling_scale import SamplingScale, sampling_scale
from tuning_playbook.dataset.searched import Searched

ALL = ["all trials"]


def rising(name: str, weight: float = 0.5, arm: str | None = None):
    """An objective that is the better the larger the hyperparameter."""
    return lambda in_arm, at: -weight * at[name] if arm in (None, in_arm) else 0.0


def rows(finding, name: str):
    return {
        row["arm"]: row
        for row in finding.numbers["hyperparameters"]
        if row["hyperparameter"] == name
    }


def test_names_the_hyperparameter_the_arm_the_edge_and_a_wider_range():
    study = make_study(effect=rising("learning_rate", arm=ADAM))
    finding = boundary(study)
    row = rows(finding, "learning_rate")[ADAM]
    assert finding.answer == "problem"
    assert (row["edge"], row["at_boundary"], row["condition"]) == ("high", True, ADAM)
    assert row["best_position"] > 0.8
    assert row["p_value"] <= 0.03
    assert row["proposed_range"] == [1e-5, 10.0]
    assert "learning_rate of optimizer=adam over [1e-05, 10]" in finding.advice
    assert finding.trials == (row["best_trial"],)
    assert not rows(finding, "learning_rate")[NESTEROV]["at_boundary"]
    assert not rows(finding, "weight_decay")[ADAM]["at_boundary"]
    json.dumps(finding.to_json(), allow_nan=False)


def test_low_edge():
    study = make_study(effect=lambda _arm, at: 0.5 * at["weight_decay"])
    finding = boundary(study)
    assert {arm: row["edge"] for arm, row in rows(finding, "weight_decay").items()} == {
        NESTEROV: "low",
        ADAM: "low",
    }
    assert rows(finding, "weight_decay")[ADAM]["proposed_range"] == [1e-8, 1e-2]


def test_the_scale_is_the_sampling_scale():
    """0.3 lies in the middle of [0.001, 100] in the logarithm, near its low edge in value."""
    searched = [log_uniform("learning_rate", 1e-3, 100.0, ALL)]
    study = make_study(
        arms=ALL, searched=searched, effect=lambda _arm, at: 4 * (at["learning_rate"] - 0.5) ** 2
    )
    assert boundary(study).answer == "ok"


def test_maximized_objective():
    study = make_study(mode="max", effect=rising("learning_rate", arm=ADAM))
    assert rows(boundary(study), "learning_rate")[ADAM]["edge"] == "high"


def test_one_minus_cannot_go_beyond_one():
    finding = boundary(make_study(effect=rising("one_minus_momentum", arm=NESTEROV)))
    row = rows(finding, "one_minus_momentum")[NESTEROV]
    assert finding.answer == "warning"
    assert (row["edge"], row["at_limit"], row["at_boundary"]) == ("high", True, False)
    assert row["proposed_range"] is None
    assert "no wider range exists" in finding.summary


@pytest.mark.parametrize(("low", "high", "sign"), [(0.0, 0.5, -1), (0.5, 1.0, 1)])
def test_beyond_the_ends_of_a_fraction_there_is_nothing(low, high, sign):
    searched = [uniform("label_smoothing", low, high, ALL)]
    study = make_study(
        arms=ALL, searched=searched, effect=lambda _arm, at: -0.5 * sign * at["label_smoothing"]
    )
    finding = boundary(study)
    assert finding.answer == "warning"
    assert "beyond it no value is valid, so no wider range exists" in finding.summary
    assert "over [" not in finding.advice


def test_declared_values_say_what_lies_beyond():
    """A rate in [0.1, 1] could be a fraction; declared without an upper limit it is none."""
    guessed = uniform("step_size", 0.1, 1.0, ALL)
    for item, answer in ((guessed, "warning"), (replace(guessed, lowest=0.0), "problem")):
        study = make_study(arms=ALL, searched=[item], effect=rising("step_size"))
        assert boundary(study).answer == answer
    ended = replace(log_uniform("learning_rate", 1e-4, 1.0, ALL), highest=1.0)
    study = make_study(arms=ALL, searched=[ended], effect=rising("learning_rate"))
    assert rows(boundary(study), "learning_rate")["all trials"]["at_limit"]


def best_at(position: float, trial: int = 0):
    """A study of a bowl in the learning rate, with one trial moved to a position and the best."""
    study = make_study(
        arms=ALL,
        searched=[log_uniform("learning_rate", 1e-4, 1.0, ALL)],
        effect=lambda _arm, at: 0.5 * (at["learning_rate"] - 0.5) ** 2,
        trial_noise=0.001,
    )
    study["hp_learning_rate"][trial] = 1e-4 * 1e4**position
    study["objective"][trial] = study["objective"].min() - 0.001
    return study


@pytest.mark.parametrize(("position", "edge"), [(0.001, "low"), (0.998, "high")])
def test_a_single_best_trial_on_the_very_edge_is_worth_a_look(position, edge):
    finding = boundary(best_at(position))
    row = rows(finding, "learning_rate")["all trials"]
    assert finding.answer == "warning"
    assert (row["edge"], row["on_the_very_edge"], row["at_boundary"]) == (edge, True, False)
    assert row["p_value_of_the_best"] <= 0.015
    assert f"lies on the very {edge} edge of learning_rate" in finding.summary
    assert finding.trials == (row["best_trial"],)


def test_the_best_of_even_trials_lies_near_an_edge_as_often_as_that_is_wide():
    """Two edges, each a hundredth away: so it is in two of a hundred studies."""
    finding = boundary(best_at(0.01))
    assert finding.answer == "ok"
    row = rows(finding, "learning_rate")["all trials"]
    assert row["p_value_of_the_best"] == pytest.approx(0.02, rel=0.1)


def test_the_last_point_of_a_grid_is_on_the_very_edge_by_design():
    study = best_at(1.0)
    finding = boundary(study)
    row = rows(finding, "learning_rate")["all trials"]
    assert row["p_value_of_the_best"] == pytest.approx(2 / 16)
    assert finding.answer == "ok"


def grid(loss, ends=(1e-5, 1.0)):
    """A study of one learning rate for each loss, evenly spaced in the logarithm."""
    values = tuple(float(value) for value in np.geomspace(*ends, len(loss)))
    searched = [listed("learning_rate", values)]
    study = make_study(arms=ALL, searched=searched, trials=len(loss))
    study["hp_learning_rate"][:] = np.array(values)
    study["objective"][:] = np.array(loss)
    return forget_choices(study, "learning_rate")


@pytest.mark.parametrize("loss", [[0.5, 0.4, 0.3, 0.2, 0.1], [0.9, 0.9, 0.7, 0.5, 0.3, 0.2, 0.1]])
def test_a_few_points_of_a_grid_in_order_are_enough(loss):
    finding = boundary(grid(loss, ends=(1e-4, 1e-3)))
    (row,) = finding.numbers["hyperparameters"]
    assert (finding.answer, row["edge"]) == ("problem", "high")
    assert row["proposed_range"] == [1e-4, 1e-2]


def test_four_points_cannot_tell_but_say_where_the_best_lies():
    finding = boundary(grid([0.4, 0.3, 0.2, 0.1]))
    assert finding.answer == "cannot tell"
    assert "The best trial of all trials lies at the end of learning_rate" in finding.summary


@pytest.mark.parametrize("best", [3, 4, 6])
def test_a_smooth_curve_that_turns_before_the_edge_has_its_best_inside(best):
    """As of 36 rates: the eight best ones cluster towards the low edge all the same."""
    loss = 0.2 + 0.0005 * (np.arange(36) - best) ** 2 + 1e-5 * np.sin(np.arange(36) ** 2)
    finding = boundary(grid(loss))
    (row,) = finding.numbers["hyperparameters"]
    assert finding.answer == "ok"
    assert row["turns_before_the_edge"]


def test_trials_that_diverge_above_the_best_leave_the_low_edge_to_be_asked_about():
    loss = [0.1, 0.12, 0.15, 0.2, 0.4, *[math.nan] * 7]
    finding = boundary(grid(loss))
    (row,) = finding.numbers["hyperparameters"]
    assert (finding.numbers["tests"], finding.answer, row["edge"]) == (1, "problem", "low")


def test_a_cliff_in_the_middle_is_no_edge():
    """Below it nothing has an effect, so that the best is anywhere in the lower half."""
    raised = []
    for seed in range(60):
        at_chance = make_study(
            seed=seed,
            arms=ALL,
            trials=32,
            searched=[log_uniform("learning_rate", 1e-4, 1.0, ALL)],
            effect=lambda _arm, at: 0.8 * (at["learning_rate"] > 0.5),
        )
        raised.append(boundary(at_chance).answer != "ok")
    assert np.mean(raised) <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 60)


def test_trials_at_chance_beyond_the_best_are_no_reason_to_widen():
    """They are feasible, and have gained nothing."""
    loss = [*np.linspace(0.8, 0.1, 17), 0.9, 0.9, 0.9]
    finding = boundary(grid(loss))
    (row,) = finding.numbers["hyperparameters"]
    assert finding.answer == "ok"
    assert row["limited_by_infeasible"]


def test_infeasible_trials_beyond_the_best_are_no_reason_to_widen():
    study = make_study(
        arms=ALL,
        searched=[log_uniform("learning_rate", 1e-4, 1.0, ALL)],
        trials=32,
        effect=rising("learning_rate"),
        reason=lambda _arm, at: "diverged" if at["learning_rate"] > 0.88 else "",
    )
    finding = boundary(study)
    row = rows(finding, "learning_rate")["all trials"]
    assert finding.answer == "ok"
    assert row["limited_by_infeasible"]
    assert "trials beyond the best one, which broke down, end the good region" in finding.summary


def test_equally_good_trials_inside_the_range_speak_against_a_boundary():
    study = make_study(arms=ALL, trials=32, effect=rising("learning_rate"))
    assert boundary(study).answer == "problem"
    middle = np.argmin(
        np.abs(np.log(study["hp_learning_rate"].values) - math.log(0.01))  # of [1e-4, 1]
    )
    study["objective"][middle] = study["objective"].min()
    assert boundary(study).answer == "ok"


def test_a_choice_has_no_boundary():
    searched = [choice("activation", ["relu", "tanh"], ALL)]
    finding = boundary(make_study(arms=ALL, searched=searched))
    assert finding.answer == "cannot tell"
    assert finding.numbers["hyperparameters"] == []


def test_nothing_searched():
    assert boundary(make_study(arms=ALL, searched=[])).answer == "ok"


@pytest.mark.parametrize("trials", [1, 2, 5])
def test_too_few_trials_cannot_tell(trials):
    finding = boundary(make_study(trials=trials, effect=rising("learning_rate")))
    assert finding.answer == "cannot tell"
    assert all(row["p_value"] is None for row in finding.numbers["hyperparameters"])
    json.dumps(finding.to_json(), allow_nan=False)


def test_an_arm_without_feasible_trials_is_left_out():
    study = make_study(reason=lambda arm, _at: "diverged" if arm == ADAM else "")
    assert {row["arm"] for row in boundary(study).numbers["hyperparameters"]} == {NESTEROV}
    nothing = make_study(reason=lambda *_: "diverged")
    assert boundary(nothing).answer == "cannot tell"


def test_all_objectives_equal():
    study = make_study()
    study["objective"][:] = 0.1
    assert boundary(study).answer == "ok"


def listed(name: str, values) -> Searched:
    return Searched(
        name, "", tuple(ALL), "nuisance", "list", math.nan, math.nan, "linear", tuple(values)
    )


def forget_choices(study, name: str):
    """As study.nc describes a list: the values are those that ran."""
    study[f"hp_{name}"].attrs["choices"] = "[]"
    return study


def test_a_list_of_numbers_has_ends():
    searched = [listed("learning_rate", (1e-4, 1e-3, 1e-2, 1e-1, 1.0))]
    study = make_study(arms=ALL, searched=searched, trials=20, effect=rising("learning_rate"))
    finding = boundary(forget_choices(study, "learning_rate"))
    assert finding.answer == "problem"
    assert rows(finding, "learning_rate")["all trials"]["proposed_range"] == [1e-4, 100.0]


@pytest.mark.parametrize("values", [(1e-4, 1e-3), ("relu", "tanh", "gelu"), (True, False)])
def test_a_list_without_an_order_has_no_boundary(values):
    study = make_study(arms=ALL, searched=[listed("thing", values)], effect=rising("thing"))
    finding = boundary(forget_choices(study, "thing"))
    assert finding.numbers["hyperparameters"] == []


def test_trials_in_which_it_does_not_exist_are_left_out():
    study = make_study(arms=ALL, trials=20, effect=rising("learning_rate"))
    study["hp_learning_rate"][ranked(study)[:2]] = math.nan
    row = rows(boundary(study), "learning_rate")["all trials"]
    assert row["feasible"] == 18
    assert row["at_boundary"]


def test_many_arms_do_not_hide_a_boundary():
    arms = [f"width={width}" for width in range(80)]
    study = make_study(arms=arms, effect=rising("learning_rate", arm=arms[7]))
    finding = boundary(study)
    assert finding.numbers["tests"] == 320
    assert [row["arm"] for row in finding.numbers["hyperparameters"] if row["at_boundary"]] == [
        arms[7]
    ]


def test_the_finding_does_not_depend_on_the_order_of_the_trials():
    study = make_study(effect=rising("learning_rate", weight=0.1))
    shuffled = study.isel(trial=np.random.default_rng(1).permutation(study.sizes["trial"]))
    assert boundary(shuffled).summary == boundary(study).summary


def scale_of(name, distribution, low, high):
    scale = "log" if distribution.startswith("log") else "linear"
    searched = Searched(name, "", ARMS, "nuisance", distribution, low, high, scale)
    found = sampling_scale(make_study(trials=1), searched)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "distribution", "low", "high", "edge", "wider"),
    [
        ("learning_rate", "log_uniform", 1e-3, 1e-1, "high", (1e-3, 1.0)),
        ("learning_rate", "log_uniform", 1e-6, 1e-0, "low", (1e-9, 1e-0)),
        ("dropout_rate", "uniform", 0.0, 0.5, "low", None),
        ("dropout_rate", "uniform", 0.0, 0.5, "high", (0.0, 0.75)),
        ("dropout_rate", "uniform", 0.0, 0.9, "high", (0.0, 0.95)),
        ("dropout_rate", "uniform", 0.4, 0.6, "low", (0.3, 0.6)),
        ("scale", "uniform", -1.0, 1.0, "low", (-2.0, 1.0)),
        ("scale", "uniform", 1.0, 3.0, "low", (0.5, 3.0)),
        ("one_minus_momentum", "log_uniform", 1e-3, 0.5, "high", (1e-3, 0.75)),
        ("layers", "int_uniform", 1, 9, "low", None),
        ("layers", "int_uniform", 2, 9, "low", (1.0, 9)),
        ("layers", "int_uniform", 1, 9, "high", (1, 13.0)),
        ("width", "log_int_uniform", 16, 1024, "high", (16, 10240.0)),
    ],
)
def test_widened(name, distribution, low, high, edge, wider):
    assert scale_of(name, distribution, low, high).widened(edge) == wider


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ((1e-5, 1.6e-5, 2.5e-5, 4e-5), True),
        ((16, 32, 64), True),
        ((0.1, 0.2, 0.3), False),
        (tuple(range(1, 11)), False),
        ((0.0, 1.0, 10.0), False),
    ],
)
def test_a_list_has_the_scale_in_which_its_steps_are_alike(values, log):
    found = sampling_scale(make_study(arms=ALL, trials=1), listed("thing", values))
    assert found is not None
    assert (found.low, found.high, found.log) == (min(values), max(values), log)


def test_position():
    logarithmic = SamplingScale(1e-4, 1.0, log=True, integer=False)
    assert logarithmic.position(np.array([1e-4, 1e-2, 1.0])) == pytest.approx([0, 0.5, 1])
    linear = SamplingScale(-1.0, 3.0, log=False, integer=False)
    assert linear.position(np.array([-1.0, 0.0])) == pytest.approx([0, 0.25])


def test_a_uniform_range_is_judged_too():
    searched = [uniform("dropout_rate", 0.0, 0.5, ALL)]
    study = make_study(arms=ALL, searched=searched, effect=rising("dropout_rate"))
    row = rows(boundary(study), "dropout_rate")["all trials"]
    assert row["proposed_range"] == [0.0, 0.75]


def test_a_study_in_which_every_trial_breaks_down_is_judged_by_all_of_them():
    finding = boundary(make_study(level=0.95))
    assert finding.answer in ("ok", "warning")
