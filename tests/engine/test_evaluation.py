import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tuning_playbook.engine.evaluation import batched, fixed_sample, weighted_means


def per_example(batch):
    return {"value": batch["x"], "square": batch["x"] ** 2}


@pytest.mark.parametrize(
    ("examples", "batch", "parts", "padding"),
    [
        (1001, 128, 1, 0),
        (1001, 128, 8, 7),
        (1001, 100, 1, 9),
        (128, 128, 1, 0),
        (127, 128, 2, 1),
        (1, 7, 1, 0),
        (9, 2, 1, 3),
    ],
)
def test_padding_weighs_nothing(examples, batch, parts, padding):
    x = np.random.default_rng(0).normal(size=examples).astype(np.float32)
    split = batched({"x": x}, batch, parts)
    assert np.sum(split[1] == 0) == padding
    means = jax.jit(weighted_means, static_argnums=0)(per_example, split)
    assert float(means["value"]) == pytest.approx(x.astype(np.float64).mean(), abs=1e-6)
    assert float(means["square"]) == pytest.approx((x.astype(np.float64) ** 2).mean(), rel=1e-5)


def test_padding_weighs_nothing_even_where_it_is_not_a_number():
    """The padding repeats the first example, whose metric may be infinite only in the batch."""
    x = np.array([1.0, 2.0, 3.0], np.float32)
    cut, weight = batched({"x": x}, 3, 2)
    assert weight.tolist() == [[1, 1, 1, 0]]
    cut["x"] = np.where(weight > 0, cut["x"], np.nan)
    assert float(weighted_means(per_example, (cut, weight))["value"]) == 2.0


def test_a_batch_of_nothing_but_padding_weighs_nothing():
    """Batches that can be cut into many parts may hold the whole split before the last begins."""
    cut, weight = batched({"x": np.arange(1.0, 10.0)}, 3, 5)
    assert weight.sum(axis=1).tolist() == [5, 4, 0]
    assert float(weighted_means(per_example, (cut, weight))["value"]) == 5.0


def test_every_example_stands_once_in_the_batches():
    cut, weight = batched({"x": np.arange(11.0), "y": np.ones((11, 3))}, 5)
    assert cut["x"].shape == (2, 6) and cut["y"].shape == (2, 6, 3)
    assert sorted(cut["x"][weight > 0]) == list(range(11))


def test_a_batch_has_no_fewer_examples_than_asked_for():
    for examples in range(5, 40):
        cut, _ = batched({"x": np.arange(examples)}, 5)
        assert 5 <= cut["x"].shape[1] < 10


def test_a_sample_is_fixed_and_has_no_example_twice():
    train = {"x": np.arange(100)}
    sample = fixed_sample(train, 30)["x"]
    assert len(set(sample)) == 30
    assert (sample == fixed_sample(train, 30)["x"]).all()
    assert len(fixed_sample(train, 500)["x"]) == 100


def test_means_of_a_split_do_not_depend_on_the_batch():
    x = {"x": np.random.default_rng(1).normal(size=333).astype(np.float32)}
    means = [
        float(weighted_means(per_example, batched(x, size))["value"]) for size in (333, 64, 10)
    ]
    assert means == pytest.approx([means[0]] * 3, abs=1e-6)
    assert jnp.isfinite(jnp.array(means)).all()
