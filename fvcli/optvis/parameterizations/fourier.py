"""Pictures as spectra."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from fvcli.optvis.colour import correlate_planes, to_decorrelated
from fvcli.optvis.parameterizations.base import Parameterization, Params, normal, squashing
from fvcli.optvis.parameterizations.spectra import frequencies, inverse_fourier, pool_bands
from fvcli.optvis.uncopied_arrays import held

# Lucid divides the inverse transform by 4, which with its scale gives photo-like contrast.
LUCID_FOURIER_DIVISOR = 4.0
HIGHEST_FREQUENCY = math.sqrt(0.5)  # cycles a pixel along the diagonal


def fourier(
    height_px: int,
    width_px: int,
    channels: int = 3,
    decorrelate: bool = True,
    std: float = 0.01,
    decay_power: float = 1.0,
    coarse_until: float = 0.0,
    coarse_from: float = 0.03,
    squash: str = "sigmoid",
) -> Parameterization:
    """Write pictures as real and imaginary parts of a spectrum, scaled by 1 / frequency.

    Formulas: Lucid 0.3.10, ``fft_image``: params z of shape [batch, 2, channels, h, F] from
    N(0, std); image = irfft2d(scale * (z0 + i z1)) / 4 with
    scale = sqrt(w h) / max(f, 1 / max(w, h)) ** decay_power.

    Args:
        height_px, width_px: Size of the picture, any, odd too.
        channels: Channels of the picture; colours are decorrelated only where there are three.
        decorrelate: Optimise decorrelated colours.
        std: Standard deviation of the initial params.
        decay_power: How strongly high frequencies are held back.
        coarse_until: Go from coarse to fine: share of the ascent after which all frequencies move
            freely. 0 lets them from the start.
        coarse_from: The frequency, in cycles a pixel, up to which they move freely at the start.
        squash: How pixels are brought into [0, 1]; see ``colour.squashed``.
    """
    scale = fourier_scale(height_px, width_px, decay_power)
    shape = (2, channels, *scale.shape)

    even_width_px = 2 * (scale.shape[1] - 1)
    factor = scale / np.float32(LUCID_FOURIER_DIVISOR)
    inverse = inverse_fourier(factor, height_px, even_width_px)
    pool = pool_bands(_frequencies(height_px, width_px))

    def values(params: Params) -> tf.Tensor:
        planes = inverse(params[0])[..., :width_px]  # [batch, channels, h, w]
        if decorrelate and channels == 3:
            planes = correlate_planes(planes)
        return tf.transpose(planes, [0, 2, 3, 1])

    def from_image(images: np.ndarray) -> tuple[np.ndarray]:
        planes = np.moveaxis(to_decorrelated(images, decorrelate, squash), -1, 1)
        even = np.pad(planes, ((0, 0), (0, 0), (0, 0), (0, even_width_px - width_px)), "edge")
        spectrum = np.fft.rfft2(even) / factor
        return (np.stack([spectrum.real, spectrum.imag], axis=1).astype(np.float32),)

    return squashing(
        values,
        squash,
        initial=lambda streams: (normal(streams, shape, std),),
        pool=lambda squares: (pool(tf.reduce_mean(squares[0], axis=1))[:, None],),
        focus=_coarse_to_fine(height_px, width_px, coarse_until, coarse_from),
        from_image=from_image,
    )


def _coarse_to_fine(
    height_px: int, width_px: int, until: float, start: float
) -> Callable[[tf.Tensor], tuple[tf.Tensor]] | None:
    """Hold back the steps of frequencies above a bound that rises exponentially to the highest one.

    Large forms settle before detail covers them. Above the bound b a step shrinks by (b / f)^2.
    """
    if until <= 0.0:
        return None
    falloff = held((1.0 / _frequencies(height_px, width_px) ** 2).astype(np.float32))
    octaves = math.log(HIGHEST_FREQUENCY / start)

    def focus(done: tf.Tensor) -> tuple[tf.Tensor]:
        bound = start * tf.exp(octaves * tf.minimum(done / until, 1.0))
        return (tf.minimum(1.0, bound[:, None, None, None, None] ** 2 * falloff),)  # [batch, 1, 1, h, F]

    return focus


def fourier_scale(height_px: int, width_px: int, decay_power: float) -> np.ndarray:
    """Return the factor of each coefficient, [h, F], F = w // 2 + 1 for even and + 2 for odd w."""
    frequency = _frequencies(height_px, width_px)
    return (np.sqrt(height_px * width_px) / frequency**decay_power).astype(np.float32)


def _frequencies(height_px: int, width_px: int) -> np.ndarray:
    """Return cycles a pixel, [h, F]: Lucid keeps one more column of an odd width than a transform has."""
    return frequencies(height_px, width_px, width_px // 2 + 1 + width_px % 2)
