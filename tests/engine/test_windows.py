import numpy as np
import pytest

from tuning_playbook.engine.windows import (
    NORM_EDGES,
    gradient_summary,
    window_ends,
    window_of,
    windowed,
)


def logged(norms):
    return dict.fromkeys(("train_loss", "update_norm", "learning_rate_t"), norms) | {
        "grad_norm": norms
    }


@pytest.mark.parametrize(("every", "window"), [(100, 10), (25, 5), (7, 1), (97, 97), (1, 1)])
def test_windows_divide_the_steps_between_evaluations(every, window):
    assert window_of(every) == window
    assert window_ends(3 * every, every)[-1] == 3 * every


def test_windows_keep_means_and_extremes():
    norms = np.ones(200, np.float32)
    norms[57] = 1000.0
    series = windowed(logged(norms), 100)
    assert series["grad_norm_max"].max() == 1000.0
    assert np.argmax(series["grad_norm_max"]) == 5
    assert series["grad_norm"][5] == pytest.approx(100.9)


def test_the_window_of_a_divergence_is_the_last_with_no_number():
    norms = np.ones(200, np.float32)
    norms[42:] = np.nan
    series = windowed(logged(norms), 100)
    assert np.isfinite(series["train_loss"]).tolist() == [True] * 4 + [False] * 16


def test_the_largest_norm_before_a_divergence_is_kept():
    norms = np.ones(200, np.float32)
    norms[41], norms[42:] = 1000.0, np.nan
    largest = windowed(logged(norms), 100)["grad_norm_max"]
    assert largest[:5].tolist() == [1.0] * 4 + [1000.0]
    assert np.isnan(largest[5:]).all()


def test_the_histogram_counts_every_step_that_was_logged():
    norms = np.concatenate([np.full(90, 0.5), np.full(9, 5.0), [1e12], np.full(50, np.nan)])
    summary = gradient_summary(norms.astype(np.float32), clip_norm=1.0)
    assert summary.counts.sum() == 100
    assert summary.counts[np.searchsorted(NORM_EDGES, 0.5) - 1] == 90
    assert summary.counts[-1] == 1
    assert summary.clipped_share == pytest.approx(0.10)
    assert np.isnan(gradient_summary(norms, clip_norm=0.0).clipped_share)


def test_a_trial_that_never_stepped_has_an_empty_summary():
    summary = gradient_summary(np.full(5, np.nan), clip_norm=1.0)
    assert summary.counts.sum() == 0
    assert np.isnan(summary.p90) and np.isnan(summary.clipped_share)
