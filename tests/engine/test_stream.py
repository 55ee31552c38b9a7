"""Training batches that a workload makes itself, in place of an array of training examples."""

import dataclasses
import math

import grain
import numpy as np
import pytest

from tests.engine.bits import differing
from tests.engine.quadratic import make_trial
from tests.engine.texts import Letters, as_stream, train_letters
from tuning_playbook.engine.stream import stream_of
from tuning_playbook.errors import WorkloadError


def trial_of(seed=0, **changes):
    trial = make_trial(seed=seed, **{"learning_rate": 2.0, "max_train_steps": 200, **changes})
    own = {n: v for n, v in trial.hyperparameters.items() if n not in ("noise", "bias")}
    return dataclasses.replace(trial, hyperparameters=own)


@pytest.mark.parametrize("lanes", [1, 3])
def test_a_stream_of_the_same_batches_gives_the_bits_of_resident_ones(train, workload, lanes):
    trials = [make_trial(seed=n, learning_rate=0.05, lanes=lanes) for n in range(lanes)]
    stream = as_stream(workload.load_data()["train"])
    for one, other in zip(train(*trials), train(*trials, stream=stream), strict=True):
        assert differing(one.record, other.record) == []


class Examples:
    """The examples of a split one by one, as Grain reads them."""

    def __init__(self, arrays):
        self.arrays = arrays

    def __len__(self):
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, number):
        return {name: array[number] for name, array in self.arrays.items()}


def test_a_map_dataset_of_grain_is_a_stream_as_the_documentation_shows(train, workload):
    examples = Examples({"number": np.arange(50)} | dict(workload.load_data()["train"]))
    dataset = grain.MapDataset.source(examples)

    def train_batches(seed, step, batch_size):
        return dataset.seed(seed).shuffle().repeat().batch(batch_size)[step]

    def stream(seed, step, batch_size):
        batch = train_batches(seed, step, batch_size)
        return {name: array for name, array in batch.items() if name != "number"}

    seen = [train_batches(5, step, 10)["number"] for step in range(5)]
    assert sorted(np.concatenate(seen)) == list(range(50))
    trial = make_trial(learning_rate=0.05)
    one, other = (train(trial, stream=stream)[0] for _ in range(2))
    assert one.record.status == "completed"
    assert differing(one.record, other.record) == []


def test_a_text_is_learnt_without_an_array_of_examples():
    (finished,) = train_letters(trial_of())
    values = finished.record.evaluations.values
    assert finished.record.status == "completed"
    assert values["validation/loss"][0] == pytest.approx(math.log(8), rel=1e-5)
    assert values["validation/loss"][-1] == pytest.approx(math.log(2), abs=0.05)
    assert np.isnan(values["train/loss"]).all()
    assert np.isfinite(finished.record.logged.values["train_loss"]).all()


def test_each_seed_sees_batches_of_its_own():
    one, other = train_letters(trial_of(0, lanes=2), trial_of(1, lanes=2))
    assert "train_loss" in differing(one.record, other.record)
    assert one.record.sha256 == train_letters(trial_of(0, lanes=2))[0].record.sha256


def test_a_trial_without_training_metrics_diverges_by_its_validation_loss():
    bad = trial_of(learning_rate=-3.0)
    (finished,) = train_letters(bad)
    assert finished.record.status == "diverged"
    assert "validation/loss" in finished.record.reason


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"text": np.zeros((3, 9))}, r"'text' float64\[3, 9\] at step 4; .*\[8, ...\]"),
        ([np.zeros(8)], "object of type list"),
        ({}, "object of type dict"),
    ],
)
def test_batches_of_another_form_are_named(given, said):
    class Other(Letters):
        def train_batches(self, seed, step, batch_size):
            return given if step == 4 else super().train_batches(seed, step, batch_size)

    stream = stream_of(Other())
    assert stream(0, 3, 8)["text"].shape == (8, 9)
    with pytest.raises(WorkloadError, match=rf"^Other.train_batches returns .*{said}"):
        stream(0, 4, 8)
