"""Training groups of lanes: divergence, neighbours, best steps, data from the host."""

import dataclasses
import re

import jax
import numpy as np
import pytest

from tests.engine.bits import arrays_of, differing
from tests.engine.quadratic import BEST_LOSS, make_trial
from tuning_playbook.engine.data import place_data
from tuning_playbook.engine.evaluation import fixed_sample
from tuning_playbook.engine.lane import new_lane
from tuning_playbook.engine.order import Order
from tuning_playbook.engine.program import Program, signature
from tuning_playbook.engine.run import _times, train_group
from tuning_playbook.errors import InfeasibleConfigurationError
from tuning_playbook.study.families import training_hyperparameters
from tuning_playbook.study.schedule_hyperparameters import OWN_DROPS
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection

GOOD = {"learning_rate": 0.05}


def assert_same_bits(one, other):
    assert differing(one.record, other.record) == []


def test_training_is_sgd_on_shuffled_epochs(train, workload):
    """The whole loop against NumPy: initial weights, data order, updates, evaluation."""
    trial = make_trial(seed=3, **GOOD)
    (finished,) = train(trial)
    splits = workload.load_data()
    root = jax.random.key(np.uint32(trial.seed))
    w = 0.1 * np.asarray(jax.random.normal(jax.random.fold_in(root, 0), (4,)), np.float64)
    losses = [np.mean(0.5 * (splits["validation"]["x"] @ w - splits["validation"]["y"]) ** 2)]
    for step in range(40):
        epoch, batch = divmod(step, 50 // 8)
        key = jax.random.fold_in(jax.random.fold_in(root, 1), epoch)
        order = np.asarray(jax.random.permutation(key, 50))
        index = order[8 * batch : 8 * batch + 8]
        x, y = splits["train"]["x"][index], splits["train"]["y"][index]
        w = w - 0.05 * x.T @ (x @ w - y) / 8
        if (step + 1) % 10 == 0:
            error = splits["validation"]["x"] @ w - splits["validation"]["y"]
            losses.append(np.mean(0.5 * error**2))
    np.testing.assert_allclose(
        finished.record.evaluations.values["validation/loss"], losses, rtol=1e-4
    )


def losses_of(w, x, y):
    return np.mean(0.5 * (x @ w - y) ** 2)


def test_what_is_logged_of_a_step_is_what_the_formulas_give(workload, data):
    """SGD with L2 regularization and clipping on the whole training set, against NumPy."""
    rate, l2, clip, steps = 0.1, 0.3, 3.5, 12
    values = {"learning_rate": rate, "l2_regularization": l2, "clip_norm": clip}
    trial = make_trial(batch_size=50, **values)
    program = Program(trial, workload, data, 50)
    seed, traced = program.arguments([trial])
    state = program.init(seed, traced)
    w = np.asarray(state.variables["params"]["w"], np.float64)
    batches = np.tile(np.arange(50, dtype=np.int32), (steps, 1))
    state, logged = program.train(state, 0, steps, seed, traced, batches)
    x, y = (workload.load_data()["train"][name].astype(np.float64) for name in ("x", "y"))
    expected = []
    for _ in range(steps):
        gradient = x.T @ (x @ w - y) / 50 + l2 * w
        norm = np.linalg.norm(gradient)
        update = -rate * gradient * min(1.0, clip / norm)
        expected.append([losses_of(w, x, y), norm, np.linalg.norm(update), rate])
        w = w + update
    found = np.stack([np.asarray(series) for series in logged], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    np.testing.assert_allclose(state.variables["params"]["w"], w, rtol=1e-4)
    assert min(found[:, 1]) < clip < max(found[:, 1])  # some are clipped, and some are not


def test_a_validation_sample_is_measured_at_every_evaluation_and_the_whole_at_the_best(workload):
    trial = make_trial(**GOOD, validation_sample=8)
    splits = workload.load_data()
    program = Program(trial, workload, place_data(splits, trial.batch_size, 8), 50)
    (finished,) = train_group(program, [trial], BEST_LOSS).finished
    step, variables = finished.best[0]
    sampled = {name: fixed_sample(splits[name], 8) for name in ("train", "validation")}
    w = np.asarray(variables["params"]["w"])
    evaluations, whole_split = finished.record.evaluations, finished.examination.means
    row = list(evaluations.steps).index(step)
    measured = {name: values[row] for name, values in evaluations.values.items()}
    for name in ("train", "validation"):
        expected = losses_of(w, sampled[name]["x"], sampled[name]["y"])
        assert measured[f"{name}/loss"] == pytest.approx(expected, rel=1e-5)
    whole = losses_of(w, splits["validation"]["x"], splits["validation"]["y"])
    assert whole_split["loss"] == pytest.approx(whole, rel=1e-5)
    assert whole_split["loss"] != measured["validation/loss"]


def test_all_of_the_training_split_is_measured_where_that_is_asked_for(workload):
    """It changes what is measured of the training split, and nothing that is trained."""
    splits = workload.load_data()
    measured = {}
    for train_sample in ("", "all"):
        trial = make_trial(**GOOD, train_sample=train_sample)
        placed = place_data(splits, trial.batch_size, 0, train_sample)
        (finished,) = train_group(Program(trial, workload, placed, 50), [trial], BEST_LOSS).finished
        measured[train_sample] = finished
    step, variables = measured["all"].best[0]
    evaluations = measured["all"].record.evaluations
    row = list(evaluations.steps).index(step)
    w = np.asarray(variables["params"]["w"], np.float64)
    expected = losses_of(w, splits["train"]["x"], splits["train"]["y"])
    assert evaluations.values["train/loss"][row] == pytest.approx(expected, rel=1e-5)
    sampled = measured[""].record
    assert sampled.evaluations.values["train/loss"][row] != pytest.approx(expected, rel=1e-3)
    np.testing.assert_array_equal(
        sampled.evaluations.values["validation/loss"], evaluations.values["validation/loss"]
    )
    np.testing.assert_array_equal(
        sampled.logged.values["train_loss"], measured["all"].record.logged.values["train_loss"]
    )


def test_the_best_steps_are_found_retrospectively(train):
    two = dataclasses.replace(BEST_LOSS, keep=2)
    (finished,) = train(make_trial(**GOOD), selection=two)
    loss = finished.record.evaluations.values["validation/loss"]
    assert [step for step, _ in finished.best] == [10 * i for i in np.argsort(loss)[:2]]


def test_a_mode_of_max_keeps_the_largest(train):
    largest = dataclasses.replace(BEST_LOSS, mode="max")
    (finished,) = train(make_trial(**GOOD), selection=largest)
    assert finished.best[0][0] == 0


def test_by_what_checkpoints_are_ranked_changes_no_number_of_a_trial(train):
    (one,) = train(make_trial(**GOOD))
    others = [
        CheckpointSelection("validation/loss", "max", keep=1),
        CheckpointSelection("train/large", "min", keep=5),
    ]
    for selection in others:
        (other,) = train(make_trial(**GOOD), selection=selection)
        assert [step for step, _ in other.best] != [step for step, _ in one.best]
        assert_same_bits(one, other)


def test_best_steps_with_ties_and_missing_numbers():
    lane = new_lane(make_trial(), ["loss"], keep=3)
    scores = [np.nan, 2.0, 1.0, np.inf, 1.0, 3.0, 1.0, np.nan]
    for step, score in enumerate(scores):
        lane.keep_if_best(float(score), step, lambda step=step: f"variables {step}")
    assert [step for _, step, _ in lane.best] == [2, 4, 6]
    assert lane.best[0][2] == "variables 2"


def test_divergence_is_recorded_where_it_happens_and_ends_the_trial(train):
    (finished,) = train(make_trial(learning_rate=1e6))
    record = finished.record
    assert record.status == "diverged"
    assert "at step" in record.reason
    for split in ("train", "validation"):
        loss = record.evaluations.values[f"{split}/loss"]
        assert np.isfinite(loss[0])
        assert np.isnan(loss[1:]).all()
    assert [step for step, _ in finished.best] == [0]


def test_a_loss_beyond_its_bound_is_a_divergence_although_it_is_finite(train):
    """The loss grows by about the same factor every step, and passes the bound on the way."""
    (finished,) = train(make_trial(learning_rate=5.0, batch_size=50))
    step = int(re.search(r"at step (\d+) is", finished.record.reason)[1])
    bound = 1000 * finished.record.evaluations.values["train/loss"][0]
    largest = finished.record.logged.values["train_loss"]
    assert finished.record.status == "diverged" and 1 < step < 10
    assert f"above {bound:.3g} (1000 times" in finished.record.reason
    assert np.isfinite(largest[: step - 1]).all() and np.isnan(largest[step - 1 :]).all()
    assert largest[step - 2] <= bound


def test_an_update_that_is_not_finite_is_a_divergence_at_its_step(train):
    """The gradient is finite, and its square is too large for a number."""
    trial = make_trial(optimizer="momentum", momentum=0.9, learning_rate=1e38)
    (finished,) = train(trial)
    assert finished.record.reason == "the update is not finite at step 1"


def test_a_loss_may_be_negative_or_zero():
    """What is far worse is measured from the loss at step 0, wherever that lies."""
    assert _times(1000, 2.0) == 2000
    assert _times(1000, -5.0) == 4990
    assert _times(2, 0.0) == np.inf


def test_a_trial_that_ends_far_worse_than_it_began_is_infeasible(train):
    # Beyond 2 / (largest curvature) the loss grows, here slowly enough to stay finite.
    (finished,) = train(make_trial(learning_rate=1.7))
    assert finished.record.status == "diverged"
    assert "far worse than it began" in finished.record.reason


@pytest.mark.parametrize("width", [8])
def test_a_diverging_neighbour_changes_no_bit_of_the_others(train, width):
    good = [make_trial(seed=n, learning_rate=0.01 * (n + 1), lanes=width) for n in range(width)]
    bad = make_trial(seed=3, learning_rate=1e6, lanes=width)
    alone = train(*good)
    mixed = train(*good[:3], bad, *good[4:])
    assert mixed[3].record.status == "diverged"
    for place in (0, 1, 2, 4, 5, 6, 7):
        assert_same_bits(alone[place], mixed[place])


def test_bits_depend_neither_on_the_lane_nor_on_the_padding(train):
    trials = [make_trial(seed=n, **GOOD, lanes=4) for n in range(4)]
    together = train(*trials)
    for place, trial in enumerate(trials):
        assert_same_bits(together[place], train(trial)[0])
    for place, finished in enumerate(train(*reversed(trials))):
        assert_same_bits(finished, together[3 - place])


def test_lanes_train_what_a_lone_program_trains(train):
    (alone,) = train(make_trial(seed=5, **GOOD))
    (lane,) = train(make_trial(seed=5, **GOOD, lanes=4))
    expected, found = arrays_of(alone.record), arrays_of(lane.record)
    assert list(expected) == list(found)
    for name, values in expected.items():
        np.testing.assert_allclose(values, found[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("lanes", [1, 4])
def test_batches_fed_from_the_host_give_the_bits_of_resident_ones(train, workload, lanes):
    trials = [make_trial(seed=n, **GOOD, lanes=lanes) for n in range(lanes)]
    resident = train(*trials)
    host_data = workload.load_data()["train"]
    fed = train(*trials, host_data=host_data)
    for one, other in zip(resident, fed, strict=True):
        assert_same_bits(one, other)


OF_ADAM_AND_COSINE = {
    "b1": lambda n: 0.8 + 0.005 * n,
    "b2": lambda n: 0.99 - 0.01 * n,
    "epsilon": lambda n: 1e-8 * (n + 1),
    "end_factor": lambda n: 0.01 * n,
    "hold_steps": lambda n: n,
    "decay_steps": lambda n: 10 + n,
}
OF_RMSPROP_AND_POLYNOMIAL = {
    "momentum": lambda n: 0.5 + 0.01 * n,
    "rho": lambda n: 0.8 + 0.005 * n,
    "epsilon": lambda n: 1e-8 * (n + 1),
    "end_factor": lambda n: 0.01 * n,
    "hold_steps": lambda n: n,
    "decay_steps": lambda n: 10 + n,
    "power": lambda n: 1.0 + 0.1 * n,
}
OF_MOMENTUM_AND_PIECEWISE = {
    "momentum": lambda n: 0.5 + 0.01 * n,
    "hold_steps": lambda n: n,
    "decay_steps": lambda n: 10 + n,
    "drops": lambda n: 1 + n,
    "drop_factor": lambda n: 0.1 + 0.01 * n,
    **{name: lambda n: 1 + n for name in OWN_DROPS},
}


@pytest.mark.parametrize(
    ("optimizer", "schedule", "own"),
    [
        ("adam", "cosine", OF_ADAM_AND_COSINE),
        ("rmsprop", "polynomial", OF_RMSPROP_AND_POLYNOMIAL),
        ("momentum", "piecewise", OF_MOMENTUM_AND_PIECEWISE),
    ],
)
def test_trials_that_differ_in_every_number_compile_once(train, optimizer, schedule, own):
    numbers_only = [
        make_trial(
            seed=n,
            optimizer=optimizer,
            schedule=schedule,
            learning_rate=0.001 * (n + 1),
            warmup_steps=n + 1,
            weight_decay=1e-4 * (n + 1),
            l2_regularization=1e-3 * (n + 1),
            clip_norm=1.0 + n,
            polyak_decay=0.5 + 0.01 * n,
            noise=0.01 * (n + 1),
            **{name: value(n) for name, value in own.items()},
        )
        for n in range(32)
    ]
    choices = {"optimizer": optimizer, "schedule": schedule}
    declared = {item.name for item in training_hyperparameters(choices, {}) if not item.static}
    varied = {
        name
        for name, value in numbers_only[0].hyperparameters.items()
        if numbers_only[1].hyperparameters[name] != value
    }
    assert varied >= declared
    assert len({signature(trial) for trial in numbers_only}) == 1
    train(numbers_only[0])
    (program,) = train.programs.values()
    assert program.compilations == 5  # init, train, average, evaluate, examine
    compiled = []

    def listen(event, *_, **__):
        if "backend_compile" in event:
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        for trial in numbers_only[1:]:
            train(trial)
        assert (program.compilations, compiled) == (5, [])
        jax.jit(lambda x: x + 1)(1.0)
        assert compiled  # JAX itself tells of what it compiles
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


@pytest.mark.parametrize(
    "feature", ["weight_decay", "clip_norm", "l2_regularization", "polyak_decay", "noise"]
)
def test_a_feature_that_is_off_is_not_in_the_program(workload, data, feature):
    """Off, a feature costs nothing: its step has fewer operations, and no argument for it."""
    off, on = make_trial(**GOOD), make_trial(**GOOD, **{feature: 0.5})
    assert feature not in off.traced
    assert feature in on.traced
    operations = {}
    for name, trial in {"off": off, "on": on}.items():
        program = Program(trial, workload, data, 50)
        seed, traced = program.arguments([trial])
        state = program.init(seed, traced)
        program.train(state, 0, 10, seed, traced, np.zeros((10, trial.batch_size), np.int32))
        operations[name] = program._compiled["train 10"].cost_analysis()["flops"]
    assert operations["off"] < operations["on"]


def test_polyak_averaging_evaluates_the_debiased_average(workload, data):
    trial = make_trial(**GOOD, polyak_decay=0.8, eval_every=1, max_train_steps=5)
    program = Program(trial, workload, data, 50)
    seed, traced = program.arguments([trial])
    state = program.init(seed, traced)
    batches = Order([trial.seed], 50, trial.batch_size).batches(0, 5)[0]
    weights = []
    for step in range(5):
        state, _ = program.train(state, step, 1, seed, traced, batches[step : step + 1])
        weights.append(np.asarray(state.variables["params"]["w"], np.float64))
    factors = 0.8 ** np.arange(4, -1, -1)
    expected = np.average(weights, axis=0, weights=factors)
    found = program.evaluated(state, 5, traced)["params"]["w"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_every_step_is_evaluated_at_the_start_where_asked(train):
    (dense,) = train(make_trial(**GOOD, dense_until=12))
    evaluations = dense.record.evaluations
    assert evaluations.steps.tolist() == [*range(13), 20, 30, 40]
    assert all(np.isfinite(values).all() for values in evaluations.values.values())
    (plain,) = train(make_trial(**GOOD))
    for split in ("train", "validation"):
        often, seldom = (
            trained.record.evaluations.values[f"{split}/loss"] for trained in (dense, plain)
        )
        np.testing.assert_allclose(often[[0, 10, 13, 14, 15]], seldom, rtol=1e-5)


def test_a_batch_larger_than_the_training_set_is_infeasible(workload):
    trial = make_trial(batch_size=51)
    with pytest.raises(InfeasibleConfigurationError, match=r"larger than the training set \(50"):
        Program(trial, workload, place_data(workload.load_data(), 51, 0), 50)
