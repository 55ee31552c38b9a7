"""Threefry-2x32, the hash behind JAX's random numbers, computed on the host.

Source: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.
"""

import numpy as np

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))

PARITY = 0x1BD11BDA

Words = tuple[np.ndarray, np.ndarray]
"""Two 32-bit words for each hash, uint32; their shapes need only broadcast."""


def threefry(key: Words, first: np.ndarray, second: np.ndarray) -> Words:
    """Return the Threefry-2x32 hashes, with 20 rounds, of pairs of words.

    Args:
        key: The key of each hash.
        first: The first word of each pair, uint32.
        second: The second word of each pair.
    """
    schedule = (*key, key[0] ^ key[1] ^ PARITY)
    x, y = first + schedule[0], second + schedule[1]
    for turn in range(5):
        for rotation in ROTATIONS[turn % 2]:
            x = x + y
            y = x ^ (y << rotation | y >> 32 - rotation)
        x = x + schedule[(turn + 1) % 3]
        y = y + (schedule[(turn + 2) % 3] + (turn + 1))
    return x, y
