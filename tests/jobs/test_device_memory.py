"""The memory that compiled functions take, and what there is of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tuning_playbook.jobs.device_memory import (
    Limit,
    OutOfMemoryError,
    WatchedSpread,
    estimate_of,
    memory_limit,
)

FLOAT = 4


def outer(x, y):
    """Return [rows, rows]; nothing of it is a temporary."""
    return x[:, None] * y[None, :]


def test_the_estimate_is_that_of_arguments_and_results():
    rows = 500
    ones = np.ones(rows, np.float32)
    compiled = jax.jit(outer).lower(ones, ones).compile()
    assert estimate_of(compiled) == pytest.approx(FLOAT * (rows * rows + 2 * rows), rel=0.01)


def test_the_estimate_counts_temporaries():
    rows = 500

    def chained(x):
        return jnp.sort(jnp.cumsum(outer(x, x), axis=0), axis=1)[0]

    compiled = jax.jit(chained).lower(np.ones(rows, np.float32)).compile()
    assert estimate_of(compiled) >= FLOAT * rows * rows


def test_a_function_that_needs_more_than_the_limit_is_refused_before_it_runs():
    spread = WatchedSpread(limit=Limit(500_000, "procedure.memory_mb"))
    ones = np.ones(500, np.float32)
    with pytest.raises(OutOfMemoryError, match=r"it takes 1 MB, and procedure.memory_mb is 0 MB"):
        spread.compile(outer, ones, ones)
    assert spread.memory().estimate > spread.memory().limit == 500_000


def test_a_function_within_the_limit_is_compiled_and_the_largest_is_remembered():
    spread = WatchedSpread(limit=Limit(10**9, "procedure.memory_mb"))
    small, large = (np.ones(rows, np.float32) for rows in (10, 100))
    assert spread.compile(outer, large, large)(large, large).shape == (100, 100)
    spread.compile(outer, small, small)
    assert spread.memory().estimate == pytest.approx(FLOAT * (100 * 100 + 200), rel=0.01)
    assert spread.memory().peak is None  # a CPU's allocator does not say


def test_the_smallest_limit_counts():
    assert memory_limit(5, 10) == Limit(5_000_000, "procedure.memory_mb")
    assert memory_limit(10, 5) == Limit(5_000_000, "resources.memory_mb")
    assert memory_limit(None, None).of == "the memory of this machine"
