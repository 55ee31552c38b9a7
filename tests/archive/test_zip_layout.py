"""How an archive lies in its file: the same files, the same bytes; nothing else is unpacked."""

import random
import struct
import zipfile
import zlib

import pytest

from tuning_playbook.archive import zip_layout
from tuning_playbook.archive.zip_layout import Entry, read_entries, unpack, write_zip
from tuning_playbook.errors import ArchiveError

FILES = {
    "study/data/numbers.nc": bytes(range(256)) * 40,
    "study/data/empty": b"",
    "study/data/größe.txt": "µ".encode() * 100,
    "study/bagit.txt": b"BagIt-Version: 1.0\n",
}


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "study.zip"
    write_zip(path, FILES)
    return path


def unpacked(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_what_is_written_is_unpacked_and_any_tool_reads_it(archive, tmp_path):
    unpack(archive, tmp_path / "out")
    assert unpacked(tmp_path / "out") == FILES
    with zipfile.ZipFile(archive) as other:
        assert other.testzip() is None
        assert {name: other.read(name) for name in other.namelist()} == FILES
        assert {item.date_time for item in other.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {item.external_attr >> 16 for item in other.infolist()} == {0o100644}


def test_the_same_files_in_another_order_give_the_same_bytes(archive, tmp_path):
    backwards = dict(reversed(FILES.items()))
    sources = {}
    for number, (name, content) in enumerate(backwards.items()):
        sources[name] = tmp_path / f"source{number}"
        sources[name].write_bytes(content)
    write_zip(tmp_path / "again.zip", sources)
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_a_changed_byte_is_found_or_changes_nothing_that_is_unpacked(archive, tmp_path):
    original = archive.read_bytes()
    draw = random.Random(0)
    for number, place in enumerate(range(len(original))):
        changed = bytearray(original)
        changed[place] ^= draw.randrange(1, 256)
        archive.write_bytes(changed)
        folder = tmp_path / str(number)
        try:
            unpack(archive, folder)
        except ArchiveError:
            continue
        assert unpacked(folder) == FILES


@pytest.mark.parametrize("kept", [0, 1, 21, 22, 100, -100, -22, -1])
def test_a_truncated_archive_is_refused(archive, kept):
    archive.write_bytes(archive.read_bytes()[:kept])
    with pytest.raises(ArchiveError, match="cut off"):
        read_entries(archive)


@pytest.mark.parametrize("where", ["before", "after"])
def test_nothing_hides_before_or_behind_the_files(archive, where):
    content = archive.read_bytes()
    archive.write_bytes(b"#!/bin/sh\n" + content if where == "before" else content + b"more")
    with pytest.raises(ArchiveError):
        read_entries(archive)


def forge(path, files, **changes):
    """Write an archive as `write_zip` does, but with names and sizes that it would not write."""
    entries, content = [], b""
    for name, data in files:
        packed = zip_layout._deflate(data)
        entry = Entry(name, zlib.crc32(data), len(packed), changes.get("size", len(data)), 0)
        entry = Entry(*(entry.name, entry.crc, entry.packed, entry.size, len(content)))
        content += zip_layout._local_header(entry) + packed
        entries.append(entry)
    directory = b"".join(map(zip_layout._central_header, entries))
    path.write_bytes(content + directory + zip_layout._end(entries, len(directory)))


NAMES = {
    "a path that climbs out": ["../out"],
    "a path that climbs out further down": ["study/../../out"],
    "an absolute path": ["/tmp/out"],
    "a drive": ["C:/out"],
    "the other slash": ["study\\..\\out"],
    "a double name": ["study/a", "study/a"],
    "names that one system takes for one": ["study/A", "study/a"],
    "a file that is a folder too": ["study", "study/a"],
    "out of order": ["study/b", "study/a"],
    "nothing": [""],
    "a folder": ["study/"],
    "an empty part": ["study//a"],
    "a control character": ["study/a\x00b"],
    "an end that Windows drops": ["study/a."],
    "an endless name": ["a" * 5000],
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_names_that_are_not_safe_are_refused(names, tmp_path):
    forge(tmp_path / "study.zip", [(name, b"x") for name in names])
    with pytest.raises(ArchiveError, match=r"not safe|are named"):
        unpack(tmp_path / "study.zip", tmp_path / "out" / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["study.zip"]


def test_a_link_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as other:
        link = zipfile.ZipInfo("study/link")
        link.external_attr = 0o120777 << 16
        other.writestr(link, "/etc/passwd")
    with pytest.raises(ArchiveError, match="another tool"):
        unpack(tmp_path / "study.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bomb_is_refused_by_what_it_claims_and_by_what_it_is(tmp_path, monkeypatch):
    zeros = bytes(zip_layout.ALWAYS_ALLOWED + 1)
    forge(tmp_path / "honest.zip", [("study/zeros", zeros)])
    with pytest.raises(ArchiveError, match="claims to hold"):
        unpack(tmp_path / "honest.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    forge(tmp_path / "lying.zip", [("study/zeros", zeros)], size=1000)
    with pytest.raises(ArchiveError, match="larger than the archive says"):
        unpack(tmp_path / "lying.zip", tmp_path / "out")
    assert (tmp_path / "out" / "study" / "zeros").stat().st_size == 0


def test_an_absurd_number_of_files_is_refused_without_reading_them(archive):
    content = bytearray(archive.read_bytes())
    struct.pack_into("<HH", content, len(content) - 14, 65535, 65535)
    archive.write_bytes(content)
    with pytest.raises(ArchiveError):
        read_entries(archive)


def test_what_does_not_fit_is_not_begun(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_layout, "MOST_FILES", 3)
    with pytest.raises(ArchiveError, match="checkpoints=best"):
        write_zip(tmp_path / "study.zip", FILES)
    monkeypatch.setattr(zip_layout, "MOST_BYTES", 10_000)
    with pytest.raises(ArchiveError, match="4 files"):
        write_zip(tmp_path / "study.zip", FILES)
    assert not list(tmp_path.iterdir())
