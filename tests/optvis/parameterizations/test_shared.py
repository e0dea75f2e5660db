"""Parts that the pictures of a group share."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fvcli.optvis.parameterizations import pixel, shared, with_shared
from fvcli.optvis.streams import stream


def test_settled_numbers_show_the_same_at_every_place() -> None:
    whole = with_shared(pixel(16, 20, std=0.5), shared(16, 20, members=3, sides=(8,), ends=(4, 8), std=0.5))
    numbers = tuple(map(tf.constant, whole.initial([stream(0, i) for i in range(3)])))
    expected = whole.to_image(numbers).numpy()
    for i in range(3):
        settled = whole.settled(tuple(part[i : i + 1] for part in numbers), i / 2)
        everywhere = whole.to_image(tuple(tf.repeat(part, 3, axis=0) for part in settled)).numpy()
        np.testing.assert_allclose(everywhere, np.repeat(expected[i : i + 1], 3, axis=0), atol=1e-6)
