"""Numbers of another tool, which writes all digits of a double."""

import numpy as np
import pytest

from tests.sources.algoperf import datasets
from tests.sources.finished import write_finished
from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.analysis.ranking import curves

RATES = [{"learning_rate": 0.1 / (number + 1)} for number in range(6)]


def test_a_curve_is_as_precise_as_the_objective(tmp_path):
    errors = [0.1 + number / 3e9 for number in range(6)]
    study = datasets(write_finished(tmp_path, RATES, errors=errors)).study
    assert study["objective"].values.tolist() == errors
    assert curves(study, "validation").min(axis=1).tolist() == errors
    assert study["error"].dtype == np.float64


@pytest.mark.parametrize("level", [0.9, 1 / 3, 0.7])
def test_trials_that_end_where_they_began_have_a_checklist(tmp_path, level):
    """None is a digit better, or worse, than its own start."""
    path = write_finished(tmp_path, RATES, errors=[level] * 6)
    table = tmp_path / "measurements.csv"
    table.write_text(table.read_text().replace(",0,9.0", f",0,{level}"))
    study = datasets(path).study
    assert (curves(study, "validation")[:, 0] == study["objective"].values).all()
    answers = {finding.check: finding.answer for finding in diagnose(study)}
    assert answers["beats_chance"] == "problem"
