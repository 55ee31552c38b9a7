"""The report's words for the evidence."""

import pytest

from tuning_playbook.report.evidence import make_search_rows


def study_variance(low, high, *, low_open, high_open):
    return {
        "arm": "all trials",
        "bests": [0.1],
        "standard_deviation": None,
        "low": low,
        "high": high,
        "low_open": low_open,
        "high_open": high_open,
        "method": "the trials of one search",
        "same_points": False,
    }


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (study_variance(0.08, 0.12, low_open=False, high_open=False), "0.08 to 0.12"),
        (study_variance(None, 0.12, low_open=True, high_open=False), "at most 0.12"),
        (study_variance(0.0, 0.12, low_open=True, high_open=False), "at most 0.12"),
        (study_variance(0.9, None, low_open=False, high_open=True), "at least 0.9"),
        (study_variance(0.0, None, low_open=True, high_open=True), "open"),
    ],
)
def test_an_open_end_of_study_variance_is_said(row, words):
    (shown,) = make_search_rows({"study_variance": [row]})
    assert shown.interval == words
    assert shown.open == (row["low_open"] or row["high_open"])
