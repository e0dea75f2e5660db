"""The compiled kernel is TensorFlow's own, up to rounding; pictures do not see their batch mates."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.transforms import Transform, affine, scale
from fvcli.optvis.transforms import bilinear as module
from tests.helpers.view_twins import apply, gradient, images

DRAWS = [[0.1, 0.9, 0.2, 0.7], [0.5, 0.0, 0.0, 1.0], [1.0, 0.3, 1.0, 0.0]]


@pytest.mark.parametrize(
    ("shape", "turn"),
    [
        ((37, 52, 3), affine(8.0, (0.93, 1.08), 8.0, 16, 0.5)),
        ((52, 37, 1), affine(180.0, (0.3, 3.0), 0.0, 0, 0.0)),
        ((24, 24, 4), affine(0.0, (1.0, 1.0), 100.0, 0, 0.25)),  # moved out of sight
    ],
)
def test_both_kernels_agree(shape: tuple[int, int, int], turn: Transform, monkeypatch) -> None:
    pictures = images(3, *shape)
    found = apply(turn, pictures, DRAWS)
    upstream = images(4, *found.shape[1:])[:3]
    found_gradient = gradient(turn, pictures, DRAWS, upstream)
    monkeypatch.setattr(
        module.tf.config, "list_logical_devices", lambda kind: [kind]
    )  # as where there is one
    np.testing.assert_allclose(found, apply(turn, pictures, DRAWS), atol=2e-5)
    np.testing.assert_allclose(found_gradient, gradient(turn, pictures, DRAWS, upstream), atol=2e-3)


def test_a_picture_does_not_see_its_batch_mates() -> None:
    turn, pictures = affine(8.0, (0.93, 1.08), 8.0, 16, 0.5), images(3, 61, 47)
    whole = apply(turn, pictures, DRAWS)
    upstream = images(3, *whole.shape[1:])
    found = gradient(turn, pictures, DRAWS, upstream)
    for i in range(3):
        one, draws = pictures[i : i + 1], DRAWS[i : i + 1]
        np.testing.assert_array_equal(apply(turn, one, draws)[0], whole[i])
        np.testing.assert_array_equal(gradient(turn, one, draws, upstream[i : i + 1])[0], found[i])


def test_sizes_that_change_from_step_to_step() -> None:
    turn, grow = affine(5.0, (0.9, 1.1), 2.0, 4), scale([0.5, 1.0])

    @tf.function(autograph=False)
    def both(pictures: tf.Tensor, draw: tf.Tensor) -> tf.Tensor:
        return turn.apply(grow.apply(pictures, draw), tf.constant(DRAWS[:2]))

    pictures = tf.constant(images(2, 20, 30))
    assert both(pictures, tf.constant([0.0])).shape == (2, 6, 11, 3)
    assert both(pictures, tf.constant([0.9])).shape == (2, 16, 26, 3)
