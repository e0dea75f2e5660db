"""Small charts as paths of SVG: a histogram, a curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 400, 120  # of a chart's inside, in units of its own
MOST_POINTS = 200  # of a curve; more are not seen


class Chart(NamedTuple):
    """A path in a box of WIDTH by HEIGHT, and the ends of both axes as they are written beside it."""

    path: str
    left: str
    right: str
    top: str
    bottom: str


def number(value: float | None, digits: int = 3) -> str:
    """Write a number with three digits that count: 1234.5 is 1,230 and 0.00012345 is 0.000123."""
    if value is None or not math.isfinite(value):
        return "unknown"
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if not -5 <= size < 7:
        return f"{value:.{digits - 1}e}".replace("-", "\u2212")
    rounded = round(value, digits - 1 - size)
    text = f"{rounded:,.{max(0, digits - 1 - size)}f}"
    return text.replace("-", "\u2212")


def histogram(counts: Sequence[int], edges: Sequence[float]) -> Chart | None:
    """Return bars of equal width; their heights are square roots, so that rare values are seen as well."""
    most = max(counts, default=0)
    if not most or not all(map(math.isfinite, edges)):
        return None
    step = WIDTH / len(counts)
    bars = []
    for i, count in enumerate(counts):
        if count:
            height = max(1.5, HEIGHT * math.sqrt(count / most))
            bars.append(f"M{i * step:.1f} {HEIGHT}v{-height:.1f}h{step - 0.8:.1f}V{HEIGHT}z")
    return Chart("".join(bars), number(edges[0]), number(edges[-1]), f"{most:,}", "0")


def curve(scores: Sequence[float], ends_at: int) -> Chart | None:
    """Return a line through scores that were seen after equal numbers of steps.

    Args:
        scores: At least two.
        ends_at: The step of the last one.
    """
    finite = [score for score in scores if math.isfinite(score)]
    if len(finite) < 2 or len(finite) < len(scores):
        return None
    low, high = min(finite), max(finite)
    span = (high - low) or 1.0
    stride = max(1, len(finite) // MOST_POINTS)
    kept = [*range(0, len(finite) - 1, stride), len(finite) - 1]
    across = WIDTH / (len(finite) - 1)
    points = " ".join(f"{i * across:.1f},{HEIGHT * (1 - (finite[i] - low) / span):.1f}" for i in kept)
    return Chart(f"M{points.replace(' ', 'L')}", "0", f"{ends_at}", number(high), number(low))
