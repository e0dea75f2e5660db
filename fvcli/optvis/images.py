"""Image parameterizations: which numbers are optimised, and how they become a picture.

    numbers --(inverse Fourier | as they are)--> decorrelated colours --> RGB --sigmoid--> [0, 1]

The same gradient leads to different pictures in different coordinates. In the Fourier basis, scaled
by one over frequency, a step moves all sizes of detail alike (Olah et al. 2017, "Preconditioning and
Parameterization"); in pixels, high frequencies win.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from fvcli.optvis.colour import correlate, correlate_planes

# Lucid divides the inverse transform by 4, which with its scale gives photo-like contrast.
LUCID_FOURIER_DIVISOR = 4.0
BANDS = 24  # about three an octave at 224 px
HIGHEST_FREQUENCY = math.sqrt(0.5)  # cycles a pixel along the diagonal


@dataclass(frozen=True)
class Parameterization:
    """A way to write a picture in numbers.

    initial: random streams, one an image -> float32 numbers [batch, ...].
    to_image: numbers [batch, ...] -> images [batch, h, w, channels] in [0, 1].
    pool: a value for each number -> the mean over the numbers of the image that play the same part: those
        of one colour and, of a spectrum, of one frequency band; in a shape that broadcasts to the numbers'.
    focus: share of the ascent done, [batch], 0 to 1 -> factor on each number's step, 0 to 1, one that
        can be multiplied with the numbers.
    """

    initial: Callable[[Sequence[np.random.Generator]], np.ndarray]
    to_image: Callable[[tf.Tensor], tf.Tensor]
    pool: Callable[[tf.Tensor], tf.Tensor]
    focus: Callable[[tf.Tensor], tf.Tensor | float] = lambda _done: 1.0


def fourier(
    height_px: int,
    width_px: int,
    channels: int = 3,
    decorrelate: bool = True,
    std: float = 0.01,
    decay_power: float = 1.0,
    coarse_until: float = 0.0,
    coarse_from: float = 0.03,
) -> Parameterization:
    """Write pictures as real and imaginary parts of a spectrum, scaled by 1 / frequency.

    Formulas: Lucid 0.3.10, ``fft_image``: numbers z of shape [batch, 2, channels, h, F] from
    N(0, std); image = irfft2d(scale * (z0 + i z1)) / 4 with
    scale = sqrt(w h) / max(f, 1 / max(w, h)) ** decay_power.

    Args:
        height_px, width_px: Size of the picture, any, odd too.
        channels: Channels of the picture; colours are decorrelated only where there are three.
        decorrelate: Optimise decorrelated colours.
        std: Standard deviation of the initial numbers.
        decay_power: How strongly high frequencies are held back.
        coarse_until: Go from coarse to fine: share of the ascent after which all frequencies move
            freely. 0 lets them from the start.
        coarse_from: The frequency, in cycles a pixel, up to which they move freely at the start.
    """
    scale = fourier_scale(height_px, width_px, decay_power)
    shape = (2, channels, *scale.shape)

    even_width_px = 2 * (scale.shape[1] - 1)
    inverse = _inverse_fourier(scale / np.float32(LUCID_FOURIER_DIVISOR), height_px, even_width_px)

    def to_image(numbers: tf.Tensor) -> tf.Tensor:
        planes = inverse(numbers)[..., :width_px]  # [batch, channels, h, w]
        if decorrelate and channels == 3:
            planes = correlate_planes(planes)
        return tf.sigmoid(tf.transpose(planes, [0, 2, 3, 1]))

    focus = _coarse_to_fine(height_px, width_px, coarse_until, coarse_from)
    pool = _pool_bands(height_px, width_px)
    return Parameterization(lambda streams: _normal(streams, shape, std), to_image, pool, focus)


def _inverse_fourier(scale: np.ndarray, height_px: int, width_px: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return z [batch, 2, channels, h, F] -> irfft2d(scale * (z0 + i z1)), [batch, channels, h, w], w even.

    Its gradient is written out, which halves its cost: for a gradient g of the picture that of z is
    m * scale * rfft2d(g) / (h w), real and imaginary part, where m counts how often irfft2d uses a
    column of the half spectrum: once the first and the last, twice the others.
    """
    uses = np.full(scale.shape[1], 2.0, np.float32)
    uses[[0, -1]] = 1.0
    back = scale * uses / np.float32(height_px * width_px)  # [h, F]
    length = [height_px, width_px]

    @tf.custom_gradient
    def inverse(numbers: tf.Tensor):
        scaled = numbers * scale
        pixels = tf.signal.irfft2d(tf.complex(scaled[:, 0], scaled[:, 1]), length)

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            spectrum = tf.signal.rfft2d(upstream)
            return tf.stack([tf.math.real(spectrum), tf.math.imag(spectrum)], axis=1) * back

        return pixels, gradient

    return inverse


def _pool_bands(height_px: int, width_px: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return values [batch, 2, channels, h, F] -> their means over bands, [batch, 1, channels, h, F].

    Bands are as wide in the logarithm of frequency as BANDS of them cover the spectrum.
    """
    frequency = _frequencies(height_px, width_px)
    lowest = frequency.min()
    places = np.log(frequency / lowest) / np.log(frequency.max() / lowest) * BANDS
    _, band = np.unique(np.minimum(places.astype(int), BANDS - 1), return_inverse=True)
    band = band.ravel()  # empty bands are left out
    members = np.eye(band.max() + 1, dtype=np.float32)[band]  # [h F, bands]
    members /= members.sum(axis=0)

    def pool(values: tf.Tensor) -> tf.Tensor:
        plane = tf.reduce_mean(values, axis=1)
        channels, height, width = plane.shape[1:]
        means = tf.linalg.matmul(tf.reshape(plane, [-1, channels, height * width]), members)
        return tf.reshape(tf.gather(means, band, axis=-1), [-1, 1, channels, height, width])

    return pool


def _coarse_to_fine(
    height_px: int, width_px: int, until: float, start: float
) -> Callable[[tf.Tensor], tf.Tensor | float]:
    """Hold back the steps of frequencies above a bound that rises exponentially to the highest one.

    Large forms settle before detail covers them. Above the bound b a step shrinks by (b / f)^2.
    """
    if until <= 0.0:
        return lambda _done: 1.0
    falloff = (1.0 / _frequencies(height_px, width_px) ** 2).astype(np.float32)
    octaves = math.log(HIGHEST_FREQUENCY / start)

    def focus(done: tf.Tensor) -> tf.Tensor:
        bound = start * tf.exp(octaves * tf.minimum(done / until, 1.0))
        return tf.minimum(1.0, bound[:, None, None, None, None] ** 2 * falloff)  # [batch, 1, 1, h, F]

    return focus


def fourier_scale(height_px: int, width_px: int, decay_power: float) -> np.ndarray:
    """Return the factor of each coefficient, [h, F], F = w // 2 + 1 for even and + 2 for odd w."""
    frequency = _frequencies(height_px, width_px)
    return (np.sqrt(height_px * width_px) / frequency**decay_power).astype(np.float32)


def _frequencies(height_px: int, width_px: int) -> np.ndarray:
    """Return cycles a pixel of each coefficient, [h, F]; zero counts as the lowest other one."""
    columns = width_px // 2 + 1 + width_px % 2
    fy = np.fft.fftfreq(height_px)[:, None]
    fx = np.fft.fftfreq(width_px)[:columns]
    return np.maximum(np.sqrt(fx**2 + fy**2), 1.0 / max(height_px, width_px))


def pixel(
    height_px: int, width_px: int, channels: int = 3, decorrelate: bool = True, std: float = 0.01
) -> Parameterization:
    """Write pictures as plain pixels before the sigmoid, initially N(0, std) (Lucid, ``pixel_image``)."""
    shape = (height_px, width_px, channels)
    return Parameterization(
        initial=lambda streams: _normal(streams, shape, std),
        to_image=lambda numbers: _to_rgb(numbers, decorrelate),
        pool=lambda values: tf.reduce_mean(values, axis=(1, 2), keepdims=True),
    )


def _normal(streams: Sequence[np.random.Generator], shape: tuple[int, ...], std: float) -> np.ndarray:
    return np.stack([s.standard_normal(shape, dtype=np.float32) * np.float32(std) for s in streams])


def _to_rgb(images: tf.Tensor, decorrelate: bool) -> tf.Tensor:
    return tf.sigmoid(correlate(images) if decorrelate and images.shape[-1] == 3 else images)
