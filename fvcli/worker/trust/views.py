"""Views of a saved picture that no ascent has seen: turned, enlarged, moved, and saved as a JPEG."""

from __future__ import annotations

import io
import math

import numpy as np
import tensorflow as tf
from PIL import Image

VIEWS = 8
SEED = 20171107
DEGREES = 10.0
SCALES = (0.9, 1.1)
SHIFT_SHARE = 1 / 28  # of the side: 8 of 224 px
GREY = 0.5
JPEG_QUALITY = 75
RGB = 3


def views_of(picture: np.ndarray, centre: tuple[float, float] | None = None) -> np.ndarray:
    """Return fixed views of a picture, uint8 [VIEWS, h, w, channels]; what is outside it is mid grey.

    Turned by up to 10 degrees, 0.9 to 1.1 times as large, moved by up to a 28th of the side (8 of 224 px).

    Args:
        picture: uint8 [h, w, channels].
        centre: Row and column of the point that stays in its place, of a neuron that sees a part; None: views
            are about the centre, and moved.
    """
    height, width = picture.shape[:2]
    images = np.repeat(picture[None].astype(np.float32) / 255.0, VIEWS, axis=0)
    views = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=_matrices(height, width, centre),
        output_shape=[height, width],
        fill_value=GREY,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    pixels: np.ndarray = np.rint(views.numpy() * 255.0).astype(np.uint8)
    return pixels


def _matrices(height: int, width: int, centre: tuple[float, float] | None) -> np.ndarray:
    """Return the maps from places in views to places in the picture, float32 [VIEWS, 8]."""
    draws = np.random.default_rng(SEED).uniform(size=(VIEWS, 4))
    angle = np.radians(DEGREES) * (2.0 * draws[:, 0] - 1.0)
    low, high = (math.log(scale) for scale in SCALES)
    zoom = np.exp(-(low + (high - low) * draws[:, 1]))
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    y, x = centre or ((height - 1) / 2.0, (width - 1) / 2.0)
    shift = (0.0 if centre else SHIFT_SHARE) * (2.0 * draws[:, 2:] - 1.0)
    at_x = x + width * shift[:, 0] - (cos * x - sin * y)
    at_y = y + height * shift[:, 1] - (sin * x + cos * y)
    zero = np.zeros(VIEWS)
    return np.stack([cos, -sin, at_x, sin, cos, at_y, zero, zero], axis=1).astype(np.float32)


def jpeg_of(picture: np.ndarray) -> np.ndarray:
    """Return a picture after it was saved as a JPEG of quality 75 with halved colours (4:2:0), like pictures.

    Args:
        picture: uint8 [h, w, 1 or 3].
    """
    grey = picture.shape[-1] != RGB
    image = Image.fromarray(picture[..., 0] if grey else picture)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=JPEG_QUALITY)
    with Image.open(file) as again:
        pixels = np.array(again)
    return pixels[..., None] if grey else pixels
