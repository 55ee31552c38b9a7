"""Into which pieces the steps between two evaluations are cut."""

import itertools

import pytest

from tuning_playbook.engine.pieces import KEPT_SECONDS, PIECE_SECONDS, Pace


def cut(pace: Pace, before: int, after: int, most: int = 1000) -> list[int]:
    """Return how many steps each piece of an interval takes."""
    lengths, step = [], before
    while step < after:
        lengths.append(pace.steps(step, before, after, most))
        step += lengths[-1]
    assert step == after
    return lengths


@pytest.mark.parametrize(
    ("afforded", "lengths"),
    [
        (250, [250]),
        (249, [125, 125]),
        (80, [62, 63, 62, 63]),
        (0.5, [3, 4] * 4),
    ],
)
def test_equal_parts_take_what_can_be_afforded_and_never_one_step(
    afforded: float, lengths: list[int]
) -> None:
    pace = Pace(seconds=PIECE_SECONDS / afforded)
    assert cut(pace, 1000, 1000 + sum(lengths)) == lengths


def test_an_interval_of_one_step_is_a_piece() -> None:
    assert cut(Pace(seconds=1e6), 7, 8) == [1]


def test_an_unknown_pace_cuts_for_memory_alone() -> None:
    assert cut(Pace(), 0, 100) == [100]
    assert cut(Pace(), 0, 100, most=60) == [50, 50]


def test_a_pace_that_comes_and_goes_cuts_in_one_way() -> None:
    pace = Pace(seconds=PIECE_SECONDS / 80)
    steady = cut(pace, 0, 250)
    for pace.seconds in (1.01 * KEPT_SECONDS[0] / 63, 0.99 * KEPT_SECONDS[1] / 63):
        assert cut(pace, 250, 500) == steady
    for pace.seconds in (0.99 * KEPT_SECONDS[0] / 63, 1.01 * KEPT_SECONDS[1] / 63):
        assert cut(pace, 250, 500) != steady


def test_few_lengths_are_compiled_however_the_pace_changes() -> None:
    """From a hundredth of a second to one: at most two lengths of each number of parts."""
    pace, lengths = Pace(), set()
    paces = itertools.cycle([0.01, 0.3, 0.05, 1.0, 0.1, 0.02, 0.6])
    for before in range(0, 250 * 20, 250):
        step = before
        while step < before + 250:
            pace.seconds = next(paces)
            taken = pace.steps(step, before, before + 250, 1000)
            lengths.add(taken)
            step += taken
    assert lengths <= {250, 125, 63, 62, 32, 31, 16, 15, 8, 7}


def test_from_between_two_cuts_the_next_piece_is_no_single_step() -> None:
    """Where a state that was saved before lies."""
    for step in range(99):
        assert Pace(seconds=PIECE_SECONDS / 50).steps(step, 0, 100, 1000) > 1
