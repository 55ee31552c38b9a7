"""Damage to a file that is none by no chance: a byte set to a given value may have had it."""

from pathlib import Path


def flip_a_bit(path: Path, place: int = -1) -> None:
    """Flip one bit of the byte at `place`."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
