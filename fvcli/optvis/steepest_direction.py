"""Steepest directions: where one gradient leads under different ideas of how far apart two pictures are.

A gradient becomes a direction only with a metric, and optimising in other coordinates is another metric:
with a picture x = A z, a step along the gradient of z moves x by A A^T g, where g is the gradient of x. One
gradient at one photo shows it without any ascent (Olah et al. 2017, "Preconditioning and Parameterization",
where the four metrics stand side by side).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from fvcli.optvis.colour import colour_matrix
from fvcli.optvis.parameterizations.fourier import LUCID_FOURIER_DIVISOR, fourier_scale

Metric = Literal["l_inf", "l2", "spatial", "full"]

SHOWN_PERCENTILE = 99.5  # of what is shown; a few strong pixels would leave the others grey


def steepest(gradient: np.ndarray, metric: Metric, decay_power: float = 1.0) -> np.ndarray:
    """Return the direction in which a score rises fastest.

    Args:
        gradient: Of the score by pixels, [batch, h, w, channels]; sizes may be odd.
        metric: What counts as far:

            - ``l_inf``: the largest change of any number; the direction is sign(g)
            - ``l2``: the sum of squared changes; g
            - ``spatial``: the same in the decorrelated Fourier coordinates of ``images.fourier``; A A^T g
            - ``full``: and with decorrelated colours, too; of three channels only
        decay_power: How strongly high frequencies are held back in those coordinates.

    Returns:
        Float32 of the gradient's shape, in units of their own; the inner product of each image's with its
        gradient is not negative.
    """
    if metric == "l2":
        return gradient.astype(np.float32)
    if metric == "l_inf":
        return np.sign(gradient).astype(np.float32)
    direction = _through_spectrum(gradient.astype(np.float64), decay_power)
    if metric == "full":
        colours = colour_matrix().astype(np.float64)
        direction = direction @ (colours @ colours.T)  # Kn Kn^T, which is symmetric
    return direction.astype(np.float32)


def _through_spectrum(gradient: np.ndarray, decay_power: float) -> np.ndarray:
    """Return A A^T g for A = irfft2d o scale, plane by plane.

    A^T g is m * scale * rfft2d(g) / (h w), where m counts how often irfft2d uses a column of the half
    spectrum: once the first and the last, twice the others. Pictures of odd width are cut from wider ones.
    """
    height, width = gradient.shape[1:3]
    scale = fourier_scale(height, width, decay_power).astype(np.float64) / LUCID_FOURIER_DIVISOR  # [h, F]
    even = 2 * (scale.shape[1] - 1)
    uses = np.full(scale.shape[1], 2.0)
    uses[[0, -1]] = 1.0
    planes = np.moveaxis(gradient, -1, 1)  # [batch, channels, h, w]
    wide = np.pad(planes, ((0, 0), (0, 0), (0, 0), (0, even - width)))
    spectrum = np.fft.rfft2(wide) * (uses * scale**2 / (height * even))
    return np.moveaxis(np.fft.irfft2(spectrum, s=(height, even))[..., :width], 1, -1)


def shown(directions: np.ndarray) -> np.ndarray:
    """Return directions [batch, h, w, channels] as pictures in [0, 1] around mid grey.

    Each image's 99.5th percentile of absolute values reaches black and white.
    """
    sizes = np.abs(directions).reshape(len(directions), -1)
    reach = np.percentile(sizes, SHOWN_PERCENTILE, axis=1)
    reach = np.where(reach > 0.0, reach, sizes.max(axis=1))  # of a direction that is zero nearly everywhere
    share = directions / np.where(reach > 0.0, reach, 1.0)[:, None, None, None]
    return np.clip(0.5 + 0.5 * share, 0.0, 1.0).astype(np.float32)
