"""Pictures as functions of place: a small network of its own turns coordinates into colours.

    (x, y) --dense--> [atan, atan^2] --dense--> ... --dense--> colour --sigmoid--> [0, 1]

What is optimised are its weights, so a picture has no resolution: it is computed at any size, and two
pictures blend into each other through their weights (Mordvintsev et al. 2018, "Differentiable Image
Parameterizations"). Nothing in it favours high frequencies: it needs no transforms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from fvcli.optvis.parameterizations.base import Arrays, Parameterization, Params, normal, squashing

Activation = Callable[[tf.Tensor], tf.Tensor]

EXTENT = math.sqrt(3.0)  # of the longer side: uniform in [-sqrt 3, sqrt 3] has a standard deviation of 1
STRIP_PX = 1 << 16  # computed at a time of large pictures: some 12 MB a layer of 48 channels


def composite(x: tf.Tensor) -> tf.Tensor:
    """Return atan x and its square, of a root mean square of 1 for x from N(0, 1); twice the channels."""
    a = tf.atan(x)
    return tf.concat([a / 0.67, a**2 / 0.6], axis=-1)


def unbiased(x: tf.Tensor) -> tf.Tensor:
    """Return atan x and its square, of mean 0 and deviation 1 for x from N(0, 1); twice the channels."""
    a = tf.atan(x)
    return tf.concat([a / 0.67, (a**2 - 0.45) / 0.396], axis=-1)


def centred_relu(x: tf.Tensor) -> tf.Tensor:
    """Return a ReLU of mean 0 and deviation 1 for x from N(0, 1)."""
    return (tf.nn.relu(x) - 0.40) / 0.58


# The second entry counts the channels that it makes of one.
ACTIVATIONS = {"composite": (composite, 2), "unbiased": (unbiased, 2), "relu": (centred_relu, 1)}


def cppn(
    height_px: int,
    width_px: int,
    channels: int = 3,
    layers: int = 8,
    width: int = 24,
    activation: str = "unbiased",
    std: float = 1.0,
) -> Parameterization:
    """Write pictures as compositional pattern producing networks, one an image.

    Formulas: the notebook ``xy2rgb`` of the article: x and y in linspace(-sqrt 3, sqrt 3), weights from
    N(0, std^2 / inputs), biases 0, last layer 0, so that a picture starts as mid grey. Params are
    weights [batch, inputs, outputs] and biases [batch, 1, outputs] of each layer in turn.

    Args:
        height_px, width_px: Size of the picture; the longer side has the extent, so that circles are round.
        channels: Of the picture. Colours are not decorrelated.
        layers: How many hidden ones.
        width: Of a hidden layer, before its activation.
        activation: ``unbiased`` or ``composite``, which double the channels, or ``relu``.
        std: Factor on the initial weights: larger ones start with finer patterns.
    """
    activate, fold = ACTIVATIONS[activation]
    inputs = [2] + [width * fold] * layers
    shapes = list(zip(inputs, [width] * layers + [channels], strict=True))

    def values(params: Params) -> tf.Tensor:
        pixels = _computed(params, _coordinates(tf.range(height_px), height_px, width_px), activate)
        return tf.reshape(pixels, [-1, height_px, width_px, channels])

    return squashing(
        values,
        "sigmoid",
        parts=2 * len(shapes),
        initial=lambda streams: _initial(streams, shapes, std),
        larger=lambda height, width: _in_strips(height, width, channels, activate),
        mix=between,
    )


def between(first: Params, second: Params, t: float | tf.Tensor) -> Params:
    """Blend the weights of two pictures: (p1 (1 - t) + p2 t) (1 + t (1 - t)).

    The last factor makes up for what a mean of unrelated weights loses in size. A film that runs from the
    first to the second and back takes t = (1 - cos 2 pi tau) / 2 for its time tau from 0 to 1 (notebook
    ``xy2rgb``).

    Args:
        first, second: Params of one ``cppn``.
        t: From 0, the first, to 1, the second.
    """
    swell = 1.0 + t * (1.0 - t)
    return tuple((one * (1.0 - t) + other * t) * swell for one, other in zip(first, second, strict=True))


def _initial(streams: Sequence[np.random.Generator], shapes: Sequence[tuple[int, int]], std: float) -> Arrays:
    arrays = []
    for inputs, outputs in shapes[:-1]:
        bias = np.zeros((len(streams), 1, outputs), np.float32)
        arrays += [normal(streams, (inputs, outputs), std / math.sqrt(inputs)), bias]
    inputs, outputs = shapes[-1]
    return (*arrays, *(np.zeros((len(streams), rows, outputs), np.float32) for rows in (inputs, 1)))


def _coordinates(rows: tf.Tensor, height_px: int, width_px: int) -> tf.Tensor:
    """Return x and y of every pixel of some rows of a picture, float32 [rows w, 2]."""
    step = 2.0 * EXTENT / max(height_px - 1, width_px - 1, 1)
    x, y = (
        (tf.cast(places, tf.float32) - (side - 1) / 2) * step
        for places, side in ((tf.range(width_px), width_px), (rows, height_px))
    )
    return tf.reshape(tf.stack(tf.meshgrid(x, y), axis=-1), [-1, 2])


def _computed(params: Params, coordinates: tf.Tensor, activate: Activation) -> tf.Tensor:
    """Return what the networks make of coordinates [n, 2]: [batch, n, channels], before the sigmoid."""
    net = coordinates[None]
    for weights, bias in zip(params[:-2:2], params[1:-2:2], strict=True):
        net = activate(tf.linalg.matmul(net, weights) + bias)
    return tf.linalg.matmul(net, params[-2]) + params[-1]


def _in_strips(
    height_px: int, width_px: int, channels: int, activate: Activation
) -> Callable[[Params], tf.Tensor]:
    """Return params -> images of that size, one strip of rows after the other to need little memory."""
    rows = min(height_px, max(1, STRIP_PX // width_px))
    starts = range(0, height_px, rows)

    def to_image(params: Params) -> tf.Tensor:
        def strip(start: tf.Tensor) -> tf.Tensor:
            places = _coordinates(start + tf.range(rows), height_px, width_px)
            return tf.sigmoid(_computed(params, places, activate))

        strips = tf.map_fn(strip, tf.constant([*starts]), tf.float32, parallel_iterations=1)
        pixels = tf.transpose(strips, [1, 0, 2, 3])  # [batch, strips, rows w, channels]
        whole = tf.reshape(pixels, [-1, len(starts) * rows, width_px, channels])
        return whole[:, :height_px]  # the last strip may go on below the picture

    return to_image
