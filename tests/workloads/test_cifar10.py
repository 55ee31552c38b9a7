"""CIFAR-10 from small files of its binary format, trained through a spec."""

import numpy as np
import pytest

from tests.specs import changed, write_spec
from tests.workloads.cifar10_files import write_batch, write_distribution
from tuning_playbook.errors import TuningPlaybookError
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.plan import plan_study, request_of
from tuning_playbook.trials.best_checkpoint import read_best
from tuning_playbook.trials.trial_files import (
    trial_folder,
)
from tuning_playbook.trials.trial_json import read_provenance
from tuning_playbook.workloads.cifar10 import CIFAR10


@pytest.fixture
def folder(tmp_path):
    return write_distribution(tmp_path / "cifar-10-batches-bin", 200)


def spec_of(tmp_path, **more):
    return write_spec(
        tmp_path / "images.yaml",
        changed(
            {
                "workload": "cifar10",
                "data": "cifar-10-batches-bin",
                "fixed": {"optimizer": "adam", "width": 4, "normalization": "none"},
                "nuisance.learning_rate": {"log_uniform": [2e-3, 5e-3]},
                "search.trials": 1,
                "training.max_train_steps": 40,
                "training.eval_every": 20,
                **more,
            }
        ),
    )


def test_records_are_read_as_they_were_written(folder):
    label, image = write_batch(folder / "data_batch_1.bin", 200, 1)
    splits = CIFAR10(folder).load_data()
    assert {name: len(part["label"]) for name, part in splits.items()} == {
        "train": 360,
        "validation": 40,
        "test": 50,
    }
    np.testing.assert_array_equal(splits["train"]["label"][:200], label)
    np.testing.assert_array_equal(splits["train"]["image"][7].reshape(-1), image[7])


def test_a_study_trains_on_a_users_folder(folder, tmp_path):
    plan = plan_study(spec_of(tmp_path))
    (pack,) = plan.packs.values()
    request = request_of(plan, pack.trials)
    (record,) = train_pack(request, tmp_path, threads=1).values()
    assert record.status == "completed"
    loss = record.evaluations.values["train/loss"]
    assert loss[-1] < loss[0]
    (place,) = (trial_folder(tmp_path, trial) for trial in pack.trials)
    assert sum(read_best(place, request.selection).class_examples) == 40
    facts = read_provenance(place)
    assert facts["device_train_seconds"] > 0  # its batches came from the host
    parts = [facts[f"input_{part}_seconds"] for part in ("read", "stack", "transfer")]
    assert 0 < facts["input_wait_seconds"] <= sum(parts) + 0.01


def test_the_data_decides_the_trials_and_its_place_does_not(folder, tmp_path):
    (before,) = [item.trial.id for item in plan_study(spec_of(tmp_path)).trials]
    moved = tmp_path / "moved"
    folder.rename(moved)
    (after,) = [item.trial.id for item in plan_study(spec_of(tmp_path, data="moved")).trials]
    assert after == before
    write_batch(moved / "data_batch_2.bin", 200, 9)
    (other,) = [item.trial.id for item in plan_study(spec_of(tmp_path, data="moved")).trials]
    assert other != before


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "the spec gives none: name it under 'data'"),
        ("nowhere", "'.*nowhere' is no folder"),
        ("empty", "there is no data_batch_1.bin|there is no test_batch.bin"),
    ],
)
def test_a_missing_folder_is_one_message(folder, tmp_path, data, message):
    (tmp_path / "empty").mkdir()
    with pytest.raises(TuningPlaybookError, match=message):
        plan_study(spec_of(tmp_path, data=data))


def test_a_truncated_file_is_one_message(folder, tmp_path):
    path = folder / "data_batch_2.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TuningPlaybookError, match="no whole number of records"):
        plan_study(spec_of(tmp_path))


def test_a_workload_with_its_own_data_takes_no_folder(folder, tmp_path):
    with pytest.raises(TuningPlaybookError, match="reads no folder of data"):
        plan_study(spec_of(tmp_path, workload="digits_mlp"))
