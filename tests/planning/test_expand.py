import pytest

from tests.specs import REMOVED, plan_of
from tuning_playbook.errors import SpecError

ARMS = {
    "scientific": {"optimizer": ["nesterov", "adam"]},
    "fixed": {"width": 16},
    "nuisance": {"weight_decay": {"log_uniform": [1e-6, 1e-2]}},
    "conditional": [
        {
            "when": {"optimizer": "nesterov"},
            "nuisance": {
                "learning_rate": {"log_uniform": [1e-3, 1.0]},
                "one_minus_momentum": {"log_uniform": [1e-3, 1.0]},
            },
        },
        {
            "when": {"optimizer": ["adam"]},
            "nuisance": {"learning_rate": {"log_uniform": [1e-5, 1e-1]}},
            "fixed": {"one_minus_b1": 0.1},
        },
    ],
}


def ids(plan, arm=None):
    return [item.trial.id for item in plan.trials if arm in (None, item.arm)]


def test_raising_trials_keeps_the_earlier_ones(tmp_path):
    sixteen = plan_of(tmp_path, ARMS | {"search.trials": 16})
    thirty_two = plan_of(tmp_path, ARMS | {"search.trials": 32})
    for arm in ("optimizer=nesterov", "optimizer=adam"):
        assert ids(thirty_two, arm)[:16] == ids(sixteen, arm)


def test_each_arm_has_its_own_hyperparameters(tmp_path):
    plan = plan_of(tmp_path, ARMS)
    nesterov, adam = (
        [item for item in plan.trials if item.arm == arm]
        for arm in ("optimizer=nesterov", "optimizer=adam")
    )
    assert len(nesterov) == len(adam) == 4
    assert all("b1" not in item.trial.hyperparameters for item in nesterov)
    assert all(item.trial.hyperparameters["b1"] == 0.9 for item in adam)
    assert all(1e-5 <= item.trial.hyperparameters["learning_rate"] <= 1e-1 for item in adam)


def test_one_minus_sets_one_minus_the_value(tmp_path):
    for item in plan_of(tmp_path, ARMS).trials[:4]:
        searched = item.searched["one_minus_momentum"]
        assert item.trial.hyperparameters["momentum"] == pytest.approx(1 - searched, abs=1e-12)
        assert "one_minus_momentum" not in item.trial.hyperparameters


def test_a_trial_is_the_same_wherever_it_stands(tmp_path):
    entries = [{"learning_rate": rate} for rate in (0.01, 0.02, 0.03)]
    before = plan_of(tmp_path, {"search": {"algorithm": "list", "trials": entries}})
    inserted = [{"learning_rate": 0.05}, *entries]
    after = plan_of(tmp_path, {"search": {"algorithm": "list", "trials": inserted}})
    assert ids(after)[1:] == ids(before)
    assert [item.index for item in after.trials] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"notes": "more", "goal": "another"}, True),
        ({"resources.trials_per_job": 3, "resources.threads": 2}, True),
        ({"reruns.seeds": 9, "launch.min_improvement": 0.1}, True),
        ({"fixed.depth": 2}, True),  # its default, now written out
        ({"objective.metric": "validation/loss", "objective.mode": "max"}, True),  # it ranks them
        ({"training.keep_best": 1}, True),
        ({"training.seed": 1}, False),
        ({"training.batch_size": 64}, False),
        ({"training.max_train_steps": 100}, False),
        ({"fixed.depth": 1}, False),
        ({"resources.lanes": 2, "resources.trials_per_job": 2}, False),
        ({"resources.devices": 2}, False),  # they share the batches of each trial
        ({"resources.nodes": 2}, False),
    ],
)
def test_the_fingerprint_covers_what_decides_the_numbers_and_nothing_else(tmp_path, changes, same):
    assert (ids(plan_of(tmp_path, changes)) == ids(plan_of(tmp_path))) is same


def test_devices_with_lanes_of_their_own_decide_no_number(tmp_path):
    lanes = {"resources.lanes": 2, "resources.trials_per_job": 4}
    assert ids(plan_of(tmp_path, lanes | {"resources.devices": 2})) == ids(plan_of(tmp_path, lanes))


def test_seeds_come_from_study_and_configuration(tmp_path):
    first = [item.trial.seed for item in plan_of(tmp_path).trials]
    assert len(set(first)) == 4
    assert all(0 <= seed < 2**32 for seed in first)
    other = [item.trial.seed for item in plan_of(tmp_path, {"training.seed": 1}).trials]
    assert not set(first) & set(other)


def test_equal_configurations_are_one_trial_and_are_said(tmp_path):
    entries = [{"learning_rate": 0.01}, {"learning_rate": 0.02}, {"learning_rate": 1.0e-2}]
    expansion = plan_of(tmp_path, {"search": {"algorithm": "list", "trials": entries}}).expansion
    assert len(expansion.trials) == 2
    assert expansion.duplicates == (("all trials", expansion.trials[0].trial.id),)


def test_a_grid_is_every_combination(tmp_path):
    plan = plan_of(
        tmp_path,
        {
            "search": {"algorithm": "grid", "points": {"learning_rate": 3}},
            "nuisance.activation": {"choice": ["relu", "tanh"]},
        },
    )
    points = {(i.searched["learning_rate"], i.searched["activation"]) for i in plan.trials}
    assert points == {(rate, name) for rate in (0.001, 0.01, 0.1) for name in ("relu", "tanh")}


def test_listed_trials_go_to_the_arms_that_they_name(tmp_path):
    entries = [
        {"learning_rate": 0.01, "activation": "relu"},
        {"learning_rate": 0.02},
    ]
    plan = plan_of(
        tmp_path,
        {
            "scientific": {"activation": ["relu", "tanh"]},
            "search": {"algorithm": "list", "trials": entries},
        },
    )
    placed = [(item.arm, item.searched["learning_rate"]) for item in plan.trials]
    assert placed == [
        ("activation=relu", 0.01),
        ("activation=relu", 0.02),
        ("activation=tanh", 0.02),
    ]


def test_a_batch_size_may_be_scientific(tmp_path):
    plan = plan_of(
        tmp_path,
        {"scientific": {"batch_size": [16, 32]}, "training.batch_size": None, "search.trials": 1},
    )
    assert [item.trial.batch_size for item in plan.trials] == [16, 32]


def test_an_absurd_grid_is_refused_before_it_fills_the_memory(tmp_path):
    with pytest.raises(SpecError, match="ask for fewer trials, arms, points"):
        plan_of(
            tmp_path,
            {
                "search": {"algorithm": "grid", "points": 10_000},
                "nuisance.weight_decay": {"uniform": [0, 1]},
            },
        )


@pytest.mark.parametrize("algorithm", ["halton", "random"])
def test_a_repeat_of_the_search_draws_other_points_and_seeds_and_moves_no_trial(
    algorithm, tmp_path
):
    search = {"search.algorithm": algorithm}
    once = plan_of(tmp_path, ARMS | search)
    plan = plan_of(tmp_path, ARMS | search | {"replicates": 2})
    assert ids(plan) == ids(once)
    assert plan.packs.keys() == once.packs.keys()
    searches = [plan.trials, *(repeat.trials for repeat in plan.replicates)]
    assert [len(items) for items in searches] == [8, 8, 8]
    everything = [item for items in searches for item in items]
    assert len({item.searched["learning_rate"] for item in everything}) == 24
    assert len({item.trial.seed for item in everything}) == 24
    assert len({item.trial.id for item in everything}) == 24
    packed = [trial for pack in plan.replicate_packs.values() for trial in pack.trials]
    assert {trial.id for trial in packed} == {item.trial.id for item in everything[8:]}
    more = plan_of(tmp_path, ARMS | search | {"replicates": 3})
    assert more.replicates[:2] == plan.replicates


def test_a_repeat_of_a_choice_trains_its_configurations_on_other_seeds(tmp_path):
    """What the search has to draw from may be so little that it draws the same."""
    few = {"nuisance": {"activation": {"choice": ["relu", "tanh"]}}, "replicates": 1}
    plan = plan_of(tmp_path, few)
    (repeat,) = plan.replicates
    values = {item.searched["activation"] for item in (*plan.trials, *repeat.trials)}
    assert values == {"relu", "tanh"}
    seeds = [item.trial.seed for item in (*plan.trials, *repeat.trials)]
    assert len(set(seeds)) == len(seeds) == 4


def test_a_joint_design_is_repeated_as_a_whole(tmp_path):
    joint = {"design": "joint", "scientific": {"depth": [1, 2]}, "replicates": 1}
    (repeat,) = plan_of(tmp_path, joint).replicates
    assert sorted(item.arm for item in repeat.trials) == ["depth=1"] * 2 + ["depth=2"] * 2


def test_what_is_asked_for_again_changes_no_fingerprint(tmp_path):
    plain = plan_of(tmp_path).trials[0].trial
    asked = plan_of(tmp_path, {"reruns.splits": 5, "replicates": 2}).trials[0].trial
    assert asked == plain
    assert "data_split" not in plain.to_json()


def test_whether_all_of_the_training_split_is_measured_is_another_trial(tmp_path):
    """And a spec that does not ask has the trials that it had before there was a choice."""
    plain, whole = (
        plan_of(tmp_path, changes).trials[0].trial
        for changes in ({}, {"training.train_sample": "all"})
    )
    assert whole.train_sample == "all"
    assert whole.id != plain.id
    assert whole.seed == plain.seed
    assert "train_sample" not in plain.to_json()


def test_a_batch_that_is_computed_in_parts_is_another_trial_where_it_has_several(tmp_path):
    arms = {"scientific": {"batch_size": [16, 32, 64]}, "training.batch_size": REMOVED}
    plain, cut = (
        {item.trial.batch_size: item.trial for item in plan_of(tmp_path, changes).trials}
        for changes in (arms, arms | {"training.microbatch": 32})
    )
    assert {size: trial.microbatch for size, trial in cut.items()} == {16: 0, 32: 0, 64: 32}
    assert [size for size in plain if plain[size].id != cut[size].id] == [64]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training.microbatch": 12}, "12 does not divide a batch of 32 into equal parts"),
        (
            {"training.microbatch": 4, "resources.devices": 8},
            "8 devices in all cannot have equal parts of 4 examples",
        ),
    ],
)
def test_parts_that_are_not_equal_are_refused(tmp_path, changes, said):
    with pytest.raises(SpecError, match=f"microbatch: {said}"):
        plan_of(tmp_path, changes)


def test_an_arm_with_a_larger_batch_size_than_the_run_branches_from_it(tmp_path):
    """All have the seed of the run, so that they see its examples; the run is no branch."""
    arms = {"scientific": {"batch_size": [16, 32, 64]}, "training.batch_size": REMOVED}
    asked = {"training.branch": {"step": 4, "batch_size": 16}}
    plain, branches = (
        {item.trial.batch_size: item.trial for item in plan_of(tmp_path, changes).trials}
        for changes in (arms, arms | asked)
    )
    assert [size for size in plain if plain[size].id != branches[size].id] == [32, 64]
    assert len({trial.seed for trial in branches.values()}) == 1
    assert branches[64].step_examples == 16
    assert (branches[64].branch_step, branches[64].branch_power) == (4, 0.5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training.branch.step": 10**6}, "branch.step: 1000000 leaves a branch no steps"),
        (
            {"training.branch.batch_size": 5},
            "branch.batch_size: 5 does not divide a batch size of 32",
        ),
        ({"fixed.polyak_decay": 0.9}, r"branch: the average of the weights \(polyak_decay\)"),
    ],
)
def test_a_branch_that_cannot_be_is_refused(tmp_path, changes, said):
    branch = {"step": 4, "batch_size": 16}
    with pytest.raises(SpecError, match=said):
        plan_of(tmp_path, {"training.branch": branch, **changes})
