"""Layers and functions that Keras 3 does not have, or has under the same name with another meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from fvcli.models.files.keras_2.layer_settings import OURS
from fvcli.models.loaded.keras_model.keras_2.tensorflow_layers import TensorFlowFunction, TensorFlowOperation


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


class LocallyConnected2D(keras.layers.Layer):  # type: ignore[misc]
    """A convolution with weights of its own at each position.

    kernel: [positions, kernel height * kernel width * channels in, channels out].
    bias: [height, width, channels out].

    Args:
        settings: As Keras 2 had them.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sequence[int],
        strides: Sequence[int] = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.filters, self.kernel_size, self.strides = filters, tuple(kernel_size), tuple(strides)
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        if padding != "valid" or data_format == "channels_first":
            raise ValueError(f"LocallyConnected2D with padding {padding} and {data_format} is not read")

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of the output for that of the input, both with the batch."""
        batch, *sides, _ = input_shape
        if None in sides:
            raise ValueError("LocallyConnected2D needs to know the size of its input")
        made = [
            (side - kernel) // stride + 1
            for side, kernel, stride in zip(sides, self.kernel_size, self.strides, strict=True)
        ]
        return (batch, *made, self.filters)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights for an input of a shape."""
        _, height, width, _ = self.compute_output_shape(input_shape)
        inputs = self.kernel_size[0] * self.kernel_size[1] * int(input_shape[-1] or 0)
        self.kernel = self.add_weight(name="kernel", shape=(height * width, inputs, self.filters))
        shape = (height, width, self.filters)
        self.bias = self.add_weight(name="bias", shape=shape, initializer="zeros") if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        """Return maps [batch, height, width, channels out]."""
        shape = self.compute_output_shape(inputs.shape)
        sizes, strides = (1, *self.kernel_size, 1), (1, *self.strides, 1)
        patches = tf.image.extract_patches(inputs, sizes, strides, (1, 1, 1, 1), "VALID")
        patches = tf.reshape(patches, (-1, shape[1] * shape[2], patches.shape[-1]))
        made = tf.einsum("bpi,pio->bpo", patches, self.kernel)
        made = tf.reshape(made, (-1, *shape[1:]))
        made = made if self.bias is None else made + self.bias
        return self.activation(made)


OBJECTS = {
    f"{OURS}>{thing.__name__}": thing
    for thing in (
        hard_sigmoid_keras_2,
        UpSampling2D,
        LocallyConnected2D,
        TensorFlowFunction,
        TensorFlowOperation,
    )
}
# As Keras writes it when it copies a layer that has this function, such as for a Bidirectional.
OBJECTS[hard_sigmoid_keras_2.__name__] = hard_sigmoid_keras_2
