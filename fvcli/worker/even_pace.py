"""Where the frames of a morph stand, so that each looks equally far from the last.

Equal steps between numbers are no equal steps for the eye: a picture may stand still for a while, and then
change at once. So positions are moved until the distances between neighbouring frames are equal, by the
equidistribution of de Boor: the distances so far are laid end to end, and cut into equal parts anew.

    distance so far   |        ....x     each x is a frame; the parts of the upright axis are equal
                      |    ..x'
                      |  x'
                      x'____________     position on the way
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

ROUNDS = 8
EVEN = 1.02  # of the largest distance to the smallest, at which it is even enough
LOOK_PX = 64  # the longer side at which pictures are compared: finer grain is no change to the eye


def even_positions(picture: Callable[[float], np.ndarray], steps: int, end: float) -> list[float]:
    """Return steps + 1 positions from 0 to end between which pictures change equally.

    Args:
        picture: Position -> picture [h, w, channels].
        steps: How many there are between the first frame and the last.
        end: The last position.
    """
    ends = seen(picture(0.0)), seen(picture(end))
    places, best = np.linspace(0.0, end, steps + 1), (np.inf, np.zeros(0))
    for _ in range(ROUNDS):
        looks = [ends[0], *(seen(picture(place)) for place in places[1:-1].tolist()), ends[1]]
        far = np.array([distance(a, b) for a, b in itertools.pairwise(looks)])
        unevenness = far.max() / max(far.min(), 1e-9)
        if unevenness < best[0]:
            best = unevenness, places
        if unevenness <= EVEN or far.sum() == 0.0:
            break
        # what stands still still takes a little of the way, so that no two positions are the same
        so_far = np.concatenate([[0.0], np.cumsum(np.maximum(far, 1e-3 * far.mean()))])
        places = np.interp(np.linspace(0.0, so_far[-1], steps + 1), so_far, places)
        places[0], places[-1] = 0.0, end
    return [float(place) for place in best[1]]


def seen(picture: np.ndarray) -> np.ndarray:
    """Return a picture as it is compared: means of blocks of pixels, about LOOK_PX to the longer side."""
    height, width, channels = picture.shape
    block = max(1, max(height, width) // LOOK_PX)
    rows, columns = max(1, height // block), max(1, width // block)
    whole = picture[: rows * block, : columns * block].astype(np.float64)
    side = min(block, height), min(block, width)
    means: np.ndarray = whole.reshape(rows, side[0], columns, side[1], channels).mean(axis=(1, 3))
    return means


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Return how far two pictures are apart: the mean absolute difference of what is seen of them."""
    return float(np.abs(one - other).mean())
