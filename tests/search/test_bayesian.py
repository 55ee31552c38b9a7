"""Proposals of a Bayesian search, on functions whose best point is known."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from tuning_playbook.search.bayesian import _even_out, _log_improvement, _Objective, propose
from tuning_playbook.search.halton import halton
from tuning_playbook.study.distributions import Distribution

SQUARE = {"x": Distribution("uniform", 0, 1), "y": Distribution("uniform", 0, 1)}


def initial(space, count, seed=0):
    points = halton(count, len(space), seed)
    columns = list(space.items())
    return [
        {name: item.value(u) for (name, item), u in zip(columns, point, strict=True)}
        for point in points
    ]


def search(space, loss, *, seed=0, rounds=3):
    """Ten quasi-random trials, then rounds of five proposals."""
    tried = initial(space, 10, seed)
    losses = [loss(values) for values in tried]
    for number in range(rounds):
        proposals = propose(space, tried, losses, count=5, seed=100 * seed + number)
        tried += proposals
        losses += [loss(values) for values in proposals]
    return tried, losses


def bowl(values):
    return (values["x"] - 0.3) ** 2 + 3 * (values["y"] - 0.8) ** 2


def behind_a_wall(values):
    """A bowl whose lowest point is infeasible, as is a quarter of the space."""
    return math.nan if values["x"] > 0.75 else (values["x"] - 0.8) ** 2 + (values["y"] - 0.4) ** 2


def test_a_smooth_function_is_minimised_far_better_than_by_as_many_points_of_a_grid():
    _, losses = search(SQUARE, bowl)
    assert min(losses) < 1e-3
    assert min(losses) < min(bowl(values) for values in initial(SQUARE, 100))


def test_infeasible_trials_keep_the_search_away_and_the_edge_is_still_found():
    _, losses = search(SQUARE, behind_a_wall)
    assert np.isnan(losses[10:]).sum() <= 5
    assert np.nanmin(losses) < 0.05**2 + 0.005


def test_losses_that_ignore_the_infeasible_would_go_on_trying_there():
    """What the two models are for: told of feasible trials alone, the search runs into the wall."""
    tried = initial(SQUARE, 16)
    losses = [behind_a_wall(values) for values in tried]
    known = [place for place, loss in enumerate(losses) if math.isfinite(loss)]
    ignoring = propose(
        SQUARE, [tried[n] for n in known], [losses[n] for n in known], count=5, seed=0
    )
    informed = propose(SQUARE, tried, losses, count=5, seed=0)
    assert sum(values["x"] > 0.75 for values in ignoring) >= 2
    assert sum(values["x"] > 0.75 for values in informed) <= 1


@pytest.mark.parametrize("losses", [[math.nan] * 6, [math.nan] * 5 + [1.0], [1.0] * 6])
def test_results_that_tell_little_still_give_different_proposals(losses):
    tried = initial(SQUARE, 6)
    proposals = propose(SQUARE, tried, losses, count=4, seed=0)
    assert len({tuple(values.values()) for values in [*tried, *proposals]}) == 10


def test_without_a_feasible_trial_the_search_goes_where_it_has_not_been():
    space = {"x": Distribution("uniform", 0, 1)}
    tried = [{"x": x} for x in (0.05, 0.1, 0.15, 0.2)]
    first, second = propose(space, tried, [math.nan] * 4, count=2, seed=0)
    assert first["x"] > 0.95
    assert 0.5 < second["x"] < 0.7


def test_the_same_results_and_seed_give_the_same_proposals_and_another_seed_others():
    tried = initial(SQUARE, 10)
    losses = [behind_a_wall(values) for values in tried]
    first = propose(SQUARE, tried, losses, count=3, seed=1)
    assert first == propose(SQUARE, tried, losses, count=3, seed=1)
    assert first != propose(SQUARE, tried, losses, count=3, seed=2)


def test_fewer_proposals_are_the_first_of_more():
    tried = initial(SQUARE, 8)
    losses = [bowl(values) for values in tried]
    more = propose(SQUARE, tried, losses, count=5, seed=0)
    assert propose(SQUARE, tried, losses, count=2, seed=0) == more[:2]


def test_only_the_order_of_the_worse_half_counts():
    tried = initial(SQUARE, 10)
    losses = [bowl(values) for values in tried]
    worst = int(np.argmax(losses))
    dreadful = [1e6 if place == worst else loss for place, loss in enumerate(losses)]
    assert propose(SQUARE, tried, losses, count=2, seed=0) == propose(
        SQUARE, tried, dreadful, count=2, seed=0
    )


def test_integers_and_choices_are_searched_until_none_is_left():
    space = {
        "width": Distribution("int_uniform", 1, 3),
        "name": Distribution("choice", choices=("a", "b", True)),
    }
    tried = [{"width": 1, "name": "a"}, {"width": 3, "name": True}]
    proposals = propose(space, tried, [0.5, 0.1], count=20, seed=0)
    everything = [*tried, *proposals]
    assert len(everything) == 9
    assert len({(values["width"], str(values["name"])) for values in everything}) == 9
    assert all(isinstance(values["width"], int) for values in proposals)


def test_mixed_spaces_are_searched_on_their_own_scales():
    space = {
        "rate": Distribution("log_uniform", 1e-5, 1.0),
        "depth": Distribution("log_int_uniform", 1, 64),
        "name": Distribution("choice", choices=("tanh", "relu", "gelu")),
    }

    def loss(values):
        penalty = {"tanh": 1.0, "relu": 0.0, "gelu": 0.5}[values["name"]]
        return (
            math.log10(values["rate"] / 1e-2) ** 2 + math.log2(values["depth"] / 8) ** 2 + penalty
        )

    tried, losses = search(space, loss)
    best = tried[int(np.argmin(losses))]
    assert best["name"] == "relu"
    assert min(losses) < 0.3


def test_one_value_of_each_loss_needs_no_spread():
    assert _even_out(np.array([2.0])).tolist() == [0.0]
    assert _even_out(np.array([2.0, 2.0, 2.0])).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("z", [-30.0, -5.0, -1.5, -1.0, -0.5, 0.0, 2.0, 8.0])
def test_the_improvement_is_the_integral_that_it_stands_for(z):
    integral, _ = quad(lambda gap: gap * math.exp(-gap * z * -1 - gap**2 / 2), 0, np.inf)
    # E max(z + e, 0) = phi(z) * integral of gap * exp(z gap - gap^2 / 2), e standard normal
    assert _log_improvement(np.array([z]))[0] == pytest.approx(
        norm.logpdf(z) + math.log(integral), abs=1e-6
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_proposals_from_noisy_trials_are_good_ones_and_keep_apart(seed):
    """Where results are uncertain, five trials of one configuration would tell little."""
    noise = 0.1 * np.random.default_rng(seed).normal(size=16)
    tried = initial(SQUARE, 16, seed)
    true = np.array([bowl(values) for values in tried])
    proposals = propose(SQUARE, tried, list(true + noise), count=5, seed=seed)
    places = np.array([list(values.values()) for values in proposals])
    gaps = np.linalg.norm(places[:, None] - places[None, :], axis=2)
    assert gaps[~np.eye(5, dtype=bool)].min() > 0.02
    assert max(bowl(values) for values in proposals) < np.median(true)


def test_the_improvement_on_noisy_trials_is_that_of_joint_draws():
    """Drawn at once are the objective at the trials, a proposal and the candidate."""
    random = np.random.default_rng(0)
    points = random.random((12, 2))
    losses = np.square(points - 0.4).sum(axis=1) + 0.1 * random.normal(size=12)
    objective = _Objective(points, (losses - losses.mean()) / losses.std(), 0)
    proposal, candidates = random.random((1, 2)), random.random((6, 2))
    objective.draw(np.vstack([points, proposal]))
    found = np.exp(objective.log_improvement(candidates, np.ones(13, bool)))

    everywhere = np.vstack([points, proposal, candidates])
    prior = objective._kernel(everywhere)
    gain = prior[:, :12] @ np.linalg.inv(prior[:12, :12] + objective._noise * np.eye(12))
    drawn = random.multivariate_normal(
        gain @ objective._losses, prior - gain @ prior[:12], size=100_000
    )
    best = drawn[:, :13].min(axis=1, keepdims=True)
    expected = np.maximum(best - drawn[:, 13:], 0.0).mean(axis=0)
    assert expected.max() > 0.15
    assert found == pytest.approx(expected, abs=0.015)  # 64 draws, of which each says its mean


DRAWN = {
    "optimizer": Distribution("choice", choices=("slow", "fast")),
    "rate of slow": Distribution("log_uniform", 1e-3, 1.0),
    "rate of fast": Distribution("log_uniform", 1e-6, 1e-3),
}


def with_its_choice(name, values):
    return name == "optimizer" or name.endswith(str(values["optimizer"]))


def test_a_choice_brings_what_exists_beside_it_and_the_better_one_gets_the_proposals():
    """Each choice has a best rate of its own; the worst of the one is better than the other's."""

    def loss(values):
        (rate,) = (value for name, value in values.items() if name.startswith("rate"))
        fast = values["optimizer"] == "fast"
        away = math.log10(rate) + (4.5 if fast else 1.0)
        return away**2 + (0.0 if fast else 10.0)

    tried = [
        {name: value for name, value in values.items() if with_its_choice(name, values)}
        for values in initial(DRAWN, 12)
    ]
    proposals = propose(
        DRAWN, tried, [loss(values) for values in tried], count=8, seed=0, exists=with_its_choice
    )
    assert all(
        values.keys() == {"optimizer", f"rate of {values['optimizer']}"} for values in proposals
    )
    assert sum(values["optimizer"] == "fast" for values in proposals) >= 7
    assert min(map(loss, proposals)) < min(map(loss, tried))
