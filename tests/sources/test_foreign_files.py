"""How files of other tools are opened: within bounds, and within their folder."""

import os
from pathlib import Path

import pytest

from tests.sources.foreign import RUNS, WRITERS
from tuning_playbook.errors import SourceError
from tuning_playbook.planning.plan import plan_study
from tuning_playbook.sources import foreign_files
from tuning_playbook.sources.foreign_files import (
    files_in,
    inside,
    open_text,
    read_bytes,
    read_object,
)


def test_a_file_that_is_too_large_is_an_error(tmp_path, monkeypatch):
    path = tmp_path / "log.json"
    path.write_text('{"a": 1}')
    assert read_object(path) == {"a": 1}
    monkeypatch.setattr(foreign_files, "LARGEST_OBJECT", 4)
    with pytest.raises(SourceError, match=r"log.json: it is larger than 4 bytes"):
        read_object(path)
    monkeypatch.setattr(foreign_files, "LARGEST_FILE", 4)
    with pytest.raises(SourceError, match=r"log.json: its 8 bytes are more than the 4 read"):
        read_bytes(path)


@pytest.mark.parametrize("content", ["[1]", "1", '"a"', "{", "[" * 100_000, "9" * 5000])
def test_what_is_no_object_is_an_error(tmp_path, content):
    path = tmp_path / "log.json"
    path.write_text(content)
    with pytest.raises(SourceError, match=r"log.json: it "):
        read_object(path)


def test_a_missing_file_is_an_error(tmp_path):
    with (
        pytest.raises(SourceError, match=r"there is no such file"),
        open_text(tmp_path / "nothing"),
    ):
        pass


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "link to a device"])
def test_what_is_no_plain_file_is_an_error_and_nothing_waits_for_it(tmp_path, kind):
    """A pipe that nobody writes to would wait for ever, and a device never ends."""
    path = tmp_path / "log.csv"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(SourceError, match=f"{path.name}: it is no plain file"), open_text(path):
        pass


@pytest.mark.parametrize("key", ["trials", "measurements"])
@pytest.mark.parametrize("source", ["csv", "jsonl"])
def test_a_table_that_is_a_pipe_or_a_device_is_one_message(tmp_path, key, source):
    spec = WRITERS[source](tmp_path, RUNS)
    pipe = tmp_path / f"{key}.{source}"
    pipe.unlink()
    os.mkfifo(pipe)
    with pytest.raises(SourceError, match=f"{pipe.name}: it is no plain file"):
        plan_study(spec)
    pipe.unlink()
    pipe.symlink_to("/dev/zero")
    with pytest.raises(SourceError, match=f"{pipe.name}: it is no plain file"):
        plan_study(spec)


@pytest.mark.parametrize("tool", ["optuna journal", "mlflow sqlite", "wandb"])
def test_a_source_that_is_a_pipe_is_one_message(tmp_path, tool):
    spec = WRITERS[tool](tmp_path, RUNS)
    (pipe,) = (path for path in tmp_path.iterdir() if path.is_file() and path != spec)
    pipe.unlink()
    os.mkfifo(pipe)
    with pytest.raises(SourceError, match=f"{pipe.name}: it is no plain file"):
        plan_study(spec)


@pytest.mark.parametrize("source", ["csv", "jsonl"])
def test_a_line_that_does_not_end_is_an_error(tmp_path, monkeypatch, source):
    monkeypatch.setattr(foreign_files, "LONGEST_LINE", 100)
    spec = WRITERS[source](tmp_path, RUNS)
    with (tmp_path / f"measurements.{source}").open("a") as file:
        file.write("x" * 200)
    with pytest.raises(
        SourceError, match=rf"measurements.{source}: row 26 is longer than 100|row 25"
    ):
        plan_study(spec)


def test_links_out_of_a_folder_are_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("in/a", "out"):
        (tmp_path / name).write_text("x")
    (tmp_path / "in/b").symlink_to(tmp_path / "out")
    (tmp_path / "in/c").symlink_to(tmp_path / "in/a")
    found = [path.name for path in files_in(tmp_path / "in", "*")]
    assert found == ["a", "c"]
    assert not inside(tmp_path / "in/b", tmp_path / "in")


def test_a_folder_of_too_many_files_is_an_error(tmp_path, monkeypatch):
    for name in "abc":
        (tmp_path / name).write_text("x")
    monkeypatch.setattr(foreign_files, "MOST_FILES", 2)
    with pytest.raises(SourceError, match="name a smaller folder"):
        files_in(tmp_path, "*")
