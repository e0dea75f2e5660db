"""Built-in test pictures: made up, but with the statistics of photos.

Discs of all sizes hide one another, as things do in front of a camera ("dead leaves": Lee, Mumford and
Huang, Occlusion models for natural images, 2001); radii r have the density of 1 / r^3, which makes the
picture look alike at every scale. Colours vary as those of photos do.
"""

from __future__ import annotations

import math

import numpy as np

from fvcli.optvis.colour import PHOTO_COLOURS

DISCS = 500
SMALLEST, LARGEST = 0.02, 0.5  # radii, as a share of the shorter side
MEAN_COLOUR = (0.48, 0.46, 0.41)  # of ImageNet photos, as published with Lucid
GREY_DEVIATION = 0.27
SHADE = 0.3  # how much brighter a disc gets from its middle to its edge


def test_pictures(height_px: int, width_px: int, channels: int, count: int) -> np.ndarray:
    """Return the same pictures each time, float32 [count, h, w, channels] in [0, 1]."""
    rng = np.random.default_rng(0)
    return np.stack([_picture(rng, height_px, width_px, channels) for _ in range(count)])


def noise(height_px: int, width_px: int, channels: int, count: int) -> np.ndarray:
    """Return uniform noise, the same each time, float32 [count, h, w, channels] in [0, 1]."""
    return np.random.default_rng(0).random((count, height_px, width_px, channels), np.float32)


def _picture(rng: np.random.Generator, height: int, width: int, channels: int) -> np.ndarray:
    picture = np.zeros((height, width, channels), np.float32)
    picture[:] = _colour(rng, channels)
    for _ in range(DISCS):
        share = rng.random() * ((LARGEST / SMALLEST) ** 2 - 1) + 1
        radius = LARGEST * min(height, width) / math.sqrt(share)
        centre = rng.random(2) * (height, width)
        _draw_disc(picture, centre, radius, _colour(rng, channels), 2 * math.pi * rng.random())
    return np.clip(picture, 0.0, 1.0)


def _colour(rng: np.random.Generator, channels: int) -> np.ndarray:
    if channels == 3:
        return np.array(MEAN_COLOUR) + PHOTO_COLOURS @ rng.standard_normal(3)
    return 0.45 + GREY_DEVIATION * rng.standard_normal(channels)


def _draw_disc(
    picture: np.ndarray, centre: np.ndarray, radius: float, colour: np.ndarray, angle: float
) -> None:
    top, left = (max(0, math.floor(c - radius)) for c in centre)
    part = picture[top : math.ceil(centre[0] + radius) + 1, left : math.ceil(centre[1] + radius) + 1]
    y, x = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
    down, across = (y - centre[0]) / radius, (x - centre[1]) / radius
    shade = 1 + SHADE * (across * math.cos(angle) + down * math.sin(angle))
    inside = down**2 + across**2 < 1
    part[inside] = (shade[..., None] * colour)[inside]
