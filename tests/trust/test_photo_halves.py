"""Which photos ask and which explain."""

from __future__ import annotations

import numpy as np
import pytest

from fvcli.trust.photo_halves import asked_on_each_side, halves_of, queries_of, references_of


@pytest.mark.parametrize("count", [100, 101, 1000])
def test_no_photo_explains_and_asks(count: int) -> None:
    halves = halves_of(count)
    both = np.concatenate([halves.explaining, halves.asking])
    assert sorted(both.tolist()) == list(range(count))
    assert abs(len(halves.explaining) - len(halves.asking)) <= 1


@pytest.mark.parametrize(("asking", "count"), [(50, 5), (250, 5), (500, 10), (1000, 20), (100_000, 20)])
def test_two_percent_are_asked_about_but_not_few_nor_many(asking: int, count: int) -> None:
    assert asked_on_each_side(asking) == count


def test_queries_are_the_extremes_of_the_half_that_asks() -> None:
    values = np.arange(100.0)  # halves are even and odd places
    halves = halves_of(100)
    queries = queries_of(values, halves)
    assert queries.strong.tolist() == [99, 97, 95, 93, 91]
    assert queries.weak.tolist() == [1, 3, 5, 7, 9]
    assert references_of(values, halves, 3).tolist() == [98, 96, 94]


def test_equal_values_are_taken_in_the_order_of_places() -> None:
    halves = halves_of(100)
    values = np.where(np.arange(100) < 50, 1.0, 0.0)
    assert queries_of(values, halves).strong.tolist() == [1, 3, 5, 7, 9]
    assert references_of(np.zeros(100), halves, 2).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("excited", "strong", "weak"),
    [
        ({}, [], []),
        ({31: 2.0, 7: 3.0}, [7, 31], [99, 97, 95, 93, 91]),
        ({31: -2.0, 7: -3.0}, [1, 3, 5, 9, 11], [7, 31]),
        ({31: 2.0, 7: -3.0}, [31], [7]),
        ({2: 2.0, 4: 3.0}, [], []),  # of the half that explains
    ],
)
def test_what_strong_and_weak_photos_have_in_common_is_not_asked_about(
    excited: dict[int, float], strong: list[int], weak: list[int]
) -> None:
    values = np.zeros(100)
    values[list(excited)] = list(excited.values())
    queries = queries_of(values, halves_of(100))
    assert (queries.strong.tolist(), queries.weak.tolist()) == (strong, weak)
    assert queries.can_be_asked is bool(strong)
