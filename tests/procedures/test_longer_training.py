"""The procedure `longer_training`, on simulated workloads whose ranking holds, turns or is luck."""

import math

import numpy as np
import pytest

from tests.procedures.simulated import DEFAULTS, outcome, quadratic, run
from tests.specs import SMALL, write_spec
from tuning_playbook.errors import SpecError
from tuning_playbook.procedures import longer_training
from tuning_playbook.procedures.planned import first_plan
from tuning_playbook.procedures.procedure_history import FinishedRound, History, Outcome
from tuning_playbook.procedures.transfer import transfer_list
from tuning_playbook.study.longer_training_settings import LongerTrainingSettings

SEEDS = 20
SHORT = 100


def spec(**changes):
    return {
        "goal": "Does what short training found hold?",
        "workload": "quadratic",
        "objective": {"metric": "validation/loss", "mode": "min"},
        "training": {"max_train_steps": SHORT, "batch_size": 64, "eval_every": 10},
        "fixed": {"optimizer": "sgd"},
        "nuisance": {"learning_rate": {"log_uniform": [0.002, 0.05]}},
        "search": {"algorithm": "grid", "points": 10},
        **changes,
    }


def settings(**changes):
    return LongerTrainingSettings(**{"name": "longer_training", **changes})


def held(seed):
    """A quadratic without noise: the highest stable rate is the best, however long training is."""
    return quadratic([10.0, 0.3, 0.1], seed=seed)


def turned(seed):
    """High rates get to their noise first, low ones get below it later: the last losses count."""

    def train(values, training, rerun=0):
        random = np.random.default_rng([seed, rerun, int(1e6 * values["learning_rate"])])
        rate, steps = values["learning_rate"], training["max_train_steps"]
        step = np.arange(steps)
        # One direction of curvature 1 under gradient noise 1: the expected loss, known in full.
        contraction = (1 - rate) ** (2 * step)
        losses = 0.5 * contraction + 0.5 * rate / (2 - rate) * (1 - contraction)
        losses *= np.exp(0.02 * random.normal(size=steps))
        best = float(losses[-10:].mean())
        return outcome(values, training, losses, np.ones(steps), diverged=False, best=best)

    return train


def luck(seed):
    """Objectives that have nothing to do with the trial or its length."""
    random = np.random.default_rng(seed)

    def train(values, training, rerun=0):
        losses = np.linspace(1.0, 0.5, training["max_train_steps"])
        best = float(random.uniform(0.1, 0.2))
        return outcome(values, training, losses, losses, diverged=False, best=best)

    return train


def test_where_the_ranking_holds_that_is_said():
    for seed in range(SEEDS):
        conclusion, history = run(spec(), settings(), held(seed))
        assert conclusion.verdict == "the ranking holds"
        assert conclusion.values == {"max_train_steps": 500, "tuning_steps": 100}
        assert [item.purpose for item in history.rounds] == ["search", "longer"]
        assert "holds at 500: the rank correlation of the best 8 trials is 1.00" in (
            conclusion.sentence
        )
        assert "is still the best. None changed place." in conclusion.sentence


def test_where_the_ranking_turns_that_is_said():
    document = spec(training={"max_train_steps": 20, "batch_size": 64, "eval_every": 10})
    document["nuisance"] = {"learning_rate": {"log_uniform": [0.01, 0.1]}}
    for seed in range(SEEDS):
        conclusion, _ = run(document, settings(times=50), turned(seed))
        assert conclusion.verdict == "the ranking turns", conclusion.sentence
        assert conclusion.values == {"max_train_steps": 1000, "tuning_steps": 1000}
        assert "The best short trial is number 8 at 1,000 steps." in conclusion.sentence
        assert "1 to 8" in conclusion.sentence
        assert "at 1,000 steps: what 20 steps say of it does not hold" in conclusion.advice


def test_by_luck_alone_nothing_is_claimed():
    """With no relation at all each claim has a chance of at most 0.025: two errors above that.

    That such a ranking does not hold is no luck: it does not.
    """
    draws = 400
    verdicts = [run(spec(), settings(), luck(seed))[0].verdict for seed in range(draws)]
    most = draws * 0.025 + 2 * math.sqrt(draws * 0.025 * 0.975)
    assert verdicts.count("the ranking turns") <= most
    assert sum(verdict.startswith("the ranking holds") for verdict in verdicts) <= most


def answered(losses, long_losses, trials=6, **changes):
    """Conclude from the objectives of the search's trials, and of the best of them for longer."""
    document, asked = spec(**changes), settings(trials=trials)
    rates = [0.01 * (number + 1) for number in range(len(losses))]
    search = [
        Outcome(f"s{number}", trial(rate), loss)
        for number, (rate, loss) in enumerate(zip(rates, losses, strict=True))
    ]
    history = History(document, asked, (FinishedRound("search", document, tuple(search)),))
    chosen = longer_training.best_few(history, trials)
    longer = [
        Outcome(f"l{number}", item.values, loss)
        for number, (item, loss) in enumerate(zip(chosen, long_losses, strict=True))
    ]
    rounds = (*history.rounds, FinishedRound("longer", document, tuple(longer)))
    return longer_training.next(History(document, asked, rounds))


def trial(rate, **changes):
    return {**DEFAULTS, "learning_rate": rate, "batch_size": 64, **changes}


FALLING = [0.6, 0.5, 0.4, 0.3, 0.2, 0.1]


def test_trials_that_diverge_in_longer_training_are_the_last_there():
    found = answered(FALLING, [None, 0.05, 0.06, 0.07, 0.08, 0.09])
    assert "The best short trial is number 6 at 500 steps" in found.sentence
    assert "1 of 6 got nowhere or diverged" in found.sentence
    assert found.columns["place"][5] == 1.0  # the search's last is its best
    assert found.columns["place"][6] == 6.0
    every = answered(FALLING, [None] * 6)
    assert every.verdict == "cannot tell"
    assert every.values == {"max_train_steps": 100, "tuning_steps": None}
    assert "All 6 trials" in every.sentence
    assert "stability" in every.advice


def test_where_longer_training_is_no_better_the_short_length_stays():
    found = answered(FALLING, [0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    assert found.verdict == "the ranking holds"
    assert found.values == {"max_train_steps": 100, "tuning_steps": 100}
    assert "stay at 100." in found.advice
    mixed = answered(FALLING, [0.05, 0.3, 0.25, 0.5, 0.45, 0.7])
    assert mixed.values == {"max_train_steps": 100, "tuning_steps": 100}
    assert "3 of 6 trials are better there" in mixed.sentence


def test_few_trials_tell_nothing_of_a_ranking():
    few = answered([0.3, 0.2, None], [0.1, 0.15])
    assert few.verdict == "cannot tell"
    assert few.values == {"max_train_steps": 500, "tuning_steps": None}
    one = answered([None, 0.2], [0.1])
    assert "Only one trial of the search is feasible" in one.sentence
    assert "raise `trials`" in one.advice
    none = longer_training.next(
        History(spec(), settings(), (FinishedRound("search", spec(), (Outcome("a", {}, None),)),))
    )
    assert none.values == {"max_train_steps": None, "tuning_steps": None}
    assert none.sentence.startswith("No trial of the search is feasible")


def test_many_changes_are_not_all_named():
    losses = [0.01 * (20 - number) for number in range(20)]
    found = answered(losses, [0.001 * (10 - n) for n in range(10)], trials=10)
    assert "10 of 10 changed place: 1 to 10" in found.sentence
    assert found.sentence.count(" to ") == 6 + 2  # beside the interval and the objective
    assert ", and 4 more." in found.sentence


def test_without_a_result_of_the_longer_trials_that_is_said():
    document = spec()
    search = FinishedRound("search", document, (Outcome("a", trial(0.1), 0.2),))
    nothing = FinishedRound("longer", document, ())
    found = longer_training.next(History(document, settings(), (search, nothing)))
    assert found.sentence.startswith("None of the longer trials has a result")
    assert found.values == {"max_train_steps": None, "tuning_steps": None}


def noisy(scatter):
    """The objective rises with the rate, and seeds scatter it."""

    def train(values, training, rerun=0):
        losses = np.linspace(1.0, 0.1, training["max_train_steps"])
        random = np.random.default_rng([rerun, int(1e6 * values["learning_rate"])])
        best = float(values["learning_rate"] + scatter * random.normal())
        return outcome(values, training, losses, losses, diverged=False, best=best)

    return train


@pytest.mark.parametrize(("scatter", "said"), [(1e-5, False), (0.1, True)])
def test_reruns_of_the_best_tell_whether_chance_may_have_ordered_the_trials(scatter, said):
    conclusion, _ = run(spec(reruns={"seeds": 5}), settings(), noisy(scatter))
    assert ("Chance may have ordered the short trials" in conclusion.sentence) == said
    without, _ = run(spec(), settings(), noisy(scatter))
    assert "Chance" not in without.sentence


def test_of_an_objective_that_is_maximized_its_own_values_are_said():
    objective = {"metric": "validation/accuracy", "mode": "max"}
    found = answered([-0.5, -0.6], [-0.7, -0.65], objective=objective)
    assert "validation/accuracy goes from 0.6 at 100 steps to 0.7 at 500" in found.sentence


def test_equal_objectives_share_a_place():
    found = answered([0.6, 0.5, 0.4, 0.2, 0.2, 0.1], [0.01, 0.02, 0.02, 0.04, 0.05, 0.06])
    assert found.columns["place"][:6] == (6.0, 5.0, 4.0, 2.0, 2.0, 1.0)
    assert found.columns["place"][6:] == (1.0, 2.0, 2.0, 4.0, 5.0, 6.0)
    assert "None changed place" in found.sentence


def test_one_configuration_is_trained_for_longer_once():
    document = spec()
    twice = (Outcome("a", trial(0.1), 0.2), Outcome("b", trial(0.1), 0.3))
    history = History(document, settings(), (FinishedRound("search", document, twice),))
    assert [item.trial for item in longer_training.best_few(history, 6)] == ["a"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nuisance": {}, "fixed": {"learning_rate": 0.1}}, "this spec has one trial"),
        ({"search": {"algorithm": "random", "trials": 1}}, "this spec has one trial"),
        (
            {"training": {"max_train_steps": 100, "batch_size": 64, "eval_every": 100}},
            "raise 'times', or lower 'eval_every'",
        ),
        (
            {"objective": {"metric": "validation/loss", "mode": "min", "target": 0.1}},
            "which longer training makes no fewer",
        ),
    ],
)
def test_a_spec_that_leaves_nothing_to_compare_is_refused(changes, message):
    with pytest.raises(SpecError, match=message):
        longer_training.next(History(spec(**changes), settings(times=1.2)))


def test_such_a_spec_is_refused_by_its_file(tmp_path):
    one = {"algorithm": "random", "trials": 1}
    document = {**SMALL, "search": one, "procedure": {"name": "longer_training"}}
    path = write_spec(tmp_path / "longer.yaml", document)
    with pytest.raises(SpecError, match=r"longer\.yaml: procedure: longer_training ranks trials"):
        first_plan(path)


def test_the_longer_training_ends_with_an_evaluation():
    document = spec(training={"max_train_steps": 70, "batch_size": 64, "eval_every": 14})
    history = History(document, settings(times=5.05))
    assert longer_training.long_steps(history, settings(times=5.05)) == 350  # 25 of 14, not 353.5


def test_the_next_study_compares_what_changed_place_or_reruns_the_best():
    holds = answered(FALLING, [0.01, 0.02, 0.03, 0.04, 0.05, 0.06]).next_study
    assert holds["search"]["trials"] == [{}]
    assert holds["fixed"]["learning_rate"] == pytest.approx(0.06)
    assert (holds["training"]["max_train_steps"], holds["reruns"]) == (500, {"seeds": 5})
    turns = answered(FALLING, [0.06, 0.05, 0.04, 0.03, 0.02, 0.01]).next_study
    rates = [item["learning_rate"] for item in turns["search"]["trials"]]
    assert rates == pytest.approx([0.01, 0.02, 0.03, 0.04, 0.05, 0.06])


def test_what_transfers_is_listed_as_the_playbook_does_with_what_was_searched():
    found = answered(FALLING, [0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    (items,) = found.listed.values()
    assert list(items) == ["very likely", "likely", "perhaps", "unlikely"]
    assert items["perhaps"].endswith("(here: learning_rate)")
    listed = transfer_list(["warmup_steps", "width", "decay_steps", "colour"])
    assert listed["very likely"].endswith("(here: warmup_steps)")
    assert listed["depends on what it is"] == "colour"
