import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, NESTEROV, choice, log_uniform, make_study
from tuning_playbook.analysis.boundary import boundary
from tuning_playbook.analysis.learning_rate_edge import (
    clustering_below,
    learning_rate_edge,
    stability_edge,
)
from tuning_playbook.analysis.ranking import best_trial, trial_id


def best_at_the_top(arm, at):
    return -0.3 * at["learning_rate"] if arm == ADAM else 0.0


def breaks_down(arm, at):
    return "loss is not finite" if at["learning_rate"] > 0.75 else ""


def too_far(arm, at):
    """Above an effective rate of 10: both are searched over three decades."""
    if arm == ADAM:
        return ""
    return "loss is not finite" if at["learning_rate"] - at["one_minus_momentum"] > 1 / 3 else ""


def rows(finding):
    return {row["arm"]: row for row in finding.numbers["arms"]}


def test_the_arm_the_edge_and_what_is_above_it():
    study = make_study(level=0.5, effect=best_at_the_top, reason=breaks_down)
    finding = learning_rate_edge(study)
    row = rows(finding)[ADAM]
    best = best_trial(study, ADAM)
    rates = study["hp_learning_rate"].values
    feasible = np.isfinite(study["objective"].values) & (study["arm"].values == ADAM)
    assert finding.answer == "warning"
    assert finding.trials == (trial_id(study, best),)
    assert (row["best"], row["edge"]) == (rates[best], rates[feasible].max())
    assert (row["above"], row["unstable_above"]) == (4, 4)
    assert not rows(finding)[NESTEROV]["at_the_edge"]
    assert "warmup" in finding.advice


def test_where_the_momentum_varies_the_edge_is_one_of_the_effective_rate():
    """Stability depends on rate / (1 - momentum): the rate alone does not part the trials."""
    study = make_study(trials=24, reason=too_far)
    study["hp_momentum"] = 1.0 - study["hp_one_minus_momentum"]
    row = rows(learning_rate_edge(study))[NESTEROV]
    effective = (study["hp_learning_rate"] / study["hp_one_minus_momentum"]).values
    nesterov = study["arm"].values == NESTEROV
    stable = nesterov & np.isfinite(study["objective"].values)
    assert row["rate"] == "learning_rate / (1 - momentum)"
    assert row["edge"] == pytest.approx(effective[stable].max())
    assert row["above"] == row["unstable_above"] == (nesterov & ~stable).sum()
    assert "learning_rate / (1 - momentum) = " in learning_rate_edge(study).summary
    # Where the rate alone parts them as well, nothing else is named.
    plain = make_study(reason=lambda arm, at: breaks_down(arm, at) if arm == NESTEROV else "")
    plain["hp_momentum"] = 1.0 - plain["hp_one_minus_momentum"]
    assert rows(learning_rate_edge(plain))[NESTEROV]["rate"] == "learning_rate"


def test_without_a_breakdown_there_is_no_edge():
    finding = learning_rate_edge(make_study(level=0.5, effect=best_at_the_top))
    assert finding.answer == "ok"
    assert rows(finding)[ADAM]["p_value"] is None


def test_a_trial_that_gains_nothing_breaks_down_though_it_is_finite():
    def effect(arm, at):
        lost = at["learning_rate"] > 0.75
        return 0.38 if lost else best_at_the_top(arm, at)

    assert learning_rate_edge(make_study(level=0.5, effect=effect)).answer == "warning"


def test_an_optimum_well_below_the_breakdown():
    def effect(_arm, at):
        return (at["learning_rate"] - 0.35) ** 2

    study = make_study(level=0.3, effect=effect, reason=breaks_down)
    assert learning_rate_edge(study).answer == "ok"


@pytest.mark.parametrize("searched", [[], [choice("learning_rate", [0.1, 0.2], [ADAM])]])
def test_a_learning_rate_that_has_no_order_or_was_not_searched(searched):
    finding = learning_rate_edge(make_study(searched=searched))
    assert finding.answer == "cannot tell"


def test_the_edge_of_stability_lies_below_most_that_break_down():
    positions = np.array([0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95])
    unstable = np.array([False, False, False, True, True, False, True])
    assert stability_edge(positions, unstable) == 0.5  # a lucky one among those beyond
    two_above_a_lucky_one = np.array([False, False, False, True, False, True, True])
    assert stability_edge(positions, two_above_a_lucky_one) == 0.5
    one_lost_far_below = np.array([True, False, False, False, False, True, True])
    assert stability_edge(positions, one_lost_far_below) == 0.8
    assert stability_edge(positions, np.zeros(7, dtype=bool)) == 0.95
    assert stability_edge(positions, np.ones(7, dtype=bool)) == -np.inf


def test_the_best_right_below_an_edge_cluster_there():
    ranks = np.arange(12.0)
    assert clustering_below(0.75, np.linspace(0.75, 0.0, 12), ranks) < 0.01
    assert clustering_below(0.75, np.linspace(0.0, 0.75, 12), ranks) == 1.0


def test_a_best_trial_beyond_the_edge_is_said():
    """It collapsed later; its objective is from before."""
    arms = ("a=1", "a=2")
    study = make_study(
        arms=arms,
        searched=[log_uniform("learning_rate", 1e-4, 1, arms)],
        effect=lambda _arm, at: 0.05 * (1 - at["learning_rate"]),
        trial_noise=0.001,
    )
    high = study["hp_learning_rate"].values > 0.1
    study["error_rate"].values[high, 11:] += 0.6
    study["collapse_step"].values[high] = 1100
    validation = study["error_rate"].sel(split="validation").values
    study["objective"][:] = validation.min(axis=1)
    study["best_step"][:] = study["eval_step"].values[validation.argmin(axis=1)]
    finding = learning_rate_edge(study)
    assert finding.answer == "warning"
    assert all(row["beyond"] for row in finding.numbers["arms"])
    assert "itself included" in finding.summary
    assert boundary(study).answer != "problem"
