"""The contract of study.nc and of the pack files, on trials with known numbers."""

import math
from collections import Counter

import numpy as np
import pytest
import xarray as xr

from tests.specs import plan_of
from tests.trials.records import record_of
from tuning_playbook.dataset.collect import collect, collect_study, write_dataset
from tuning_playbook.dataset.replicates import collect_replicates
from tuning_playbook.dataset.reruns import choose_reruns, collect_reruns, rerun_trials
from tuning_playbook.dataset.rows import Row
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.engine.windows import evaluation_steps
from tuning_playbook.errors import ArtefactError
from tuning_playbook.trials.pack_file import read_pack, write_pack
from tuning_playbook.trials.trial import pack_id, trial_from_json
from tuning_playbook.trials.trial_files import write_trial

ARMS = {
    "scientific": {"optimizer": ["nesterov", "adam"]},
    "fixed": {"width": 16},
    "nuisance": {},
    "conditional": [
        {
            "when": {"optimizer": "nesterov"},
            "nuisance": {
                "learning_rate": {"log_uniform": [1e-3, 1.0]},
                "one_minus_momentum": {"log_uniform": [1e-2, 1.0]},
            },
        },
        {
            "when": {"optimizer": "adam"},
            "nuisance": {"learning_rate": {"log_uniform": [1e-5, 1e-1]}},
        },
    ],
    "search.trials": 3,
    "training.keep_best": 2,
}


@pytest.fixture
def plan(tmp_path):
    return plan_of(tmp_path, ARMS)


@pytest.fixture
def rows(plan):
    return [Row(i.index, i.arm, i.trial, i.searched) for i in plan.trials]


def alike(trials):
    """Return records of the same numbers, by id."""
    return {trial.id: record_of(trial, [0.9, 0.2, 0.1]) for trial in trials}


def packed(folder, records):
    """Write one pack file for each record."""
    paths = []
    for number, (name, record) in enumerate(records.items()):
        paths.append(folder / f"{number}.nc")
        write_pack(paths[-1], {name: record})
    return paths


@pytest.fixture
def records(rows):
    curves = [
        [0.9, 0.5, 0.4],
        [0.9, 0.3, 0.3],  # a tie: the earlier step counts
        [0.9, np.nan, np.nan],
        [0.2, 0.3, 0.1],
        [0.9, 0.8, 0.7],
        [0.9, 0.6, 0.65],
    ]
    trials = [row.trial for row in rows]
    found = {t.id: record_of(t, curve) for t, curve in zip(trials, curves, strict=True)}
    told = {"status": "diverged", "reason": "not finite at step 3"}
    return found | {trials[2].id: record_of(trials[2], curves[2], **told)}


@pytest.fixture
def study(plan, rows, records, tmp_path):
    path = tmp_path / "study.nc"
    write_dataset(path, collect(plan.study, rows, packed(tmp_path, records)))
    with xr.open_dataset(path) as dataset:
        yield dataset.load()


def test_it_opens_with_plain_xarray_and_has_the_contracts_dimensions(study):
    assert {"trial", "eval_step", "split", "train_step", "rank"} <= set(study.sizes)
    assert study["error_rate"].dims == ("trial", "eval_step", "split")
    assert study["grad_norm_max"].dims == ("trial", "train_step")
    assert study["split"].to_numpy().tolist() == ["train", "validation"]
    assert study["eval_step"].to_numpy().tolist() == [0, 25, 50]
    for name, variable in study.variables.items():
        assert variable.attrs.get("long_name"), name


def test_a_metric_says_what_it_can_be(study):
    for name in ("error_rate", "objective"):
        assert (study[name].attrs["valid_min"], study[name].attrs["valid_max"]) == (0.0, 1.0)
    assert study["loss"].attrs["valid_min"] == 0.0
    assert "valid_max" not in study["loss"].attrs


def test_the_objective_is_the_best_over_training_and_missing_where_infeasible(study):
    np.testing.assert_allclose(study["objective"], [0.4, 0.3, np.nan, 0.1, 0.7, 0.6], rtol=1e-6)
    assert study["best_step"].to_numpy().tolist() == [50, 25, -1, 50, 50, 25]
    assert study["best_steps"].to_numpy().tolist() == [
        [50, 25],
        [25, 50],
        [-1, -1],
        [50, 0],
        [50, 25],
        [25, 50],
    ]
    assert study["best_step"].dtype == np.int64


def test_a_mode_of_max_takes_the_largest(plan, rows, records, tmp_path):
    largest = plan_of(tmp_path / "max", ARMS | {"objective.mode": "max"})
    dataset = collect(largest.study, rows, packed(tmp_path, records))
    np.testing.assert_allclose(dataset["objective"][0], 0.9, rtol=1e-6)


def test_status_and_reason(study):
    assert study["status"].to_numpy().tolist()[1:4] == ["completed", "diverged", "completed"]
    assert study["infeasible_reason"].to_numpy().tolist()[2] == "not finite at step 3"
    assert study["infeasible_reason"].to_numpy().tolist()[0] == ""


def test_hyperparameters_are_missing_where_their_condition_does_not_hold(study):
    momentum = study["hp_momentum"].to_numpy()
    assert np.isfinite(momentum[:3]).all() and np.isnan(momentum[3:]).all()
    np.testing.assert_allclose(momentum[:3], 1 - study["hp_one_minus_momentum"][:3], rtol=1e-9)
    assert study["hp_optimizer"].to_numpy().tolist() == ["nesterov"] * 3 + ["adam"] * 3
    assert study["hp_width"].dtype == np.int64
    assert study["hp_width"].attrs["role"] == "fixed"
    assert study["hp_optimizer"].attrs["role"] == "scientific"
    assert study["hp_momentum"].attrs["set_by"] == "one_minus_momentum"
    valid = {item.name: (item.lowest, item.highest) for item in read_searched(study)}
    assert valid["one_minus_momentum"] == pytest.approx((1e-7, 1.0))  # momentum: 0 to 1 - 1e-7
    assert valid["learning_rate"] == (0.0, math.inf)
    del study["hp_learning_rate"].attrs["lowest"], study["hp_learning_rate"].attrs["highest"]
    older = {item.name: (item.lowest, item.highest) for item in read_searched(study)}
    assert older["learning_rate"] == (-math.inf, math.inf)


def test_a_name_in_two_conditions_is_two_hyperparameters(study):
    rates = [item for item in read_searched(study) if item.name == "learning_rate"]
    assert [(item.condition, item.low, item.high, item.arms) for item in rates] == [
        ("optimizer=nesterov", 1e-3, 1.0, ("optimizer=nesterov",)),
        ("optimizer=adam", 1e-5, 1e-1, ("optimizer=adam",)),
    ]
    assert all(item.scale == "log" and item.role == "nuisance" for item in rates)


def test_the_same_trials_give_the_same_bytes(plan, rows, records, tmp_path):
    files = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        packs = packed(folder, records)
        write_dataset(folder / "study.nc", collect(plan.study, rows, packs))
        files.append([path.read_bytes() for path in (*packs, folder / "study.nc")])
    assert files[0] == files[1]


def test_the_words_of_a_spec_are_not_in_its_dataset(study, plan):
    assert plan.study.spec.goal not in str(study.attrs)
    assert "learning_rate" in study.attrs["spec"]


def test_a_trial_that_no_pack_holds_is_an_error(plan, rows, records, tmp_path):
    del records[rows[5].trial.id]
    with pytest.raises(ArtefactError, match=f"trial {rows[5].trial.id}"):
        collect(plan.study, rows, packed(tmp_path, records))


@pytest.mark.parametrize("incomplete", [False, True])
def test_numbers_that_are_not_those_of_the_trials_own_record_are_an_error(
    plan, rows, records, tmp_path, incomplete
):
    """An edited pack; or an old one, whose trial was trained again for another."""
    for row in rows:
        write_trial(tmp_path, row.trial, records[row.trial.id], kept_steps=(), provenance={})
    collect_study(plan, packed(tmp_path, records), folder=tmp_path, incomplete=incomplete)
    second = rows[1].trial
    old = records | {second.id: record_of(second, [0.9, 0.1, 0.1])}
    with pytest.raises(ArtefactError, match=rf"1\.nc: trial {second.id} has other numbers there"):
        collect_study(plan, packed(tmp_path, old), folder=tmp_path, incomplete=incomplete)


def test_a_pack_with_the_trials_of_another_is_named(plan, rows, records, tmp_path):
    names = sorted(records)
    for pack, held in ((names[:1], names[:1]), (names[1:], names[:1])):
        write_pack(tmp_path / f"packs/{pack_id(pack)}.nc", {name: records[name] for name in held})
    packs = sorted((tmp_path / "packs").iterdir())
    with pytest.raises(ArtefactError, match=rf"{pack_id(names[1:])}\.nc: it holds other trials"):
        collect_study(plan, packs)


def test_a_pack_that_is_cut_short_is_never_taken_for_a_whole_one(plan, rows, records, tmp_path):
    """What is missing at the end of such a file reads as zeros, as what stood there may be."""
    for row in rows:
        write_trial(tmp_path, row.trial, records[row.trial.id], kept_steps=(), provenance={})
    path = tmp_path / "all.nc"
    write_pack(path, records)
    whole = path.read_bytes()
    expected, refused = collect_study(plan, [path], folder=tmp_path), []
    sizes = range(0, len(whole), 97)
    for size in sizes:
        path.write_bytes(whole[:size])
        try:
            xr.testing.assert_identical(collect_study(plan, [path], folder=tmp_path), expected)
        except ArtefactError as error:
            assert str(path) in str(error)
            refused.append(size)
    assert refused == [size for size in sizes if size < len(whole.rstrip(b"\0"))]


def test_what_is_not_a_pack_file_is_an_error(tmp_path):
    (tmp_path / "x.nc").write_text("no netCDF")
    with pytest.raises(ArtefactError, match="not a pack file"):
        read_pack(tmp_path / "x.nc")


def test_trials_of_other_lengths_are_padded(tmp_path):
    plan = plan_of(
        tmp_path,
        {
            "search": {
                "algorithm": "list",
                "trials": [{"learning_rate": 0.1, "warmup_steps": n} for n in (0, 30)],
            },
            "training.warmup_extends": True,
        },
    )
    rows = [Row(i.index, i.arm, i.trial, i.searched) for i in plan.trials]
    assert [row.trial.max_train_steps for row in rows] == [50, 100]
    trials = [row.trial for row in rows]
    records = {t.id: record_of(t, [0.5] * len(evaluation_steps(t))) for t in trials}
    write_pack(tmp_path / "pack.nc", records)
    study = collect(plan.study, rows, [tmp_path / "pack.nc"])
    assert study["eval_step"].to_numpy().tolist() == [0, 25, 50, 75, 100]
    assert study["max_train_steps"].to_numpy().tolist() == [50, 100]
    assert np.isnan(study["error_rate"][0, 3:]).all()
    assert np.isfinite(study["error_rate"][1]).all()


def test_reruns_have_fresh_seeds_and_know_what_they_rerun(plan, tmp_path):
    best = {"optimizer=adam": plan.trials[3].trial.id}
    chosen = choose_reruns(plan, best)
    reruns = rerun_trials(chosen, "optimizer=adam", [0, 1])
    assert len({trial.seed for trial in (*reruns, plan.trials[3].trial)}) == 3
    assert all(trial.hyperparameters == plan.trials[3].trial.hyperparameters for trial in reruns)
    write_pack(tmp_path / "r.nc", alike(reruns))
    dataset = collect_reruns(plan, chosen, [tmp_path / "r.nc"])
    assert dataset["rerun"].to_numpy().tolist() == [0, 1]
    assert set(dataset["rerun_of"].to_numpy()) == {plan.trials[3].trial.id}


def test_an_arm_without_a_feasible_trial_has_no_reruns(plan, tmp_path):
    chosen = choose_reruns(plan, {})
    assert rerun_trials(chosen, "optimizer=adam", [0, 1]) == []
    write_pack(tmp_path / "none.nc", {})
    dataset = collect_reruns(plan, chosen, [tmp_path / "none.nc"])
    write_dataset(tmp_path / "reruns.nc", dataset)
    with xr.open_dataset(tmp_path / "reruns.nc") as found:
        assert found.sizes["trial"] == 0
        assert {"objective", "rerun", "rerun_of", "status"} <= set(found)


def test_reruns_on_other_divisions_of_the_data_are_told_apart(tmp_path):
    again = {"reruns": {"seeds": 2, "splits": 2}}
    plan = plan_of(tmp_path, again)
    (arm,) = {item.arm for item in plan.trials}
    chosen = choose_reruns(plan, {arm: plan.trials[0].trial.id})
    trials = [trial_from_json(content) for content in chosen[arm]["trials"]]
    assert [trial.data_split for trial in trials] == [0, 0, 1, 2]
    assert len({trial.seed for trial in (*trials, plan.trials[0].trial)}) == 5
    assert [pack.reruns for pack in plan.rerun_packs.values()] == [(0,), (1,), (2,), (3,)]
    write_pack(tmp_path / "r.nc", alike(trials))
    dataset = collect_reruns(plan, chosen, [tmp_path / "r.nc"])
    assert dataset["data_split"].to_numpy().tolist() == [0, 0, 1, 2]


def test_repeats_of_the_search_stand_in_a_dataset_of_their_own(tmp_path):
    plan = plan_of(tmp_path, {"replicates": 2})
    trials = [item.trial for repeat in plan.replicates for item in repeat.trials]
    write_pack(tmp_path / "p.nc", alike(trials))
    dataset = collect_replicates(plan, [tmp_path / "p.nc"])
    assert dataset["replicate"].to_numpy().tolist() == [1] * 4 + [2] * 4
    assert dataset["index"].to_numpy().tolist() == list(range(8))


def test_an_incomplete_study_has_every_finished_trial_and_names_the_missing_ones(
    plan, rows, records, tmp_path
):
    trials = [row.trial for row in rows]
    packs = packed(tmp_path, {trial.id: records[trial.id] for trial in trials[:3]})
    of_a_pack_cut_short = (trials[4], records[trials[4].id])
    write_trial(tmp_path, *of_a_pack_cut_short, kept_steps=(), provenance={})
    there = collect_study(plan, packs, folder=tmp_path, incomplete=True)
    whole = collect_study(plan, packed(tmp_path, records))
    names = [trial.id for trial in trials]
    xr.testing.assert_equal(there, whole.isel(trial=[0, 1, 2, 4]))
    assert there.attrs["complete"] == 0
    assert there.attrs["trials_planned"] == 6
    assert there.attrs["missing_trials"].split() == [names[3], names[5]]
    assert "complete" not in whole.attrs


def test_a_study_that_lacks_nothing_is_the_same_whichever_way_it_is_collected(
    plan, records, tmp_path
):
    packs = packed(tmp_path, records)
    one = collect_study(plan, packs)
    other = collect_study(plan, packs, folder=tmp_path, incomplete=True)
    xr.testing.assert_identical(one, other)


def test_a_study_without_any_result_is_not_collected(plan, tmp_path):
    with pytest.raises(ArtefactError, match="no trial of the study has a result yet"):
        collect_study(plan, [], folder=tmp_path, incomplete=True)


def test_a_joint_design_says_which_share_of_its_trials_each_arm_is_dealt(tmp_path):
    nested = {
        "design": "joint",
        "scientific": {"activation": ["relu", "tanh"]},
        "conditional": [{"when": {"activation": "tanh"}, "scientific": {"depth": [1, 2]}}],
        "search.trials": 8,
    }
    plan = plan_of(tmp_path, nested)
    records = alike(item.trial for item in plan.trials)
    study = collect_study(plan, packed(tmp_path, records))
    counts = Counter(study["arm"].to_numpy())
    assert [counts[arm] / 8 for arm in study.attrs["arms"]] == study.attrs["arm_shares"]
    assert study.attrs["arm_shares"] == [1 / 2, 1 / 4, 1 / 4]
