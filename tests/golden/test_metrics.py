"""How unlike pictures are: by hand where that can be done, by plain loops, and as scikit-image has it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.golden.metrics import rms, ssim, texture_distance
from tests.helpers.picture_files import noise

C1, C2 = 2.55**2, 7.65**2  # a hundredth and three of 255, squared
Shape = tuple[int, int, int]


def waves(shape: Shape, slant: int = 0) -> np.ndarray:
    y, x, channel = (np.arange(side).reshape(place) for side, place in zip(shape, AXES, strict=True))
    return ((3 * y * y + 7 * x + 40 * channel + slant * x * y) % 256).astype(np.uint8)


AXES: tuple[Shape, ...] = ((-1, 1, 1), (1, -1, 1), (1, 1, -1))


def flat(*colour: int, side: int = 9) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (side, side, len(colour)))


def by_loops(one: np.ndarray, other: np.ndarray, window: int = 7) -> float:
    """Return the similarity by its definition, one window after the other."""
    height, width, channels = one.shape
    found = []
    for channel in range(channels):
        for top in range(height - window + 1):
            for left in range(width - window + 1):
                part = slice(top, top + window), slice(left, left + window), channel
                a, b = one[part].astype(float).ravel(), other[part].astype(float).ravel()
                covariance = np.cov(a, b, bias=True)
                means = (2 * a.mean() * b.mean() + C1) / (a.mean() ** 2 + b.mean() ** 2 + C1)
                rest = (2 * covariance[0, 1] + C2) / (covariance[0, 0] + covariance[1, 1] + C2)
                found.append(means * rest)
    return float(np.mean(found))


# ---- structural similarity


@pytest.mark.parametrize(
    ("shape", "slanted", "inverted", "rolled"),
    [
        ((7, 7, 3), 0.888471732, -0.788715971, 0.909775059),
        ((9, 16, 3), 0.297631077, -0.914754734, 0.865545129),
        ((20, 13, 1), 0.170072224, -0.95031354, 0.874412849),
        ((12, 30, 5), -0.003516424, -0.938265756, 0.832875014),
    ],
)
def test_similarity_is_that_of_scikit_image(
    shape: Shape, slanted: float, inverted: float, rolled: float
) -> None:
    """Version 0.26, win_size=7, data_range=255, channel_axis=-1, use_sample_covariance=False."""
    one = waves(shape)
    others = waves(shape, slant=1), 255 - one, np.roll(one, 1, axis=1)
    assert [ssim(one, other) for other in others] == pytest.approx([slanted, inverted, rolled], abs=1e-8)


def test_flat_pictures_differ_by_their_means_alone() -> None:
    assert ssim(flat(100), flat(120)) == pytest.approx(24006.5025 / 24406.5025, abs=1e-12)
    assert ssim(flat(0), flat(255)) == pytest.approx(6.5025 / 65031.5025, abs=1e-12)
    assert ssim(flat(0), flat(0)) == 1.0
    assert ssim(flat(255), flat(255)) == 1.0


def test_a_checkerboard_and_its_inverse() -> None:
    """Of 49 pixels 25 and 24 are white, so the variance of both is 255^2 * 600 / 49^2; they are opposite."""
    board = (255 * (np.indices((7, 7)).sum(axis=0) % 2 == 0)).astype(np.uint8)[..., None]
    a, b = 255 * 25 / 49, 255 * 24 / 49
    variance = 255**2 * 600 / 49**2
    means = (2 * a * b + C1) / (a * a + b * b + C1)
    assert ssim(board, 255 - board) == pytest.approx(
        means * (C2 - 2 * variance) / (C2 + 2 * variance), abs=1e-9
    )
    assert ssim(board, 255 - board) == pytest.approx(-0.99558, abs=1e-5)


@given(st.integers(7, 12), st.integers(7, 15), st.sampled_from([1, 3, 4]), st.integers(0, 99))
def test_similarity_is_that_of_every_window(height: int, width: int, channels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one = rng.integers(0, 256, (height, width, channels), np.uint8)
    other = np.where(rng.random(one.shape) < 0.3, rng.integers(0, 256, one.shape, np.uint8), one)
    assert ssim(one, other) == pytest.approx(by_loops(one, other), abs=1e-9)
    assert ssim(one, other) == ssim(other, one)
    assert ssim(one, one) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 20, 3), (20, 6, 1), (2, 2, 4)])
def test_a_short_side_is_one_window(shape: Shape) -> None:
    one, other = waves(shape), waves(shape, slant=5) // 2
    short = min(7, shape[0]), min(7, shape[1])
    views = (np.lib.stride_tricks.sliding_window_view(x.astype(float), short, (0, 1)) for x in (one, other))
    a, b = (view.reshape(*view.shape[:3], -1) for view in views)  # [rows, columns, channels, pixels]
    mean_a, mean_b = a.mean(-1), b.mean(-1)
    covariance = ((a - mean_a[..., None]) * (b - mean_b[..., None])).mean(-1)
    means = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    expected = means * (2 * covariance + C2) / (a.var(-1) + b.var(-1) + C2)
    assert ssim(one, other) == pytest.approx(expected.mean(), abs=1e-9)
    assert ssim(one, one) == pytest.approx(1.0, abs=1e-12)


def test_another_hue_of_the_same_brightness_is_seen() -> None:
    """A grey copy of both would be the same: the red of one is the green of the other."""
    one = noise(16, 16)
    other = one[..., [1, 2, 0]]
    np.testing.assert_array_equal(one.astype(int).sum(-1), other.astype(int).sum(-1))
    assert ssim(one, other) < 0.2
    assert ssim(flat(200, 40, 90), flat(40, 200, 90)) == pytest.approx(
        (2 * (16000 + C1) / (41600 + C1) + 1) / 3, abs=1e-9
    )


def test_every_plane_counts_the_same() -> None:
    """Opacity, too."""
    one = np.concatenate([waves((10, 10, 4)), np.full((10, 10, 1), 255, np.uint8)], axis=-1)
    other = one.copy()
    other[..., 4] = 0
    assert ssim(one, other) == pytest.approx((4 + 6.5025 / 65031.5025) / 5, abs=1e-9)


def test_a_large_picture_is_as_exact_as_a_small_one() -> None:
    """Sums over all that is above and to the left become large; a flat corner must not suffer from it."""
    one = np.full((600, 500, 3), 255, np.uint8)
    other = one.copy()
    other[-1, -1] = 254
    assert ssim(one, one) == 1.0
    window = np.full(49, 255.0)
    window[0] = 254
    means = (2 * 255 * window.mean() + C1) / (255**2 + window.mean() ** 2 + C1)
    rest = C2 / (window.var() + C2)
    windows = 594 * 494
    assert 1 - ssim(one, other) == pytest.approx((1 - means * rest) / windows, rel=1e-3)


# ---- root mean square


def test_rms_by_hand() -> None:
    one = np.array([[[10, 200], [0, 255]]], np.uint8)
    other = np.array([[[13, 196], [0, 255]]], np.uint8)
    assert rms(one, other) == pytest.approx(2.5)  # (9 + 16 + 0 + 0) / 4
    assert rms(other, one) == pytest.approx(2.5)
    assert rms(one, one) == 0.0
    assert rms(flat(0, 0), flat(255, 255)) == 255.0  # not what uint8 would have, which is 1


# ---- textures


def test_texture_distance_is_a_share_of_the_first() -> None:
    """The first is 5 long, and the other 1 away from it."""
    one = np.array([[3.0, 0.0], [0.0, 4.0]])
    other = np.array([[3.0, 0.6], [0.8, 4.0]])
    assert texture_distance(one, other) == pytest.approx(0.2)
    assert texture_distance(2 * one, 2 * other) == pytest.approx(0.2)
    assert texture_distance(one, one) == 0.0
    assert texture_distance(other, one) == pytest.approx(1 / np.sqrt(26))


def test_nothing_is_not_like_something() -> None:
    nothing, something = np.zeros((2, 3)), np.full((2, 3), 1e-3)
    assert texture_distance(nothing, nothing) == 0.0
    assert texture_distance(nothing, something) == 1.0
    assert texture_distance(something, nothing) == pytest.approx(1.0)
