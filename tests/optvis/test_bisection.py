"""The search for the largest weight that passes: what it finds, and what it tries on the way."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fvcli.optvis.bisection import largest_passing

LOW, HIGH = 0.01, 1000.0
LIMITS = st.floats(1e-4, 1e5)
HALVINGS = st.integers(1, 10)


def precision(halvings: int) -> float:
    """Return the factor to which a limit is found."""
    return float((HIGH / LOW) ** (1 / 2**halvings)) * (1 + 1e-9)


@given(st.lists(LIMITS, min_size=1, max_size=5), HALVINGS)
def test_a_limit_is_found_to_the_factor_that_is_promised(limits: list[float], halvings: int) -> None:
    found = largest_passing(lambda weights: weights <= limits, len(limits), LOW, HIGH, halvings)
    for weight, limit in zip(found, limits, strict=True):
        if weight:
            assert weight <= limit
            assert weight * precision(halvings) >= min(limit, HIGH)
        else:
            assert limit < LOW * precision(halvings)


@given(LIMITS, st.lists(LIMITS, max_size=3), HALVINGS)
def test_a_search_does_not_see_those_beside_it(limit: float, others: list[float], halvings: int) -> None:
    alone = largest_passing(lambda weights: weights <= [limit], 1, LOW, HIGH, halvings)
    limits = [*others, limit]
    beside = largest_passing(lambda weights: weights <= limits, len(limits), LOW, HIGH, halvings)
    assert beside[-1] == alone[0]


@given(st.lists(st.booleans(), min_size=1, max_size=10))
def test_whatever_passes_what_is_found_has_passed(answers: list[bool]) -> None:
    """Trials of a real unit need not fall in order."""
    tried: list[float] = []

    def passes(weights: np.ndarray) -> np.ndarray:
        tried.append(float(weights[0]))
        return np.array([answers[len(tried) - 1]])

    (found,) = largest_passing(passes, 1, LOW, HIGH, len(answers))
    passed = [weight for weight, answer in zip(tried, answers, strict=True) if answer]
    assert len(tried) == len(answers)
    assert found == max(passed, default=0.0)
    assert all(LOW < weight < HIGH for weight in tried)
    for weight, answer, after in zip(tried, answers, tried[1:], strict=False):
        assert (after > weight) == answer


def test_the_first_weight_is_the_middle_of_the_range_on_a_logarithmic_scale() -> None:
    assert largest_passing(lambda weights: weights < 11, 2, 1.0, 100.0, 1).tolist() == [10.0, 10.0]
    assert largest_passing(lambda weights: weights < 9, 1, 1.0, 10_000.0, 3).tolist() == [10**0.5]
