"""The only layout of an archive's zip file, written and checked to the byte.

Every byte besides the compressed files follows from their names, sizes and checksums: names are
sorted, time and permission are fixed, and there are no comments, no extra fields and no gaps. So
the same files give the same archive, and a reader refuses any other layout: links, duplicates,
hidden data, names that point outside the folder, wrong sizes.

Source: PKWARE, APPNOTE.TXT, .ZIP File Format Specification, 4.3.7, 4.3.12 and 4.3.16.
"""

import itertools
import struct
import unicodedata
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tuning_playbook.errors import ArchiveError
from tuning_playbook.files import atomic

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s4B4H3L5H2L")
END = struct.Struct("<4s4H2LH")

VERSION = 20  # deflate
UNIX = 3
UTF_8 = 0x800
DEFLATED = 8
LEVEL = 6
DATE = (1 << 5) | 1  # 1 January 1980, the first day that a zip file can name
REGULAR_FILE = 0o100644 << 16

MOST_FILES = 2**16 - 2
MOST_BYTES = 2**32 - 2
"""Most bytes of a zip file without its 64-bit extension."""

MOST_EXPANSION, ALWAYS_ALLOWED = 50, 2**26
"""A study's files shrink to a fifth at best. An archive that claims to unpack to fifty times its
size, and to more than 64 MiB, was made to fill a disk."""

LONGEST_NAME = 1000
CHUNK = 2**20

Content = bytes | Path


@dataclass(frozen=True)
class Entry:
    """A file of an archive.

    Attributes:
        name: Its path in the archive.
        crc: The CRC-32 of its content.
        packed: Its compressed size in bytes.
        size: Its size in bytes.
        offset: Where its header begins in the archive.
    """

    name: str
    crc: int
    packed: int
    size: int
    offset: int

    @property
    def data_offset(self) -> int:
        """Return the offset of its compressed content in the archive."""
        return self.offset + LOCAL.size + len(self.name.encode())

    @property
    def end(self) -> int:
        """Return the offset of the next file."""
        return self.data_offset + self.packed


def write_zip(path: Path, files: Mapping[str, Content]) -> None:
    """Write files into an archive, whole or not at all; the bytes depend only on the files.

    Args:
        path: The archive's path.
        files: The content, or the file that has it, for each path in the archive.

    Raises:
        ArchiveError: They do not fit, or a name is not valid on every system.
    """
    if len(files) > MOST_FILES:
        raise ArchiveError(
            f"{path}: {len(files):,} files are more than an archive holds ({MOST_FILES:,}); "
            "leave out checkpoints with --config checkpoints=best or none"
        )
    with atomic(path) as temporary:
        entries: list[Entry] = []
        with temporary.open("wb") as file:
            for name in sorted(files):
                content = files[name]
                data = content if isinstance(content, bytes) else content.read_bytes()
                packed = _deflate(data)
                entry = Entry(name, zlib.crc32(data), len(packed), len(data), file.tell())
                if entry.size > MOST_BYTES or entry.end > MOST_BYTES:
                    raise ArchiveError(
                        f"{path}: with {name} it would be larger than 4 GiB; "
                        "leave out checkpoints with --config checkpoints=best or none"
                    )
                entries.append(entry)
                file.write(_local_header(entry) + packed)
            directory = b"".join(map(_central_header, entries))
            file.write(directory + _end(entries, len(directory)))
        read_entries(temporary)


def read_entries(path: Path) -> tuple[Entry, ...]:
    """Return the files of an archive after checking its layout to the byte.

    Raises:
        ArchiveError: It does not have the layout of `write_zip`, or it is not safe to unpack.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            entries = _read_directory(file, size)
            _check_headers(file, entries)
    except OSError as error:
        raise ArchiveError(f"{path}: it cannot be read: {error.strerror}") from None
    except (struct.error, UnicodeDecodeError, _LayoutError) as error:
        raise ArchiveError(f"{path}: {error or 'it is cut off'}") from None
    return entries


def unpack(path: Path, folder: Path) -> tuple[Entry, ...]:
    """Unpack an archive into a folder; nothing is written outside it.

    Raises:
        ArchiveError: Its layout is wrong, it is not safe to unpack, or it is damaged.
    """
    entries = read_entries(path)
    with path.open("rb") as file:
        for entry in entries:
            target = folder / entry.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as written:
                try:
                    for chunk in read_content(file, entry):
                        written.write(chunk)
                except _LayoutError as error:
                    raise ArchiveError(f"{path}: {error}") from None
    return entries


def read_content(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """Yield the content of a file in an archive; never more than its stated size."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    file.seek(entry.data_offset)
    left, size, crc = entry.packed, 0, 0
    pending = b""
    while not stream.eof:
        if not pending:
            pending = file.read(min(CHUNK, left))
            left -= len(pending)
        try:
            chunk = stream.decompress(pending, CHUNK)
        except zlib.error as error:
            raise _LayoutError(f"{entry.name} is damaged ({error})") from None
        if not chunk and not pending:
            raise _LayoutError(f"{entry.name} is cut off")
        pending = stream.unconsumed_tail
        size += len(chunk)
        crc = zlib.crc32(chunk, crc)
        if size > entry.size:
            raise _LayoutError(f"{entry.name} is larger than the archive says; it is not unpacked")
        yield chunk
    if size != entry.size or crc != entry.crc or left or stream.unused_data:
        raise _LayoutError(f"{entry.name} is not what was archived")


class _LayoutError(Exception):
    """The layout of an archive is wrong."""


def _read_directory(file: BinaryIO, size: int) -> tuple[Entry, ...]:
    if size < END.size:
        raise _LayoutError("it is cut off, or no archive")
    file.seek(size - END.size)
    end = file.read(END.size)
    signature, *_, count, length, start, _ = END.unpack(end)
    if signature != b"PK\5\6" or start + length + END.size != size:
        raise _LayoutError("it does not end as an archive does: it is cut off, or no archive")
    file.seek(start)
    directory = file.read(length)
    entries: list[Entry] = []
    place = 0
    for _ in range(count):
        fields = CENTRAL.unpack_from(directory, place)
        crc, packed, unpacked, name_length = fields[9:13]
        place += CENTRAL.size
        name = directory[place : place + name_length].decode()
        place += name_length
        offset = entries[-1].end if entries else 0
        entries.append(Entry(name, crc, packed, unpacked, offset))
    _check_names([entry.name for entry in entries])
    _check_sizes(entries, size)
    if directory != b"".join(map(_central_header, entries)) or end != _end(entries, length):
        raise _LayoutError("its list of files was changed, or another tool wrote it")
    if start != (entries[-1].end if entries else 0):
        raise _LayoutError("something lies between its files")
    return tuple(entries)


def _check_headers(file: BinaryIO, entries: tuple[Entry, ...]) -> None:
    for entry in entries:
        file.seek(entry.offset)
        expected = _local_header(entry)
        if file.read(len(expected)) != expected:
            raise _LayoutError(f"the header of {entry.name} was changed, or another tool wrote it")


def _check_names(names: list[str]) -> None:
    folders: set[str] = set()
    seen: set[str] = set()
    for before, name in itertools.pairwise(["", *names]):
        parts = name.split("/")
        if name <= before or not all(map(_is_safe, parts)) or len(name) > LONGEST_NAME:
            raise _LayoutError(f"the name {name[:80]!r} is out of order, double or not safe")
        same = unicodedata.normalize("NFC", name).casefold()
        inside = {same.rsplit("/", depth)[0] for depth in range(1, len(parts))}
        if same in seen | folders or inside & seen:
            raise _LayoutError(f"two files are named {name!r} on some systems")
        seen.add(same)
        folders |= inside


def _is_safe(part: str) -> bool:
    """Return whether part of a path names the same single file or folder on every system."""
    return (
        part not in ("", ".", "..")
        and part.isprintable()
        and not set(part) & set('\\:*?"<>|')
        and part[-1] not in " ."
    )


def _check_sizes(entries: list[Entry], size: int) -> None:
    total = sum(entry.size for entry in entries)
    if total > max(MOST_EXPANSION * size, ALWAYS_ALLOWED):
        raise _LayoutError(f"it claims to hold {total:,} bytes in {size:,}; it is not unpacked")


def _deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def _local_header(entry: Entry) -> bytes:
    name = entry.name.encode()
    checks = (entry.crc, entry.packed, entry.size)
    fixed = (VERSION, UTF_8, DEFLATED, 0, DATE)
    return LOCAL.pack(b"PK\3\4", *fixed, *checks, len(name), 0) + name


def _central_header(entry: Entry) -> bytes:
    name = entry.name.encode()
    fixed = (VERSION, UNIX, VERSION, 0, UTF_8, DEFLATED, 0, DATE)
    checks = (entry.crc, entry.packed, entry.size)
    rest = (len(name), 0, 0, 0, 0, REGULAR_FILE, entry.offset)
    return CENTRAL.pack(b"PK\1\2", *fixed, *checks, *rest) + name


def _end(entries: list[Entry] | tuple[Entry, ...], length: int) -> bytes:
    start = entries[-1].end if entries else 0
    return END.pack(b"PK\5\6", 0, 0, len(entries), len(entries), length, start, 0)
