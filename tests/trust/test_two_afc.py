"""The 2AFC task and its intervals, against loops that say the same."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.trust.two_afc import MIS_SLOPE, interval_of, interval_of_mean, mis_of, share_of, wins_of

numbers = st.lists(st.floats(-1, 1, width=16), min_size=1, max_size=8)


def share_by_hand(strong: Sequence[float], weak: Sequence[float]) -> float:
    points = 0.0
    for one in strong:
        for other in weak:
            points += 1.0 if one > other else 0.5 if one == other else 0.0
    return points / (len(strong) * len(weak))


def mis_by_hand(strong: Sequence[float], weak: Sequence[float]) -> float:
    """Zimmermann et al. 2024: the mean over tasks of the probability of the strong query."""
    total = 0.0
    for one in strong:
        for other in weak:
            total += 1.0 / (1.0 + math.exp(-MIS_SLOPE * (one - other)))
    return total / (len(strong) * len(weak))


@given(numbers, numbers)
def test_shares_and_probabilities_are_those_of_loops(strong: list[float], weak: list[float]) -> None:
    one, other = np.array(strong), np.array(weak)
    assert share_of(one, other) == pytest.approx(share_by_hand(strong, weak), abs=1e-12)
    assert mis_of(one, other) == pytest.approx(mis_by_hand(strong, weak), abs=1e-12)


@given(numbers, numbers)
def test_exchanged_photos_give_the_rest_to_one(strong: list[float], weak: list[float]) -> None:
    one, other = np.array(strong), np.array(weak)
    assert share_of(one, other) + share_of(other, one) == pytest.approx(1.0)
    assert mis_of(one, other) + mis_of(other, one) == pytest.approx(1.0)


def test_known_shares() -> None:
    assert share_of(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert share_of(np.array([1.0]), np.array([1.0])) == 0.5
    assert share_of(np.array([0.0, 2.0]), np.array([1.0])) == 0.5
    assert wins_of(np.array([0.0, 2.0]), np.array([1.0, 2.0])).tolist() == [[0.0, 0.0], [1.0, 0.5]]


def test_interval_is_that_of_a_loop_over_drawn_photos() -> None:
    wins = wins_of(np.array([0.3, 0.1, 0.6, 0.2]), np.array([0.15, 0.25, 0.5]))
    found = interval_of(wins, draws=200, seed=5)
    stream = np.random.default_rng(5)
    rows, columns = stream.integers(0, 4, (200, 4)), stream.integers(0, 3, (200, 3))
    shares = [
        np.mean([[wins[i, j] for j in drawn_columns] for i in drawn_rows])
        for drawn_rows, drawn_columns in zip(rows, columns, strict=True)
    ]
    assert found == pytest.approx(np.percentile(shares, (2.5, 97.5)), abs=1e-12)
    assert found.low < wins.mean() < found.high


def test_an_interval_shrinks_with_more_photos_and_is_a_point_where_all_agree() -> None:
    stream = np.random.default_rng(0)
    few, many = (
        interval_of(wins_of(stream.normal(0.5, 1, n), stream.normal(0, 1, n)), draws=500) for n in (10, 160)
    )
    assert many.high - many.low < 0.5 * (few.high - few.low)
    assert interval_of(np.ones((5, 5))) == (1.0, 1.0)


def test_the_interval_of_a_mean_holds_it_in_95_of_100_samples() -> None:
    stream = np.random.default_rng(3)
    samples = [interval_of_mean(stream.normal(0.7, 0.2, 40)) for _ in range(200)]
    assert 0.90 <= np.mean([low <= 0.7 <= high for low, high in samples]) <= 0.99
