"""The largest weight that passes trials, found by halving a range on a logarithmic scale.

    low ------------------- middle ------------------- high      passes: go on above, and remember the middle
                              |
                 low --- middle --- high                          fails: go on below

A search may be misled where larger weights pass and smaller ones fail. What is found has passed all the same.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Passes = Callable[[np.ndarray], np.ndarray]


def largest_passing(passes: Passes, count: int, low: float, high: float, halvings: int) -> np.ndarray:
    """Return for each of some searches the largest weight that was tried and passed, float64 [count].

    It is 0 where none passed. If all weights up to a limit pass and none above it, what is found is at most
    the limit, and at least the limit, or high if that is less, divided by (high / low)^(1 / 2^halvings).
    Below low times that nothing is found.

    Args:
        passes: Weights of one trial each [count] -> which of them pass, bool [count].
        count: How many searches go on side by side. None sees another.
        low, high: Ends of the range, above 0.
        halvings: How many trials there are.
    """
    found, lows, highs = np.zeros(count), np.full(count, low), np.full(count, high)
    for _ in range(halvings):
        middle = np.sqrt(lows * highs)
        passed = passes(middle)
        found = np.where(passed, middle, found)
        lows, highs = np.where(passed, middle, lows), np.where(passed, highs, middle)
    return found
