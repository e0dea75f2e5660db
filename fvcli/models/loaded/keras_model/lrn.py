"""Local response normalization, which Keras has no layer for.

Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012,
section 3.3: each activation is divided by (bias + alpha * sum of squares) ** beta, where the sum is over the
channels no further than the depth radius away, at the same position. Caffe and PyTorch divide alpha by their
number first.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("fvcli")
class LRN(keras.layers.Layer):
    """Local response normalization of maps [batch, h, w, channels].

    Args:
        depth_radius: How many channels on either side are looked at.
        bias, alpha, beta: See above; as TensorFlow has them.
    """

    def __init__(self, depth_radius: int, bias: float, alpha: float, beta: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settings = {"depth_radius": depth_radius, "bias": bias, "alpha": alpha, "beta": beta}

    def call(self, maps: tf.Tensor) -> tf.Tensor:
        return tf.nn.local_response_normalization(maps, **self.settings)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.settings}
