"""A batch that is computed in parts gives what it gives at once, to float32 rounding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.engine.bits import arrays_of, differing
from tests.engine.quadratic import BEST_LOSS, Quadratic, make_trial
from tests.engine.texts import as_stream
from tuning_playbook.engine.data import place_data
from tuning_playbook.engine.order import Order
from tuning_playbook.engine.program import STEP_STREAM, Program, signature
from tuning_playbook.engine.run import train_group
from tuning_playbook.errors import InfeasibleConfigurationError

GOOD = {"learning_rate": 0.05, "batch_size": 24}


def train(workload, *trials, **others):
    splits = workload.load_data()
    data = place_data(splits, trials[0].computed_at_once, 0)
    if others:
        data = data._replace(train={})
    return train_group(Program(trials[0], workload, data, 50), trials, BEST_LOSS, **others).finished


@pytest.mark.parametrize("microbatch", [1, 3, 8, 12])
@pytest.mark.parametrize(
    "features", [{}, {"clip_norm": 0.5, "l2_regularization": 0.01}, {"polyak_decay": 0.9}]
)
def test_any_division_gives_the_same_numbers(microbatch, features):
    workload = Quadratic()
    (whole,) = train(workload, make_trial(**GOOD, **features))
    (parts,) = train(workload, make_trial(**GOOD, **features, microbatch=microbatch))
    expected, found = arrays_of(whole.record), arrays_of(parts.record)
    for name in expected.keys() - {"counts"}:
        np.testing.assert_allclose(found[name], expected[name], rtol=2e-4, atol=2e-6, err_msg=name)


@pytest.mark.parametrize("source", ["host_data", "stream"])
def test_examples_that_are_fed_are_cut_as_numbers_of_them_are(source):
    workload, trial = Quadratic(), make_trial(**GOOD, microbatch=8)
    split = workload.load_data()["train"]
    fed = {source: split if source == "host_data" else as_stream(split)}
    (one,), (other,) = train(workload, trial), train(workload, trial, **fed)
    assert differing(one.record, other.record) == []


def test_lanes_are_cut_each_for_itself():
    trials = [make_trial(seed=n, **GOOD, microbatch=8, lanes=2) for n in range(2)]
    lanes = train(Quadratic(), *trials)
    for n, lane in enumerate(lanes):
        (alone,) = train(Quadratic(), make_trial(seed=n, **GOOD, microbatch=8))
        expected, found = (arrays_of(item.record)["train_loss"] for item in (alone, lane))
        np.testing.assert_allclose(found, expected, rtol=1e-4)


class Counted(Quadratic):
    """One with a collection: the mean of the inputs, and how often it was updated."""

    def init(self, key, hyperparameters):
        seen = {"mean": jnp.zeros(4), "updates": jnp.zeros((), jnp.int32)}
        return {**super().init(key, hyperparameters), "seen": seen}

    def apply(self, variables, batch, **keywords):
        metrics, _ = super().apply(variables, batch, **keywords)
        seen = variables["seen"]
        after = {
            "mean": 0.5 * seen["mean"] + 0.5 * batch["x"].mean(axis=0),
            "updates": seen["updates"] + 1,
        }
        return metrics, {"seen": after}


def test_collections_see_each_part_in_turn():
    workload, trial = Counted(), make_trial(**GOOD, microbatch=8, max_train_steps=10)
    (finished,) = train(workload, trial)
    seen = dict(finished.best)[10]["seen"]
    assert int(seen["updates"]) == 10 * 3
    x = workload.load_data()["train"]["x"].astype(np.float64)
    mean = np.zeros(4)
    for index in Order([trial.seed], 50, 24).batches(0, 10)[0]:
        for part in index.reshape(3, 8):
            mean = 0.5 * mean + 0.5 * x[part].mean(axis=0)
    np.testing.assert_allclose(seen["mean"], mean, rtol=1e-5)


def test_each_part_draws_with_a_key_of_its_own():
    class Drawn(Quadratic):
        """Its loss is the first number that is drawn, whatever the examples."""

        def apply(self, variables, batch, *, hyperparameters, key, train):
            metrics, _ = super().apply(
                variables, batch, hyperparameters=hyperparameters, key=key, train=train
            )
            drawn = jax.random.uniform(key) + 0.0 * metrics["loss"]
            return {**metrics, "loss": drawn if train else metrics["loss"]}, {}

    trial = make_trial(**GOOD, microbatch=8, eval_every=1, max_train_steps=3)
    (finished,) = train(Drawn(), trial)
    step_key = jax.random.fold_in(jax.random.key(trial.seed), STEP_STREAM)
    expected = [
        np.mean(
            [
                jax.random.uniform(jax.random.fold_in(jax.random.fold_in(step_key, step), part))
                for part in range(3)
            ]
        )
        for step in range(3)
    ]
    np.testing.assert_allclose(finished.record.logged.values["train_loss"], expected, rtol=1e-6)


def test_it_is_another_program_and_another_trial():
    one, other = make_trial(**GOOD), make_trial(**GOOD, microbatch=8)
    assert signature(one) != signature(other)
    assert one.fingerprint != other.fingerprint


def test_parts_of_two_sizes_are_infeasible():
    with pytest.raises(InfeasibleConfigurationError, match="equal parts of 7 examples"):
        train(Quadratic(), make_trial(**GOOD, microbatch=7))
