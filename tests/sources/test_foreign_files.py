"""How files of other tools are opened: within bounds, and within their folder."""

import pytest

from tuning_playbook.errors import SourceError
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


def test_a_folder_and_a_missing_file_are_errors(tmp_path):
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(SourceError, match=r"there is no such file"), open_text(path):
            pass


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
