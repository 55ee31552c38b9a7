"""Which batch sizes are probed, what decides a probe, and which specs are refused."""

import pytest

from tests.specs import REMOVED, changed, write_spec
from tuning_playbook.errors import ChangedDuringRunError, SpecError
from tuning_playbook.planning import probes as module
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.planning.probes import current_probes, probe_plan

SPEC = {
    "nuisance": REMOVED,
    "search": REMOVED,
    "reruns": REMOVED,
    "resources": REMOVED,
}


def plan(tmp_path, changes=None, **settings):
    document = changed(SPEC | {"procedure": {"name": "batch_sizes"}} | (changes or {}))
    document["procedure"] = document["procedure"] | settings
    return probe_plan(write_spec(tmp_path / "sizes.yaml", document))


def test_powers_of_two_up_to_the_training_set(tmp_path):
    probes = plan(tmp_path)
    assert probes.batch_sizes == (8, 16, 32, 64, 128, 256, 512, 1024)
    assert 1024 <= probes.plan.study.workload.examples["train"] < 2048


@pytest.mark.parametrize(("to", "last"), [(200, 128), (256, 256), (8, 8), (60000, 1024)])
def test_none_is_larger_than_the_spec_says(tmp_path, to, last):
    assert plan(tmp_path, to=to).batch_sizes[-1] == last


def test_a_workload_that_makes_its_batches_ends_at_the_largest_that_is_probed(tmp_path):
    changes = {"workload": "tests.jobs.probed:SlowReader"}
    assert plan(tmp_path, changes).batch_sizes[-1] == 65536


def test_a_probe_is_of_one_lane_at_its_batch_size(tmp_path):
    (trial,) = plan(tmp_path, {"resources": {"lanes": 4}}).request(16).trials
    assert (trial.batch_size, trial.lanes) == (16, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"fixed.learning_rate": 0.02},
        {"training.max_train_steps": 100},
        {"training.batch_size": 64},
        {"training.seed": 7},
        {"goal": "In other words"},
        {"objective.metric": "validation/loss"},
    ],
)
def test_what_takes_no_time_does_not_ask_for_other_probes(tmp_path, changes):
    assert plan(tmp_path, {"fixed.learning_rate": 0.01} | changes).key == (
        plan(tmp_path, {"fixed.learning_rate": 0.01}).key
    )


@pytest.mark.parametrize("settings", [{"pays": 1.5}, {"to": 64}])
def test_what_is_concluded_of_probes_does_not_ask_for_others(tmp_path, settings):
    assert plan(tmp_path, **settings).key == plan(tmp_path).key


@pytest.mark.parametrize(
    "changes",
    [
        {"fixed.width": 32},
        {"fixed.optimizer": "adam"},
        {"fixed.weight_decay": 0.1},
        {"workload": "mnist5k_cnn", "fixed.width": REMOVED},
        {"resources": {"threads": 2}},
        {"procedure.memory_mb": 5},
        {"procedure.repeats": 20},
    ],
)
def test_another_model_optimizer_or_machine_asks_for_others(tmp_path, changes):
    assert plan(tmp_path, changes).key != plan(tmp_path).key


def test_so_does_other_software(tmp_path, monkeypatch):
    before = plan(tmp_path).key
    monkeypatch.setattr(module.importlib.metadata, "version", lambda name: "another")
    assert plan(tmp_path).key != before


def test_no_trial_depends_on_probes(tmp_path):
    """A probe is no part of a fingerprint: the trial of the spec is what it is without one."""
    trials = [plan(tmp_path, **given).plan.trials[0].trial for given in ({}, {"memory_mb": 5})]
    assert trials[0] == trials[1]
    assert plan(tmp_path).request(32).trials[0] == trials[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"nuisance": {"learning_rate": {"log_uniform": [0.1, 1.0]}}},
            r"nuisance: batch_sizes measures one configuration and trains no trials",
        ),
        ({"reruns": {"seeds": 2}}, r"reruns: batch_sizes measures one configuration"),
        ({"training.microbatch": 8}, r"training\.microbatch: gradient accumulation gives no thr"),
        ({"resources": {"nodes": 2}}, r"resources\.nodes: a probe runs on one node"),
        ({"procedure.from": 4096}, r"procedure\.from: 4,096 is more than the 1,\d+ examples"),
        ({"procedure.from": 24}, r"procedure\.from: must be a power of two, as 16, not 24"),
        ({"procedure": {"name": "batch_sizes", "from": 8, "to": 4}}, r"'to' \(4\) is less than"),
        ({"procedure.pays": 3}, r"procedure\.pays: input should be less than or equal to 2"),
        (
            {"resources": {"devices": 3}, "training.batch_size": 33},
            r"procedure\.from: 8 cannot be shared out evenly among 3 devices",
        ),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused_with_its_place(tmp_path, changes, message):
    if "nuisance" in changes:
        changes = changes | {"search": {"algorithm": "halton", "trials": 2}}
    with pytest.raises(SpecError, match=message):
        plan(tmp_path, changes)


def test_a_probe_that_was_planned_otherwise_is_not_measured(tmp_path):
    probes = plan(tmp_path)
    spec = str(probes.plan.study.path)
    assert current_probes(spec, probes.key).key == probes.key
    with pytest.raises(ChangedDuringRunError, match="changed while the workflow ran"):
        current_probes(spec, "0123456789")


def test_the_batch_size_is_still_refused_as_a_nuisance(tmp_path):
    spec = changed({"nuisance.batch_size": {"choice": [16, 32]}})
    del spec["training"]["batch_size"]
    with pytest.raises(SpecError, match="batch_size"):
        plan_study(write_spec(tmp_path / "study.yaml", spec))
