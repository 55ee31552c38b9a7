"""Several devices give what one gives: to the bit for lanes, up to rounding for batches."""

import dataclasses
import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from tests.engine.bits import differing
from tests.engine.normalized import WORKLOADS
from tests.engine.quadratic import BEST_LOSS, make_trial, request_for
from tuning_playbook.errors import DeviceError
from tuning_playbook.jobs import checkpoints
from tuning_playbook.jobs.groups import train_trials
from tuning_playbook.trials.best_checkpoint import read_best
from tuning_playbook.trials.trial_files import (
    NUMBERS,
    own_record,
    trial_folder,
)
from tuning_playbook.trials.trial_json import read_provenance

DEVICES = 8

# Three groups of two lanes, one of them half full.
LANES = [
    make_trial(seed, workload="quadratic", learning_rate=0.01, noise=0.1, lanes=2)
    for seed in range(5)
]
BATCH = {
    f"{workload}, virtual batch {virtual}": make_trial(
        5,
        workload=workload,
        learning_rate=0.05,
        max_train_steps=100,
        batch_size=32,
        virtual_batch_size=virtual,
    )
    for workload, virtual in [("resident", 0), ("resident", 12), ("fed", 8)]
}


def train_here(trials, folder):
    train_trials(request_for(trials), WORKLOADS[trials[0].workload](), folder)


def loss(record):
    return record.evaluations.values["validation/loss"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The trials as eight devices train them."""
    folder = tmp_path_factory.mktemp("devices")
    groups = {"lanes": [trial.to_json() for trial in LANES]}
    for name, trial in BATCH.items():
        groups[name] = [dataclasses.replace(trial, devices=DEVICES).to_json()]
    (folder / "trials.json").write_text(json.dumps(groups))
    flag = f"--xla_force_host_platform_device_count={DEVICES}"
    subprocess.run(
        [
            *(sys.executable, "-m", "tests.engine.several_devices"),
            *(str(folder / "trials.json"), str(folder), str(DEVICES)),
        ],
        env=os.environ | {"XLA_FLAGS": flag},
        check=True,
        timeout=300,
    )
    return folder


def test_lanes_on_several_devices_have_the_bits_of_one(folder, tmp_path):
    train_here(LANES, tmp_path)
    for trial in LANES:
        one, several = (trial_folder(path, trial) for path in (tmp_path, folder / "lanes"))
        records = [own_record(path, trial) for path in (tmp_path, folder / "lanes")]
        assert differing(*records) == []
        assert (one / NUMBERS).read_bytes() == (several / NUMBERS).read_bytes()
        bests = [checkpoints.restore(path / "checkpoints", "best") for path in (one, several)]
        assert jax.tree.all(jax.tree.map(np.array_equal, *bests))
        assert read_provenance(one)["devices"] == 1
        assert read_provenance(several)["devices"] == 3  # the others had no work


@pytest.mark.parametrize("name", BATCH)
def test_a_batch_shared_by_devices_gives_what_one_device_gives(folder, tmp_path, name):
    """Statistics of batch normalization are those of the whole batch, or of the virtual batches."""
    alone, shared = BATCH[name], dataclasses.replace(BATCH[name], devices=DEVICES)
    train_here([alone], tmp_path)
    one, several = own_record(tmp_path, alone), own_record(folder / name, shared)
    assert several.status == "completed"
    assert loss(one)[-1] < 0.2 * loss(one)[0]
    for here, there in ((one.evaluations, several.evaluations), (one.logged, several.logged)):
        assert here.values
        for metric, values in here.values.items():
            np.testing.assert_allclose(there.values[metric], values, rtol=1e-5)
    bests = [
        read_best(trial_folder(study, trial), BEST_LOSS)
        for study, trial in ((tmp_path, alone), (folder / name, shared))
    ]
    assert bests[1].means["loss"] == pytest.approx(bests[0].means["loss"], rel=1e-5)
    assert read_provenance(trial_folder(folder / name, shared))["devices"] == DEVICES


def test_the_virtual_batches_of_the_cases_differ(folder):
    losses = {
        name: loss(own_record(folder / name, trial))[-1]
        for name, trial in (
            (name, dataclasses.replace(trial, devices=DEVICES)) for name, trial in BATCH.items()
        )
    }
    assert len({f"{last:.5f}" for last in losses.values()}) == 3


def test_a_shared_batch_is_part_of_what_makes_a_trial_and_lanes_are_not():
    trial = make_trial()
    assert not {"devices", "nodes"} & set(trial.to_json())
    assert dataclasses.replace(trial, devices=2).fingerprint != trial.fingerprint


def test_devices_that_are_not_there_are_named(tmp_path):
    with pytest.raises(DeviceError, match=r"computes on 2 devices .* JAX found 1, of kind 'cpu'"):
        train_here([dataclasses.replace(BATCH["fed, virtual batch 8"], devices=2)], tmp_path)
    with pytest.raises(DeviceError, match="computes on 3 devices"):
        train_trials(request_for(LANES), WORKLOADS["quadratic"](), tmp_path, devices=8)
