"""The text, and that a prediction knows nothing of what comes after it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.workloads.examples import SMALL_TRANSFORMER, configured, splits_of
from tuning_playbook.errors import InfeasibleConfigurationError
from tuning_playbook.workloads import scipy_text
from tuning_playbook.workloads.text_transformer import WINDOW

NAME = "text_transformer"
POSITIONS = ["pre", "branch", "post"]


def logits_of(changes: dict[str, Any], text: np.ndarray) -> np.ndarray:
    """Return the logits of a model whose branches are not zero, [batch, context, characters]."""
    hyperparameters = configured(NAME, SMALL_TRANSFORMER | changes)
    model = WORKLOADS[NAME]._model(hyperparameters)
    variables = WORKLOADS[NAME].init(jax.random.key(0), hyperparameters)
    moved = jax.tree.map(lambda leaf: leaf + 0.1, variables)
    return np.asarray(model.apply(moved, jnp.int32(text)))


@pytest.mark.parametrize("position", POSITIONS)
def test_a_later_character_changes_no_earlier_prediction(position: str) -> None:
    text = splits_of(NAME)["train"]["text"][:2, :16].astype(np.int32)
    changed = text.copy()
    changed[:, 9] = (changed[:, 9] + 1) % len(scipy_text.ALPHABET)
    for changes in ({}, {"normalization": "none", "residual_scaling": "rezero"}):
        before = logits_of(changes | {"normalization_position": position}, text)
        after = logits_of(changes | {"normalization_position": position}, changed)
        np.testing.assert_array_equal(before[:, :9], after[:, :9])
        assert np.all(np.any(before[:, 9:] != after[:, 9:], axis=-1))


@pytest.mark.parametrize("normalization", ["none", "layer"])
def test_rezero_starts_without_its_branches(normalization: str) -> None:
    changes = SMALL_TRANSFORMER | {"residual_scaling": "rezero", "normalization": normalization}
    hyperparameters = configured(NAME, changes)
    variables = WORKLOADS[NAME].init(jax.random.key(0), hyperparameters)
    model = WORKLOADS[NAME]._model(hyperparameters)
    text = jnp.int32(splits_of(NAME)["train"]["text"][:2, :16])
    swapped = text.at[:, 0].set(text[:, 0] + 1)
    # Without branches a prediction depends on its own character alone.
    np.testing.assert_array_equal(
        model.apply(variables, text)[:, 1:], model.apply(variables, swapped)[:, 1:]
    )


@pytest.mark.parametrize("context_length", [8, 128])
def test_metrics_are_means_over_the_same_characters(context_length: int) -> None:
    hyperparameters = configured(NAME, SMALL_TRANSFORMER | {"context_length": context_length})
    workload = WORKLOADS[NAME]
    variables = workload.init(jax.random.key(0), hyperparameters)
    text = splits_of(NAME)["validation"]["text"][:3]
    metrics, _ = workload.apply(
        variables,
        {"text": jnp.asarray(text)},
        hyperparameters=hyperparameters,
        key=jax.random.key(0),
        train=False,
    )
    model = workload._model(hyperparameters)
    for window, loss, error_rate, bits in zip(
        text.astype(np.int32),
        metrics["loss"],
        metrics["error_rate"],
        metrics["bits_per_character"],
        strict=True,
    ):
        total, wrong = 0.0, 0
        for start in range(0, WINDOW, context_length):
            context = window[start : start + context_length]
            label = window[start + 1 : start + context_length + 1]
            logits = np.float64(model.apply(variables, context[None])[0])
            logits -= np.log(np.sum(np.exp(logits), axis=1, keepdims=True))
            total -= logits[np.arange(context_length), label].sum()
            wrong += np.sum(np.argmax(logits, axis=1) != label)
        np.testing.assert_allclose(loss, total / WINDOW, rtol=1e-5)
        np.testing.assert_allclose(error_rate, wrong / WINDOW, rtol=1e-6)
        np.testing.assert_allclose(bits, total / WINDOW / np.log(2), rtol=1e-5)


def test_heads_must_divide_the_width() -> None:
    hyperparameters = configured(NAME, {"width": 10, "heads": 4})
    with pytest.raises(InfeasibleConfigurationError, match="4 heads do not divide a width of 10"):
        WORKLOADS[NAME].init(jax.random.key(0), hyperparameters)


def test_the_text_is_read_as_it_stands() -> None:
    text = scipy_text.read_texts()[0]
    assert text.startswith("Compute the Epps-Singleton (ES) test statistic.\n\nTest the null")
    window = splits_of(NAME)["train"]["text"][0]
    assert "".join(scipy_text.ALPHABET[code] for code in window) == text[: WINDOW + 1]


def test_no_character_is_in_two_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    length = sum(map(len, scipy_text.read_texts()))
    places = np.arange(length)
    taken = 0

    def place(text: str) -> np.ndarray:
        nonlocal taken
        taken += len(text)
        return places[taken - len(text) : taken]

    monkeypatch.setattr(scipy_text, "encode", place)
    splits = scipy_text.load_windows(WINDOW)
    seen = {split: set(arrays["text"].ravel().tolist()) for split, arrays in splits.items()}
    assert taken == length
    assert sum(map(len, seen.values())) == len(set.union(*seen.values()))
    for arrays in splits.values():
        assert np.all(np.diff(arrays["text"]) == 1)
        predicted = arrays["text"][:, 1:].ravel()
        assert len(np.unique(predicted)) == len(predicted)
