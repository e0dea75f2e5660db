"""Noise has the spectrum of photos, and is the same every time."""

from __future__ import annotations

import hashlib

import numpy as np

from fvcli.trust.noise import STD, noise_pictures


def test_noise_is_the_same_every_time_and_each_picture_is_another() -> None:
    one, again = noise_pictures((32, 48), 3, 4), noise_pictures((32, 48), 3, 4)
    assert one.shape == (4, 32, 48, 3)
    assert one.dtype == np.uint8
    assert np.array_equal(one, again)
    assert len({hashlib.sha256(picture.tobytes()).hexdigest() for picture in one}) == 4
    assert np.array_equal(one[:2], noise_pictures((32, 48), 3, 2))


def test_amplitudes_fall_with_the_frequency() -> None:
    pictures = noise_pictures((128, 128), 1, 16)[..., 0] / 255.0
    power = np.mean(np.abs(np.fft.fft2(pictures - pictures.mean(axis=(1, 2), keepdims=True))) ** 2, axis=0)
    radius = np.hypot(np.fft.fftfreq(128)[:, None], np.fft.fftfreq(128)[None, :])
    low, high = (power[(radius > f) & (radius < 1.25 * f)].mean() for f in (0.05, 0.2))
    assert 11 < low / high < 22  # 16 where amplitudes fall as one over the frequency
    assert abs(pictures.std() - STD) < 0.04
