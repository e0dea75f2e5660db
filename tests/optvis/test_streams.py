"""Random streams: a function of their parts, and of nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fvcli.optvis.streams import stream

parts = st.lists(st.integers(0, 2**63 - 1) | st.text(max_size=20), min_size=1, max_size=4)


def first_numbers(*of: str | int) -> list[float]:
    return stream(*of).random(4).tolist()


@given(parts)
def test_equal_parts_give_equal_streams(some):
    assert first_numbers(*some) == first_numbers(*some)


@given(parts, parts)
def test_different_parts_give_different_streams(some, others):
    assume(some != others)
    assert first_numbers(*some) != first_numbers(*others)


def test_parts_are_not_merely_joined():
    assert first_numbers("ab", "c") != first_numbers("a", "bc") != first_numbers("abc")


def test_order_of_creation_and_of_use_does_not_matter():
    alone = stream(3, "b").random(8)
    first, second = stream(3, "a"), stream(3, "b")
    first.random(1000)
    np.testing.assert_array_equal(second.random(8), alone)


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ((0, "unit"), [0.10916060209274292, 0.2304222583770752, 0.7670307755470276]),
        ((7, "shared by the batch"), [0.9598737359046936, 0.9560708403587341, 0.3090816140174866]),
    ],
)
def test_first_values_are_the_same_on_every_machine(of, expected):
    assert stream(*of).random(3, dtype=np.float32).tolist() == expected


def test_numbers_are_uniform_and_uncorrelated_between_neighbouring_seeds():
    draws = np.stack([stream(seed, "unit").random(4096) for seed in range(8)])
    assert abs(draws.mean() - 0.5) < 0.01
    correlations = np.corrcoef(draws) - np.eye(8)
    assert np.abs(correlations).max() < 5 / np.sqrt(4096)  # five standard errors
