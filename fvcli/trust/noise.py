"""Pictures of noise: the floor that explanations are held against."""

from __future__ import annotations

import numpy as np

PICTURES = 16
SEED = 1987
STD = 0.2  # of values from 0 to 1


def noise_pictures(size_px: tuple[int, int], channels: int, count: int = PICTURES) -> np.ndarray:
    """Return noise with the spectrum of photos, uint8 [count, height, width, channels].

    Amplitudes fall with the frequency (Field, *Relations between the statistics of natural images and the
    response properties of cortical cells*, 1987).

    Args:
        size_px: Height and width.
        channels: How many; each has noise of its own, half of which they share.
        count: How many pictures.
    """
    height, width = size_px
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    amplitude = 1.0 / np.maximum(np.hypot(down, across), 1.0 / max(size_px))
    found = np.empty((count, height, width, channels), np.uint8)
    for i in range(count):
        stream = np.random.default_rng([SEED, i])
        white = stream.normal(size=(height, width, channels)) + stream.normal(size=(height, width, 1))
        spectrum = np.fft.rfft2(white, axes=(0, 1)) * amplitude[..., None]
        noise = np.fft.irfft2(spectrum, s=size_px, axes=(0, 1))
        noise = (noise - noise.mean()) / noise.std()
        found[i] = np.clip((0.5 + STD * noise) * 255.0 + 0.5, 0, 255).astype(np.uint8)
    return found
