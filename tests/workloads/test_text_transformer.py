"""The text, and that a prediction knows nothing of what comes after it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.workloads.examples import (
    SMALL_TRANSFORMER,
    apply_to_batch,
    batch_of,
    compiled,
    configured,
    splits_of,
    variables_of,
)
from tuning_playbook.errors import InfeasibleConfigurationError
from tuning_playbook.workloads import scipy_text
from tuning_playbook.workloads.text_transformer import WINDOW, TextTransformer

NAME = "text_transformer"
WORKLOAD = TextTransformer()


def logits_of(changes: dict[str, Any], variables: Any, text: np.ndarray) -> np.ndarray:
    """Return the logits of text [batch, context], [batch, context, characters]."""
    model = WORKLOAD.model(configured(NAME, SMALL_TRANSFORMER | changes))
    return np.asarray(compiled(model.apply)(variables, jnp.int32(text)))


@pytest.mark.parametrize("normalization", ["none", "layer"])
@pytest.mark.parametrize("position", ["pre", "branch", "post"])
def test_a_later_character_changes_no_earlier_prediction(position: str, normalization: str) -> None:
    text = splits_of(NAME)["train"]["text"][:2, :16].astype(np.int32)
    changed = text.copy()
    changed[:, 9] = (changed[:, 9] + 1) % len(scipy_text.ALPHABET)
    changes = {"normalization": normalization, "normalization_position": position}
    variables = variables_of(NAME, SMALL_TRANSFORMER | changes)
    before, after = (logits_of(changes, variables, each) for each in (text, changed))
    np.testing.assert_array_equal(before[:, :9], after[:, :9])
    assert np.all(np.any(before[:, 9:] != after[:, 9:], axis=-1))


@pytest.mark.parametrize("normalization", ["none", "layer"])
def test_rezero_starts_without_its_branches(normalization: str) -> None:
    changes = {"residual_scaling": "rezero", "normalization": normalization}
    hyperparameters = configured(NAME, SMALL_TRANSFORMER | changes)
    variables = compiled(lambda key: WORKLOAD.init(key, hyperparameters))(jax.random.key(0))
    text = splits_of(NAME)["train"]["text"][:2, :16].astype(np.int32)
    changed = text.copy()
    changed[:, 0] = (changed[:, 0] + 1) % len(scipy_text.ALPHABET)
    # Without branches a prediction depends on its own character alone.
    before, after = (logits_of(changes, variables, each) for each in (text, changed))
    np.testing.assert_array_equal(before[:, 1:], after[:, 1:])


@pytest.mark.parametrize("context_length", [8, 128])
def test_metrics_are_means_over_the_same_characters(context_length: int) -> None:
    changes = SMALL_TRANSFORMER | {"context_length": context_length}
    variables = variables_of(NAME, changes)
    metrics, _ = apply_to_batch(NAME, changes, variables)
    text = np.asarray(batch_of(NAME)["text"])
    model = WORKLOAD.model(configured(NAME, changes))
    starts = range(0, WINDOW, context_length)
    contexts = [window[start : start + context_length] for window in text for start in starts]
    logits = compiled(model.apply)(variables, jnp.int32(contexts))
    logits = np.float64(logits).reshape(len(text), WINDOW, -1)
    logits -= np.log(np.sum(np.exp(logits), axis=-1, keepdims=True))
    label = text[:, 1:].astype(int)
    nat = -np.take_along_axis(logits, label[..., None], axis=-1)[..., 0]
    wrong = np.argmax(logits, axis=-1) != label
    np.testing.assert_allclose(metrics["loss"], nat.mean(1), rtol=1e-5)
    np.testing.assert_allclose(metrics["error_rate"], wrong.mean(1), rtol=1e-6)
    np.testing.assert_allclose(metrics["bits_per_character"], nat.mean(1) / np.log(2), rtol=1e-5)


def test_a_windows_last_character_is_predicted_from_those_before_it() -> None:
    hyperparameters = configured(NAME, SMALL_TRANSFORMER)
    context = hyperparameters["context_length"]
    variables = variables_of(NAME, SMALL_TRANSFORMER)
    text = np.asarray(batch_of(NAME)["text"]).copy()
    predict = compiled(
        lambda text: WORKLOAD.predict(variables, {"text": text}, hyperparameters=hyperparameters)
    )
    found = predict(text)
    expected = logits_of({}, variables, text[:, -1 - context : -1])[:, -1]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    text[:, -1] = (text[:, -1] + 1) % len(scipy_text.ALPHABET)
    np.testing.assert_array_equal(predict(text), found)


def test_heads_must_divide_the_width() -> None:
    hyperparameters = configured(NAME, {"width": 10, "heads": 4})
    with pytest.raises(InfeasibleConfigurationError, match="4 heads do not divide a width of 10"):
        WORKLOAD.init(jax.random.key(0), hyperparameters)


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
