"""The procedure `batch_scaling`, where the critical batch size is known."""

from dataclasses import replace

import numpy as np
import pytest
from ruamel.yaml import YAML

from tests.procedures.noisy_quadratic import critical_for_unit_noise, noisy
from tests.procedures.scaling_trials import (
    LONG,
    SMALL,
    conclude,
    curve,
    outcomes_of,
    settings,
    spec,
)
from tests.specs import write_spec
from tuning_playbook.procedures import batch_scaling
from tuning_playbook.procedures.conclude import next_study_yaml
from tuning_playbook.procedures.planned import as_written, next_round, plan_of_round
from tuning_playbook.procedures.procedure_history import (
    FinishedRound,
    StepCost,
    StudyDocument,
)
from tuning_playbook.study.read import read_spec, written_spec

SEEDS = 20


def test_the_critical_batch_size_is_that_of_a_noisy_quadratic():
    """Bars: within a factor of two in 18 of 20 seeds, in the interval in 90 %."""
    near, held = [], []
    for seed in range(SEEDS):
        truth = 2 ** np.random.default_rng(seed).uniform(4.5, 7.5)
        train = noisy(truth / critical_for_unit_noise(), seed)
        conclusion, _ = conclude(spec(), settings(), train)
        near.append(conclusion.values["critical_batch_size"] / truth)
        ends = conclusion.numbers["critical_low"], conclusion.numbers["critical_high"]
        held.append(ends[0] <= truth <= ends[1])
    assert sum(0.5 <= ratio <= 2 for ratio in near) >= 18, near
    assert sum(held) >= 18 - 2 * np.sqrt(SEEDS * 0.9 * 0.1), held


def test_the_sweep_searches_each_batch_size_and_the_best_of_each_is_rerun():
    _, history = conclude(spec(**LONG), settings(**SMALL), curve())
    sweep, rates, reruns = history.rounds
    assert sweep.document["scientific"] == {"batch_size": [16, 32, 64, 128, 256]}
    assert sweep.document["nuisance"] == spec()["nuisance"]
    assert [item.purpose for item in history.rounds] == ["sweep", "rates", "reruns"]
    near = [o.rate for o in rates.outcomes if o.values["batch_size"] == 64]
    assert near == pytest.approx([0.0474, 0.0671, 0.134, 0.19], rel=0.01)
    assert [o.values["batch_size"] for o in reruns.outcomes] == [16, 32, 64, 128, 256]
    assert len(reruns.reruns) == 5 * batch_scaling.SEEDS


def test_what_is_found_is_said_with_its_interval():
    conclusion, _ = conclude(spec(**LONG), settings(**SMALL), curve())
    assert conclusion.verdict == "critical batch size found"
    assert conclusion.values["critical_batch_size"] == pytest.approx(64, rel=0.1)
    assert "The critical batch size is 6" in conclusion.sentence
    assert "95 % interval" in conclusion.sentence
    assert conclusion.values["fastest"] is conclusion.values["cheapest"] is None
    assert "The time of a step is not known" in conclusion.sentence


def test_rates_go_on_where_the_best_is_the_highest_that_was_tried():
    document = spec(nuisance={"learning_rate": {"log_uniform": [1e-4, 1e-3]}})
    document |= {"training": {"max_train_steps": 10**5, "eval_every": 10}}
    conclusion, history = conclude(document, settings(**SMALL), curve())
    assert [item.purpose for item in history.rounds].count("rates") == 4
    assert conclusion.values["critical_batch_size"] == pytest.approx(64, rel=0.3)
    assert "highest or the lowest" not in conclusion.sentence


def test_rates_that_cannot_be_trained_are_no_reason_to_go_higher():
    train = curve(best=1.0, infeasible=0.15)
    _, history = conclude(spec(**LONG), settings(**SMALL), train)
    tried = [item.rate for item in history.of("rates")]
    assert max(tried) < 0.4


def test_where_the_best_rates_are_all_at_the_edge_that_is_all_that_is_said():
    document = spec(nuisance={"learning_rate": {"log_uniform": [1e-9, 1e-8]}}, **LONG)
    rising = {"training": {"max_train_steps": 10**6, "eval_every": 10}}
    conclusion, _ = conclude(document | rising, settings(**SMALL), curve())
    assert conclusion.verdict == "the search was too narrow"
    assert conclusion.values["critical_batch_size"] is None
    assert "the highest or the lowest that was tried" in conclusion.sentence
    assert "wider range" in conclusion.advice


@pytest.mark.parametrize(
    ("critical", "verdict", "said"),
    [
        (1e5, "perfect scaling up to the largest batch size", "above 256"),
        (0.5, "no batch size saves steps", "below 16"),
    ],
)
def test_a_critical_batch_size_far_beyond_those_tried_is_not_told(critical, verdict, said):
    document = spec(training={"max_train_steps": 10**7, "eval_every": 10})
    conclusion, _ = conclude(document, settings(**SMALL), curve(critical))
    assert (conclusion.verdict, conclusion.values["critical_batch_size"]) == (verdict, None)
    assert said in conclusion.sentence


def test_where_no_batch_size_reaches_the_target_that_is_said():
    conclusion, history = conclude(spec(**LONG), settings(**SMALL), curve(least=10**5))
    assert conclusion.verdict == "the target was reached at no batch size"
    assert set(conclusion.values.values()) == {None}
    assert "No batch size reaches validation/loss <= 0.1" in conclusion.sentence
    assert "in 5,000 steps" in conclusion.sentence
    assert not history.has("reruns")


def test_where_nothing_can_be_trained_that_is_said():
    conclusion, _ = conclude(spec(**LONG), settings(**SMALL), curve(infeasible=1e-12))
    assert "No trial is feasible at any of the batch sizes from 16 to 256" in conclusion.sentence


def test_a_target_that_the_untrained_model_reaches_is_refused():
    train = lambda trials, training, rerun: np.zeros(len(trials))  # noqa: E731
    conclusion, _ = conclude(spec(**LONG), settings(**SMALL), train)
    assert conclusion.verdict == "the untrained model is at the target"
    assert conclusion.advice == "Give a harder target."


def test_two_batch_sizes_that_reach_it_are_too_few():
    train = curve(misses=(16, 32, 64))
    conclusion, _ = conclude(spec(**LONG), settings(**SMALL), train)
    assert conclusion.verdict == "the target was reached at too few batch sizes"
    assert "reached at batch sizes 128 and 256 alone" in conclusion.sentence


def test_a_smaller_batch_size_that_misses_had_too_few_steps_and_changes_nothing():
    """A batch size of 16 needs 500 steps at its best learning rate, and 32 needs 300."""
    few = {"training": {"max_train_steps": 400, "eval_every": 10}}
    conclusion, _ = conclude(spec(**few), settings(**SMALL), curve())
    assert np.isnan(conclusion.tables["size"]["steps"][0])
    assert conclusion.values["critical_batch_size"] == pytest.approx(64, rel=0.1)
    assert "was not reached, although" not in conclusion.sentence


def test_a_larger_batch_size_that_misses_was_searched_too_little():
    conclusion, _ = conclude(spec(**LONG), settings(**SMALL), curve(misses=(128,)))
    assert conclusion.values["critical_batch_size"] == pytest.approx(64, rel=0.1)
    assert "At batch size 128 the target was not reached, although" in conclusion.sentence


def test_more_steps_than_at_a_smaller_batch_size_are_pointed_out():
    def train(trials, training, rerun):
        steps = curve()(trials, training, rerun)
        return steps * (3 if trials[0]["batch_size"] == 256 else 1)

    conclusion, _ = conclude(spec(**LONG), settings(**SMALL), train)
    assert "At batch size 256 more steps are needed than at a smaller" in conclusion.sentence


def test_steps_of_few_evaluations_are_pointed_out():
    coarse = {"training": {"max_train_steps": 5000, "eval_every": 100}}

    def train(trials, training, rerun):
        return np.ceil(curve()(trials, training, rerun) / 100) * 100

    conclusion, _ = conclude(spec(**coarse), settings(**SMALL), train)
    assert "reached within five evaluations: lower `eval_every`" in conclusion.sentence


def test_without_a_search_the_conclusion_warns():
    document = spec(fixed={"optimizer": "sgd", "learning_rate": 0.1}, **LONG)
    document = {key: document[key] for key in document if key not in ("nuisance", "search")}
    conclusion, history = conclude(document, settings(**SMALL), curve())
    assert [item.purpose for item in history.rounds] == ["sweep", "reruns"]
    assert "Nothing was tuned anew at each batch size" in conclusion.sentence


def test_step_times_of_the_spec_tell_the_fastest_and_the_cheapest():
    """Steps are 500, 300, 200, 150, 125; twice the devices at 64 and more keep a step's time."""
    seconds, devices = (1.0, 1.5, 1.5, 1.5, 3.0), (1, 1, 2, 4, 4)
    sizes = (16, 32, 64, 128, 256)
    times = [
        {"batch_size": size, "seconds": second, "devices": count}
        for size, second, count in zip(sizes, seconds, devices, strict=True)
    ]
    train = curve(best=None)
    conclusion, _ = conclude(spec(**LONG), settings(step_times=times, **SMALL), train)
    assert conclusion.values["fastest"] == 128
    assert conclusion.values["cheapest"] == 32
    assert "128 is the fastest, with 225 s" in conclusion.sentence
    assert "32 takes the least device time, 450 s" in conclusion.sentence


def test_step_times_come_of_the_trials_where_the_spec_has_none():
    train = curve(best=None)
    conclusion, history = conclude(spec(**LONG), settings(**SMALL), train)
    assert conclusion.values["fastest"] is None
    measured = []
    for round_ in history.rounds:
        costs = {
            item.trial: StepCost(0.01 * item.values["batch_size"], 1.0, f"cpu {place % 2}")
            for place, item in enumerate(round_.outcomes)
        }
        measured.append(replace(round_, costs=costs))
    conclusion = batch_scaling.next(replace(history, rounds=tuple(measured)))
    assert conclusion.values["fastest"] == conclusion.values["cheapest"] == 16
    assert "and takes the least device time" in conclusion.sentence
    assert "different machines: cpu 0, cpu 1" in conclusion.sentence


def test_an_epoch_budget_has_as_many_examples_at_each_batch_size_and_is_labelled():
    document = spec(training={"max_train_steps": 800, "eval_every": 16})
    conclusion, history = conclude(document, settings(budget="epochs", **SMALL), curve(least=40))
    trained = [item.document["training"] for item in history.rounds]
    sizes = [item.document["scientific"]["batch_size"] for item in history.rounds]
    assert sizes == [[16], [32], [64], [128], [256]]
    assert [item["max_train_steps"] for item in trained] == [800, 400, 200, 100, 50]
    assert [item["eval_every"] for item in trained] == [16, 8, 4, 2, 1]
    assert conclusion.verdict == "an epoch budget shows perfect scaling alone"
    assert conclusion.values["critical_batch_size"] is None
    assert "reached at batch sizes 16, 32, 64 and 128, and not at batch size 256" in (
        conclusion.sentence
    )
    assert "budget: steps" in conclusion.advice


def test_a_round_is_said_to_have_the_most_trials_that_it_may_have():
    for document in (spec(**LONG), spec(nuisance={"learning_rate": {"log_uniform": [1e-9, 1e-8]}})):
        _, history = conclude(document, settings(**SMALL), curve())
        later = sum(len(item.outcomes) for item in history.rounds[1:])
        assert later <= batch_scaling.most_trials(document, settings(**SMALL))


def test_a_batch_size_of_which_no_trial_is_there_is_left_out():
    """As where the workflow goes on with an incomplete sweep."""
    _, history = conclude(spec(**LONG), settings(**SMALL), curve())
    rounds = [
        replace(
            item,
            outcomes=tuple(o for o in item.outcomes if o.values["batch_size"] != 64),
            reruns=tuple(o for o in item.reruns if o.values["batch_size"] != 64),
        )
        for item in history.rounds
    ]
    second = batch_scaling.next(replace(history, rounds=tuple(rounds[:1])))
    assert second.document["scientific"] == {"batch_size": [16, 32, 128, 256]}
    conclusion = batch_scaling.next(replace(history, rounds=tuple(rounds)))
    assert conclusion.values["critical_batch_size"] == pytest.approx(64, rel=0.1)
    assert "At batch size 64 the target was not reached" in conclusion.sentence


def test_every_round_is_a_study_that_can_be_trained(tmp_path):
    """Each batch size has a range and a fixed value of its own here."""
    workload = {"workload": "tests.engine.quadratic:Quadratic"}
    own = [
        {"when": {"batch_size": [16, 32]}, "fixed": {"bias": True}},
        {"when": {"batch_size": [64, 128, 256]}, "fixed": {"bias": False}},
    ]
    document = spec(**LONG, **workload, conditional=own)
    for budget in ("steps", "epochs"):
        asked = {"name": "batch_scaling", "budget": budget, **SMALL}
        path = write_spec(tmp_path / f"{budget}.yaml", {**document, "procedure": asked})
        procedure, rounds = read_spec(path), []
        while isinstance(answer := next_round(procedure, rounds), StudyDocument):
            plan = plan_of_round(as_written(procedure, len(rounds) + 1, answer))
            trials = [
                {**item.trial.hyperparameters, "batch_size": item.trial.batch_size}
                for item in plan.trials
            ]
            assert all(trial["bias"] == (trial["batch_size"] <= 32) for trial in trials)
            training = answer.document["training"]
            assert {item.trial.max_train_steps for item in plan.trials} == {
                training["max_train_steps"]
            }
            outcomes = outcomes_of(trials, training, curve(), 0)
            rounds.append(FinishedRound(answer.purpose, answer.document, tuple(outcomes)))
        assert len(rounds) == (3 if budget == "steps" else 5)
        text = next_study_yaml(path, "p", answer)
        assert written_spec(path, YAML(typ="safe").load(text), text)
