"""Pictures whose spectrum has the magnitudes of photos: only where its waves lie is optimised.

    phases --(magnitudes of photos)--> spectrum --inverse Fourier--> mean 0, std 1 --> RGB --sigmoid--> [0, 1]

No frequency can gain weight, so that neither noise nor a lone pattern can win, and large networks and
large pictures give photo-like results (Fel et al. 2023, "Unlocking Feature Visualization for Deeper
Networks with MAgnitude Constrained Optimization").
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fvcli.optvis.colour import correlate_planes
from fvcli.optvis.parameterizations.base import Parameterization, Params, normal, squashing
from fvcli.optvis.parameterizations.spectra import frequencies, inverse_fourier, pool_bands

LEAST_STD = 1e-5  # added to a standard deviation before something is divided by it


def maco(
    height_px: int,
    width_px: int,
    channels: int = 3,
    spectrum: np.ndarray | None = None,
    decorrelate: bool = True,
    decay_power: float = 1.2,
    std: float = 1.0,
    squash: str = "sigmoid",
) -> Parameterization:
    """Write pictures as phases of a spectrum of given magnitudes r.

    Formulas: the article and its system xplique. Params are phases p [batch, channels, h, F],
    F = w // 2 + 1, from N(0, std); p <- (p - mean p) / (std p + 1e-5); x = irfft2d(r cos p + i r sin p);
    x <- (x - mean x) / (std x + 1e-5). Means and deviations are those of one image, over all its colours.

    Args:
        height_px, width_px: Size of the picture, any, odd too.
        channels: Of the picture; colours are decorrelated only where there are three.
        spectrum: Mean magnitudes of decorrelated colours of photos, [channels, h', w'], with h' rows of all
            frequencies and w' columns from zero on; resampled bilinearly. None: 1 / f^decay_power for each
            colour, which gives photos' colours since decorrelated ones vary alike.
        decorrelate: Optimise decorrelated colours.
        decay_power: How steeply magnitudes fall where there is no spectrum. 1,000 photos of ImageNet at
            256 px have 1.23 for brightness, 1.06 and 1.02 for the two colours.
        std: Standard deviation of the initial phases. As they are normalised, it says how far a step of the
            optimizer turns them.
        squash: How pixels are brought into [0, 1]; see ``colour.squashed``.
    """
    frequency = frequencies(height_px, width_px, width_px // 2 + 1)
    if spectrum is None:
        falling = np.sqrt(height_px * width_px) / frequency**decay_power  # as in ``fourier``
        magnitudes = np.tile(falling.astype(np.float32), (channels, 1, 1))
    else:
        magnitudes = _resampled(spectrum, frequency.shape)
    inverse, pool = inverse_fourier(magnitudes, height_px, width_px), pool_bands(frequency)

    def values(params: Params) -> tf.Tensor:
        phases = _standardized(params[0])  # [batch, channels, h, F]
        planes = _standardized(inverse(tf.stack([tf.cos(phases), tf.sin(phases)], axis=1)))
        if decorrelate and channels == 3:
            planes = correlate_planes(planes)
        return tf.transpose(planes, [0, 2, 3, 1])

    return squashing(
        values,
        squash,
        initial=lambda streams: (normal(streams, magnitudes.shape, std),),
        pool=lambda squares: (pool(squares[0]),),
    )


def _resampled(spectrum: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    maps = np.moveaxis(np.asarray(spectrum, np.float32), 0, -1)
    return np.moveaxis(tf.image.resize(maps, size).numpy(), -1, 0)


def _standardized(planes: tf.Tensor) -> tf.Tensor:
    """Give each image's [channels, h, w] a mean of 0 and a standard deviation of 1."""
    rest = planes - tf.reduce_mean(planes, axis=(1, 2, 3), keepdims=True)
    variance = tf.reduce_mean(rest**2, axis=(1, 2, 3), keepdims=True)
    # where all are equal, the gradient of the root would be zero over zero
    return rest / (tf.sqrt(tf.maximum(variance, LEAST_STD**4)) + LEAST_STD)
