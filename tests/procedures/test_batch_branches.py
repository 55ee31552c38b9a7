"""The critical batch size by branches of one run, where it is known."""

from dataclasses import replace

import numpy as np
import pytest
from ruamel.yaml import YAML

from tests.procedures.branched_quadratic import run
from tests.procedures.noisy_quadratic import critical_for_unit_noise
from tests.procedures.scaling_trials import outcomes_of, settings, spec
from tests.specs import write_spec
from tuning_playbook.errors import SpecError
from tuning_playbook.plots.conclusion_plots import PLOTS, conclusion_plot
from tuning_playbook.plots.style import lay_out, look
from tuning_playbook.procedures import batch_branches
from tuning_playbook.procedures.branch_excess import BranchLosses, critical_size, excess, losses_of
from tuning_playbook.procedures.branch_runs import Fork, branches_of
from tuning_playbook.procedures.conclude import conclusion_dataset, next_study_yaml
from tuning_playbook.procedures.planned import as_written, first_plan, next_round, plan_of_round
from tuning_playbook.procedures.procedure_history import FinishedRound, Outcome, StudyDocument
from tuning_playbook.study.read import read_spec, written_spec
from tuning_playbook.study.stand_ins import stand_ins

SEEDS = 20


def concluded(critical=60.0, seed=0, *, document=None, **changes):
    scale = critical / critical_for_unit_noise()
    return run(document or spec(), settings(branch=True, **changes), scale, seed)


@pytest.fixture(scope="module")
def found():
    return concluded(compare=100.0)


def test_the_estimate_is_near_that_of_a_noisy_quadratic_at_a_quarter_of_the_cost():
    """Bars: within a factor of two in 18 of 20 seeds, at most a quarter of the examples."""
    near, costs = [], []
    for seed in range(SEEDS):
        truth = 2 ** np.random.default_rng(seed).uniform(4.5, 7.5)
        conclusion, _ = concluded(truth, seed)
        near.append((conclusion.values["critical_batch_size"] or np.nan) / truth)
        costs.append(conclusion.numbers["examples"] / conclusion.numbers["examples_of_full_sweep"])
    assert sum(0.5 <= ratio <= 2 for ratio in near) >= 18, near
    assert max(costs) <= 0.25


def test_rounds_search_the_smallest_batch_size_and_branch_a_quarter_into_its_best_run(found):
    _, history = found
    assert [item.purpose for item in history.rounds] == ["sweep", "rates", "square root", "linear"]
    sweep, _, branches, linear = (item.document for item in history.rounds)
    assert sweep["scientific"] == {"batch_size": [8]}
    steps = branches["training"]["max_train_steps"]
    asked = {"step": steps // 4, "batch_size": 8, "rate_power": 0.5}
    assert branches["training"]["branch"] == pytest.approx(asked, abs=1)
    assert branches["scientific"]["batch_size"][:4] == [8, 16, 32, 64]
    assert linear["training"]["branch"]["rate_power"] == 1.0
    assert linear["scientific"]["batch_size"] == branches["scientific"]["batch_size"][1:]


def test_with_adam_the_rate_is_scaled_by_the_square_root_alone():
    document = spec(fixed={"optimizer": "adam"})
    _, history = concluded(document=document)
    assert [item.purpose for item in history.rounds][-1] == "square root"


def test_it_says_that_it_is_an_estimate_what_it_took_and_how_it_agrees(found):
    conclusion, history = found
    assert conclusion.verdict == "critical batch size estimated"
    assert "by an estimate" in conclusion.sentence
    assert "A full sweep finds 100: the estimate is within one power of two" in conclusion.sentence
    examples = 8 * sum(
        (len(item.outcomes) + len(item.reruns)) * item.document["training"]["max_train_steps"]
        for item in history.rounds
    )
    # Seven rates and four around the best, and three reruns, at 8, 16, ..., 512.
    full = (7 + 4 + 3) * (8 + 16 + 32 + 64 + 128 + 256 + 512) * 500
    assert f"took {examples:,} examples, and a full sweep takes {full:,}" in conclusion.sentence
    assert conclusion.values["fastest"] is conclusion.values["cheapest"] is None


@pytest.mark.parametrize(("compared", "said"), [(15.0, "is not within"), (49.0, "is within")])
def test_agreement_is_one_power_of_two(compared, said):
    conclusion, _ = concluded(compare=compared)
    assert 31 < conclusion.values["critical_batch_size"] < 98
    assert said in conclusion.sentence


def test_a_critical_batch_size_outside_the_branches_has_no_value():
    above, _ = concluded(100.0, to=64)
    below, _ = concluded(10.0, **{"from": 16})
    assert above.verdict == "every branch is within the tolerance"
    assert "above 64 by an estimate" in above.sentence
    assert below.verdict == "the run is near or above the critical batch size"
    assert "below 32 by an estimate" in below.sentence
    assert above.values["critical_batch_size"] is below.values["critical_batch_size"] is None


@pytest.mark.parametrize(
    ("target", "steps", "verdict"),
    [(None, 10, "the target was not reached"), (1e9, 500, "the untrained model is at the target")],
)
def test_a_run_that_cannot_be_branched_from_is_said(monkeypatch, target, steps, verdict):
    if target:
        monkeypatch.setattr("tests.procedures.branched_quadratic.TARGET", target)
    conclusion, history = concluded(
        document=spec(training={"max_train_steps": steps, "eval_every": 2})
    )
    assert conclusion.verdict == verdict
    assert {item.purpose for item in history.rounds} <= {"sweep", "rates"}


def test_branches_that_would_not_be_much_cheaper_are_refused():
    with pytest.raises(SpecError, match="of a full sweep of batch sizes up to 32"):
        concluded(to=32)


def test_the_excess_is_what_is_lost_as_a_part_of_what_the_run_gains_over_its_second_half():
    """The run's loss falls by a tenth a step; a branch that is behind by half of it has lost 1."""
    steps = tuple(range(1, 101))
    losses = tuple(0.99**step for step in steps)
    slow = tuple(0.99 ** (20 + (step - 20) / 2) if step > 20 else 0.99**step for step in steps)
    run, branch = (
        losses_of([Outcome("", {}, 1.0, steps=steps, train_losses=item)], 20, 100)
        for item in (losses, slow)
    )
    assert excess(run, run) == 0.0
    assert excess(run, branch) == pytest.approx(1.0, rel=0.02)


def test_a_branch_that_diverged_is_beyond_any_tolerance():
    ended = Outcome("", {}, None, steps=(1, 2, 3, 4), train_losses=(1.0, 0.9), diverged=True)
    branch = losses_of([ended], 1, 4)
    run = BranchLosses(half=(1.0,), end=(0.5,))
    assert excess(run, branch) == np.inf
    assert critical_size({8: 0.0, 16: 0.1, 32: np.inf}) == 16


def test_a_run_that_gains_nothing_gives_no_excess():
    flat = BranchLosses(half=(0.5,), end=(0.5,))
    assert np.isnan(excess(flat, flat))


@pytest.mark.parametrize("window", [1, 5, 47])
@pytest.mark.parametrize("evaluation", range(1, 8))
def test_branches_have_windows_wherever_the_run_reaches_its_target(window, evaluation):
    """Windows of a run have a tenth of its interval, or all of it where no number divides that."""
    given = 47 if window == 47 else 10 * window
    last = evaluation * given
    ends = lambda window: tuple(range(window, last + 1, window))  # noqa: E731
    run = Outcome("", {}, 1.0, steps=ends(window))
    every = batch_branches.evaluation_interval(given, run, last)
    assert given % every == 0
    steps = ends(window if every == given else every)
    branch = Outcome("", {}, 1.0, steps=steps, train_losses=tuple(1.0 / step for step in steps))
    losses = losses_of([branch], max(1, last // 4), last)
    assert np.isfinite([*losses.half, *losses.end]).all()
    assert every == given or last < 20 * window


def test_a_batch_size_that_was_not_trained_is_left_out():
    """One that diverged at once has no losses either, and counts."""
    _, history = concluded()
    fork = Fork(10, 100, (8, 16, 32))

    def left(**fields):
        rounds = [
            replace(item, outcomes=tuple(map(change(fields), item.outcomes)), reruns=())
            for item in history.rounds
        ]
        return [item.size for item in branches_of(replace(history, rounds=tuple(rounds)), fork)]

    def change(fields):
        return lambda item: replace(item, **fields) if item.values["batch_size"] == 32 else item

    assert left() == [8, 16, 32]
    assert left(loss=None, train_losses=(), diverged=False) == [8, 16]
    assert left(loss=None, train_losses=(), diverged=True) == [8, 16, 32]


def test_the_rounds_have_at_most_as_many_trials_as_is_said(found):
    _, history = found
    later = sum(len(item.outcomes) for item in history.rounds[1:])
    assert later <= batch_branches.most_trials(spec(), settings(branch=True))


@pytest.mark.parametrize(
    "case", [{}, {"document": spec(training={"max_train_steps": 10, "eval_every": 2})}]
)
def test_every_plot_is_drawn_whatever_came_of_the_trials(case):
    conclusion, history = concluded(**case)
    dataset = conclusion_dataset(history, conclusion)
    for plot in PLOTS["batch_branches"]:
        with look():
            lay_out(conclusion_plot(dataset, plot))


def test_every_round_is_a_study_that_can_be_trained(tmp_path):
    document = spec(workload="tests.engine.quadratic:Quadratic")
    document |= {"training": {"max_train_steps": 200, "eval_every": 2}}
    asked = {"name": "batch_scaling", "branch": True, "batch_sizes": [2, 4, 8, 16, 32]}
    path = write_spec(tmp_path / "p.yaml", {**document, "procedure": asked})
    procedure, rounds = read_spec(path), []
    train = lambda trials, training, rerun: np.full(len(trials), 100.0)  # noqa: E731
    while isinstance(answer := next_round(procedure, rounds), StudyDocument):
        plan = plan_of_round(as_written(procedure, len(rounds) + 1, answer))
        trials = [item.trial for item in plan.trials]
        values = [{**trial.hyperparameters, "batch_size": trial.batch_size} for trial in trials]
        outcomes = [
            replace(item, steps=(50, 100), train_losses=(1.0, 0.5))
            for item in outcomes_of(values, answer.document["training"], train, 0)
        ]
        if "branch" in answer.document["training"]:
            assert {trial.step_examples for trial in trials} == {2}
            assert {trial.seed for trial in trials} == {trials[0].seed}
        rounds.append(FinishedRound(answer.purpose, answer.document, tuple(outcomes)))
    assert [item.purpose for item in rounds][-2:] == ["square root", "linear"]
    text = next_study_yaml(path, "p", answer)
    assert written_spec(path, YAML(typ="safe").load(text), text)


def test_an_average_of_the_weights_is_refused_before_anything_trains(tmp_path):
    document = spec(workload="tests.engine.quadratic:Quadratic")
    document |= {"training": {"max_train_steps": 200, "eval_every": 2}}
    asked = {"name": "batch_scaling", "branch": True, "batch_sizes": [2, 4, 8, 16, 32]}
    fixed = {"optimizer": "sgd", "polyak_decay": 0.9}
    path = write_spec(tmp_path / "p.yaml", {**document, "fixed": fixed, "procedure": asked})
    with pytest.raises(SpecError, match="polyak_decay"):
        first_plan(path)


def test_no_time_stands_in_for_what_branches_do_not_say():
    assert set(stand_ins(settings(branch=True), None)) == {"critical_batch_size"}
    assert "fastest" in stand_ins(settings(), None)
