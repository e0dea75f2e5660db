"""What a network says of one unit's picture, before it is compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Left(NamedTuple):
    """Signed objectives of one picture: as saved, of each view of it, and after a JPEG."""

    saved: float
    views: np.ndarray
    jpeg: float


class Way(NamedTuple):
    """By which channels one unit's value comes about, [pictures, channels] of each layer below.

    The first picture is the unit's own; then photos of the half that explains, then of the half that asks.

    products: Gradient x activation, summed over positions.
    means: Activations' means over positions.
    """

    products: Sequence[np.ndarray]
    means: Sequence[np.ndarray]
