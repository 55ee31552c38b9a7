"""Files that are whole or not there, whatever the disk does."""

import errno
import os
from pathlib import Path

import pytest

from tuning_playbook import files
from tuning_playbook.errors import StorageError
from tuning_playbook.files import (
    atomic,
    keep_cached,
    naming_storage,
    read_cached,
    storage_error,
    write_atomically,
)


def test_what_stood_there_stays_where_writing_fails(tmp_path):
    path = tmp_path / "launch.json"
    write_atomically(path, "before")
    with pytest.raises(ValueError, match="planted"), atomic(path) as temporary:
        temporary.write_text("half")
        raise ValueError("planted")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def steps(monkeypatch):
    """What is done to files, in its order."""
    done, fsync, replace = [], os.fsync, Path.replace

    def noted_fsync(handle):
        done.append(f"flush {Path(f'/proc/self/fd/{handle}').readlink().name}")
        fsync(handle)

    def noted_replace(path, target):
        done.append(f"rename {path.name}")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    return done


def test_a_power_cut_loses_no_file_that_was_written(tmp_path, steps):
    """Its content is on the disk before its name is, and then so is its folder."""
    write_atomically(tmp_path / "launch.json", "whole")
    content, renamed, folder = steps
    assert content.removeprefix("flush ") == renamed.removeprefix("rename ")
    assert folder == f"flush {tmp_path.name}"


def test_what_may_be_lost_is_not_waited_for(tmp_path, steps):
    write_atomically(tmp_path / "cache.json", "whole", lasting=False)
    assert [step.split()[0] for step in steps] == ["rename"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_storage_that_fails_is_named_with_its_path(tmp_path, number):
    path = tmp_path / "study.nc"
    with (
        pytest.raises(StorageError, match=rf"study\.nc: {os.strerror(number)}; the storage failed"),
        atomic(path),
    ):
        raise OSError(number, os.strerror(number))
    assert list(tmp_path.iterdir()) == []


def test_so_is_what_netcdf_says_of_it(tmp_path):
    told = pytest.raises(StorageError, match=r"study\.nc: NetCDF: HDF error; the storage failed")
    with told, naming_storage(tmp_path / "study.nc"):
        raise RuntimeError("NetCDF: HDF error")


@pytest.mark.parametrize("error", [OSError(errno.ENOENT, "none"), RuntimeError("of a model")])
def test_other_errors_are_what_they_were(tmp_path, error):
    with pytest.raises(type(error)) as raised, naming_storage(tmp_path / "study.nc"):
        raise error
    assert raised.value is error
    assert storage_error(error) is None


def test_a_text_of_the_cache_that_was_edited_is_not_used(tmp_path):
    path = tmp_path / "cache/workload.json"
    keep_cached(path, b'{"default": 0.1}')
    assert read_cached(path) == b'{"default": 0.1}'
    path.write_bytes(path.read_bytes().replace(b"0.1", b"0.7"))
    assert read_cached(path) is None


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\n"])
def test_nor_is_one_that_is_not_there_or_empty(tmp_path, content):
    path = tmp_path / "workload.json"
    if content is not None:
        path.write_bytes(content)
    assert read_cached(path) is None


def test_a_cache_that_cannot_be_written_raises_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    keep_cached(tmp_path / "file/workload.json", b"content")
    assert files.read_cached(tmp_path / "file/workload.json") is None
