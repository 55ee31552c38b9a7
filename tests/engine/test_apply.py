"""A workload's `apply` is told the step where its signature takes it, and only there."""

import jax.numpy as jnp
import numpy as np
import pytest

from tests.engine.bits import differing
from tests.engine.quadratic import BEST_LOSS, Quadratic, make_trial
from tuning_playbook import Metric
from tuning_playbook.engine.apply import takes_step
from tuning_playbook.engine.data import place_data
from tuning_playbook.engine.program import Program
from tuning_playbook.engine.run import train_group
from tuning_playbook.jobs.held_out import measure


class Stepped(Quadratic):
    """Linear regression whose second metric is the step, and whose loss is scaled by it."""

    metrics = (*Quadratic.metrics[:1], Metric("step", "steps taken"))

    def apply(self, variables, batch, *, hyperparameters, key, train, step):
        metrics, updated = super().apply(
            variables, batch, hyperparameters=hyperparameters, key=key, train=train
        )
        scale = jnp.where(step < 20, 0.0, 1.0) if train else 1.0
        loss = scale * metrics["loss"]
        return {"loss": loss, "step": jnp.full(loss.shape, step, jnp.float32)}, updated


def train(workload, *trials):
    data = place_data(workload.load_data(), trials[0].batch_size, 0)
    return train_group(Program(trials[0], workload, data, 50), trials, BEST_LOSS).finished


@pytest.mark.parametrize("lanes", [1, 2])
def test_it_is_the_number_of_steps_taken_in_training_and_at_evaluations(lanes):
    trials = [make_trial(seed=n, learning_rate=0.05, lanes=lanes) for n in range(lanes)]
    for finished in train(Stepped(), *trials):
        curves = finished.record.evaluations
        np.testing.assert_array_equal(curves.values["validation/step"], curves.steps)
        assert finished.examination.means["step"] == finished.best[0][0]
        loss = finished.record.logged.values["train_loss"]
        window = 40 // len(loss)
        assert (loss[: 20 // window] == 0).all() and (loss[20 // window :] > 0).all()


def test_a_held_out_split_is_measured_at_the_step_of_its_checkpoint():
    trial, workload = make_trial(learning_rate=0.05), Stepped()
    (finished,) = train(workload, trial)
    step, variables = finished.best[0]
    examples = workload.load_data()["validation"]
    assert measure(variables, trial, workload, examples, step)["step"] == step > 0


def test_one_that_does_not_ask_is_not_told():
    class AnyKeyword(Quadratic):
        def apply(self, variables, batch, **keywords):
            assert set(keywords) == {"hyperparameters", "key", "train"}
            return super().apply(variables, batch, **keywords)

    assert takes_step(Stepped())
    assert not takes_step(AnyKeyword())
    trial = make_trial(learning_rate=0.05)
    (one,), (other,) = train(AnyKeyword(), trial), train(Quadratic(), trial)
    assert differing(one.record, other.record) == []
