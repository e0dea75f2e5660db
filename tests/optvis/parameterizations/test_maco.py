"""Pictures of given magnitudes: formulas, what stays fixed, what does not mix."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.parameterizations import maco
from tests.helpers.parameterization_twins import (
    LUCID_COLOURS,
    assert_gradients_are_finite,
    assert_images_stand_alone,
    gradients,
    numbers_like,
    picture,
    resized,
    sigmoid,
    streams,
    tensors,
)

SIZES = [(8, 8), (12, 20), (9, 8), (8, 9), (17, 31)]


def falling(height: int, width: int, power: float) -> np.ndarray:
    """Return 1 / f^power, [h, w // 2 + 1], for f in cycles a pixel and no lower than one a picture."""
    table = np.zeros((height, width // 2 + 1))
    for y, x in np.ndindex(*table.shape):
        f = np.hypot(min(y, height - y) / height, x / width)
        table[y, x] = 1 / max(f, 1 / max(height, width)) ** power
    return table


def standardized(values: np.ndarray) -> np.ndarray:
    rest = values - values.mean()
    return rest / (rest.std() + 1e-5)


def maps_twin(phases: np.ndarray, magnitudes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return decorrelated colours [batch, h, w, channels] from phases [batch, channels, h, F]."""
    maps = []
    for each in phases.astype(np.float64):
        turned = standardized(each)
        spectrum = magnitudes * np.cos(turned) + 1j * magnitudes * np.sin(turned)
        maps.append(standardized(np.fft.irfft2(spectrum, s=(height, width), axes=(-2, -1))))
    return np.moveaxis(np.array(maps), 1, -1)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("power", [1.0, 1.5])
def test_maco_is_its_twin(height, width, batch, power):
    made = maco(height, width, decay_power=power)
    numbers = made.initial(streams(*"abc"[:batch]))
    assert numbers[0].shape == (batch, 3, height, width // 2 + 1)
    maps = maps_twin(numbers[0], falling(height, width, power) * np.sqrt(height * width), height, width)
    np.testing.assert_allclose(picture(made, numbers), sigmoid(maps @ LUCID_COLOURS.T), atol=5e-6)


@pytest.mark.parametrize("shape", [(64, 33), (5, 4), (17, 12)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_given_spectrum_is_resampled(shape, channels):
    spectrum = np.random.default_rng(0).random((channels, *shape), np.float32)
    made = maco(17, 22, channels, spectrum, decorrelate=False)
    numbers = made.initial(streams("a", "b"))
    magnitudes = np.moveaxis(resized(np.moveaxis(spectrum, 0, -1), 17, 12), -1, 0)
    np.testing.assert_allclose(
        picture(made, numbers), sigmoid(maps_twin(numbers[0], magnitudes, 17, 22)), atol=5e-6
    )


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_magnitudes_stay_whatever_the_phases(height, width):
    """Up to one factor an image; columns that are their own mirror keep a part of theirs."""
    made = maco(height, width, decorrelate=False)
    numbers = numbers_like(made.initial(streams("a", "b", "c")), 0, 40.0)
    planes = np.moveaxis(made.values(tensors(numbers)).numpy().astype(np.float64), -1, 1)
    ratio = np.abs(np.fft.rfft2(planes)) / falling(height, width, 1.2)
    inner = ratio[..., 1 : (width + 1) // 2]
    np.testing.assert_allclose(inner, np.broadcast_to(inner[:, :1, :1, :1], inner.shape), rtol=1e-3)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_every_image_has_mean_0_and_deviation_1(height, width):
    made = maco(height, width, decorrelate=False)
    numbers = numbers_like(made.initial(streams("a", "b", "c")), 0, 7.0)
    values = made.values(tensors(numbers)).numpy()
    np.testing.assert_allclose(values.mean(axis=(1, 2, 3)), 0.0, atol=1e-5)
    np.testing.assert_allclose(values.std(axis=(1, 2, 3)), 1.0, rtol=1e-3)


def test_without_a_spectrum_decorrelated_colours_vary_alike():
    made = maco(64, 48, decorrelate=False)
    values = made.values(tensors(made.initial(streams(*"abcdefgh")))).numpy()
    np.testing.assert_allclose(values.std(axis=(0, 1, 2)), 1.0, rtol=0.1)


def test_phases_start_normal():
    (phases,) = maco(64, 48).initial(streams("a", "b"))
    assert phases.dtype == np.float32
    assert phases.mean() == pytest.approx(0.0, abs=0.02)
    assert phases.std() == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("of", [0.1, 30.0])
def test_neither_size_nor_offset_of_phases_matters(of):
    made = maco(12, 17)
    (phases,) = made.initial(streams("a", "b"))
    np.testing.assert_allclose(picture(made, [of * phases + 0.4]), picture(made, [phases]), atol=2e-3)


@pytest.mark.parametrize(("height", "width"), [(12, 16), (9, 13)])
def test_gradients_are_those_of_the_twin(height, width):
    """Finite differences of the twin, in one random direction."""
    made = maco(height, width, 1)
    (phases,) = made.initial(streams("a"))
    rng = np.random.default_rng(0)
    upstream, direction = rng.normal(size=(1, height, width, 1)), rng.normal(size=phases.shape)
    magnitudes = falling(height, width, 1.2) * np.sqrt(height * width)

    def value(at: float) -> float:
        moved = phases.astype(np.float64) + at * direction
        return (sigmoid(maps_twin(moved, magnitudes, height, width)) * upstream).sum()

    (found,) = gradients(made, [phases], upstream)
    assert (found * direction).sum() == pytest.approx((value(1e-5) - value(-1e-5)) / 2e-5, rel=1e-3)


def test_images_stand_alone():
    made = maco(9, 14)
    assert_images_stand_alone(made, made.initial(streams("a", "b", "c")))


@pytest.mark.parametrize("squash", ["sigmoid", "clip"])
def test_gradients_are_finite(squash):
    """At constant phases, too, whose standard deviation is zero."""
    made = maco(9, 14, squash=squash)
    assert_gradients_are_finite(made, made.initial(streams("a", "b")))


def test_an_empty_spectrum_is_a_grey_picture():
    made = maco(9, 14, spectrum=np.zeros((3, 9, 8), np.float32))
    numbers = made.initial(streams("a"))
    assert (picture(made, numbers) == 0.5).all()
    assert np.isfinite(gradients(made, numbers, np.ones((1, 9, 14, 3)))[0]).all()


def test_phases_of_a_band_and_a_colour_share_their_mean():
    made = maco(16, 21)
    values = np.random.default_rng(0).random((2, 3, 16, 11), np.float32)
    (found,) = made.pool((tf.constant(values),))
    frequency = np.round(1 / falling(16, 21, 1.0), 6)
    for pooled, plane in zip(found.numpy().reshape(-1, 16, 11), values.reshape(-1, 16, 11), strict=True):
        for mean in np.unique(pooled):
            assert plane[pooled == mean].mean() == pytest.approx(mean, rel=1e-4)
        for one in np.unique(frequency):
            assert len(np.unique(pooled[frequency == one])) == 1
        assert 1 < len(np.unique(pooled)) <= 24


def test_a_picture_cannot_be_written_in_phases():
    assert maco(9, 14).from_image is None
    assert maco(9, 14).larger is None
