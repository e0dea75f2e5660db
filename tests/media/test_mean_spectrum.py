"""The mean spectrum of a folder of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fvcli.errors import FvcliError
from fvcli.media import (
    mean_spectrum,
)
from tests.helpers.picture_files import noise, save


def test_the_spectrum_agrees_with_its_formula(folder: Path) -> None:
    decorrelate = np.linalg.inv(np.array([[0.26, 0.09, 0.02], [0.27, 0, -0.05], [0.27, -0.09, 0.03]]))
    paths = [save(folder / f"{i}.png", noise(20, 30, seed=i)) for i in range(3)]
    seen = mean_spectrum(paths, (20, 30), decorrelate)
    assert (seen.shape, seen.dtype) == ((3, 20, 16), np.float32)
    expected = np.zeros((3, 20, 16))
    for i in range(3):
        x = np.clip(noise(20, 30, seed=i) / 255, 0.01, 0.99)
        logits = np.log(x / (1 - x))
        for channel in range(3):
            plane = sum(decorrelate[channel, k] * logits[..., k] for k in range(3))
            expected[channel] += np.abs(np.fft.fft2(plane))[:, :16] / 3
    np.testing.assert_allclose(seen, expected, rtol=1e-4, atol=1e-3)


def test_the_spectrum_of_grey_is_nothing_and_of_flat_colour_is_at_zero(folder: Path) -> None:
    grey = save(folder / "grey.tif", np.full((16, 16), 0.5, np.float32))
    np.testing.assert_allclose(mean_spectrum([grey], (16, 17), np.eye(3)), np.zeros((3, 16, 9)), atol=1e-4)
    red = save(folder / "red.png", np.full((16, 16, 3), (255, 0, 0), np.uint8))
    seen = mean_spectrum([red], (16, 16), np.eye(3))
    np.testing.assert_allclose(seen[:, 0, 0], 256 * np.log(99), rtol=1e-4)
    seen[:, 0, 0] = 0
    np.testing.assert_allclose(seen, 0, atol=1e-3)


def test_a_spectrum_of_no_pictures(folder: Path) -> None:
    with pytest.raises(FvcliError, match="no picture"):
        mean_spectrum([], (16, 16), np.eye(3))
