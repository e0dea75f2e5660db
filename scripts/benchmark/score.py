"""One score for pictures of any tool, and a measure of their noise.

A picture is good at its channel if slightly changed views of it are, too: what only works at exact pixel
positions is no visualization. The views are drawn once and are the same for all pictures.

    picture --(crop | resize to 224)--> canvas --8 fixed views--> network --mean over map, views--> score
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from PIL import Image

CANVAS_PX = 224
VIEWS = 8
SEED = 20171107
DEGREES = 10.0
SCALES = (0.9, 1.1)
SHIFT_PX = 8.0
CROP_PX = 16  # the view is so much smaller than the canvas
GREY = 0.5
NOISE_FROM = 0.25  # cycles a pixel

Network = Callable[[np.ndarray], tf.Tensor]


def robust_score(network: Network, channel: int, pixels: np.ndarray) -> float:
    """Return the mean activation of a channel over the fixed views of a finished picture.

    A picture that is not 224 px is scored as it is (its centre, if it is larger) and resized; the better
    of the two counts, so that no tool suffers from the canvas it chose.

    Args:
        network: A Keras model cut at the layer: RGB from -1 to 1, [views, h, w, 3],
            to activations [views, h', w', channels].
        channel: Of the layer.
        pixels: The 8-bit picture, [h, w, 3].
    """
    return max(_score_canvas(network, channel, canvas) for canvas in _canvases(pixels))


def high_frequency_energy(pixels: np.ndarray) -> float:
    """Return the share of spectral power above a quarter cycle a pixel, 0 to 1, without the mean colour.

    Args:
        pixels: The 8-bit picture, [h, w, 3].
    """
    centred = pixels / 255.0 - np.mean(pixels / 255.0, axis=(0, 1))
    power = np.mean(np.abs(np.fft.fft2(centred, axes=(0, 1))) ** 2, axis=-1)  # [h, w]
    fy, fx = np.fft.fftfreq(pixels.shape[0])[:, None], np.fft.fftfreq(pixels.shape[1])[None, :]
    total = power.sum()
    return float(power[np.hypot(fy, fx) > NOISE_FROM].sum() / total) if total else 0.0


def _canvases(pixels: np.ndarray) -> list[np.ndarray]:
    height, width = pixels.shape[:2]
    if (height, width) == (CANVAS_PX, CANVAS_PX):
        return [pixels]
    top, left = max(0, height - CANVAS_PX) // 2, max(0, width - CANVAS_PX) // 2
    centre = pixels[top : top + CANVAS_PX, left : left + CANVAS_PX]
    size = (CANVAS_PX, CANVAS_PX)
    resized = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))  # antialiased
    return [centre, resized]


def _score_canvas(network: Network, channel: int, canvas: np.ndarray) -> float:
    height, width = canvas.shape[:2]
    images = np.repeat(canvas[None].astype(np.float32) / 255.0, VIEWS, axis=0)
    views = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=_matrices(height, width),
        output_shape=[height - CROP_PX, width - CROP_PX],
        fill_value=GREY,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    acts = network(views * 2.0 - 1.0)  # [views, h', w', channels]
    return float(tf.reduce_mean(acts[..., channel]))


def _matrices(height: int, width: int) -> np.ndarray:
    """Return the maps from view to canvas pixels, [views, 8], about the two centres."""
    draws = np.random.default_rng(SEED).uniform(size=(VIEWS, 4))
    angle = np.radians(DEGREES) * (2.0 * draws[:, 0] - 1.0)
    low, high = (math.log(scale) for scale in SCALES)
    zoom = np.exp(-(low + (high - low) * draws[:, 1]))
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    shift_x, shift_y = SHIFT_PX * (2.0 * draws[:, 2:] - 1.0).T
    view_y, view_x = (height - CROP_PX - 1) / 2.0, (width - CROP_PX - 1) / 2.0
    at_x = (width - 1) / 2.0 + shift_x - (cos * view_x - sin * view_y)
    at_y = (height - 1) / 2.0 + shift_y - (sin * view_x + cos * view_y)
    zero = np.zeros(VIEWS)
    return np.stack([cos, -sin, at_x, sin, cos, at_y, zero, zero], axis=1).astype(np.float32)
