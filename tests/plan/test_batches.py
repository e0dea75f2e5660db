"""Batches are worked out when they are asked for; a plain loop says what they should be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.plan.batches import Batches, batches_of

SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=4)


def cut(programs: list[int], sizes: list[int]) -> tuple[tuple[int, ...], ...]:
    """Cut units into batches as the first plans were."""
    found: list[tuple[int, ...]] = []
    for program, size in enumerate(sizes):
        mine = [i for i, own in enumerate(programs) if own == program]
        found += [tuple(mine[i : i + size]) for i in range(0, len(mine), size)]
    return tuple(found)


@st.composite
def units(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Return the program of each unit, mostly as of the unit before, and the size of each program."""
    sizes = draw(SIZES)
    runs = draw(st.lists(st.tuples(st.integers(0, len(sizes) - 1), st.integers(1, 7)), max_size=8))
    return [program for program, count in runs for _ in range(count)], sizes


@given(units())
def test_they_are_the_units_of_each_program_in_order_cut_to_its_size(
    made: tuple[list[int], list[int]],
) -> None:
    batches, expected = batches_of(*made), cut(*made)
    assert len(batches) == len(expected)
    assert tuple(batches) == expected
    assert [batches[i] for i in range(-len(expected), len(expected))] == [*expected, *expected]
    assert batches == expected
    assert expected == batches
    assert batches[1:4] == expected[1:4]
    assert batches[::-2] == expected[::-2]


@given(units(), units())
def test_they_are_equal_if_their_units_are(
    one: tuple[list[int], list[int]], other: tuple[list[int], list[int]]
) -> None:
    assert (batches_of(*one) == batches_of(*other)) == (cut(*one) == cut(*other))


def test_ranges_that_follow_on_each_other_are_one() -> None:
    assert Batches([[range(0, 2), range(2, 5)]], [3]) == Batches([[range(0, 5)]], [3])
    assert tuple(Batches([[range(0, 2), range(4, 6)], [range(2, 4)]], [3, 8])) == ((0, 1, 4), (5,), (2, 3))


def test_there_is_none_beyond_the_last() -> None:
    batches = batches_of([0, 0, 0], [2])
    for number in (2, -3):
        with pytest.raises(IndexError, match=f"^there is no batch {number} of 2$"):
            batches[number]
    assert batches != ((0, 1),)
    assert batches != 2
    assert repr(batches) == "Batches(((0, 1), (2,)))"
