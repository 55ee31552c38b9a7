"""The report, the sheet and the index of a study that is ranked by steps to a target."""

from dataclasses import replace

import pytest
import xarray as xr

from tests.analysis.synthetic import ADAM, NESTEROV, make_resources, make_study
from tests.analysis.targets import reruns_to_target, with_target
from tests.report.example import make_card
from tuning_playbook.launches.decision import decide
from tuning_playbook.report.evidence import make_arm_rows, make_rerun_rows
from tuning_playbook.report.tracking import summary_row
from tuning_playbook.report.trial_table import make_trials_table

STEPS = "steps to validation/error_rate <= 0.15"


@pytest.fixture(scope="module")
def study():
    def effect(arm, positions):
        return 0.1 if arm == ADAM else 0.0

    return with_target(make_study(effect=effect), 0.15)


@pytest.fixture(scope="module")
def reruns(study):
    return reruns_to_target(study, {NESTEROV: [500, None, 700, 600, 500], ADAM: [None] * 5})


@pytest.fixture(scope="module")
def card():
    return replace(make_card(), objective_metric=STEPS, objective_mode="min", objective_target=0.15)


def test_the_table_says_which_trials_did_not_reach_it_and_how_near_they_came(study, card):
    table = make_trials_table(card, study, make_resources(study))
    assert table.feasible == 32
    last = table.rows[-1]
    assert (last.arm, last.objective.text, last.feasible) == (ADAM, "not reached", True)
    assert last.reason.startswith("best value 0.2")
    # Sorted by the column, those that did not reach it stay behind.
    keys = [float(row.objective.key) for row in table.rows]
    assert keys == sorted(keys)
    assert [row.objective.text == "not reached" for row in table.rows] == [False] * 16 + [True] * 16


def test_reruns_that_missed_it_are_named_so(study, reruns):
    launch = decide(study, reruns, []).to_json()
    nesterov, adam = make_arm_rows(study, launch)
    assert nesterov.reruns == ("500", "not reached", "700", "600", "500")
    assert (adam.search_objective, adam.trials) == ("not reached", "16 of 16")
    assert [row.objective for row in make_rerun_rows(reruns)][:3] == ["500", "not reached", "700"]


def test_the_sheet_counts_trials_that_missed_it_as_feasible(study, reruns, card):
    launch = decide(study, reruns, []).to_json()
    row = summary_row(card, study, launch, xr.Dataset(coords={"trial": []}))
    assert (row["objective_metric"], row["objective_mode"]) == (STEPS, "min")
    assert (row["trials_run"], row["trials_feasible"]) == (32, 32)
    assert row["best_search_objective"] == float(study["objective"].min())
    assert row["candidate_rerun_mean"] is None
