"""Pictures from an untrained network: what a small convolutional network makes of noise that never changes.

    noise ----> half ----> half ----> ... ----> smallest     half:   convolution of stride 2
      |           |          |                     |
    1 x 1       1 x 1      1 x 1                   |         1 x 1:  a few channels that skip what is below
      |           |          |                     |
    colours <- double <-- double <--- ... <--------+         double: bilinear resizing, then a convolution

What is optimised are the weights; each picture has weights and noise of its own. Such a network makes forms
that hang together long before it makes grain, although it has never seen a photo (Ulyanov, Vedaldi,
Lempitsky, CVPR 2018, "Deep Image Prior", arXiv 1711.10925; its later version maximises activations so).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from fvcli.optvis.parameterizations.base import (
    Arrays,
    Parameterization,
    Params,
    coloured,
    normal,
    squashing,
)

SLOPE = 0.2  # of the leaky ReLU below zero
EPSILON = 1e-5  # added to the variance that a map is divided by the root of
LAYER = 3  # tensors of a layer: kernel, scale, offset
COLOUR_STD = 0.1  # of the last kernel, times the root of its inputs: pictures start as a faint grey


class Kernel(NamedTuple):
    """The size of a convolution: side x side x inputs x outputs."""

    side: int
    inputs: int
    outputs: int

    @property
    def fan_in(self) -> int:
        """How many numbers one output is a sum of."""
        return self.side * self.side * self.inputs


def deep_image_prior(
    height_px: int,
    width_px: int,
    colours: int = 3,
    channels: Sequence[int] = (16, 16, 32, 32, 32),
    skip_channels: int = 8,
    input_channels: int = 8,
    input_std: float = 0.1,
    decorrelate: bool = True,
) -> Parameterization:
    """Write pictures as the weights of convolutional networks, one an image.

    A layer is a convolution with mirrored borders, then each map is brought to mean 0 and deviation 1 over
    its own places, scaled and shifted, then a leaky ReLU. Its kernel starts from N(0, 1 / inputs of a sum).
    The way down has a layer of 3 x 3 and stride 2 from each level to the next, which is half as large,
    rounded up. On the way up the maps below are resized and joined by a layer of 1 x 1 of the maps beside
    them, and a layer of 3 x 3 follows. A convolution of 1 x 1 makes the colours.

    Params are the noise [batch, h, w, input_channels], which stays as it is; kernel
    [batch, side, side, inputs, outputs], scale and offset [batch, outputs] of each layer down, then of each
    1 x 1 layer, then of each layer up, from the picture's level on; kernel and offset of the colours.

    Args:
        height_px, width_px: Size of the picture.
        colours: Channels of the picture.
        channels: Of the maps at each level, from the picture's own on; the last one is that of the smallest,
            too. As many levels lie below the picture.
        skip_channels: Of each 1 x 1 layer.
        input_channels, input_std: Of the noise, which is N(0, input_std).
        decorrelate: Whether colours are decorrelated ones, where there are three.
    """
    kernels = list(_kernels(channels, skip_channels, input_channels, colours))
    parts = 1 + LAYER * (len(kernels) - 1) + 2

    def values(params: Params) -> tf.Tensor:
        given = (_without_gradient(params[0]), *params[1:])
        return coloured(_each(lambda one: _painted(one, len(channels)), given), decorrelate)

    def initial(streams: Sequence[np.random.Generator]) -> Arrays:
        noise = normal(streams, (height_px, width_px, input_channels), input_std)
        return (noise, *_weights(streams, kernels))

    return squashing(
        values,
        "sigmoid",
        parts=parts,
        initial=initial,
        focus=lambda _: (0.0, *[1.0] * (parts - 1)),  # the noise stands still
    )


def _kernels(channels: Sequence[int], skip: int, noise: int, colours: int) -> Iterator[Kernel]:
    """Yield every convolution: the ways down, those beside, the ways up, and the colours."""
    inner = (*channels[1:], channels[-1])  # of the maps one level below each level
    above = (noise, *inner[:-1])
    yield from (Kernel(3, inputs, outputs) for inputs, outputs in zip(above, inner, strict=True))
    yield from (Kernel(1, inputs, skip) for inputs in above)
    yield from (Kernel(3, below + skip, here) for below, here in zip(inner, channels, strict=True))
    yield Kernel(1, channels[0], colours)


def _weights(streams: Sequence[np.random.Generator], kernels: Sequence[Kernel]) -> Iterator[np.ndarray]:
    batch = len(streams)
    for kernel in kernels:
        is_last = kernel is kernels[-1]
        std = (COLOUR_STD if is_last else 1.0) / math.sqrt(kernel.fan_in)
        yield normal(streams, (kernel.side, *kernel), std)
        if not is_last:
            yield np.ones((batch, kernel.outputs), np.float32)
        yield np.zeros((batch, kernel.outputs), np.float32)


@tf.custom_gradient
def _without_gradient(noise: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Return the noise, whose gradient is zero and not None: nothing behind it is computed."""
    return tf.identity(noise), tf.zeros_like


def _each(paint: Callable[[Params], tf.Tensor], params: Params) -> tf.Tensor:
    """Return what is painted of the params of each image: no kernel of TensorFlow takes weights by image."""
    if params[0].shape[0] == 1:  # a lane of a CPU: without a loop
        return paint(tuple(part[0] for part in params))[None]
    shape = (*params[0].shape[1:3], params[-1].shape[-1])
    return tf.map_fn(paint, params, fn_output_signature=tf.TensorSpec(shape, tf.float32))


def _painted(params: Params, levels: int) -> tf.Tensor:
    """Return what one network makes of its noise, [h, w, colours] of any range."""
    noise, *hidden = params[:-2]
    layers = [hidden[i : i + LAYER] for i in range(0, len(hidden), LAYER)]
    down, beside, up = (layers[i : i + levels] for i in range(0, len(layers), levels))
    maps = [noise[None]]  # [1, h, w, input_channels]
    for layer in down:
        maps.append(_layer(maps[-1], layer, stride=2))
    net = maps.pop()
    for here, skip, layer in reversed([*zip(maps, beside, up, strict=True)]):
        net = tf.image.resize(net, here.shape[1:3])
        net = _layer(tf.concat([net, _layer(here, skip)], axis=-1), layer)
    return (tf.nn.conv2d(net, params[-2], 1, "VALID") + params[-1])[0]


def _layer(maps: tf.Tensor, layer: Sequence[tf.Tensor], stride: int = 1) -> tf.Tensor:
    kernel, scale, offset = layer
    if kernel.shape[0] > 1:
        maps = tf.pad(maps, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    net = tf.nn.conv2d(maps, kernel, stride, "VALID")
    # of one image, a batch's statistics are the image's own; this kernel takes a fifth of the time of moments
    net = tf.compat.v1.nn.fused_batch_norm(net, scale, offset, epsilon=EPSILON)[0]
    return tf.nn.leaky_relu(net, SLOPE)
