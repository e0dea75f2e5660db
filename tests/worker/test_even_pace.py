"""Frames of a morph that look equally far from each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fvcli.worker.even_pace import distance, even_positions, seen


def picture(along: float) -> np.ndarray:
    """A bar that stands nearly still, and then moves and brightens at once."""
    moved = 1 / (1 + np.exp(-20 * (along - 0.6)))
    x = np.linspace(0, 1, 96)
    bar = np.exp(-(((x - 0.2 - 0.6 * moved) / 0.15) ** 2)) * (80 + 170 * along**3)
    return np.tile(bar[None, :, None], (48, 1, 3)).astype(np.uint8)


def far(places: list[float]) -> np.ndarray:
    looks = [seen(picture(place)) for place in places]
    return np.array([distance(a, b) for a, b in itertools.pairwise(looks)])


def test_each_frame_is_equally_far_from_the_last() -> None:
    places = even_positions(picture, 12, 1.0)
    uneven, even = far(np.linspace(0, 1, 13).tolist()), far(places)
    assert uneven.max() > 20 * uneven.min()
    assert even.max() < 1.1 * even.min()
    assert (places[0], places[-1]) == (0.0, 1.0)
    assert places == sorted(places)
    assert places == even_positions(picture, 12, 1.0)


@pytest.mark.parametrize("steps", [1, 2])
def test_short_ways(steps: int) -> None:
    places = even_positions(picture, steps, 2.0)
    assert (len(places), places[0], places[-1]) == (steps + 1, 0.0, 2.0)


def test_where_nothing_changes_positions_stay_even() -> None:
    assert even_positions(lambda _along: np.zeros((4, 4, 3)), 4, 1.0) == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_a_way_that_stands_still_in_between() -> None:
    """Of ten steps none stands where nothing changes, from 0.3 to 0.7."""

    def grey(along: float) -> np.ndarray:
        return np.full((8, 8, 1), 100 * (min(along, 0.3) + max(along, 0.7)))

    places = even_positions(grey, 10, 1.0)
    values = [float(grey(place)[0, 0, 0]) for place in places]
    assert np.diff(values) == pytest.approx(np.full(10, 6.0), abs=0.7)


def test_fine_grain_is_not_seen() -> None:
    checks = np.indices((256, 256)).sum(0) % 2 * 200.0
    assert seen(checks[..., None]).shape == (64, 64, 1)
    assert distance(seen(checks[..., None]), seen(200.0 - checks[..., None])) == 0.0
    assert seen(np.zeros((8, 130, 3))).shape == (4, 65, 3)
