"""Layers and functions that Keras 3 does not have, or has under the same name with another meaning."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from fvcli.models.files.keras_2.layer_settings import OURS
from fvcli.models.loaded.keras_model.from_keras_2.locally_connected import (
    LocallyConnected1D,
    LocallyConnected2D,
)
from fvcli.models.loaded.keras_model.from_keras_2.tensorflow_layers import (
    TensorFlowFunction,
    TensorFlowOperation,
)


def hard_sigmoid_keras_2(x: Any) -> Any:
    """Return x / 5 + 1 / 2, cut at 0 and 1; in Keras 3 that is x / 6 + 1 / 2."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


class UpSampling2D(keras.layers.UpSampling2D):  # type: ignore[misc]
    """Bilinear upsampling as Keras did before 2.4: position p of the output is p / size of the input.

    Args:
        from_corners: Always true; without it Keras's own does the same.
    """

    def __init__(self, from_corners: bool = True, **settings: Any) -> None:
        super().__init__(**settings)
        self.from_corners = from_corners

    def call(self, inputs: Any) -> Any:
        """Return maps that are larger by ``size``."""
        first = self.data_format == "channels_first"
        x = tf.transpose(inputs, (0, 2, 3, 1)) if first else inputs
        size = tf.shape(x)[1:3] * tf.constant(self.size)
        made = tf.compat.v1.image.resize_bilinear(x, size)
        made.set_shape([x.shape[0], *(self._times(x.shape[i + 1], i) for i in (0, 1)), x.shape[3]])
        return tf.transpose(made, (0, 3, 1, 2)) if first else made

    def _times(self, side: int | None, axis: int) -> int | None:
        return None if side is None else side * self.size[axis]

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {**super().get_config(), "from_corners": self.from_corners}


OBJECTS = {
    f"{OURS}>{thing.__name__}": thing
    for thing in (
        hard_sigmoid_keras_2,
        UpSampling2D,
        LocallyConnected1D,
        LocallyConnected2D,
        TensorFlowFunction,
        TensorFlowOperation,
    )
}
# As Keras writes it when it copies a layer that has this function, such as for a Bidirectional.
OBJECTS[hard_sigmoid_keras_2.__name__] = hard_sigmoid_keras_2
