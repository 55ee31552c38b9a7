"""Threefry-2x32, the hash that JAX draws random numbers by, on the host.

Source: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.
"""

from typing import Any

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))

PARITY = 0x1BD11BDA

WORD = 2**32 - 1
"""The bits of a word."""

Words = tuple[Any, Any]
"""Two words of 32 bits, or two arrays of them, [numbers] uint32."""


def threefry(key: Words, first: Any, second: Any) -> Words:
    """Return the Threefry-2x32 hash, of 20 rounds, of two words."""
    schedule = (*key, key[0] ^ key[1] ^ PARITY)
    x, y = _word(first + schedule[0]), _word(second + schedule[1])
    for turn in range(5):
        for rotation in ROTATIONS[turn % 2]:
            x = _word(x + y)
            y = x ^ (_word(y << rotation) | y >> 32 - rotation)
        x = _word(x + schedule[(turn + 1) % 3])
        y = _word(y + _word(schedule[(turn + 2) % 3] + turn + 1))
    return x, y


def _word(value: Any) -> Any:
    """Return the last 32 bits; an array has no more."""
    return value & WORD if isinstance(value, int) else value
