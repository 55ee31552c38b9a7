"""A scrambled Halton sequence: quasi-random points that fill a space evenly at any budget.

The sequence is extensible (more points keep the earlier ones), reproducible (the scrambling
comes from SHA-256, the same on every machine and in every release of Python) and needs no NumPy,
because the Snakefile expands every study each time it is parsed.

Source: A. B. Owen, "A randomized Halton algorithm in R", 2017 (arXiv:1706.02808); the playbook
recommends shifted, scrambled Halton sequences, citing arXiv:1706.03200.
"""

import hashlib
from collections.abc import Iterator, Sequence

RESOLUTION = 2.0**-53
"""Digits are drawn until one weighs less than this, the spacing of doubles below one."""


MAX_POINTS = 1_000_000
"""The longest sequence; a study has fewer trials."""


def halton(count: int, dimensions: int, seed: int) -> list[tuple[float, ...]]:
    """Return the first `count` points of a scrambled Halton sequence.

    Every digit of every coordinate goes through a random permutation of its own, drawn from the
    seed, the coordinate and the digit's place. Each coordinate stays stratified: of the first b^k
    points (b the coordinate's base, the first primes in order) each interval of width b^-k
    holds exactly one.

    Args:
        count: How many points.
        dimensions: Coordinates of each point.
        seed: Chooses the permutations; two seeds give two sequences.

    Returns:
        Points in [0, 1)^dimensions.

    Example:
        >>> points = halton(8, 1, seed=0)
        >>> sorted(int(8 * x) for (x,) in points)
        [0, 1, 2, 3, 4, 5, 6, 7]
        >>> halton(4, 3, seed=0) == halton(9, 3, seed=0)[:4]
        True
    """
    columns = [
        _column(count, base, f"{seed}/{axis}") for axis, base in enumerate(_primes(dimensions))
    ]
    return list(zip(*columns, strict=True)) if columns else [()] * count


def _column(count: int, base: int, stream: str) -> list[float]:
    """Return the scrambled radical inverses of 0 to `count - 1` in `base`."""
    tables = []
    weight = 1.0 / base
    place = 0
    while weight > RESOLUTION:
        permutation = permute(base, f"{stream}/{place}")
        tables.append([digit * weight for digit in permutation])
        weight /= base
        place += 1
    # Beyond these digits every index has the digit zero: one shared offset. How many there are
    # must not depend on `count`, or the order of the sum and with it the last bit would.
    varying = 1
    while base**varying < MAX_POINTS:
        varying += 1
    tail = sum(table[0] for table in reversed(tables[varying:]))
    tables = tables[:varying]
    values = []
    for index in range(count):
        value = tail
        rest = index
        for table in tables:
            rest, digit = divmod(rest, base)
            value += table[digit]
        values.append(min(value, 1.0 - RESOLUTION))
    return values


def permute(size: int, stream: str) -> list[int]:
    """Return a random permutation of range(size), decided by the name of its random stream."""
    items = list(range(size))
    draws = uniforms(stream)
    for last in range(size - 1, 0, -1):
        other = int(next(draws) * (last + 1))
        items[last], items[other] = items[other], items[last]
    return items


def uniforms(stream: str) -> Iterator[float]:
    """Yield independent uniform numbers in [0, 1), 53 bits each, decided by the stream's name."""
    block = 0
    while True:
        digest = hashlib.sha256(f"{stream}#{block}".encode()).digest()
        for start in range(0, 32, 8):
            yield (int.from_bytes(digest[start : start + 8], "big") >> 11) * RESOLUTION
        block += 1


def random_points(count: int, dimensions: int, seed: int) -> list[tuple[float, ...]]:
    """Return `count` independent points in [0, 1)^dimensions; more keep the earlier ones."""
    columns = [uniforms(f"random/{seed}/{axis}") for axis in range(dimensions)]
    return [tuple(next(column) for column in columns) for _ in range(count)]


def _primes(count: int) -> Sequence[int]:
    primes: list[int] = []
    candidate = 2
    while len(primes) < count:
        if all(candidate % prime for prime in primes):
            primes.append(candidate)
        candidate += 1
    return primes
