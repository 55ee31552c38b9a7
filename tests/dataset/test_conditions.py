"""One name under several conditions is several hyperparameters, from the spec to the report."""

import re

import numpy as np
import pytest
import xarray as xr

from tests.dataset.test_collect import packed
from tests.specs import plan_of
from tests.study.test_conditions import NESTED
from tests.trials.records import record_of
from tuning_playbook.analysis.boundary import boundary
from tuning_playbook.dataset.collect import collect, write_dataset
from tuning_playbook.dataset.rows import Row
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.planning.plan import axis_plots
from tuning_playbook.plots.axis_plot import axis_plot
from tuning_playbook.report.figures import make_figures

RATES = {
    # condition: (low, high, the arms)
    "optimizer=nesterov": (1e-3, 1.0, ["optimizer=nesterov"]),
    "optimizer=adam|nadam, schedule=constant": (
        1e-5,
        1e-1,
        ["optimizer=adam, schedule=constant", "optimizer=nadam, schedule=constant"],
    ),
    "optimizer=adam|nadam, schedule=cosine": (
        1e-4,
        1.0,
        [
            "optimizer=adam, schedule=cosine",
            "optimizer=nadam, schedule=cosine, normalization=none",
            "optimizer=nadam, schedule=cosine, normalization=layer",
        ],
    ),
}


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return plan_of(tmp_path_factory.mktemp("nested"), NESTED | {"search.trials": 16})


@pytest.fixture(scope="module")
def study(plan, tmp_path_factory):
    """Trials of Adam and NAdam with a cosine are the better, the larger their learning rate."""
    folder = tmp_path_factory.mktemp("study")
    rows = [Row(i.index, i.arm, i.trial, i.searched) for i in plan.trials]
    records = {}
    for row in rows:
        rate = row.searched["learning_rate"]
        best = 0.3 - 0.05 * np.log10(rate) if "cosine" in row.arm else 0.3 + 0.01 * row.index % 7
        records[row.trial.id] = record_of(row.trial, [0.9, 0.9, best])
    write_dataset(folder / "study.nc", collect(plan.study, rows, packed(folder, records)))
    with xr.open_dataset(folder / "study.nc") as dataset:
        yield dataset.load()


def rates(study):
    return [item for item in read_searched(study) if item.name == "learning_rate"]


def test_the_dataset_keeps_the_conditions_apart(study):
    found = {item.condition: (item.low, item.high, list(item.arms)) for item in rates(study)}
    assert found == RATES
    assert study["hp_optimizer"].attrs["role"] == "scientific"
    assert study["hp_schedule"].attrs["role"] == "scientific"
    assert study["hp_normalization"].attrs["role"] == "scientific"
    assert study["hp_end_factor"].attrs["role"] == "fixed"


def test_the_boundary_is_asked_of_each_condition_in_its_own_range(study):
    rows = boundary(study).numbers["hyperparameters"]
    found = {row["arm"]: row for row in rows if row["hyperparameter"] == "learning_rate"}
    for condition, (low, high, arms) in RATES.items():
        for arm in arms:
            assert (found[arm]["condition"], found[arm]["range"]) == (condition, [low, high])
            assert found[arm]["at_boundary"] == ("cosine" in arm)


def test_every_condition_has_an_axis_plot_with_its_trials_and_its_title(plan, study):
    for item in rates(study):
        (axes,) = axis_plot(study, item).axes
        shown = {
            str(points.get_label())
            for points in axes.collections
            if str(points.get_label()).startswith("optimizer=")
        }
        assert shown == set(item.arms)
        assert axes.get_title(loc="left") == f"learning_rate ({item.condition})"


def test_file_names_tell_the_conditions_apart_and_the_report_finds_their_titles(plan, study):
    stems = axis_plots(plan.study)
    assert len(stems) == len(set(stems.values())) == 5
    assert "axis_learning_rate.optimizer-nesterov" in stems
    assert all(re.fullmatch(r"axis_[a-z0-9_]+[.][A-Za-z0-9.-]+", stem) for stem in stems)
    figures = make_figures(dict.fromkeys(stems, "<svg/>"), read_searched(study))
    assert {figure.title for figure in figures} == {
        f"{name} ({condition})" for name, condition in stems.values()
    }
    assert all(figure.arms for figure in figures)
