"""The spectrum of photographs: how strong each spatial frequency is on the average."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fvcli.errors import UsageError
from fvcli.media.read_files import read_picture_sized

DARKEST, BRIGHTEST = 0.01, 0.99  # black and white have no finite logit


def mean_spectrum(paths: Iterable[Path], size_px: tuple[int, int], decorrelate: np.ndarray) -> np.ndarray:
    """Return the mean magnitude of each frequency, float32 [3, h, w // 2 + 1].

    It is what MACO keeps fixed while it optimises the phases: Fel et al. 2023, "Unlocking Feature
    Visualization for Deeper Networks with MAgnitude Constrained Optimization", arXiv 2306.06805. The
    spectrum that their software packages is of decorrelated colours, as this one is: each picture's values
    before the sigmoid, in the directions in which the colours of photos vary, then |rfft2| of each channel.

    Args:
        paths: Pictures, read one by one.
        size_px: Height and width to which each is cut and resampled.
        decorrelate: [3, 3], the inverse of the matrix that turns decorrelated colours into RGB.

    Raises:
        UsageError: There is no picture, or one cannot be read.
    """
    total, count = np.zeros((3, size_px[0], size_px[1] // 2 + 1)), 0
    for path in paths:
        total += _magnitude(read_picture_sized(path, size_px), decorrelate)
        count += 1
    if not count:
        raise UsageError("no picture to measure a spectrum of")
    return (total / count).astype(np.float32)


def _magnitude(pixels: np.ndarray, decorrelate: np.ndarray) -> np.ndarray:
    clipped = np.clip(pixels.astype(np.float64), DARKEST, BRIGHTEST)  # [h, w, 3]
    values = np.log(clipped / (1 - clipped)) @ decorrelate.T
    return np.abs(np.fft.rfft2(np.moveaxis(values, -1, 0)))  # [3, h, w // 2 + 1]
