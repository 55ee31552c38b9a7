"""A training job: what it keeps, what it trains, what it leaves in a trial's folder."""

import dataclasses
import errno
import json
import logging
import re
import sys
import threading
from pathlib import Path

import jax
import numpy as np
import orbax.checkpoint as ocp
import psutil
import pytest

from tests.engine.bits import differing
from tests.jobs.damage import flip_a_bit
from tests.specs import plan_of
from tuning_playbook.dataset.kept import kept_records
from tuning_playbook.engine import run
from tuning_playbook.engine.program import Program
from tuning_playbook.errors import ChangedDuringRunError, StorageError, WorkloadError
from tuning_playbook.jobs import checkpoints, groups, resume
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.plan import request_of
from tuning_playbook.trials.best_checkpoint import read_best
from tuning_playbook.trials.manifest import BEST
from tuning_playbook.trials.trial import trial_from_json
from tuning_playbook.trials.trial_files import NUMBERS, trial_folder
from tuning_playbook.trials.trial_json import read_provenance
from tuning_playbook.workloads.classification import Classifier
from tuning_playbook.workloads.digits_mlp import DigitsMLP

PACKED = {"resources.trials_per_job": 8, "training.keep_best": 2}


def requests(plan):
    return [request_of(plan, pack.trials) for pack in plan.packs.values()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    (request,) = requests(plan_of(folder, PACKED))
    return folder, request, train_pack(request, folder, threads=1)


def assert_same_bits(some, others):
    assert list(some) == list(others)
    for name, record in some.items():
        assert differing(record, others[name]) == []


def test_records_come_in_the_order_of_the_pack(trained):
    _, request, records = trained
    assert list(records) == [trial.id for trial in request.trials]
    assert [record.fingerprint for record in records.values()] == [
        trial.fingerprint for trial in request.trials
    ]
    assert all(record.status == "completed" for record in records.values())


def test_a_trial_leaves_its_configuration_provenance_and_best_checkpoints(trained):
    folder, request, records = trained
    first = request.trials[0]
    place, record = trial_folder(folder, first), records[first.id]
    content = json.loads((place / "trial.json").read_text())
    assert content["format"] == 3
    assert content["fingerprint"] == first.fingerprint
    assert trial_from_json(content["trial"]) == first
    assert (content["status"], content["infeasible_reason"]) == ("completed", "")
    assert content["numbers_sha256"] == record.sha256
    provenance = content["provenance"]
    assert provenance["wall_seconds"] > 0 and provenance["versions"]["jax"]
    best = checkpoints.restore(place / "checkpoints", BEST)
    assert set(best) == {f"step_{step}" for step in content["kept_steps"]}
    assert len(best) == 2
    objective = record.evaluations.values["validation/error_rate"]
    step = int(record.evaluations.steps[np.argmin(objective)])
    assert content["kept_steps"][0] == step
    assert read_best(place, request.selection).step == step
    assert len([path for path in place.rglob("*") if path.is_file()]) <= 25


def test_what_a_trial_took_is_told(trained):
    folder, request, _ = trained
    first, *others = [read_provenance(trial_folder(folder, trial)) for trial in request.trials]
    assert first["compile_seconds"] > 0
    assert {facts["compile_seconds"] for facts in others} == {0}  # they share its program
    for facts in (first, *others):
        training = facts["wall_seconds"] - facts["compile_seconds"]
        steps = request.trials[0].max_train_steps
        assert facts["steps_per_second"] * training == pytest.approx(steps)
        assert facts["input_wait_seconds"] == 0  # the data is on the device
        assert "device_train_seconds" not in facts
        # It imported NumPy and JAX at least.
        assert 50 * 2**20 < facts["peak_memory_bytes"] < psutil.virtual_memory().total


def test_finished_trials_are_kept(trained, caplog):
    folder, request, records = trained
    before = {path: path.stat().st_mtime_ns for path in (folder / "trials").rglob("*")}
    with caplog.at_level(logging.INFO, "tuning_playbook"):
        again = train_pack(request, folder, threads=1)
    assert "kept 4 trials" in caplog.text and "to train 0 trials" in caplog.text
    assert_same_bits(records, again)
    assert {path: path.stat().st_mtime_ns for path in (folder / "trials").rglob("*")} == before


@pytest.mark.parametrize("damage", [NUMBERS, "trial.json", "fingerprint", "checkpoints/best"])
def test_a_damaged_trial_is_trained_again_to_the_same_bits(trained, damage):
    folder, request, records = trained
    place = trial_folder(folder, request.trials[1])
    if damage == NUMBERS:
        flip_a_bit(place / damage, -40)
    elif damage == "trial.json":
        (place / damage).write_text("{")
    elif damage == "checkpoints/best":
        (file,) = (place / damage).glob("d/*")
        flip_a_bit(file)
    else:
        record = json.loads((place / "trial.json").read_text())
        (place / "trial.json").write_text(json.dumps(record | {"fingerprint": "0" * 64}))
    assert kept_records(folder, request.trials[1:2]) == {}
    again = train_pack(request, folder, threads=1)
    assert_same_bits(records, again)


def test_a_group_killed_while_its_checkpoints_are_written_goes_on_together(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(resume, "RESUME_SECONDS", 0.0)
    (request,) = requests(plan_of(tmp_path, PACKED | {"resources.lanes": 4}))
    save, second = checkpoints.save, trial_folder(tmp_path, request.trials[1])

    def killed(folder, name, tree):
        if (folder, name) == (second / "checkpoints", BEST):
            raise KeyboardInterrupt
        save(folder, name, tree)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoints, "save", killed)
        train_pack(request, tmp_path, threads=1)
    with caplog.at_level(logging.INFO, "tuning_playbook"):
        train_pack(request, tmp_path, threads=1)
    assert f"resumed {' '.join(trial.id for trial in request.trials)} at step" in caplog.text


def test_a_job_killed_right_after_it_wrote_a_trial_leaves_no_state_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(resume, "RESUME_SECONDS", 0.0)
    (request,) = requests(plan_of(tmp_path, PACKED))

    def killed(folder):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(groups, "remove_resumes", killed)
        train_pack(request, tmp_path, threads=1)
    left = list(tmp_path.glob("trials/*/checkpoints/resume_*"))
    assert left
    train_pack(request, tmp_path, threads=1)
    assert not any(path.exists() for path in left)


def test_a_trial_is_the_same_in_a_pack_and_alone(trained, tmp_path):
    _, request, records = trained
    (name,) = (trial.id for trial in request.trials[2:3])
    alone = train_pack(request.asking_for(request.trials[2:3]), tmp_path, threads=2)
    assert_same_bits(alone, {name: records[name]})


def test_a_configuration_that_cannot_run_fails_alone_with_its_reason(tmp_path):
    plan = plan_of(
        tmp_path,
        {
            "scientific": {"batch_size": [32, 5000]},
            "training.batch_size": None,
            "search.trials": 1,
            "resources.trials_per_job": 4,
        },
    )
    trained = [train_pack(request, tmp_path, threads=1) for request in requests(plan)]
    (fits,), (large,) = (records.values() for records in trained)
    assert (fits.status, large.status) == ("completed", "failed")
    assert "larger than the training set" in large.reason
    for split in ("train", "validation"):
        assert np.isnan(large.evaluations.values[f"{split}/loss"]).all()


def break_depth(monkeypatch, *depths):
    """Let the workload's own code fail for networks of these depths."""
    init = DigitsMLP.init

    def broken(self, key, hyperparameters):
        if hyperparameters["depth"] in depths:
            raise ValueError("no such network")
        return init(self, key, hyperparameters)

    monkeypatch.setattr(DigitsMLP, "init", broken)


SOME_DEPTHS = {
    "nuisance": {"depth": {"choice": [1, 2]}, "learning_rate": {"log_uniform": [0.01, 0.1]}},
    "resources.trials_per_job": 4,
}


def test_an_error_of_the_workloads_code_fails_its_configuration_alone(
    tmp_path, monkeypatch, caplog
):
    (request,) = requests(plan_of(tmp_path, SOME_DEPTHS))
    break_depth(monkeypatch, 2)
    records = train_pack(request, tmp_path, threads=1)
    broken = {trial.id: trial.hyperparameters["depth"] == 2 for trial in request.trials}
    assert set(broken.values()) == {True, False}
    assert {name: record.status == "failed" for name, record in records.items()} == broken
    failed = [record for record in records.values() if record.status == "failed"]
    assert all("ValueError: no such network" in record.reason for record in failed)
    assert "Traceback" in caplog.text


def test_an_error_of_writing_is_the_jobs_and_not_a_trials(tmp_path, monkeypatch):
    (request,) = requests(plan_of(tmp_path, PACKED))

    def broken(*_, **__):
        raise ValueError("cannot be written")

    monkeypatch.setattr(groups, "write_trial", broken)
    with pytest.raises(ValueError, match="cannot be written"):
        train_pack(request, tmp_path, threads=1)
    assert not list(tmp_path.glob("trials/*/trial.json"))


def full(*arguments, **options):
    """What Orbax raises where the disk is full."""
    raise ValueError("RESOURCE_EXHAUSTED: No space left on device")


def full_of_lines(*arguments, **options):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("owner", "name", "error", "path"),
    [
        (ocp.StandardCheckpointer, "save", full, r"checkpoints/resume_\d+"),
        (Path, "open", full_of_lines, r"progress\.jsonl"),
    ],
)
def test_a_disk_that_fills_in_mid_trial_is_the_jobs_error(
    tmp_path, monkeypatch, owner, name, error, path
):
    """The configuration is not to blame, so the trial has no result until there is space again."""
    (request,) = requests(plan_of(tmp_path, PACKED))
    real = getattr(owner, name)

    def fails(*arguments, **options):
        mode = arguments[1] if len(arguments) > 1 else ""
        return error() if owner is not Path or mode == "a" else real(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(resume, "RESUME_SECONDS", 0.0)
        patched.setattr(owner, name, fails)
        with pytest.raises(StorageError, match=rf"{path}: .*No space left .*run snakemake again"):
            train_pack(request, tmp_path, threads=1)
    assert not list(tmp_path.glob("trials/*/trial.json"))
    records = train_pack(request, tmp_path, threads=1)
    assert {record.status for record in records.values()} == {"completed"}


def test_a_trial_is_written_while_the_next_one_trains(tmp_path, monkeypatch):
    (request,) = requests(plan_of(tmp_path, PACKED | {"search.trials": 2}))
    begun, seen = threading.Event(), []
    write, log = groups.write_trial, run._log

    def noted_write(*arguments, **facts):
        begun.set()
        return write(*arguments, **facts)

    def noted_log(lanes, *arguments):
        if lanes[0].trial == request.trials[1]:
            seen.append(begun.wait(60))
        return log(lanes, *arguments)

    monkeypatch.setattr(groups, "write_trial", noted_write)
    monkeypatch.setattr(run, "_log", noted_log)
    train_pack(request, tmp_path, threads=1)
    assert seen == [True, True]


def test_where_it_leaves_nothing_the_job_fails(tmp_path, monkeypatch):
    (request,) = requests(plan_of(tmp_path, SOME_DEPTHS))
    break_depth(monkeypatch, 1, 2)
    with pytest.raises(WorkloadError, match="no such network") as refused:
        train_pack(request, tmp_path, threads=1)
    told = str(refused.value)
    assert re.search(r"test_pack\.py, line \d+, in broken: raise ValueError", told)
    assert "\n" not in told and len(told) < 500


def test_a_workload_that_ends_the_process_fails_its_trials_and_ends_nothing(tmp_path, monkeypatch):
    (request,) = requests(plan_of(tmp_path, SOME_DEPTHS))

    def leave(self, key, hyperparameters):
        sys.exit(0)

    monkeypatch.setattr(DigitsMLP, "init", leave)
    with pytest.raises(WorkloadError, match=r"it called sys.exit\(0\)"):
        train_pack(request, tmp_path, threads=1)


def test_a_file_that_the_workload_does_not_find_is_its_error(tmp_path, monkeypatch):
    (request,) = requests(plan_of(tmp_path, SOME_DEPTHS))

    def read(self, key, hyperparameters):
        return (tmp_path / "weights.npy").read_bytes()

    monkeypatch.setattr(DigitsMLP, "init", read)
    with pytest.raises(WorkloadError, match=r"FileNotFoundError: .*weights.npy"):
        train_pack(request, tmp_path, threads=1)


def out_of_memory_above(lanes, monkeypatch):
    """Let a program of more lanes than that run out of memory, as a device would say it.

    Returns the data of every program that was run.
    """
    train, placed = Program.train, []

    def limited(program, *arguments):
        placed.append(program.data)
        if program.trial.lanes > lanes:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")
        return train(program, *arguments)

    monkeypatch.setattr(Program, "train", limited)
    return placed


def test_lanes_are_halved_until_memory_suffices_and_the_trials_say_so(tmp_path, monkeypatch):
    out_of_memory_above(2, monkeypatch)
    (request,) = requests(plan_of(tmp_path, PACKED | {"resources.lanes": 8}))
    records = train_pack(request, tmp_path, threads=1)
    assert [record.status for record in records.values()] == ["completed"] * 4
    for trial in request.trials:
        record = json.loads((trial_folder(tmp_path, trial) / "trial.json").read_text())
        assert record["provenance"]["lanes"] == 2
        assert record["trial"]["lanes"] == 8


def test_no_second_copy_of_the_data_is_placed_where_memory_ran_out(tmp_path, monkeypatch):
    placed = out_of_memory_above(2, monkeypatch)
    (request,) = requests(plan_of(tmp_path, PACKED | {"resources.lanes": 8}))
    train_pack(request, tmp_path, threads=1)
    assert len(placed) > 2 and all(data is placed[0] for data in placed)


def test_a_trial_that_never_fits_fails_with_its_reason(tmp_path, monkeypatch):
    out_of_memory_above(0, monkeypatch)
    (request,) = requests(plan_of(tmp_path, PACKED | {"search.trials": 2}))
    failed = train_pack(request, tmp_path, threads=1).values()
    assert [record.status for record in failed] == ["failed"] * 2
    assert all(record.reason.startswith("out of memory: RESOURCE") for record in failed)
    monkeypatch.undo()
    again = train_pack(request, tmp_path, threads=1).values()
    assert [record.status for record in again] == ["completed"] * 2


@pytest.mark.parametrize("status", ["INVALID_ARGUMENT", "INTERNAL"])
def test_a_wrong_program_is_the_configurations_error(tmp_path, monkeypatch, status):
    """Of any other error of XLA it is not known that the device is not broken."""
    train = Program.train

    def limited(program, *arguments):
        if program.trial.hyperparameters["depth"] == 2:
            raise jax.errors.JaxRuntimeError(f"{status}: of a network of this depth")
        return train(program, *arguments)

    monkeypatch.setattr(Program, "train", limited)
    (request,) = requests(plan_of(tmp_path, SOME_DEPTHS))
    if status == "INTERNAL":
        with pytest.raises(jax.errors.JaxRuntimeError, match="of a network of this depth"):
            train_pack(request, tmp_path, threads=1)
        return
    records = train_pack(request, tmp_path, threads=1)
    for trial in request.trials:
        broken, record = trial.hyperparameters["depth"] == 2, records[trial.id]
        assert record.status == ("failed" if broken else "completed")
        assert ("of a network of this depth" in record.reason) == broken


def test_code_or_data_that_changed_since_the_job_was_planned_is_an_error(tmp_path):
    (request,) = requests(plan_of(tmp_path, PACKED))
    planned = [
        dataclasses.replace(trial, versions={**trial.versions, "data": "0" * 16})
        for trial in request.trials
    ]
    with pytest.raises(ChangedDuringRunError, match="the data of workload 'digits_mlp' changed"):
        train_pack(request.asking_for(planned), tmp_path, threads=1)


BY_CHANCE = """
import os, time
from tests.jobs.wrong_classes import Right

class ByChance(Right):
    '''One whose data differs from process to process.'''

    def load_data(self):
        splits = super().load_data()
        splits["train"]["x"] = splits["train"]["x"] + os.getpid() % 1000
        return splits
"""


def test_data_that_differs_from_process_to_process_is_named_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "by_chance.py").write_text(BY_CHANCE)
    own = {"workload": "by_chance:ByChance", "objective.metric": "validation/error"}
    (request,) = requests(plan_of(tmp_path, {**PACKED, **own, "fixed": {"optimizer": "sgd"}}))
    with pytest.raises(WorkloadError, match=r"another each time .*\(hashes \w+, \w+ and \w+\)"):
        train_pack(request, tmp_path, threads=1)


def test_what_is_predicted_is_kept_for_a_workload_that_predicts_alone(tmp_path, monkeypatch):
    (request,) = requests(plan_of(tmp_path, PACKED | {"search.trials": 2}))
    monkeypatch.delattr(Classifier, "predict")
    train_pack(request, tmp_path, threads=1)
    assert len(list(tmp_path.glob("trials/*/best-*.json"))) == 2
    assert not list(tmp_path.glob("trials/*/predictions-*.npz"))
