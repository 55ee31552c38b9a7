"""The dataset of a study whose trials draw their optimizer."""

import numpy as np
import pytest

from tests.planning.test_draws import DRAWN
from tests.specs import plan_of
from tests.trials.records import record_of
from tuning_playbook.analysis.boundary import boundary
from tuning_playbook.analysis.learning_rate_edge import learning_rate_edge
from tuning_playbook.analysis.trial_values import spec_values_of
from tuning_playbook.dataset.collect import collect
from tuning_playbook.dataset.rows import Row
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.study.thresholds import DEFAULTS
from tuning_playbook.trials.pack_file import write_pack

OF_ADAM, OF_NESTEROV = "learning_rate (optimizer=adam)", "learning_rate (optimizer=nesterov)"


def error(trial):
    """With Adam the error falls up to the high end of its range; with Nesterov it is bad."""
    values = trial.hyperparameters
    if values["optimizer"] == "nesterov":
        return 0.8
    return 0.5 - 0.08 * np.log10(values["learning_rate"] / 1e-5)


@pytest.fixture
def study(tmp_path):
    plan = plan_of(tmp_path, DRAWN | {"search.trials": 40})
    rows = [Row(item.index, item.arm, item.trial, item.searched) for item in plan.trials]
    write_pack(
        tmp_path / "pack.nc",
        {r.trial.id: record_of(r.trial, np.linspace(0.9, error(r.trial), 3)) for r in rows},
    )
    return collect(plan.study, rows, [tmp_path / "pack.nc"])


def test_what_is_drawn_is_named_by_when_it_exists_and_missing_elsewhere(study):
    drew = study["hp_optimizer"].to_numpy() == "adam"
    assert np.array_equal(np.isfinite(study[f"hp_{OF_ADAM}"]), drew)
    assert np.array_equal(np.isfinite(study[f"hp_{OF_NESTEROV}"]), ~drew)
    rates = study["hp_learning_rate"]
    assert np.array_equal(rates[drew], study[f"hp_{OF_ADAM}"][drew])
    assert rates.attrs["set_by"] == f"{OF_NESTEROV}, {OF_ADAM}"
    searched = {item.name: item for item in read_searched(study)}
    assert (searched[OF_ADAM].low, searched[OF_ADAM].high) == (1e-5, 1e-1)
    assert searched[OF_ADAM].arms == ("activation=relu", "activation=tanh")
    assert searched["one_minus_momentum (optimizer=nesterov)"].highest == 1.0


def test_a_trials_own_values_are_found_under_the_names_of_the_spec(study):
    place = int(np.flatnonzero(study["hp_optimizer"].to_numpy() == "adam")[0])
    values = spec_values_of(study, place)
    assert values["b1"] == 0.8
    assert values["learning_rate"] == values[OF_ADAM]
    assert OF_NESTEROV not in values


def test_the_checks_look_at_each_range_by_the_trials_that_have_it(study):
    found = boundary(study, DEFAULTS.boundary)
    rows = {
        (row["hyperparameter"], row["edge"])
        for row in found.numbers["hyperparameters"]
        if row["proposed_range"]
    }
    assert found.answer == "problem"
    assert rows == {(OF_ADAM, "high")}
    edges = learning_rate_edge(study, DEFAULTS.learning_rate_edge).numbers["arms"]
    assert {row["hyperparameter"] for row in edges} == {OF_ADAM, OF_NESTEROV}
