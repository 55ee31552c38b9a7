"""A search whose hyperparameters explain nothing is told from one whose do."""

import numpy as np
import pytest
from scipy.stats import qmc

from tests.analysis.synthetic import ADAM, ARMS, NESTEROV, choice, make_study, uniform
from tuning_playbook.analysis.nothing_matters import nothing_matters
from tuning_playbook.analysis.surface_test import Sample, detectable_range, p_of_no_surface

ALL = ["all trials"]
STUDIES = 200
DEVIATION = 0.004
"""Of reruns: three of them are the range of each surface."""


def study_of(seed, surface=None, *, dimensions=2, trials=32):
    """A study whose objective is a surface, of a range of three deviations, and noise."""
    searched = [uniform(f"h{place}", 0.0, 1.0, ALL) for place in range(dimensions)]
    study = make_study(arms=ALL, trials=trials, searched=searched)
    random = np.random.default_rng(seed)
    places = qmc.Halton(dimensions, rng=random).random(trials)
    for place, column in enumerate(places.T):
        study[f"hp_h{place}"][:] = column
    values = random.normal(size=trials)
    if surface is not None:
        everywhere = surface(random.random((4000, dimensions)))
        values = values + 3 * surface(places) / np.ptp(everywhere)
    study["objective"][:] = 0.1 + DEVIATION * values
    return study


SURFACES = {
    "a slope in one of two": (lambda at: at[:, 0], 2),
    "a slope in one of four": (lambda at: at[:, 0], 4),
    "a bowl in one": (lambda at: (at[:, 0] - 0.5) ** 2, 1),
    "a bowl in one of two": (lambda at: (at[:, 0] - 0.5) ** 2, 2),
    "a bowl in one of four": (lambda at: (at[:, 0] - 0.5) ** 2, 4),
    "a cliff in one of two": (lambda at: 1.0 * (at[:, 0] > 0.7), 2),
}


@pytest.mark.parametrize("dimensions", [1, 2, 4])
def test_simulated_flat_surfaces_are_called_flat(dimensions):
    flat = [
        nothing_matters(study_of(seed, dimensions=dimensions)).answer == "warning"
        for seed in range(STUDIES)
    ]
    print(f"flat surfaces of {dimensions}: nothing matters in {np.mean(flat):.1%}")
    assert np.mean(flat) >= 0.9 - 2 * (0.9 * 0.1 / STUDIES) ** 0.5


@pytest.mark.parametrize("name", SURFACES)
def test_simulated_surfaces_of_three_deviations_are_seen(name):
    surface, dimensions = SURFACES[name]
    seen = [
        nothing_matters(study_of(seed, surface, dimensions=dimensions)).answer == "ok"
        for seed in range(STUDIES)
    ]
    print(f"{name}, range three deviations, 32 trials: seen in {np.mean(seen):.1%}")
    assert np.mean(seen) >= 0.9 - 2 * (0.9 * 0.1 / STUDIES) ** 0.5


def test_simulated_bowls_in_several_hyperparameters_are_reported():
    for dimensions, trials in ((2, 32), (2, 64), (3, 64)):
        seen = [
            nothing_matters(
                study_of(
                    seed,
                    lambda at: ((at - 0.5) ** 2).sum(axis=1),
                    dimensions=dimensions,
                    trials=trials,
                )
            ).answer
            == "ok"
            for seed in range(STUDIES)
        ]
        print(f"a bowl in all of {dimensions}, {trials} trials: seen in {np.mean(seen):.1%}")
    assert np.mean(seen) > 0.5


def test_it_says_what_could_have_been_seen_and_what_to_do():
    found = nothing_matters(study_of(1))
    assert "tuning is not what limits you" in found.summary
    assert found.numbers["detectable_range"] == pytest.approx(2.4 * DEVIATION, rel=0.3)
    assert "ask another question" in found.advice


def test_what_could_have_been_seen_is_seen():
    random = np.random.default_rng(0)
    places = [qmc.Halton(2, rng=random).random(48) for _ in range(STUDIES)]
    nothing = np.empty((48, 0))
    reach = detectable_range([Sample(places[0], nothing, np.zeros(48))], 0.08)
    seen = [
        p_of_no_surface([Sample(at, nothing, reach * at[:, 0] + random.normal(size=48))]) <= 0.08
        for at in places
    ]
    assert np.mean(seen) == pytest.approx(0.9, abs=0.08)


def test_arms_add_up():
    """Sixteen trials of one arm do not see what sixteen of each of two do."""

    def effect(_arm, at):
        return 0.03 * at["weight_decay"]

    found = [nothing_matters(make_study(seed=seed, trials=16, effect=effect)) for seed in range(20)]
    assert sum(item.answer == "ok" for item in found) >= 12
    assert found[0].arms == ARMS == (NESTEROV, ADAM)


def test_infeasible_trials_count_as_the_worst():
    study = make_study(
        trials=32, reason=lambda _arm, at: "diverged" if at["learning_rate"] > 0.7 else ""
    )
    assert nothing_matters(study).answer == "ok"


def test_a_choice_can_matter():
    def effect(_arm, at):
        return 0.04 if at["activation"] < 1 / 3 else 0.0

    searched = [choice("activation", ["relu", "tanh", "gelu"], ALL)]
    study = make_study(arms=ALL, trials=40, searched=searched, effect=effect)
    assert nothing_matters(study).answer == "ok"
    assert nothing_matters(make_study(arms=ALL, trials=40, searched=searched)).answer == "warning"


def test_a_few_terrible_trials_are_no_surface():
    flat = [study_of(seed) for seed in range(40)]
    for seed, study in enumerate(flat):
        study["objective"][np.random.default_rng(seed).choice(32, 3, replace=False)] = 0.9
    answers = [nothing_matters(study).answer for study in flat]
    assert answers.count("warning") >= 32


def test_trials_that_follow_from_results_are_left_out():
    study = study_of(0, lambda at: at[:, 0], trials=64)
    study["round"] = ("trial", np.repeat([0, 1], [16, 48]))
    found = nothing_matters(study)
    assert (found.answer, found.numbers) == ("cannot tell", {"trials": 16})


def test_too_few_trials_and_nothing_searched():
    assert nothing_matters(study_of(0, trials=16)).answer == "cannot tell"
    nothing = make_study(arms=ALL, trials=40, searched=[])
    assert nothing_matters(nothing).answer == "ok"


@pytest.mark.parametrize(("arms", "trials", "count"), [(4, 8, 5), (8, 4, 3), (1, 32, 17)])
def test_trials_too_few_for_so_many_hyperparameters_cannot_tell(arms, trials, count):
    names = [f"x={arm}" for arm in range(arms)]
    searched = [uniform(f"h{place}", 0.0, 1.0, names) for place in range(count)]
    study = make_study(
        arms=names, trials=trials, searched=searched, effect=lambda _arm, at: 0.5 * at["h0"]
    )
    assert nothing_matters(study).answer == "cannot tell"


def test_equal_objectives_have_nothing_to_explain():
    study = study_of(0)
    study["objective"][:] = 0.1
    assert nothing_matters(study).answer == "cannot tell"


@pytest.mark.parametrize(("dimensions", "answer"), [(2, "ok"), (1, "cannot tell")])
def test_a_hyperparameter_that_some_trials_lack_is_named_as_left_out(dimensions, answer):
    study = study_of(0, lambda at: at[:, -1], dimensions=dimensions)
    study["hp_h0"][:5] = np.nan
    finding = nothing_matters(study)
    assert finding.answer == answer
    assert finding.summary.endswith("Left out, because some trials lack them: h0.")
