"""A photo is within reach of every parameterization that can show one: 1,000 steps of Adam find it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fvcli.optvis.parameterizations import fourier, laplacian, pixel
from tests.helpers.parameterization_twins import fit

SIDE_PX = 112
STEPS = 1000
LEARNING_RATE = 0.05  # the default of recipes, for all of them
MAKE = {"fourier": fourier, "laplacian": laplacian, "pixel": pixel}


def dead_leaves(seed: int) -> np.ndarray:
    """Return a picture like a photo in its statistics: discs of all sizes that hide each other."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    picture = np.full((SIDE_PX, SIDE_PX, 3), 0.5, np.float32)
    for _ in range(600):
        row, column = rng.uniform(0, SIDE_PX, 2)
        radius = 2.0 / np.sqrt(rng.uniform(0.002, 1.0))  # many small ones, few large
        picture[(y - row) ** 2 + (x - column) ** 2 < radius**2] = rng.uniform(0.05, 0.95, 3)
    return picture[None]


def photo(path: Path) -> np.ndarray:
    pixels = Image.open(path).convert("RGB").resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    return np.asarray(pixels, np.float32)[None] / 255


@pytest.mark.parametrize("name", MAKE)
def test_a_made_up_picture_is_fitted(name):
    target = dead_leaves(0)
    found = fit(MAKE[name](SIDE_PX, SIDE_PX), target, LEARNING_RATE, STEPS)
    assert np.abs(found - target).mean() < 0.01


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("n", [0, 750])
def test_a_photo_is_fitted(name, n, data_dir):
    target = photo(sorted((data_dir / "images").glob("*.jpg"))[n])
    found = fit(MAKE[name](SIDE_PX, SIDE_PX), target, LEARNING_RATE, STEPS)
    assert np.abs(found - target).mean() < 0.01
