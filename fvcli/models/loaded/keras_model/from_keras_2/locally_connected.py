"""Convolutions with weights of their own at each position, which Keras 3 does not have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

PATCHES, MATRIX, SPARSE = 1, 2, 3  # how Keras 2 keeps the kernel: what it calls the implementation


class LocallyConnected2D(keras.layers.Layer):  # type: ignore[misc]
    """A convolution with weights of its own at each position of a map.

    kernel: [positions, kernel height * kernel width * channels in, channels out]; as a matrix it is
        [height in, width in, channels in, height, width, channels out], and only what lies in the window of
        a position counts; sparse, it is a list of these, in the order of what they make.
    bias: [height, width, channels out].

    Args:
        settings: As Keras 2 had them.
    """

    axes = 2  # of a map

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        implementation: int = PATCHES,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.filters, self.is_same, self.implementation = filters, padding == "same", implementation
        self.kernel_size, self.strides = (self._each(sizes) for sizes in (kernel_size, strides))
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        if (self.is_same and implementation == PATCHES) or data_format == "channels_first":
            raise ValueError(f"{type(self).__name__} with padding {padding} and {data_format} is not read")

    def _each(self, sizes: int | Sequence[int]) -> tuple[int, ...]:
        return (sizes,) * self.axes if isinstance(sizes, int) else tuple(sizes)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of the output for that of the input, both with the batch."""
        batch, *sides, _ = input_shape
        if None in sides:
            raise ValueError(f"{type(self).__name__} needs to know the size of its input")
        made = [
            -(-side // stride) if self.is_same else (side - kernel) // stride + 1
            for side, kernel, stride in zip(sides, self.kernel_size, self.strides, strict=True)
        ]
        return (batch, *made, self.filters)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights for an input of a shape."""
        given, made = tuple(input_shape[1:]), self.compute_output_shape(input_shape)[1:]
        self.reads = self._positions_read(given, made)
        count = {PATCHES: (*self.reads.shape, self.filters), MATRIX: (*given, *made)}
        listed = (int((self.reads < math.prod(given)).sum()) * self.filters,)
        self.kernel = self.add_weight(name="kernel", shape=count.get(self.implementation, listed))
        self.bias = self.add_weight(name="bias", shape=made, initializer="zeros") if self.use_bias else None
        self.places = self._places(math.prod(given))

    def _positions_read(self, given: Sequence[int], made: Sequence[int]) -> np.ndarray:
        """Return which numbers of a flat input a position reads, [positions, read]; its size: none."""
        reads, outside = np.zeros((1, 1), np.int64), np.zeros((1, 1), bool)
        for i, (kernel, stride) in enumerate(zip(self.kernel_size, self.strides, strict=True)):
            first = np.arange(made[i]) * stride - (kernel // 2 if self.is_same else 0)
            along = first[:, None] + np.arange(kernel)  # [positions of this axis, kernel]
            reads = _joined(reads * given[i], along)
            outside = _joined(outside, (along < 0) | (along >= given[i]))
        channels = np.arange(given[-1])
        reads = (reads[..., None] * given[-1] + channels).reshape(len(reads), -1)
        return np.where(np.repeat(outside, given[-1], axis=1), math.prod(given), reads)

    def _places(self, count: int) -> np.ndarray | None:
        """Return where the kernel has each weight: [positions, read, channels out]; its size: nowhere."""
        known = (self.reads < count)[..., None]
        if self.implementation == PATCHES:
            return None
        if self.implementation == MATRIX:
            made = np.arange(len(self.reads) * self.filters).reshape(-1, 1, self.filters)
            return np.where(known, self.reads[..., None] * made.size + made, count * made.size)
        listed = np.repeat(known.transpose(0, 2, 1), self.filters, axis=1)  # [positions, channels out, read]
        order = np.cumsum(listed).reshape(listed.shape) - 1
        return np.where(listed, order, listed.sum()).transpose(0, 2, 1)

    def call(self, inputs: Any) -> Any:
        """Return maps [batch, height, width, channels out]."""
        shape = self.compute_output_shape(inputs.shape)
        flat = tf.pad(tf.reshape(inputs, (-1, math.prod(inputs.shape[1:]))), ((0, 0), (0, 1)))
        kernel = tf.convert_to_tensor(self.kernel)
        if self.places is not None:
            kernel = tf.gather(tf.pad(tf.reshape(kernel, (-1,)), ((0, 1),)), self.places)
        made = tf.einsum("bpi,pio->bpo", tf.gather(flat, self.reads, axis=1), kernel)
        made = tf.reshape(made, (-1, *shape[1:]))
        made = made if self.bias is None else made + self.bias
        return self.activation(made)


class LocallyConnected1D(LocallyConnected2D):
    """The same for rows of numbers [batch, positions, channels], with one size of the kernel."""

    axes = 1


def _joined(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Add two tables [positions, read] for each pair of positions; of what may be true, one is enough."""
    made = one[:, None, :, None] + other[None, :, None, :]
    return made.reshape(len(one) * len(other), -1)
