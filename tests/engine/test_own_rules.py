"""A workload's own optimizer, schedule and mask of weight decay, against NumPy in float64."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tests.engine.bits import differing
from tests.engine.quadratic import BEST_LOSS, Quadratic, make_trial
from tuning_playbook import Hyperparameter
from tuning_playbook.engine.data import place_data
from tuning_playbook.engine.optax_factories import optax_optimizers
from tuning_playbook.engine.program import Program
from tuning_playbook.engine.run import train_group
from tuning_playbook.errors import InfeasibleConfigurationError
from tuning_playbook.workloads import matrices_only


class Ruled(Quadratic):
    """Linear regression with an optimizer and a schedule of its own."""

    hyperparameters = (
        *Quadratic.hyperparameters,
        Hyperparameter("velocity_decay", 0.9, "of the velocity"),
        Hyperparameter("exponent", 2.0, "of the decay"),
    )

    def optimizer(self, hyperparameters, learning_rate):
        return optax.sgd(learning_rate, momentum=hyperparameters["velocity_decay"])

    def schedule(self, hyperparameters, step, max_train_steps):
        left = 1.0 - step / max_train_steps
        return hyperparameters["learning_rate"] * left ** hyperparameters["exponent"]


def trial_of(workload, seed=0, **changes):
    """Return a trial with all that a workload declares, its numbers traced."""
    own = {item.name: item.default for item in workload.hyperparameters} | {"bias": True}
    plain = {n: v for n, v in changes.items() if n not in own}
    trial = make_trial(seed=seed, **{"learning_rate": 0.05, "bias": True, **plain})
    own |= {name: value for name, value in changes.items() if name in own}
    traced = {item.name for item in workload.hyperparameters if item.traced(own[item.name])}
    return dataclasses.replace(
        trial,
        hyperparameters=trial.hyperparameters | own,
        traced=tuple(sorted({*trial.traced, *traced})),
    )


def train(workload, *trials):
    data = place_data(workload.load_data(), trials[0].batch_size, 0)
    program = Program(trials[0], workload, data, 50)
    return train_group(program, trials, BEST_LOSS).finished, program


def last_params(workload, trial, **changes):
    """Return the parameters after the last step."""
    kept = dataclasses.replace(BEST_LOSS, keep=99)
    data = place_data(workload.load_data(), trial.batch_size, 0)
    (finished,) = train_group(Program(trial, workload, data, 50), [trial], kept).finished
    return dict(finished.best)[trial.max_train_steps]["params"]


def test_an_optimizer_of_the_workload_trains_as_the_built_in_one_of_the_same_rule():
    workload = Ruled()
    (own,), _ = train(workload, trial_of(workload, optimizer="workload"))
    (built_in,), _ = train(workload, trial_of(workload, optimizer="momentum", momentum=0.9))
    for name, values in built_in.record.evaluations.values.items():
        np.testing.assert_allclose(own.record.evaluations.values[name], values, rtol=1e-5)
    assert own.record.status == "completed"


def test_its_hyperparameters_are_traced():
    """Trials that differ in every number of theirs compile once."""
    workload = Ruled()
    rules = {"optimizer": "workload", "schedule": "workload"}
    first = trial_of(workload, **rules)
    data = place_data(workload.load_data(), first.batch_size, 0)
    program = Program(first, workload, data, 50)
    results, compilations = [], []
    for numbers in ({}, {"velocity_decay": 0.5}, {"exponent": 1.0}, {"learning_rate": 0.1}):
        trial = trial_of(workload, **rules, **numbers)
        results.append(train_group(program, [trial], BEST_LOSS).finished[0].record)
        compilations.append(program.compilations)
    assert len(set(compilations)) == 1
    assert len({record.sha256 for record in results}) == 4


@pytest.mark.parametrize("warmup", [0, 10])
def test_the_rate_of_its_schedule_is_the_rate_that_is_logged(warmup):
    workload = Ruled()
    steps = np.arange(40)
    expected = 0.05 * (1 - steps / 40) ** 2 * np.minimum((steps + 1) / max(warmup, 1), 1)
    trial = trial_of(workload, schedule="workload", eval_every=1, warmup_steps=warmup)
    (finished,), _ = train(workload, trial)
    np.testing.assert_allclose(
        finished.record.logged.values["learning_rate_t"], expected, rtol=1e-5
    )


def test_a_frozen_group_keeps_its_first_values_and_the_others_train():
    class Frozen(Ruled):
        def optimizer(self, hyperparameters, learning_rate):
            rules = {"trained": optax.adam(learning_rate), "frozen": optax.set_to_zero()}
            return optax.multi_transform(rules, {"w": "trained", "b": "frozen"})

    workload = Frozen()
    (finished,), _ = train(workload, trial_of(workload, optimizer="workload"))
    for _, variables in finished.best:
        assert float(variables["params"]["b"]) == 0.0
    assert np.ptp([np.asarray(v["params"]["w"])[0] for _, v in finished.best]) > 0


def test_a_transformation_that_asks_for_the_loss_is_told_it():
    class Plateau(Ruled):
        def optimizer(self, hyperparameters, learning_rate):
            plateau = optax.contrib.reduce_on_plateau(factor=0.5, patience=2, cooldown=0)
            return optax.chain(optax.sgd(learning_rate), plateau)

    workload = Plateau()
    trials = [trial_of(workload, optimizer="workload", clip_norm=norm) for norm in (0.0, 1.0)]
    for trial in trials:
        (finished,), _ = train(workload, trial)
        assert finished.record.status == "completed"


def decayed_in_float64(workload, trial, mask):
    """Return the parameters that SGD with decoupled weight decay ends with, in float64."""
    from tuning_playbook.engine.order import Order  # noqa: PLC0415

    splits = workload.load_data()["train"]
    key = jax.random.fold_in(jax.random.key(trial.seed), 0)
    first = workload.init(key, {"bias": True})["params"]
    w, b = np.asarray(first["w"], np.float64), float(first["b"])
    rate, decay = (trial.hyperparameters[n] for n in ("learning_rate", "weight_decay"))
    order = Order([trial.seed], 50, trial.batch_size).batches(0, trial.max_train_steps)[0]
    for index in order:
        x, y = (splits[name][index].astype(np.float64) for name in ("x", "y"))
        error = x @ w + b - y
        w = w - rate * (error @ x) / len(x) - rate * decay * w * mask["w"]
        b = b - rate * error.mean() - rate * decay * b * mask["b"]
    return w, b


@pytest.mark.parametrize("mask", [{"w": True, "b": False}, {"w": False, "b": True}, True])
@pytest.mark.parametrize("optimizer", ["sgd", "workload"])
def test_what_the_mask_leaves_out_does_not_decay(mask, optimizer):
    class Masked(Ruled):
        def optimizer(self, hyperparameters, learning_rate):
            return optax.sgd(learning_rate)

        def decay_mask(self, params):
            return mask

    workload = Masked()
    trial = trial_of(workload, optimizer=optimizer, weight_decay=0.7)
    w, b = decayed_in_float64(workload, trial, {"w": True, "b": True} if mask is True else mask)
    params = last_params(workload, trial)
    np.testing.assert_allclose(params["w"], w, rtol=2e-5)
    np.testing.assert_allclose(params["b"], b, rtol=2e-4, atol=1e-6)


def test_a_mask_changes_no_bit_where_nothing_decays():
    class Masked(Quadratic):
        def decay_mask(self, params):
            return matrices_only(params)

    (one,), _ = train(Masked(), trial_of(Masked()))
    (other,), _ = train(Quadratic(), trial_of(Quadratic()))
    assert differing(one.record, other.record) == []


def test_an_optimizer_of_optax_is_given_the_mask_and_one_that_takes_none_is_refused():
    class Masked(Quadratic):
        def decay_mask(self, params):
            return {"w": False, "b": False}

    def values_of(name, weight_decay):
        declared = optax_optimizers()[name]
        own = {item.name: item.default for item in declared}
        return {"optimizer": name, **own, "learning_rate": 0.01, "weight_decay": weight_decay}

    def trained(name, weight_decay):
        trial = trial_of(Masked())
        values = trial.hyperparameters | values_of(name, weight_decay)
        return train(Masked(), dataclasses.replace(trial, hyperparameters=values, traced=()))[0][0]

    one, other = (trained("optax.adamw", decay).record for decay in (0.0, 0.9))
    assert differing(one, other) == []
    with pytest.raises(InfeasibleConfigurationError, match=r"optax\.novograd decays all"):
        trained("optax.novograd", 0.9)


def test_truth_values_of_optaxs_factories_are_hyperparameters():
    declared = {item.name: item for item in optax_optimizers()["optax.rmsprop"]}
    assert {"eps_in_sqrt", "centered", "nesterov", "bias_correction"} <= declared.keys()
    assert declared["centered"].default is False
    assert not declared["centered"].traced(True)
    assert "weight_decay_mask" not in {item.name for item in optax_optimizers()["optax.lars"]}
    trial = trial_of(Quadratic())

    def trained(**changes):
        own = {name: item.default for name, item in declared.items()} | {"learning_rate": 0.01}
        values = trial.hyperparameters | {"optimizer": "optax.rmsprop"} | own | changes
        given = dataclasses.replace(trial, hyperparameters=values, traced=())
        return train(Quadratic(), given)[0][0].record

    assert differing(trained(), trained(centered=True)) != []


def test_vectors_are_left_out_of_matrices_only():
    params = {"layer": {"kernel": jnp.ones((2, 3)), "bias": jnp.ones(3)}, "scale": jnp.ones(())}
    assert matrices_only(params) == {"layer": {"kernel": True, "bias": False}, "scale": False}
