"""A branch is its run up to a step, and from there a run at a larger batch size."""

import jax
import numpy as np
import pytest

from tests.engine.bits import arrays_of, differing
from tests.engine.quadratic import BEST_LOSS, Quadratic, make_trial
from tuning_playbook.engine.data import place_data
from tuning_playbook.engine.order import Order
from tuning_playbook.engine.program import INIT_STREAM, Program
from tuning_playbook.engine.run import Progress, train_group

RUN = {"learning_rate": 0.05, "batch_size": 8, "eval_every": 10, "max_train_steps": 40}
BRANCH = {**RUN, "batch_size": 32, "branch_batch": 8, "branch_step": 20, "branch_power": 0.5}


def train(*trials, **others):
    workload = Quadratic()
    data = place_data(workload.load_data(), trials[0].computed_at_once, 0)
    return train_group(Program(trials[0], workload, data, 50), trials, BEST_LOSS, **others).finished


def numbers(**changes):
    (finished,) = train(make_trial(**changes))
    return finished, arrays_of(finished.record)


def gradient(weights, batch):
    """The mean gradient of half the squared error, in float64."""
    error = batch["x"] @ weights - batch["y"]
    return (error[:, None] * batch["x"]).mean(axis=0)


def test_up_to_the_branch_it_is_its_run():
    (_, run), (_, branch) = numbers(**RUN), numbers(**BRANCH)
    np.testing.assert_allclose(branch["train_loss"][:20], run["train_loss"][:20], rtol=1e-5)
    assert np.abs(branch["train_loss"][30:] - run["train_loss"][30:]).max() > 1e-3


def sgd(state, slope, rate):
    return state, -rate * slope


def momentum(velocity, slope, rate):
    velocity = 0.9 * (0.0 if velocity is None else velocity) + slope
    return velocity, -rate * velocity


def adam(state, slope, rate):
    count, first, second = state or (0, 0.0, 0.0)
    count, first, second = count + 1, 0.9 * first + 0.1 * slope, 0.999 * second + 1e-3 * slope**2
    correction = np.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    return (count, first, second), -rate * correction * first / (np.sqrt(second) + 1e-8)


DEFAULTS = {"b1": 0.9, "b2": 0.999, "epsilon": 1e-8}


@pytest.mark.parametrize(
    ("optimizer", "power", "rule", "own"),
    [
        ("sgd", 1.0, sgd, {}),
        ("momentum", 0.5, momentum, {"momentum": 0.9}),
        ("adam", 0.5, adam, DEFAULTS),
    ],
)
def test_after_it_an_update_is_of_the_mean_over_the_larger_batch(optimizer, power, rule, own):
    """Against NumPy: four batches of 8 make one update at 4 to that power times the rate."""
    finished, logged = numbers(**BRANCH | {"branch_power": power}, optimizer=optimizer, **own)
    split = Quadratic().load_data()["train"]
    split = {name: array.astype(np.float64) for name, array in split.items()}
    order = Order([finished.trial.seed], 50, 8).batches(0, 40)[0]
    key = jax.random.fold_in(jax.random.key(finished.trial.seed), INIT_STREAM)
    weights = np.asarray(Quadratic().init(key, {"bias": False})["params"]["w"], np.float64)
    state, waiting, losses = None, [], []
    for step, rows in enumerate(order):
        batch = {name: array[rows] for name, array in split.items()}
        losses.append(0.5 * np.mean((batch["x"] @ weights - batch["y"]) ** 2))
        waiting.append(gradient(weights, batch))
        if step < 20 or len(waiting) == 4:
            rate = 0.05 * (1 if step < 20 else 4**power)
            state, update = rule(state, np.mean(waiting, axis=0), rate)
            weights, waiting = weights + update, []
    np.testing.assert_allclose(logged["train_loss"], losses, rtol=5e-4)
    np.testing.assert_allclose(
        logged["learning_rate_t"], [0.05] * 20 + [0.05 * 4**power] * 20, rtol=1e-6
    )
    updates = logged["update_norm"]
    assert (updates[:20] > 0).all()
    assert np.flatnonzero(updates[20:]).tolist() == [3, 7, 11, 15, 19]


def test_a_branch_goes_on_between_two_updates_as_if_nothing_had_been():
    trial = make_trial(**{**BRANCH, "eval_every": 2, "branch_step": 11})
    kept = {}

    def between(lanes, progress):
        if progress.step == 22:
            kept["progress"] = Progress(22, jax.device_get(progress.state), 0.0)
            kept["lane"] = lanes[0]
            raise KeyboardInterrupt

    (whole,) = train(trial)
    with pytest.raises(KeyboardInterrupt):
        train(trial, between=between)

    def resume(lanes, state):
        before = kept["lane"]
        lanes[0].metrics, lanes[0].steps = before.metrics, before.steps
        lanes[0].bound, lanes[0].best = before.bound, before.best
        return kept["progress"]

    (again,) = train(trial, resume=resume)
    assert differing(whole.record, again.record) == []


def test_lanes_branch_each_for_itself():
    trials = [make_trial(seed=n, **BRANCH, lanes=2) for n in range(2)]
    for n, lane in enumerate(train(*trials)):
        _, alone = numbers(seed=n, **BRANCH)
        np.testing.assert_allclose(
            arrays_of(lane.record)["train_loss"], alone["train_loss"], rtol=1e-4
        )


def test_a_branch_is_another_trial_than_its_run_and_than_another_branch():
    branches = [{}, {"branch_step": 10}, {"branch_power": 1.0}, {"batch_size": 16}]
    trials = [make_trial(**RUN), *(make_trial(**{**BRANCH, **item}) for item in branches)]
    assert len({trial.fingerprint for trial in trials}) == len(trials)


def test_a_branch_may_have_a_larger_batch_than_there_are_examples():
    """A step sees the batch of its run: only an update is of more."""
    _, logged = numbers(**{**BRANCH, "batch_size": 64})
    assert np.isfinite(logged["train_loss"]).all()
