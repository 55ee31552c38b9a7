"""Pack files: records come back as they were written, from packs of the last version too."""

import dataclasses

import netCDF4
import numpy as np
import pytest

from tests.engine.quadratic import make_trial
from tests.trials.records import record_of
from tuning_playbook.engine.windows import evaluation_steps
from tuning_playbook.errors import ArtefactError
from tuning_playbook.trials.pack_file import read_pack, write_pack
from tuning_playbook.trials.record import NO_CURVES, Curves, TrialRecord


def curve(trial, offset=0.0):
    return np.linspace(0.9, 0.1, len(evaluation_steps(trial))) + offset


def alike(*trials):
    return {trial.id: record_of(trial, curve(trial)) for trial in trials}


def assert_read_back(path, records):
    found = read_pack(path)
    assert list(found) == list(records)
    for name, record in records.items():
        assert found[name].fingerprint == record.fingerprint
        assert (found[name].status, found[name].reason) == (record.status, record.reason)
        for mine, theirs in (
            (record.evaluations, found[name].evaluations),
            (record.logged, found[name].logged),
        ):
            np.testing.assert_array_equal(mine.steps, theirs.steps)
            assert mine.values.keys() == theirs.values.keys()
            for key, values in mine.values.items():
                np.testing.assert_array_equal(theirs.values[key], values)
        assert found[name].sha256 == record.sha256


def test_records_come_back_as_they_were_written(tmp_path):
    records = alike(make_trial(0), make_trial(1))
    name = next(iter(records))
    told = {"status": "diverged", "reason": "größer als 10³ mal der von Schritt 0"}
    values = {**records[name].evaluations.values}
    values["train/loss"] = np.where(curve(make_trial()) < 0.5, np.nan, 1.0).astype(np.float32)
    evaluations = Curves(records[name].evaluations.steps, values)
    records[name] = dataclasses.replace(records[name], evaluations=evaluations, **told)
    write_pack(tmp_path / "pack.nc", records)
    assert_read_back(tmp_path / "pack.nc", records)


def test_the_same_records_give_the_same_bytes(tmp_path):
    records = alike(make_trial(0), make_trial(1, max_train_steps=80))
    for name in ("one.nc", "other.nc"):
        write_pack(tmp_path / name, records)
    write_pack(tmp_path / "read.nc", read_pack(tmp_path / "one.nc"))
    packs = {path.read_bytes() for path in tmp_path.iterdir()}
    assert len(packs) == 1


def test_trials_of_other_lengths_share_the_steps_of_the_longest(tmp_path):
    records = alike(make_trial(0, max_train_steps=80), make_trial(1), make_trial(2, dense_until=0))
    write_pack(tmp_path / "pack.nc", records)
    with netCDF4.Dataset(tmp_path / "pack.nc") as file:
        assert file["eval_step"].dimensions == ("eval_step",)
        assert file["eval_step"][:].tolist() == list(range(0, 81, 10))
    assert_read_back(tmp_path / "pack.nc", records)


def test_trials_may_have_steps_of_their_own(tmp_path):
    """Those of other tools are measured after equal times, and so at other steps."""
    one, other = make_trial(0), make_trial(1, max_train_steps=80)
    records = alike(one, other)
    steps = np.array([0, 7, 33, 34, 60, 61, 70, 75, 80])
    measured = Curves(steps, records[other.id].evaluations.values)
    records[other.id] = dataclasses.replace(records[other.id], evaluations=measured)
    write_pack(tmp_path / "pack.nc", records)
    with netCDF4.Dataset(tmp_path / "pack.nc") as file:
        assert file["eval_step"].dimensions == ("trial", "eval_step")
        assert file["train_step"].dimensions == ("train_step",)
    assert_read_back(tmp_path / "pack.nc", records)
    assert read_pack(tmp_path / "pack.nc")[other.id].evaluations.steps.tolist() == steps.tolist()


def test_steps_of_equal_number_are_kept_apart(tmp_path):
    one, other = make_trial(0), make_trial(1)
    records = alike(one, other)
    moved = Curves(np.array([0, 10, 20, 30, 39]), records[other.id].evaluations.values)
    records[other.id] = dataclasses.replace(records[other.id], evaluations=moved)
    write_pack(tmp_path / "pack.nc", records)
    assert_read_back(tmp_path / "pack.nc", records)


def test_what_was_never_measured_stays_so(tmp_path):
    """A trial of another tool has no gradient norms, and one that failed has no curve at all."""
    failed = TrialRecord("0" * 64, "failed", "out of memory", NO_CURVES, NO_CURVES)
    write_pack(tmp_path / "pack.nc", {"0" * 10: failed})
    assert_read_back(tmp_path / "pack.nc", {"0" * 10: failed})
    assert read_pack(tmp_path / "pack.nc")["0" * 10].gradient is None


def test_a_pack_may_hold_no_trial(tmp_path):
    write_pack(tmp_path / "pack.nc", {})
    assert read_pack(tmp_path / "pack.nc") == {}


def test_it_says_its_format(tmp_path):
    for name, records in {"some.nc": alike(make_trial()), "none.nc": {}}.items():
        write_pack(tmp_path / name, records)
        with netCDF4.Dataset(tmp_path / name) as file:
            assert file.getncattr("format") == 2


def without_variable(path):
    """Write a netCDF file that lacks what a pack file has."""
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_DATA") as file:
        file.setncattr("format", np.int32(2))
        file.createDimension("trial", 1)
        file.createVariable("grad_norm_p90", "f8", ("trial",))[:] = 1.0


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text("no netCDF"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"CDF" + bytes(60)),
        without_variable,
    ],
)
def test_what_is_not_a_pack_file_is_one_message_with_its_remedy(tmp_path, damage):
    path = tmp_path / "pack.nc"
    write_pack(path, alike(make_trial()))
    damage(path)
    with pytest.raises(ArtefactError, match=r"pack\.nc: not a pack file .*remove it and run"):
        read_pack(path)


def write_format_1(path, records):
    """Write records as the last version did: metrics by split, all as long as the longest."""
    longest = max(records.values(), key=lambda record: len(record.evaluations.steps))
    names = list(dict.fromkeys(key.partition("/")[2] for key in longest.evaluations.values))
    series, splits = list(longest.logged.values), ["train", "validation"]
    size, windows = len(longest.evaluations.steps), len(longest.logged.steps)

    def padded(values, length):
        return np.concatenate([values, np.full(length - len(values), np.nan, np.float32)])

    def texts(listed):
        encoded = np.char.encode(np.array(listed), "utf-8")
        return encoded.view("S1").reshape(len(listed), -1)

    listed = list(records.values())
    metrics = [
        [
            np.stack([padded(r.evaluations.values[f"{split}/{name}"], size) for split in splits], 1)
            for name in names
        ]
        for r in listed
    ]
    logged = [[padded(r.logged.values[name], windows) for name in series] for r in listed]
    variables = {
        "metric": (("metric",), names),
        "name": (("name",), series),
        "eval_step": (("eval_step",), longest.evaluations.steps),
        "train_step": (("train_step",), longest.logged.steps),
        "split": (("split",), splits),
        "trial": (("trial",), list(records)),
        "grad_norm_p90": (("trial",), [r.gradient.p90 for r in listed]),
        "clipped_share": (("trial",), [r.gradient.clipped_share for r in listed]),
        "status": (("trial",), [r.status for r in listed]),
        "infeasible_reason": (("trial",), [r.reason for r in listed]),
        "fingerprint": (("trial",), [r.fingerprint for r in listed]),
        "metrics": (("trial", "metric", "eval_step", "split"), metrics),
        "series": (("trial", "name", "train_step"), logged),
        "grad_norm_count": (("trial", "grad_norm_bin"), [r.gradient.counts for r in listed]),
        "whole": (("trial", "metric"), np.full((len(listed), len(names)), 0.5)),
        "sample_error": (("trial", "metric"), np.full((len(listed), len(names)), np.nan)),
        "class_right": (("trial", "class"), np.full((len(listed), 2), 3)),
        "class_examples": (("trial", "class"), np.full((len(listed), 2), 4)),
    }
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_DATA") as file:
        for name, (dimensions, values) in variables.items():
            text = np.asarray(values).dtype.kind == "U"
            array = texts(values) if text else np.asarray(values)
            if array.size:
                axes = (*dimensions, f"{name}_bytes") if text else dimensions
                for axis, length in zip(axes, array.shape, strict=True):
                    if axis not in file.dimensions:
                        file.createDimension(axis, length)
                file.createVariable(name, array.dtype, axes)[:] = array


def test_a_pack_of_the_last_version_is_read(tmp_path):
    longer, shorter = make_trial(0, max_train_steps=80), make_trial(1)
    records = alike(longer, shorter)
    diverged = {"status": "diverged", "reason": "not finite at step 3"}
    records[shorter.id] = dataclasses.replace(records[shorter.id], **diverged)
    write_format_1(tmp_path / "pack.nc", records)
    found = read_pack(tmp_path / "pack.nc")
    assert list(found) == list(records)
    assert found[longer.id].sha256 == records[longer.id].sha256
    told = found[shorter.id]
    assert (told.status, told.reason) == ("diverged", "not finite at step 3")
    assert told.fingerprint == shorter.fingerprint
    # How long each trial was does not stand there: all are as long as the longest.
    assert told.evaluations.steps.tolist() == list(range(0, 81, 10))
    for name, values in records[shorter.id].evaluations.values.items():
        np.testing.assert_array_equal(told.evaluations.values[name][: len(values)], values)
        assert np.isnan(told.evaluations.values[name][len(values) :]).all()


def test_a_pack_of_the_last_version_may_hold_no_trial(tmp_path):
    netCDF4.Dataset(tmp_path / "pack.nc", "w", format="NETCDF3_64BIT_DATA").close()
    assert read_pack(tmp_path / "pack.nc") == {}
