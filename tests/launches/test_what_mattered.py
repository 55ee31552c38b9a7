"""What of a candidate's changes mattered, told from their trainings set back."""

import numpy as np
import pytest
import xarray as xr

from tuning_playbook.launches.what_mattered import what_mattered

RERUNS = (0.100, 0.102, 0.098, 0.101, 0.099)


def change(name, *, adds=True):
    return {"names": [name], "candidate": {name: 0.2}, "baseline": {name: 0.0}, "adds": adds}


def told(objectives, *, mode="min", adds=True, reruns=RERUNS, earlier=None):
    """What is told of changes with these objectives when they are set back."""
    names = [name for name, values in objectives.items() for _ in values]
    values = [value for given in objectives.values() for value in given]
    dataset = xr.Dataset(
        {
            "set_back": ("trial", np.array(names, dtype=object)),
            "objective": ("trial", np.array(values, dtype=float)),
        },
        attrs={"objective_mode": mode},
    )
    launch = {"candidate": {"trial": "0123456789", "rerun_objectives": list(reruns)}}
    chosen = [change(name, adds=adds) for name in objectives]
    trainings = max(map(len, objectives.values()), default=2)
    found = what_mattered(chosen, dataset, launch, trainings=trainings, earlier=earlier)
    return found, {item.names[0]: item for item in found.changes}


def test_a_change_without_which_it_is_far_worse_helps_and_is_named_first():
    found, changes = told({"dropout": (0.101, 0.099), "warmup_steps": (0.150, 0.152)})
    assert changes["warmup_steps"].verdict == "helps"
    assert changes["warmup_steps"].gain == pytest.approx(0.051)
    assert not changes["warmup_steps"].remove
    assert [item.names[0] for item in found.changes] == ["warmup_steps", "dropout"]
    assert "these are shown to help: warmup_steps." in found.sentence


def test_what_adds_something_and_buys_nothing_is_named_for_removal():
    found, changes = told({"dropout": (0.101, 0.099), "warmup_steps": (0.150, 0.152)})
    assert changes["dropout"].verdict == "no gain shown"
    assert changes["dropout"].remove
    assert "Remove dropout: the baseline leaves that out" in found.sentence
    _, changes = told({"learning_rate": (0.101, 0.099)}, adds=False)
    assert not changes["learning_rate"].remove


def test_where_a_larger_objective_is_better_the_signs_turn():
    _, changes = told({"dropout": (0.150, 0.152), "clip_norm": (0.05, 0.052)}, mode="max")
    assert changes["dropout"].verdict == "hurts"
    assert changes["dropout"].remove
    assert changes["clip_norm"].verdict == "helps"


def test_a_change_without_which_training_fails_is_needed():
    _, changes = told({"warmup_steps": (np.nan, np.nan), "dropout": (0.101, 0.099)})
    item = changes["warmup_steps"]
    assert (item.verdict, item.remove, item.gain) == ("helps", False, None)
    assert "of 2 trainings fail" in item.sentence


@pytest.mark.parametrize(
    ("values", "others"),
    [
        ((np.nan, 0.1), {}),
        ((np.nan, np.nan), {"reruns": (np.nan,) * 5}),
        ((np.nan, np.nan), {"reruns": (np.nan, 0.1, 0.1, 0.1, 0.1)}),
    ],
    ids=["one of two fails", "the candidate fails too", "so does one of its reruns"],
)
def test_failures_that_may_be_chance_or_the_candidates_own_tell_nothing(values, others):
    _, changes = told({"warmup_steps": values}, **others)
    assert changes["warmup_steps"].verdict == "cannot tell"


def test_a_measured_loss_counts_more_than_a_training_that_fails():
    _, changes = told({"dropout": (np.nan, 0.05)}, earlier=(0.002**2, 18))
    assert changes["dropout"].verdict == "hurts"
    assert changes["dropout"].remove


def test_a_single_training_is_enough_where_the_variance_is_known():
    _, changes = told({"dropout": (0.150,)}, earlier=(0.002**2, 18))
    assert changes["dropout"].verdict == "helps"


def test_nothing_is_told_of_too_few_or_equal_reruns():
    _, changes = told({"dropout": (0.15, 0.16)}, reruns=(0.1,))
    assert changes["dropout"].verdict == "cannot tell"
    _, changes = told({"dropout": (0.1, 0.1)}, reruns=(0.1, 0.1))
    assert changes["dropout"].verdict == "cannot tell"
    assert not changes["dropout"].remove


def test_without_changes_or_a_candidate_that_is_said():
    found, _ = told({})
    assert "differs from the baseline in one thing at most" in found.sentence
    nothing = what_mattered([], xr.Dataset(), {"candidate": None}, trainings=2)
    assert "There is no candidate" in nothing.sentence


def test_of_changes_that_do_nothing_few_are_said_to_matter():
    """All of a family hold together: with four changes and two trainings of each at most 5 %."""
    random = np.random.default_rng(0)
    studies = 400
    wrong = 0
    for _ in range(studies):
        objectives = {name: random.normal(size=2) for name in "abcd"}
        _, changes = told(objectives, reruns=random.normal(size=5))
        wrong += any(item.verdict in ("helps", "hurts") for item in changes.values())
    print(f"{wrong / studies:.1%} of studies say that a change matters which does not")
    assert wrong / studies <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / studies)


def test_a_change_worth_four_deviations_is_seen():
    random = np.random.default_rng(1)
    studies = 200
    found = 0
    for _ in range(studies):
        objectives = {name: random.normal(size=2) for name in "bcd"}
        objectives["a"] = 4.0 + random.normal(size=2)
        _, changes = told(objectives, reruns=random.normal(size=5))
        found += changes["a"].verdict == "helps"
    print(f"a change worth four standard deviations is seen in {found / studies:.1%}")
    assert found / studies >= 0.8
