"""What evaluations are measured on, against means over the examples in float64."""

import jax
import numpy as np
import pytest

from tuning_playbook.engine.data import place_data
from tuning_playbook.engine.evaluation import fixed_sample, weighted_means

EXAMPLES = {"train": 1001, "validation": 300}


@pytest.fixture(scope="module")
def splits():
    generator = np.random.default_rng(0)
    return {
        name: {"x": generator.normal(size=(count, 2)).astype(np.float32)}
        for name, count in EXAMPLES.items()
    }


def mean_of(split):
    def per_example(batch):
        return {"loss": (batch["x"] ** 2).sum(axis=-1)}

    return float(jax.jit(lambda part: weighted_means(per_example, part))(split)["loss"])


def expected(arrays):
    return (arrays["x"].astype(np.float64) ** 2).sum(axis=-1).mean()


@pytest.mark.parametrize("validation_sample", [0, 100])
def test_all_of_the_training_split_is_measured_in_batches_whose_padding_weighs_nothing(
    splits, validation_sample
):
    data = place_data(splits, 64, validation_sample, "all")
    examples, weights = data.evaluated["train"]
    assert len(weights) > 1
    assert weights.size > weights.sum() == EXAMPLES["train"]
    assert examples["x"].shape == (*weights.shape, 2)
    assert mean_of(data.evaluated["train"]) == pytest.approx(expected(splits["train"]), rel=1e-6)


def test_left_out_it_is_a_sample_as_large_as_what_is_seen_of_the_validation_split(splits):
    for seen in (0, 100):
        data = place_data(splits, 64, seen)
        sample = fixed_sample(splits["train"], seen or EXAMPLES["validation"])
        assert mean_of(data.evaluated["train"]) == pytest.approx(expected(sample), rel=1e-6)
        assert expected(sample) != pytest.approx(expected(splits["train"]), rel=1e-3)


def test_the_validation_split_is_measured_as_ever(splits):
    sampled, whole = (place_data(splits, 64, 100, train) for train in ("", "all"))
    assert mean_of(sampled.evaluated["validation"]) == mean_of(whole.evaluated["validation"])
