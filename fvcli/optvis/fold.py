"""Convolutions and dense layers with the BatchNormalization behind them folded in.

In inference BatchNormalization is gamma (y - mean) / sqrt(variance + epsilon) + beta for each channel, so
behind a linear layer y = x * w + b it is a linear layer itself (Ioffe and Szegedy 2015):

    w' = w s,   b' = (b - mean) s + beta,   s = gamma / sqrt(variance + epsilon)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

# These and no subclasses, for those may compute something else.
LINEAR = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)


@dataclass(frozen=True)
class Linear:
    """A convolution (NHWC) or dense layer as arrays.

    input: The symbolic tensor that it reads.
    kernel: [h, w, in, out]; [h, w, channels, 1] if depthwise; [in, out] if dense.
    bias: [out], or None.
    strides, padding, dilation: As Keras has them; unused if dense.
    """

    input: Any
    kernel: np.ndarray
    bias: np.ndarray | None
    depthwise: bool = False
    strides: tuple[int, int] = (1, 1)
    padding: str = "VALID"
    dilation: tuple[int, int] = (1, 1)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Return the whole layer: [batch, h, w, out], or [batch, out] if dense."""
        y = self._linear(tf.cast(x, self.kernel.dtype), self.kernel)
        return y if self.bias is None else tf.nn.bias_add(y, self.bias)

    def _linear(self, x: tf.Tensor, kernel: tf.Tensor | np.ndarray) -> tf.Tensor:
        if self.kernel.ndim == 2:
            return tf.linalg.matmul(x, kernel)
        if self.depthwise:
            return tf.nn.depthwise_conv2d(
                x, kernel, (1, *self.strides, 1), self.padding, dilations=self.dilation
            )
        return tf.nn.conv2d(x, kernel, self.strides, self.padding, dilations=self.dilation)

    @property
    def _pointwise(self) -> bool:
        return self.kernel.shape[:2] == (1, 1) and self.strides == (1, 1)

    def can_read_channel(self, batch: int | None) -> bool:
        """Tell whether ``channel`` can be had for less than the whole layer."""
        return self.kernel.ndim == 2 or self._pointwise or batch == 1

    def channel(self, x: tf.Tensor, n: tf.Tensor) -> tf.Tensor:
        """Return output channel n[i] of image i, [batch, h, w]; not for depthwise layers."""
        x = tf.cast(x, self.kernel.dtype)
        if self.kernel.ndim == 2:
            x = x[:, None, None, :]
        if self.kernel.ndim == 2 or self._pointwise:
            rows = tf.gather(self.kernel.reshape(-1, self.kernel.shape[-1]).T, n)  # [batch, in]
            y = tf.linalg.matvec(x, rows[:, None])
        else:
            y = self._linear(x, tf.gather(self.kernel, n, axis=-1))[..., 0]  # one image, one filter
        return y if self.bias is None else y + tf.gather(self.bias, n)[:, None, None]

    def depthwise_channel(self, channel: tf.Tensor, n: tf.Tensor) -> tf.Tensor:
        """Filter maps [batch, h, w], of which map i is input channel n[i]; the batch poses as channels."""
        x = tf.transpose(tf.cast(channel, self.kernel.dtype), [1, 2, 0])[None]  # [1, h, w, batch]
        y = self._linear(x, tf.gather(self.kernel, n, axis=2))
        y = tf.transpose(y[0], [2, 0, 1])
        return y if self.bias is None else y + tf.gather(self.bias, n)[:, None, None]


def source(tensor: Any) -> tuple[Any, Any]:
    """Return the operation that makes a symbolic tensor, and the node: the call of it that does."""
    operation, node_index, _ = tensor._keras_history
    return operation, operation._inbound_nodes[node_index]


def read_linear(tensor: Any, dtype: Any) -> Linear | None:
    """Return the linear layer that a symbolic tensor is the result of, or None.

    Args:
        tensor: Of a functional Keras model; a convolution, a dense layer, or a BatchNormalization of one.
        dtype: What its arrays shall be; folding itself is done in float64.
    """
    operation, node = source(tensor)
    scale: np.ndarray | float = 1.0
    shift: np.ndarray | float = 0.0
    if type(operation) is keras.layers.BatchNormalization:
        if operation.axis not in {-1, len(tensor.shape) - 1}:
            return None
        scale, shift = _scale_and_shift(operation)
        operation, node = source(node.input_tensors[0])
    if type(operation) not in LINEAR or not _is_plain(operation):
        return None
    depthwise = isinstance(operation, keras.layers.DepthwiseConv2D)
    kernel = np.asarray(operation.kernel, np.float64)
    factor = np.reshape(scale, (-1, 1)) if depthwise and np.ndim(scale) else scale
    bias = 0.0 if operation.bias is None else np.asarray(operation.bias, np.float64)
    bias = np.broadcast_to(bias * scale + shift, [kernel.shape[2 if depthwise else -1]])
    geometry = {}
    if kernel.ndim == 4:
        geometry = {
            "strides": tuple(operation.strides),
            "padding": operation.padding.upper(),
            "dilation": tuple(operation.dilation_rate),
        }
    return Linear(
        node.input_tensors[0],
        (kernel * factor).astype(dtype),
        bias.astype(dtype) if bias.any() else None,
        depthwise,
        **geometry,
    )


def _scale_and_shift(norm: keras.layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """Return s and beta - mean s, float64 [channels]."""
    mean, variance = (np.asarray(v, np.float64) for v in (norm.moving_mean, norm.moving_variance))
    gamma = np.asarray(norm.gamma, np.float64) if norm.scale else 1.0
    beta = np.asarray(norm.beta, np.float64) if norm.center else 0.0
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return scale, beta - mean * scale


def _is_plain(layer: Any) -> bool:
    """Tell whether a layer is linear and laid out as this module reads it."""
    linear = layer.activation in {None, keras.activations.linear}
    if isinstance(layer, keras.layers.Dense):
        return linear and len(layer.input.shape) == 2
    known = layer.data_format == "channels_last" and getattr(layer, "groups", 1) == 1
    return linear and known and getattr(layer, "depth_multiplier", 1) == 1
