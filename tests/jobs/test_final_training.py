"""The final model is trained on both splits, for the steps it is told, as the trial was."""

import dataclasses

import jax
import numpy as np
import pytest

from tests.engine.quadratic import BEST_LOSS, Quadratic, make_trial
from tuning_playbook.engine import feed
from tuning_playbook.engine.data import place_data
from tuning_playbook.engine.order import Order
from tuning_playbook.engine.program import Program
from tuning_playbook.engine.run import train_group
from tuning_playbook.errors import ArtefactError
from tuning_playbook.jobs import checkpoints
from tuning_playbook.jobs.export import MODEL
from tuning_playbook.jobs.final_training import RECORD, WEIGHTS, final_loss, fold, train_final


class Predicting(Quadratic):
    def predict(self, variables, batch, *, hyperparameters):
        return batch["x"] @ variables["params"]["w"]


def weights(folder):
    return checkpoints.restore(folder / "checkpoints", WEIGHTS)["params"]["w"]


def test_it_takes_the_steps_of_gradient_descent_on_all_examples_of_both_splits(tmp_path):
    """With all examples in one batch their order is nothing, and each step is known."""
    workload, splits = Quadratic(), Quadratic().load_data()
    examples = fold(splits)
    assert len(examples["x"]) == 71
    trial = make_trial(batch_size=71, learning_rate=0.1)
    program = Program(trial, workload, place_data(splits | {"train": examples}, 71, 0), 71)
    w = np.asarray(program.init(*program.arguments([trial])).variables["params"]["w"], np.float64)
    x, y = (examples[name].astype(np.float64) for name in ("x", "y"))
    for _ in range(25):
        loss = np.mean(0.5 * (x @ w - y) ** 2)
        w = w - 0.1 * x.T @ (x @ w - y) / 71
    last = train_final(tmp_path, trial, 25, workload, splits)
    np.testing.assert_allclose(weights(tmp_path), w, rtol=1e-4)
    assert loss < last < 10  # the mean over the last interval, which fell to the last loss


@pytest.mark.parametrize("changes", [{}, {"polyak_decay": 0.9}, {"schedule": "cosine"}])
def test_it_is_the_state_of_a_whole_run_after_as_many_steps(tmp_path, changes):
    """So the schedule is that of the whole run, and does not end earlier."""
    workload, splits = Quadratic(), Quadratic().load_data()
    base = make_trial(**changes) if "schedule" not in changes else scheduled()
    folded = splits | {"train": fold(splits)}
    program = Program(base, workload, place_data(folded, base.batch_size, 0), 71)
    trained = train_group(program, [base], dataclasses.replace(BEST_LOSS, keep=5))
    expected = dict(trained.finished[0].best)[20]
    train_final(tmp_path, base, 20, workload, splits)
    np.testing.assert_array_equal(weights(tmp_path), expected["params"]["w"])


def scheduled():
    return make_trial(schedule="cosine", decay_steps=0, end_factor=0.0)


def test_where_what_is_fed_is_cut_changes_neither_the_weights_nor_the_loss(tmp_path, monkeypatch):
    splits = Quadratic().load_data()
    whole = train_final(tmp_path / "whole", make_trial(), 20, Quadratic(), splits)
    monkeypatch.setattr(feed, "PIECE_BYTES", 3 * make_trial().batch_size * np.int32().nbytes)
    assert feed.IndexFeed(Order([0], 71, 8), 0).most_steps == 3
    assert train_final(tmp_path / "cut", make_trial(), 20, Quadratic(), splits) == whole
    np.testing.assert_array_equal(weights(tmp_path / "cut"), weights(tmp_path / "whole"))


def test_the_model_is_exported_where_the_workload_predicts(tmp_path):
    splits = Quadratic().load_data()
    train_final(tmp_path, make_trial(), 10, Predicting(), splits)
    predict = jax.export.deserialize(bytearray((tmp_path / MODEL).read_bytes()))
    batch = splits["validation"]
    np.testing.assert_allclose(predict.call(batch), batch["x"] @ weights(tmp_path), rtol=1e-5)


def test_a_final_model_that_is_there_is_kept_and_a_damaged_one_trained_again(tmp_path):
    splits, trial = Quadratic().load_data(), make_trial()
    first = final_loss(tmp_path, trial, 10, Quadratic(), splits)
    before = (tmp_path / RECORD).stat().st_mtime_ns
    assert final_loss(tmp_path, trial, 10, Quadratic(), splits) == first
    assert (tmp_path / RECORD).stat().st_mtime_ns == before
    was = weights(tmp_path)
    for path in (tmp_path / "checkpoints" / WEIGHTS).rglob("*"):
        if path.is_file():
            path.write_bytes(b"\0" + path.read_bytes())
    assert final_loss(tmp_path, trial, 10, Quadratic(), splits) == first
    np.testing.assert_array_equal(weights(tmp_path), was)
    final_loss(tmp_path, trial, 20, Quadratic(), splits)
    assert not np.array_equal(weights(tmp_path), was)


def test_a_final_model_that_diverges_says_so(tmp_path):
    trial = make_trial(learning_rate=1e30)
    with pytest.raises(ArtefactError, match="diverged at step"):
        train_final(tmp_path, trial, 40, Quadratic(), Quadratic().load_data())
    assert not (tmp_path / RECORD).exists()
