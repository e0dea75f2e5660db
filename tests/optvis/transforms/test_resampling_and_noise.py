"""Crops, blurs, noise and backgrounds against NumPy."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.transforms import blur, collapse_alpha, crops, noise
from tests.helpers.parameterization_twins import LUCID_COLOURS
from tests.helpers.view_twins import LAST, apply, bilinear, gradient, images

# ---- blur


def blur_twin(image: np.ndarray, sigma: float) -> np.ndarray:
    """Sum up Gaussian weights pixel by pixel; those that fall outside are left out."""

    def weights(side: int) -> np.ndarray:
        table = np.exp(-(np.subtract.outer(np.arange(side), np.arange(side)) ** 2) / (2 * sigma**2))
        return table / table.sum(axis=1, keepdims=True)

    return np.einsum("yj,xi,jic->yxc", weights(image.shape[0]), weights(image.shape[1]), image)


@pytest.mark.parametrize("draw", [0.0, 0.3, LAST])
def test_blur_is_its_twin(draw):
    pictures = images(2, 15, 22)
    found = apply(blur((0.5, 3.0)), pictures, [[draw], [0.5]])
    expected = [blur_twin(image, 0.5 + 2.5 * at) for image, at in zip(pictures, (draw, 0.5), strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_blur_of_zero_changes_nothing():
    pictures = images()
    np.testing.assert_allclose(apply(blur((0.0, 0.0)), pictures, [[0.1], [0.9]]), pictures, atol=1e-7)


def test_blur_leaves_a_constant_as_it_is_up_to_the_border():
    grey = np.full((1, 9, 14, 3), 0.3, np.float32)
    np.testing.assert_allclose(apply(blur((4.0, 4.0)), grey, [[0.5]]), grey, atol=1e-6)


def test_blurs_gradient_is_the_adjoint():
    rng = np.random.default_rng(0)
    direction, upstream = rng.normal(size=(1, 11, 14, 3)), images(1)
    found = gradient(blur((2.0, 2.0)), images(1), [[0.5]], upstream)
    assert (found * direction).sum() == pytest.approx(
        (blur_twin(direction[0], 2.0) * upstream).sum(), rel=1e-4
    )


# ---- crops


def crop_twin(image: np.ndarray, draws: list, size_px: int, fill: float, **settings_of: float) -> np.ndarray:
    """Sample the centres of size_px x size_px cells of a square, as if the picture went on in grey."""
    start, end, spread, centre_std = (settings_of[k] for k in ("start", "end", "spread", "centre_std"))
    down, along, deviation = (NormalDist().inv_cdf(max(float(draw), 2**-25)) for draw in draws[:3])
    share = np.clip(start + (end - start) * draws[3] + spread * deviation, 0.05, 1.0)
    side = share * min(image.shape[:2])
    cells = side * ((np.arange(size_px) + 0.5) / size_px - 0.5)
    y = (0.5 + centre_std * down) * image.shape[0] + cells - 0.5
    x = (0.5 + centre_std * along) * image.shape[1] + cells - 0.5
    return bilinear(image, *np.meshgrid(y, x, indexing="ij"), fill)


@pytest.mark.parametrize(("height", "width"), [(30, 30), (21, 32), (40, 17)])
@pytest.mark.parametrize("size_px", [9, 24])
@pytest.mark.parametrize(
    "draws", [(0.5, 0.5, 0.5, 0.0), (0.1, 0.8, 0.3, 0.4), (0.5, 0.4, 0, 0.9), (0, LAST, LAST, 1.0)]
)
def test_crops_are_their_twin(height, width, size_px, draws):
    pictures = images(2, height, width)
    found = apply(crops(size_px, (0.6, 0.1), 0.1, 0.2, fill=0.4), pictures, [draws, draws])
    for one, image in zip(found, pictures, strict=True):
        expected = crop_twin(image, draws, size_px, 0.4, start=0.6, end=0.1, spread=0.1, centre_std=0.2)
        np.testing.assert_allclose(one, expected, atol=2e-4)


@pytest.mark.parametrize("draws", [(0.2, 0.9, 0.4, 0.0), (0.0, LAST, 0.0, 1.0)])
def test_a_crop_of_the_whole_picture_is_the_picture(draws):
    pictures = images(1, 16, 16)
    found = apply(crops(16, (1.0, 1.0), 0.0, 0.0), pictures, [draws])
    np.testing.assert_allclose(found, pictures, atol=1e-5)


def test_crops_shrink_over_the_ascent_from_the_large_to_the_details():
    """Of a ramp, the range that is seen is the side of the crop."""
    ramp = np.tile(np.arange(64, dtype=np.float32)[None, :, None, None], (3, 1, 96, 1))
    found = apply(crops(32), ramp, [[0.5, 0.5, 0.5, share] for share in (0.0, 0.5, 1.0)])
    seen = (found[:, -1] - found[:, 0])[:, 0, 0] * 32 / 31  # from centre to centre of the outermost
    np.testing.assert_allclose(seen, [0.5 * 64, 0.275 * 64, 0.05 * 64], rtol=1e-4)


def test_crops_are_square_whatever_the_shape_of_the_picture():
    y, x = np.mgrid[:40, :90].astype(np.float32)
    found = apply(crops(16), np.stack([y, x], axis=-1)[None], [[0.5, 0.5, 0.5, 0.0]])[0]
    np.testing.assert_allclose(found[-1, 0, 0] - found[0, 0, 0], found[0, -1, 1] - found[0, 0, 1], rtol=1e-4)
    np.testing.assert_allclose(found.mean(axis=(0, 1)), [19.5, 44.5], rtol=1e-4)


def test_outside_the_picture_is_grey():
    found = apply(crops(8, fill=0.25), np.ones((1, 30, 30, 3), np.float32), [[0.0, 0.5, 0.5, 0.0]])
    assert (np.abs(found - 0.25) < 1e-6).all()  # more than five deviations above the centre


def test_places_and_sides_of_crops_are_normal():
    count = 4000
    y, x = np.mgrid[:32, :32].astype(np.float32)
    pictures = np.tile(np.stack([y, x], axis=-1)[None], (count, 1, 1, 1))
    draws = np.c_[np.random.default_rng(0).random((count, 3), dtype=np.float32), np.zeros(count)]
    found = apply(crops(2, (0.3, 0.3), 0.02, 0.08), pictures, draws)
    centres = found.mean(axis=(1, 2)) + 0.5  # [count, 2]
    sides = 2 * (found[:, 1, 0, 0] - found[:, 0, 0, 0])
    np.testing.assert_allclose(centres.mean(axis=0), 16.0, atol=0.2)
    np.testing.assert_allclose(centres.std(axis=0), 0.08 * 32, rtol=0.05)
    assert sides.mean() == pytest.approx(0.3 * 32, rel=0.01)
    assert sides.std() == pytest.approx(0.02 * 32, rel=0.05)


@pytest.mark.parametrize("side", [0.05, 0.4, 1.0])
def test_gradient_of_crops_is_the_exact_adjoint(side):
    """Even where a few pixels are enlarged to many, or many reduced to a few."""
    rng = np.random.default_rng(0)
    direction, upstream = rng.normal(size=(1, 40, 33, 2)), rng.normal(size=(1, 12, 12, 2)).astype(np.float32)
    draws = [0.4, 0.7, 0.5, 0.0]
    found = gradient(crops(12, (side, side)), images(1, 40, 33, 2), [draws], upstream)
    forward = crop_twin(direction[0], draws, 12, 0.0, start=side, end=side, spread=0.05, centre_std=0.15)
    assert (found * direction).sum() == pytest.approx((forward * upstream).sum(), rel=1e-3)


# ---- noise


def test_noise_is_a_normal_one_and_an_even_one():
    grey = np.full((2, 128, 128, 3), 0.5, np.float32)
    found = apply(noise(0.1, 0.3), grey, np.random.default_rng(0).random((2, 4))) - grey
    assert found.mean() == pytest.approx(0.0, abs=2e-3)
    assert found.std() == pytest.approx(np.sqrt(0.1**2 + 0.3**2 / 12), rel=0.01)
    only_even = apply(noise(0.0, 0.3), grey, [[0.1, 0.2, 0.3, 0.4]] * 2) - grey
    assert np.abs(only_even).max() <= 0.15
    assert only_even.std() == pytest.approx(0.3 / np.sqrt(12), rel=0.01)
    normal = apply(noise(0.1, 0.0), grey, [[0.1, 0.2, 0.3, 0.4]] * 2) - grey
    assert (normal**4).mean() == pytest.approx(3 * 0.1**4, rel=0.1)


def test_noise_of_two_steps_is_unrelated():
    grey = np.full((3, 64, 64, 3), 0.5, np.float32)
    draws = [[0.1, 0.2, 0.3, 0.4], [0.1 + 2**-23, 0.2, 0.3 + 2**-23, 0.4], [0.2, 0.1, 0.4, 0.3]]
    found = np.corrcoef((apply(noise(), grey, draws) - grey).reshape(3, -1))
    assert np.abs(found - np.eye(3)).max() < 5 / np.sqrt(64 * 64 * 3)


def test_the_two_noises_have_draws_of_their_own():
    grey = np.full((3, 16, 16, 1), 0.5, np.float32)
    normal = apply(noise(0.1, 0.0), grey, [[0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.5, 0.6], [0.3, 0.4, 0.3, 0.4]])
    even = apply(noise(0.0, 0.1), grey, [[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.3, 0.4], [0.1, 0.2, 0.1, 0.2]])
    for found in (normal, even):
        np.testing.assert_array_equal(found[0], found[1])
        assert not np.array_equal(found[0], found[2])


def test_noise_has_no_part_in_the_gradient():
    upstream = images(2)
    found = gradient(noise(), images(2), np.random.default_rng(0).random((2, 4)), upstream)
    np.testing.assert_array_equal(found, upstream)


# ---- backgrounds


def background(draws: list, height: int, width: int, channels: int, std: float) -> np.ndarray:
    """Return Lucid's noise, from the same normal numbers: [h, w, channels] in [0, 1]."""
    seed = [int(np.float32(draw) * 2**24) for draw in draws]
    z = tf.random.stateless_normal([2, channels, height, width // 2 + 1], seed).numpy().astype(np.float64)
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    scale = np.sqrt(height * width) / np.maximum(np.hypot(fy, fx), 1 / max(height, width))
    planes = np.fft.irfft2(std * scale * (z[0] + 1j * z[1]), s=(height, width)) / 4
    maps = np.moveaxis(planes, 0, -1)
    return 1 / (1 + np.exp(-(maps @ LUCID_COLOURS.T if channels == 3 else maps)))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (12, 21), (9, 14), (15, 15)])
def test_a_background_is_lucids_noise(height, width, channels):
    pictures = images(2, height, width, channels + 1)
    draws = [[0.25, 0.75], [0.3, 0.0]]
    found = apply(collapse_alpha(0.5), pictures, draws)
    assert found.shape == (2, height, width, channels)
    for one, image, of in zip(found, pictures, draws, strict=True):
        behind, opacity = background(of, height, width, channels, 0.5), image[..., -1:]
        np.testing.assert_allclose(one, image[..., :-1] * opacity + behind * (1 - opacity), atol=2e-5)


def test_nothing_is_seen_behind_an_opaque_picture():
    pictures = images(2, channels=4)
    pictures[..., 3] = 1.0
    np.testing.assert_array_equal(apply(collapse_alpha(), pictures, [[0.1, 0.2]] * 2), pictures[..., :3])


def test_backgrounds_have_the_contrast_of_a_strong_picture():
    clear = np.zeros((8, 64, 64, 4), np.float32)
    found = apply(collapse_alpha(0.5), clear, np.random.default_rng(0).random((8, 2)))
    assert found.mean() == pytest.approx(0.5, abs=0.05)
    assert 0.1 < found.std() < 0.3


def test_opacity_is_pulled_by_what_it_hides():
    pictures, draws = images(1, 12, 14, 4), [[0.2, 0.4]]
    found = gradient(collapse_alpha(), pictures, draws, np.ones((1, 12, 14, 3), np.float32))[0]
    hidden = pictures[0, ..., :3] - background(draws[0], 12, 14, 3, 0.5)
    np.testing.assert_allclose(found[..., 3], hidden.sum(axis=-1), atol=1e-4)
    np.testing.assert_allclose(found[..., :3], np.repeat(pictures[0, ..., 3:], 3, axis=-1))
