"""A scrambled Halton sequence: quasi-random points that fill a space evenly at any budget.

The sequence is extensible (more points keep the earlier ones) and reproducible (the scrambling
comes from SHA-256, the same on every machine and in every release of Python). It needs no NumPy,
because the Snakefile expands every study each time it is parsed.

Source: A. B. Owen, "A randomized Halton algorithm in R", 2017 (arXiv:1706.02808); the playbook
recommends shifted, scrambled Halton sequences, citing arXiv:1706.03200. That some scramblings fill
a space much better than others, and that they can be chosen coordinate by coordinate: E. Braaten,
G. Weller, "An improved low-discrepancy sequence for multidimensional quasi-Monte Carlo
integration", 1979.
"""

import functools
import hashlib
import math
from collections.abc import Iterator, Sequence

RESOLUTION = 2.0**-53
"""Digits are drawn until their weight is below this, the spacing of doubles below one."""


MAX_POINTS = 1_000_000
"""Most points of a sequence; a study has fewer trials."""

CANDIDATES = 8
"""Scramblings drawn for a coordinate; the best one is used. With only one, eight points in seven
dimensions are worse than random ones for some seeds; more than eight gain little."""

BUDGETS = (8, 16, 32)
"""Numbers of first points by which a scrambling is judged: the usual numbers of trials. Longer
sequences are even with any scrambling."""


def halton(
    count: int, dimensions: int, seed: int, *, interleaved: int = 1
) -> list[tuple[float, ...]]:
    """Return the first `count` points of a scrambled Halton sequence.

    Every digit of every coordinate goes through its own random permutation, drawn from the seed,
    the coordinate and the digit's place. Each coordinate stays stratified: among the first b^k
    points (b is the coordinate's base; the bases are the first primes in order) each interval of
    width b^-k contains exactly one. Among `CANDIDATES` scramblings of a coordinate, the one that
    gives the coordinates so far the least discrepancy is used, so that a small sample is even too.

    Args:
        count: The number of points.
        dimensions: Coordinates of each point.
        seed: Chooses the permutations; two seeds give two sequences.
        interleaved: The number of sequences that are dealt out from this one in turn; each must be
            as even as the whole. Bases that divide this number are left out: with them every n-th
            point would lie in the same part of a coordinate.

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
        _column(count, base, stream) for base, stream in _scrambling(dimensions, seed, interleaved)
    ]
    return list(zip(*columns, strict=True)) if columns else [()] * count


@functools.lru_cache(maxsize=256)
def _scrambling(dimensions: int, seed: int, interleaved: int) -> tuple[tuple[int, str], ...]:
    """Return the base of each coordinate and the name of the random stream that scrambles it."""
    chosen = []
    pairs = [[1.0] * (row + 1) for row in range(max(BUDGETS))]
    points = [1.0] * max(BUDGETS)
    for axis, base in enumerate(_primes(dimensions, interleaved)):
        best = math.inf
        for candidate in range(CANDIDATES):
            stream = f"{seed}/{axis}/{candidate}"
            column = _column(max(BUDGETS), base, stream)
            new_pairs, new_points = _extend(pairs, points, column)
            cost = _discrepancy(new_pairs, new_points, axis + 1)
            if cost < best:
                best, kept = cost, (stream, new_pairs, new_points)
        stream, pairs, points = kept
        chosen.append((base, stream))
    return tuple(chosen)


def _extend(
    pairs: Sequence[Sequence[float]], points: Sequence[float], column: Sequence[float]
) -> tuple[list[list[float]], list[float]]:
    """Multiply a new coordinate into the products whose sum is the centred L2 discrepancy.

    Args:
        pairs: The product over the coordinates so far for points `i` and `j <= i`: [i][j].
        points: The product for each point: [i].
        column: The new coordinate of each point: [i].
    """
    from_centre = [value - 0.5 for value in column]
    halves = [abs(value) / 2 for value in from_centre]
    new_pairs = []
    for place, row in enumerate(pairs):
        here, half = from_centre[place], 1.0 + halves[place]
        new_pairs.append(
            [
                product * (half + halves[other] - abs(here - from_centre[other]) / 2)
                for other, product in enumerate(row)
            ]
        )
    new_points = [
        product * (1.0 + half - 2.0 * half * half)
        for product, half in zip(points, halves, strict=True)
    ]
    return new_pairs, new_points


def _discrepancy(
    pairs: Sequence[Sequence[float]], points: Sequence[float], dimensions: int
) -> float:
    """Return the sum of the squared centred L2 discrepancies of the first points.

    Each number of points is a weight, because the square falls with it for random points.

    Source: F. J. Hickernell, "A generalized discrepancy and quadrature error bound", 1998.
    """
    total = 0.0
    for count in BUDGETS:
        of_pairs = sum(2 * sum(row[:-1]) + row[-1] for row in pairs[:count])
        squared = (13 / 12) ** dimensions - 2 * sum(points[:count]) / count + of_pairs / count**2
        total += count * squared
    return total


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
    # Beyond these digits every index has the digit zero: one shared offset. Their number must not
    # depend on `count`: otherwise the order of the sum, and with it the last bit, would.
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


def _primes(count: int, interleaved: int = 1) -> Sequence[int]:
    """Return the first `count` primes that do not divide `interleaved`."""
    primes: list[int] = []
    candidate = 2
    while sum(interleaved % prime != 0 for prime in primes) < count:
        if all(candidate % prime for prime in primes):
            primes.append(candidate)
        candidate += 1
    return [prime for prime in primes if interleaved % prime]
