"""What pictures that are written as spectra have in common: frequencies, their bands, and the way back.

Of a real picture half a spectrum is kept, [h, F]: all frequencies downwards, those to the right from zero on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from fvcli.optvis.uncopied_arrays import held

BANDS = 24  # about three an octave at 224 px


def frequencies(height_px: int, width_px: int, columns: int) -> np.ndarray:
    """Return cycles a pixel of each coefficient, [h, columns]; zero counts as the lowest other one."""
    fy = np.fft.fftfreq(height_px)[:, None]
    fx = np.fft.fftfreq(width_px)[:columns]
    return np.maximum(np.sqrt(fx**2 + fy**2), 1.0 / max(height_px, width_px))


def inverse_fourier(scale: np.ndarray, height_px: int, width_px: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return z [batch, 2, channels, h, F] -> irfft2d(scale * (z0 + i z1)), [batch, channels, h, w].

    Its gradient is written out, which halves its cost: for a gradient g of the picture that of z is
    m * scale * rfft2d(g) / (h w), real and imaginary part, where m counts how often irfft2d uses a
    column of the half spectrum: once the first and, of an even width, the last, twice the others.

    Args:
        scale: Factor of each coefficient, float32 [h, F] or [channels, h, F]; F = w // 2 + 1.
        height_px, width_px: Size of the picture.
    """
    uses = np.full(scale.shape[-1], 2.0, np.float32)
    uses[[0, -1] if width_px % 2 == 0 else [0]] = 1.0
    forth, back = held(scale), held(scale * uses / np.float32(height_px * width_px))
    length = [height_px, width_px]

    @tf.custom_gradient
    def inverse(params: tf.Tensor):
        scaled = params * forth
        pixels = tf.signal.irfft2d(tf.complex(scaled[:, 0], scaled[:, 1]), length)

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            spectrum = tf.signal.rfft2d(upstream)
            return tf.stack([tf.math.real(spectrum), tf.math.imag(spectrum)], axis=1) * back

        return pixels, gradient

    return inverse


def pool_bands(frequency: np.ndarray) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return values [batch, channels, h, F] -> their means over bands of frequency, in the same shape.

    Bands are as wide in the logarithm of frequency as BANDS of them cover the spectrum.
    """
    lowest = frequency.min()
    heights = np.log(frequency / lowest) / np.log(frequency.max() / lowest) * BANDS
    _, band = np.unique(np.minimum(heights.astype(int), BANDS - 1), return_inverse=True)
    band = band.ravel()  # empty bands are left out
    members = np.eye(band.max() + 1, dtype=np.float32)[band]  # [h F, bands]
    # there and back by products, because to gather the means would cost four times as much
    shares, places = held(members / members.sum(axis=0)), held(np.ascontiguousarray(members.T))

    def pool(planes: tf.Tensor) -> tf.Tensor:
        channels, height, width = planes.shape[1:]
        means = tf.linalg.matmul(tf.reshape(planes, [-1, channels, height * width]), shares)
        return tf.reshape(tf.linalg.matmul(means, places), [-1, channels, height, width])

    return pool
