"""A Bayesian search of a space with fewer configurations than it would propose."""

import re

from tests.specs import REMOVED, plan_of
from tuning_playbook.report.check_lines import check_lines
from tuning_playbook.report.exhausted_lines import exhausted_lines

BAYESIAN = {"algorithm": "bayesian", "trials": 10, "rounds": 3, "initial": 4}
SIX = {
    "nuisance.learning_rate": REMOVED,
    "nuisance.depth": {"int_uniform": [1, 2]},
    "nuisance.activation": {"choice": ["relu", "tanh", "gelu"]},
}


def test_a_range_never_ends(tmp_path):
    plan = plan_of(tmp_path, {"search": BAYESIAN})
    assert exhausted_lines(plan) == []
    assert plan.trials_per_arm == {"all trials": 10}


def test_what_the_space_has_is_counted_and_said(tmp_path):
    plan = plan_of(tmp_path, SIX | {"search": BAYESIAN})
    (line,) = exhausted_lines(plan)
    assert line.startswith("all trials: its space has 6 configurations, fewer than the ")
    assert plan.trials_per_arm == {"all trials": 6}
    said = "\n".join(check_lines(tmp_path / "small.yaml", tmp_path / "results"))
    assert line in said
    assert "4 trials, and 2 to be proposed in rounds" in said
    assert "all trials: 6 trials over" in said
    assert "search.initial" not in said  # there are no configurations for more
    assert "-" not in "".join(re.findall(r"\((-?\d+) more trainings", said))


def test_other_searches_have_no_rounds(tmp_path):
    plan = plan_of(tmp_path)
    assert exhausted_lines(plan) == []
