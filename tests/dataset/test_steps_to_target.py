"""The objective of a study with a target: steps until the metric is there, and stays."""

import numpy as np
import pytest
import xarray as xr

from tests.analysis.targets import steps_to_target
from tests.specs import plan_of
from tests.trials.records import record_of
from tuning_playbook.analysis.ranking import best_ids, ranked, trial_ids
from tuning_playbook.dataset.best_checkpoints import checkpoint_steps
from tuning_playbook.dataset.collect import collect, write_dataset
from tuning_playbook.dataset.rows import Row
from tuning_playbook.dataset.steps_to_target import place_of_target
from tuning_playbook.trials.pack_file import write_pack

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("curve", "place"),
    [
        ([0.9, 0.1, 0.1, 0.1], 1),
        ([0.9, 0.1, 0.3, 0.1, 0.1], 3),  # it left the target at once: that visit does not count
        ([0.9, 0.1, 0.1, 0.9, 0.9], 1),  # what comes later does not undo it
        ([0.9, 0.9, 0.9, 0.2], 3),  # exactly the target, at the last evaluation
        ([0.9, 0.1, 0.9], -1),
        ([0.1, 0.1, 0.9], 0),  # the untrained model is there already
        ([0.9, 0.1, NAN, 0.1], 1),  # not measured: the next one that was counts
        ([0.9, 0.1, NAN, 0.9], -1),
        ([0.9, 0.1, NAN, NAN], 1),  # it ended there
        ([0.9, 0.1, INF, 0.1, 0.1], 3),
        ([0.9, -INF, -INF], -1),
        ([NAN, NAN], -1),
        ([0.9, 0.21, 0.21], -1),
    ],
)
def test_the_first_evaluation_at_the_target_that_the_next_one_confirms(curve, place):
    assert place_of_target(np.array([curve]), 0.2, "min").tolist() == [place]


def test_a_target_may_be_above():
    values = np.array([[0.1, 0.8, 0.7, 0.8, 0.9], [0.1, 0.7, 0.7, 0.7, 0.7]])
    assert place_of_target(values, 0.8, "max").tolist() == [3, -1]


def test_single_precision_reaches_what_it_cannot_write():
    values = np.float32([[0.9, 0.05, 0.05]]).astype(np.float64)
    assert values[0, 1] > 0.05
    assert place_of_target(values, 0.05, "min").tolist() == [1]


@pytest.mark.parametrize("mode", ["min", "max"])
def test_it_is_what_a_plain_loop_over_the_curves_finds(mode):
    generator = np.random.default_rng(4)
    curves = np.round(generator.random((200, 9)), 2)
    curves[generator.random(curves.shape) < 0.2] = NAN
    steps = list(range(0, 90, 10))
    wanted = [steps_to_target(curve, steps, 0.4, mode) for curve in curves]
    places = place_of_target(curves, 0.4, mode)
    assert [None if place < 0 else steps[place] for place in places] == wanted
    assert len(set(wanted)) > 6


CURVES = {
    "late": [0.9, 0.5, 0.4, 0.20, 0.20],
    "early": [0.9, 0.2, 0.2, 0.30, 0.30],
    "never": [0.9, 0.4, 0.3, 0.28, 0.27],
    "nearly": [0.9, 0.4, 0.22, 0.30, 0.30],
    "diverged": [0.9, 0.2, 0.2, np.nan, np.nan],
    "early too": [0.9, 0.2, 0.1, 0.10, 0.10],
}
STUDY = {
    "objective.target": 0.2,
    "training.max_train_steps": 100,
    "search.trials": len(CURVES),
}


def collected(folder, changes):
    """Return the collected study of trials with these curves, and its trials' names."""
    plan = plan_of(folder, changes)
    rows = [Row(i.index, i.arm, i.trial, i.searched) for i in plan.trials]
    records = {}
    for row, (name, curve) in zip(rows, CURVES.items(), strict=True):
        ended = {"status": "diverged", "reason": "at step 60"} if name == "diverged" else {}
        records[row.trial.id] = record_of(row.trial, curve, **ended)
    write_pack(folder / "pack.nc", records)
    write_dataset(folder / "study.nc", collect(plan.study, rows, [folder / "pack.nc"]))
    with xr.open_dataset(folder / "study.nc") as dataset:
        return dataset.load(), [row.trial.id for row in rows]


@pytest.fixture
def study(tmp_path):
    return collected(tmp_path, STUDY)[0]


def test_the_objective_is_a_number_of_steps(study):
    np.testing.assert_array_equal(study["objective"], [75, 25, NAN, NAN, NAN, 25])
    told = study["objective"].attrs
    assert (told["long_name"], told["units"]) == ("steps to validation/error_rate <= 0.2", "step")
    assert (told["valid_min"], told["valid_max"]) == (0.0, 100.0)
    assert study.attrs["objective_target"] == 0.2
    assert study.attrs["objective_mode"] == "min"


def test_a_trial_that_never_reaches_it_is_censored_and_feasible(study):
    assert study["censored"].values.tolist() == [0, 0, 1, 1, 0, 0]
    assert study["status"].values.tolist() == ["completed"] * 4 + ["diverged", "completed"]


def test_the_best_value_and_its_steps_stay_those_of_the_metric(study):
    np.testing.assert_allclose(study["best_value"], [0.2, 0.2, 0.27, 0.22, NAN, 0.1], rtol=1e-6)
    assert study["best_step"].values.tolist() == [75, 25, 100, 50, -1, 25]
    assert checkpoint_steps(study).tolist() == [75, 25, 100, 50, -1, 50]


def test_ranking_puts_fewer_steps_first_and_the_censored_last_by_their_best_value(study):
    names = list(CURVES)
    order = [names[place] for place in ranked(study)]
    assert order == ["early", "early too", "late", "nearly", "never"]
    assert best_ids(study) == {"all trials": trial_ids(study, np.array([1]))[0]}


def test_a_target_changes_no_trial(tmp_path):
    with_one, without = (
        collected(tmp_path / name, STUDY | changes)[1]
        for name, changes in (("with", {}), ("without", {"objective.target": 0.1}))
    )
    plain = plan_of(tmp_path, {k: v for k, v in STUDY.items() if k != "objective.target"})
    assert with_one == without == [item.trial.id for item in plain.trials]


def test_a_larger_value_can_be_the_better_one_and_fewer_steps_still_are(tmp_path):
    changes = STUDY | {"objective.mode": "max", "objective.target": 0.3}
    dataset, _ = collected(tmp_path, changes)
    # Every curve begins at 0.9, and stays above 0.3 for a while or leaves it at once.
    np.testing.assert_array_equal(dataset["objective"], [0, 75, 0, 0, NAN, NAN])
    assert [list(CURVES)[place] for place in ranked(dataset)][-1] == "early too"
