"""What holds for every built-in workload."""

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.workloads.examples import (
    BATCH,
    CONFIGURATIONS,
    DRAWS,
    WORKLOADS,
    apply_to_batch,
    batch_of,
    compiled,
    configured,
    splits_of,
    train_step,
    variables_of,
)
from tuning_playbook.jobs.load_workload import BUILT_IN

SIZES = {
    "digits_mlp": (1197, 300, 300),
    "mnist5k_cnn": (4000, 500, 500),
    "mnist5k_resnet": (4000, 500, 500),
    "text_transformer": (2801, 349, 349),
}

each_workload = pytest.mark.parametrize("name", SIZES)
each_configuration = pytest.mark.parametrize(("name", "changes"), CONFIGURATIONS)


def test_workloads_are_known_by_their_names() -> None:
    assert set(WORKLOADS) == set(SIZES) == {name for name, _ in CONFIGURATIONS}
    for name, workload in WORKLOADS.items():
        assert BUILT_IN[name].endswith(f".{name}:{type(workload).__name__}")


@each_workload
def test_splits_have_their_documented_sizes(name: str) -> None:
    sizes = {split: len(next(iter(arrays.values()))) for split, arrays in splits_of(name).items()}
    assert tuple(sizes[split] for split in ("train", "validation", "test")) == SIZES[name]


@each_workload
def test_data_is_the_same_each_time(name: str) -> None:
    again = WORKLOADS[name].load_data()
    for split, arrays in splits_of(name).items():
        for key, array in arrays.items():
            np.testing.assert_array_equal(array, again[split][key])


@pytest.mark.parametrize("name", ["digits_mlp", "mnist5k_cnn", "mnist5k_resnet"])
def test_data_is_divided_otherwise_by_a_seed(name: str) -> None:
    usual, other = splits_of(name), WORKLOADS[name].resplit(1)
    assert {split: len(arrays["label"]) for split, arrays in other.items()} == {
        split: len(arrays["label"]) for split, arrays in usual.items()
    }
    np.testing.assert_array_equal(usual["test"]["image"], other["test"]["image"])
    assert not np.array_equal(usual["validation"]["image"], other["validation"]["image"])


@each_workload
def test_data_files_exist(name: str) -> None:
    files = WORKLOADS[name].data_files()
    assert files
    assert all(path.is_file() for path in files)


@each_workload
def test_report_has_a_line_to_show(name: str) -> None:
    first = (inspect.getdoc(WORKLOADS[name]) or "").partition("\n")[0]
    assert first.endswith(".")


@pytest.mark.parametrize("name", ["digits_mlp", "mnist5k_cnn"])
def test_no_image_is_in_two_splits(name: str) -> None:
    images = {
        split: {image.tobytes() for image in arrays["image"]}
        for split, arrays in splits_of(name).items()
    }
    assert sum(map(len, images.values())) == len(set.union(*images.values()))


@pytest.mark.parametrize("name", ["digits_mlp", "mnist5k_cnn"])
def test_splits_have_the_digits_in_equal_parts(name: str) -> None:
    for arrays in splits_of(name).values():
        share = np.bincount(arrays["label"], minlength=10) / len(arrays["label"])
        assert np.all(abs(share - 0.1) < 0.01)


@each_configuration
def test_metrics_are_those_declared_one_number_an_example(
    name: str, changes: dict[str, Any]
) -> None:
    metrics, updated = apply_to_batch(name, changes, variables_of(name, changes))
    assert set(metrics) == {item.name for item in WORKLOADS[name].metrics}
    assert {array.shape for array in metrics.values()} == {(BATCH,)}
    assert all(np.all(np.isfinite(array)) for array in metrics.values())
    assert updated == {}


@pytest.mark.parametrize(
    ("name", "changes"), [CONFIGURATIONS[place] for place in (1, 3, 6, 8, 11, 13)]
)
def test_training_starts_near_the_loss_of_a_guess(name: str, changes: dict[str, Any]) -> None:
    hyperparameters = configured(name, changes)
    init = compiled(lambda key: WORKLOADS[name].init(key, hyperparameters))
    metrics, _ = apply_to_batch(name, changes, init(jax.random.key(0)))
    classes = 95 if name == "text_transformer" else 10
    assert abs(float(jnp.mean(metrics["loss"])) - np.log(classes)) < 1.0


@each_configuration
def test_evaluation_draws_nothing(name: str, changes: dict[str, Any]) -> None:
    workload, hyperparameters = WORKLOADS[name], configured(name, changes)
    variables = variables_of(name, changes)

    def evaluate(key: jax.Array) -> Any:
        return workload.apply(
            variables, batch_of(name), hyperparameters=hyperparameters, key=key, train=False
        )[0]

    assert "random" not in str(jax.make_jaxpr(evaluate)(jax.random.key(0)))


@pytest.mark.parametrize(("changes", "draws"), [({}, False), (DRAWS, True)], ids=["off", "on"])
@each_workload
def test_dropout_and_label_smoothing_cost_nothing_when_off(
    name: str, changes: dict[str, Any], draws: bool
) -> None:
    workload, hyperparameters = WORKLOADS[name], configured(name, changes)
    variables = variables_of(name, changes)

    def train(key: jax.Array) -> Any:
        return workload.apply(
            variables, batch_of(name), hyperparameters=hyperparameters, key=key, train=True
        )[0]["loss"]

    program = str(jax.make_jaxpr(train)(jax.random.key(0)))
    assert ("random_bits" in program) == draws


@each_configuration
def test_a_step_keeps_the_structure_of_the_variables(name: str, changes: dict[str, Any]) -> None:
    variables = variables_of(name, changes)
    step = jax.eval_shape(lambda key: train_step(name, changes, variables, key), jax.random.key(0))
    others = {part: leaves for part, leaves in variables.items() if part != "params"}

    def kind(leaf: Any) -> tuple[Any, Any]:
        return leaf.shape, leaf.dtype

    assert jax.tree.map(kind, others) == jax.tree.map(kind, dict(step.updated))


@pytest.mark.parametrize(("name", "changes"), [CONFIGURATIONS[place] for place in (2, 5, 7, 12)])
def test_a_lane_equals_the_trial_alone(name: str, changes: dict[str, Any]) -> None:
    keys = jax.random.split(jax.random.key(0), 2)
    lanes = [variables_of(name, changes, seed) for seed in range(2)]

    def step(variables: Any, key: jax.Array) -> Any:
        return train_step(name, changes, variables, key)

    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *lanes)
    together = compiled(jax.vmap(step))(stacked, keys)
    alone = compiled(step)
    for lane, (variables, key) in enumerate(zip(lanes, keys, strict=True)):
        jax.tree.map(
            lambda one, both, lane=lane: np.testing.assert_allclose(
                one, both[lane], rtol=1e-5, atol=1e-5
            ),
            alone(variables, key),
            together,
        )


@each_workload
def test_model_exports_with_any_batch_size(name: str) -> None:
    changes = next(changes for example, changes in CONFIGURATIONS if example == name)
    workload, hyperparameters = WORKLOADS[name], configured(name, changes)
    variables = variables_of(name, changes)

    def evaluate(batch: dict[str, jax.Array]) -> Any:
        return workload.apply(
            variables, batch, hyperparameters=hyperparameters, key=jax.random.key(0), train=False
        )[0]

    (size,) = jax.export.symbolic_shape("batch")
    shapes = {
        key: jax.ShapeDtypeStruct((size, *array.shape[1:]), array.dtype)
        for key, array in batch_of(name).items()
    }
    exported = jax.export.export(jax.jit(evaluate))(shapes)
    for size in (1, 3):
        batch = batch_of(name, size)
        jax.tree.map(
            lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-5),
            exported.call(batch),
            compiled(evaluate)(batch),
        )
