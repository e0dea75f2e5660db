"""How unlike two pictures are, measured on 8-bit pixels."""

from __future__ import annotations

import numpy as np

WINDOW_PX = 7
K1, K2 = 0.01, 0.03  # of the paper; they keep flat windows from dividing by nothing
FULL = 255.0


def rms(one: np.ndarray, other: np.ndarray) -> float:
    """Return the root mean square of the difference, 0 to 255.

    Args:
        one: uint8 [h, w, channels].
        other: Of the same shape.
    """
    difference = one.astype(np.float32) - other.astype(np.float32)
    return float(np.sqrt(np.mean(difference**2)))


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Return the structural similarity, 1 for equal pictures, about 0 for unlike ones, -1 at the least.

    The mean over channels and over all windows of 7 x 7 pixels, each weighing the same (Wang, Bovik, Sheikh,
    Simoncelli, Image Quality Assessment: From Error Visibility to Structural Similarity, 2004, equation 13).
    A picture with a side shorter than the window is one window.

    Args:
        one: uint8 [h, w, channels].
        other: Of the same shape.
    """
    a, b = one.astype(np.float64), other.astype(np.float64)
    mean_a, mean_b = _window_means(a), _window_means(b)
    variance_a = _window_means(a * a) - mean_a**2
    variance_b = _window_means(b * b) - mean_b**2
    covariance = _window_means(a * b) - mean_a * mean_b
    c1, c2 = (K1 * FULL) ** 2, (K2 * FULL) ** 2
    alike = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    most = (mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)
    return float(np.mean(alike / most))


def _window_means(values: np.ndarray) -> np.ndarray:
    """Return the mean of each window, by sums over everything above and to the left."""
    height, width = (min(WINDOW_PX, side) for side in values.shape[:2])
    sums: np.ndarray = np.zeros((values.shape[0] + 1, values.shape[1] + 1, values.shape[2]))
    np.cumsum(values, axis=0, out=sums[1:, 1:])
    np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
    strips = sums[height:] - sums[:-height]
    means: np.ndarray = (strips[:, width:] - strips[:, :-width]) / (height * width)
    return means


def texture_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Return how far position-free statistics are apart, as a share of the first's length.

    Args:
        one: float [statistics, channels]: means and standard deviations over all positions of a layer.
        other: Of the same shape.
    """
    length = float(np.linalg.norm(one))
    apart = float(np.linalg.norm(other - one))
    return apart / length if length else float(apart > 0)
