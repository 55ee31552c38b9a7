"""The table of which of the candidate's changes mattered."""

from tuning_playbook.report.mattered_table import make_mattered

CHANGE = {
    "names": ["optimizer", "b1"],
    "candidate": {"optimizer": "adam", "b1": 0.95},
    "baseline": {"optimizer": "momentum"},
    "objectives": [0.1512, None],
    "mean": 0.1512,
    "gain": 0.0512,
    "low": 0.0412,
    "high": 0.0612,
    "p": 0.001,
    "verdict": "helps",
    "remove": False,
}


def test_nothing_where_it_was_not_asked_for():
    assert make_mattered(None) is None


def test_values_gain_and_interval_have_the_digits_that_their_error_allows():
    told = make_mattered({"sentence": "It helps.", "trainings": 2, "changes": [CHANGE]})
    (row,) = told.rows
    assert (told.sentence, told.trainings) == ("It helps.", 2)
    assert (row.candidate, row.baseline) == (("adam", "0.95"), ("momentum", "–"))
    assert (row.gain, row.interval) == ("+0.051", "+0.041 to +0.061")
    assert row.objectives == ("0.151", "–")


def test_a_change_of_which_nothing_is_known():
    unknown = CHANGE | {"gain": None, "low": None, "high": None, "verdict": "cannot tell"}
    (row,) = make_mattered({"sentence": "", "trainings": 2, "changes": [unknown]}).rows
    assert (row.gain, row.interval, row.verdict) == ("–", "–", "cannot tell")
