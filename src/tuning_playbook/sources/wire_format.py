"""Records and messages in the wire formats of TensorFlow and protocol buffers.

Only what event files need: a file is a sequence of records with checksums, and a record holds a
message, whose fields are numbers or bytes.

Source: https://www.tensorflow.org/tutorials/load_data/tfrecord, "TFRecords format details";
https://protobuf.dev/programming-guides/encoding; RFC 3720, appendix B.4, for CRC-32C.
"""

import struct
from collections.abc import Iterator, Mapping

LARGEST_RECORD = 2**26
"""In bytes. Larger ones are images or graphs."""

LARGEST_CHECKED = 2**16
"""In bytes. A larger record holds no number of ours, and its checksum is not worth the time."""

HEADER = 12
"""Bytes of a record's length and of that one's checksum."""

Field = int | bytes
"""A number of a varint or of fixed bytes, which are left as they are, or bytes of a length."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

MOST_VARINT = 10
"""Bytes of a number of 64 bits."""


class DamagedError(ValueError):
    """Bytes that are not in the format; the message says at which byte."""


def records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the place and the content of each record; one that is cut off at the end is not there.

    Raises:
        DamagedError: A checksum is not right.
    """
    place = 0
    while place + HEADER <= len(data):
        (length, check) = struct.unpack_from("<QI", data, place)
        if masked_crc(data[place : place + 8]) != check:
            raise DamagedError(f"the length of the record at byte {place} is damaged")
        start, end = place + HEADER, place + HEADER + length
        if end + 4 > len(data):
            return  # the writer had not finished it
        content = data[start:end]
        if length <= LARGEST_CHECKED:
            (check,) = struct.unpack_from("<I", data, end)
            if masked_crc(content) != check:
                raise DamagedError(f"the record at byte {place} is damaged")
        if length <= LARGEST_RECORD:
            yield place, content
        place = end + 4


def message(data: bytes) -> dict[int, list[Field]]:
    """Return the fields of a message by their numbers, each with its values in order.

    Raises:
        DamagedError: It is no message.

    Example:
        >>> message(bytes([0x08, 0x96, 0x01, 0x12, 0x02, 0x68, 0x69]))
        {1: [150], 2: [b'hi']}
    """
    fields: dict[int, list[Field]] = {}
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        number, kind = key >> 3, key & 7
        value: Field
        if kind == VARINT:
            value, place = varint(data, place)
        elif kind in (FIXED64, FIXED32, BYTES):
            size, place = (
                varint(data, place) if kind == BYTES else (8 if kind == FIXED64 else 4, place)
            )
            if place + size > len(data):
                raise DamagedError(f"a field of {size} bytes at byte {place} of {len(data)}")
            value, place = data[place : place + size], place + size
        else:
            raise DamagedError(f"a field of the unknown kind {kind} at byte {place}")
        if not number:
            raise DamagedError(f"a field of the number 0 at byte {place}")
        fields.setdefault(number, []).append(value)
    return fields


def varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number that begins at a byte, and the byte after it."""
    number = 0
    for shift in range(MOST_VARINT):
        if place >= len(data):
            break
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return number & (2**64 - 1), place
    raise DamagedError(f"a number that does not end at byte {place}")


def inner(fields: Mapping[int, list[Field]], number: int) -> list[bytes]:
    """Return the values of a field that are bytes."""
    return [value for value in fields.get(number, ()) if isinstance(value, bytes)]


def text(fields: Mapping[int, list[Field]], number: int) -> str:
    """Return the last text in a field; empty without one."""
    found = inner(fields, number)
    try:
        return found[-1].decode() if found else ""
    except UnicodeDecodeError:
        raise DamagedError(f"field {number} is no text") from None


def whole(fields: Mapping[int, list[Field]], number: int) -> int:
    """Return the last whole number in a field, with its sign; 0 without one."""
    found = [value for value in fields.get(number, ()) if isinstance(value, int)]
    last = found[-1] if found else 0
    return last - 2**64 if last >= 2**63 else last


def reals(data: bytes, form: str) -> tuple[float, ...]:
    """Return numbers that stand one after the other, as `<f` or `<d`; a rest is left out."""
    size = struct.calcsize(form)
    return tuple(number for (number,) in struct.iter_unpack(form, data[: len(data) // size * size]))


def masked_crc(data: bytes) -> int:
    """Return the masked CRC-32C of bytes, as records keep it."""
    check = 0xFFFFFFFF
    for byte in data:
        check = TABLE[(check ^ byte) & 0xFF] ^ (check >> 8)
    check ^= 0xFFFFFFFF
    return (((check >> 15) | (check << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _table() -> tuple[int, ...]:
    """Return the remainders of each byte by the polynomial of Castagnoli."""
    table = []
    for byte in range(256):
        rest = byte
        for _ in range(8):
            rest = (rest >> 1) ^ (0x82F63B78 if rest & 1 else 0)
        table.append(rest)
    return tuple(table)


TABLE = _table()
