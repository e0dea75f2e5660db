"""Pad, jitter, crop, scale, rotate, affine and flip against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvcli.optvis.transforms import (
    affine,
    crop,
    flip,
    jitter,
    pad,
    rotate,
    scale,
)
from tests.helpers.view_twins import LAST, LUCID_DEGREES, apply, bilinear, gradient, images, nth_of

LUCID_FACTORS = [1 + (i - 5) / 50 for i in range(11)]


# ---- NumPy twins


def legacy_bilinear(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """TensorFlow 1's resize_bilinear: pixel i of the output lies at i * (old size / new size)."""

    def places(old: int, new: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        at = np.arange(new, dtype=np.float32) * np.float32(old / new)
        low = np.floor(at).astype(int)
        return low, np.minimum(low + 1, old - 1), at - low

    top, bottom, down = places(image.shape[0], height)
    left, right, along = places(image.shape[1], width)
    down, along = down[:, None, None], along[None, :, None]
    upper = image[top][:, left] * (1 - along) + image[top][:, right] * along
    lower = image[bottom][:, left] * (1 - along) + image[bottom][:, right] * along
    return upper * (1 - down) + lower * down


def lucid_matrix(degrees: float, height: int, width: int) -> np.ndarray:
    """The 3 x 3 matrix of tf.contrib.image.rotate at Lucid's angle: view (x, y, 1) -> source."""
    angle = 3.14 * degrees / 180
    c, s, h, w = np.cos(angle), np.sin(angle), height - 1, width - 1
    return np.array([[c, -s, (w - (c * w - s * h)) / 2], [s, c, (h - (s * w + c * h)) / 2], [0, 0, 1]])


def source_of(matrix: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return source y and x of every pixel of a view."""
    y, x = np.mgrid[:height, :width]
    found = matrix @ np.stack([x.ravel(), y.ravel(), np.ones(height * width)])
    return found[1].reshape(height, width), found[0].reshape(height, width)


def nearest(image: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the view with black outside, and which of its pixels are no tie between two of the source."""
    height, width = image.shape[:2]
    y, x = source_of(matrix, height, width)
    clear = (np.abs(y % 1 - 0.5) > 1e-3) & (np.abs(x % 1 - 0.5) > 1e-3)
    row, column = np.floor(y + 0.5).astype(int), np.floor(x + 0.5).astype(int)
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    view = image[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)] * inside[..., None]
    return view, clear


# ---- pad


def test_pad_adds_grey_on_every_side():
    pictures = images()
    found = apply(pad(3), pictures, np.zeros((2, 0)))
    expected = np.full((2, 17, 20, 3), 0.5, np.float32)
    expected[:, 3:-3, 3:-3] = pictures
    np.testing.assert_array_equal(found, expected)


def test_pad_with_another_grey():
    assert (apply(pad(2, value=0.25), images(), np.zeros((2, 0)))[:, :2] == 0.25).all()


def test_pad_reflects_without_repeating_the_edge():
    pictures = images()
    expected = np.pad(pictures, [(0, 0), (4, 4), (4, 4), (0, 0)], mode="reflect")
    np.testing.assert_array_equal(apply(pad(4, "reflect"), pictures, np.zeros((2, 0))), expected)


def test_pads_gradient_drops_the_border():
    upstream = images(2, 15, 18)
    found = gradient(pad(2), images(), np.zeros((2, 0)), upstream)
    np.testing.assert_array_equal(found, upstream[:, 2:-2, 2:-2])


# ---- jitter


@pytest.mark.parametrize("px", [1, 4, 8])
def test_jitter_is_a_crop_and_reaches_every_offset(px):
    pictures = images(1)
    for y in range(px + 1):
        for x in range(px + 1):
            found = apply(jitter(px), pictures, [[nth_of(y, px + 1), nth_of(x, px + 1)]])
            np.testing.assert_array_equal(found, pictures[:, y : y + 11 - px, x : x + 14 - px])


@pytest.mark.parametrize("px", [1, 3, 4, 7, 8, 12, 16])
def test_extreme_draws_reach_the_extreme_offsets_and_no_further(px):
    pictures = images(1, 20, 23)
    np.testing.assert_array_equal(apply(jitter(px), pictures, [[0, LAST]]), pictures[:, :-px, px:])
    np.testing.assert_array_equal(apply(jitter(px), pictures, [[LAST, 0]]), pictures[:, px:, :-px])


def test_jitters_offsets_are_equally_likely():
    rows = np.tile(np.arange(8, dtype=np.float32)[None, :, None, None], (3000, 1, 8, 1))
    draws = np.random.default_rng(0).random((3000, 2), dtype=np.float32)
    counts = np.bincount(apply(jitter(4), rows, draws)[:, 0, 0, 0].astype(int), minlength=5)
    assert len(counts) == 5
    assert np.abs(counts - 600).max() < 5 * np.sqrt(600)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 8), st.floats(0, LAST, width=32), st.floats(0, LAST, width=32))
def test_jitters_gradient_is_the_exact_adjoint(px, y, x):
    pictures = images(1)
    upstream = images(1, 11 - px, 14 - px)
    top, left = int(y * (px + 1)), int(x * (px + 1))
    expected = np.zeros_like(pictures)
    expected[:, top : top + 11 - px, left : left + 14 - px] = upstream
    np.testing.assert_array_equal(gradient(jitter(px), pictures, [[y, x]], upstream), expected)


# ---- crop


@pytest.mark.parametrize("px", [1, 2, 5])
def test_crop_cuts_every_side(px):
    pictures = images()
    found = apply(crop(px), pictures, np.zeros((2, 0)))
    np.testing.assert_array_equal(found, pictures[:, px : 11 - px, px : 14 - px])


@pytest.mark.parametrize("mode", ["constant", "reflect"])
def test_crop_takes_off_what_pad_put_on(mode):
    pictures = images()
    padded = apply(pad(4, mode), pictures, np.zeros((2, 0)))
    np.testing.assert_array_equal(apply(crop(4), padded, np.zeros((2, 0))), pictures)


def test_crops_gradient_is_zero_on_the_border():
    upstream = images(2, 5, 8)
    found = gradient(crop(3), images(), np.zeros((2, 0)), upstream)
    np.testing.assert_array_equal(found, np.pad(upstream, [(0, 0), (3, 3), (3, 3), (0, 0)]))


# ---- scale


def test_scale_resamples_as_tensorflow_1():
    """The published table: 4 to 3 of arange(16), without half-pixel centres."""
    picture = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    found = apply(scale([0.75]), picture, [0.5])[0, :, :, 0]
    expected = [[0, 1.3333, 2.6667], [5.3333, 6.6667, 8], [10.6667, 12, 13.3333]]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("factor", [0.5, 0.75, 0.9, 0.98, 1.0, 1.02, 1.1, 1.7])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (11, 17)])
def test_scale_is_its_twin(factor, height, width):
    pictures = images(2, height, width)
    found = apply(scale([factor]), pictures, [0.0])
    size = int(np.float32(factor) * np.float32(height)), int(np.float32(factor) * np.float32(width))
    np.testing.assert_allclose(found, [legacy_bilinear(image, *size) for image in pictures], atol=1e-5)


@pytest.mark.parametrize("i", range(11))
def test_scale_reaches_every_factor(i):
    transform = scale(LUCID_FACTORS)
    found = apply(transform, images(1, 100, 50, 1), [nth_of(i, 11)]).shape[1:3]
    assert found == apply(scale([LUCID_FACTORS[i]]), images(1, 100, 50, 1), [0.0]).shape[1:3]


def test_scales_gradient_is_the_adjoint():
    rng = np.random.default_rng(0)
    direction, upstream = rng.normal(size=(1, 11, 14, 3)), rng.normal(size=(1, 9, 12, 3)).astype(np.float32)
    found = gradient(scale([0.88]), images(1), [0.5], upstream)
    forward = legacy_bilinear(direction[0], 9, 12)
    assert (found * direction).sum() == pytest.approx((forward * upstream).sum(), rel=1e-4)


# ---- rotate


@pytest.mark.parametrize("degrees", [-80.0, -10.0, -3.0, 0.0, 1.0, 7.0, 10.0, 45.0, 170.0])
@pytest.mark.parametrize(("height", "width"), [(24, 24), (25, 25), (21, 32)])
def test_rotate_takes_the_nearest_pixel_and_fills_with_black(degrees, height, width):
    pictures = images(1, height, width)
    found = apply(rotate([degrees]), pictures, [[0.5]])[0]
    expected, clear = nearest(pictures[0], lucid_matrix(degrees, height, width))
    assert clear.mean() > 0.98
    np.testing.assert_array_equal(found[clear], expected[clear])


def test_rotating_by_zero_changes_nothing():
    pictures = images(2, 21, 32)
    np.testing.assert_array_equal(apply(rotate([0.0]), pictures, [[0.1], [0.9]]), pictures)


def test_corners_of_a_rotated_picture_are_black():
    found = apply(rotate([10.0]), np.ones((1, 40, 40, 3), np.float32), [[0.0]])[0]
    assert not found[[0, 0, -1, -1], [0, -1, 0, -1]].any()
    assert (found[10:30, 10:30] == 1.0).all()


def test_lucids_angles_are_a_little_short_of_degrees():
    """With 3.14 for pi, a full turn lacks 0.0032: 1.9 pixels at a distance of 600."""
    wide = np.zeros((1, 9, 1201, 1), np.float32)
    wide[0, 4] = 1.0
    found = apply(rotate([360.0]), wide, [[0.0]])[0, :, :, 0]
    assert [found[:, x].argmax() for x in (0, 600, 1200)] == [2, 4, 6]


@pytest.mark.parametrize("i", [0, 5, 10, 20, 21, 25])
def test_rotate_reaches_every_angle(i):
    pictures = images(1, 24, 24)
    one = apply(rotate([LUCID_DEGREES[i]]), pictures, [[0.0]])
    np.testing.assert_array_equal(apply(rotate(LUCID_DEGREES), pictures, [[nth_of(i, 26)]]), one)


@pytest.mark.parametrize("count", [1, 3, 5, 7, 11, 17, 25, 26, 33, 75])
def test_the_last_draw_chooses_the_last_entry(count):
    degrees = [0.0] * (count - 1) + [30.0]
    one = apply(rotate([30.0]), images(1), [[0.0]])
    np.testing.assert_array_equal(apply(rotate(degrees), images(1), [[LAST]]), one)


def test_rotates_gradient_turns_back():
    """As in TensorFlow 1: the gradient is resampled by the inverse matrix, nearest pixel, zero outside."""
    upstream = images(1, 24, 24)
    found = gradient(rotate([7.0]), images(1, 24, 24), [[0.5]], upstream)[0]
    expected, clear = nearest(upstream[0], np.linalg.inv(lucid_matrix(7.0, 24, 24)))
    np.testing.assert_array_equal(found[clear], expected[clear])


# ---- affine


def affine_twin(
    image: np.ndarray, angle: float, factor: float, shift: tuple[float, float], crop_px: int, fill: float
) -> np.ndarray:
    """Turn by the angle in radians, magnify, and move the window by shift (y, x) source pixels."""
    height, width = image.shape[:2]
    y, x = np.mgrid[: height - crop_px, : width - crop_px].astype(float)
    y, x = (y - (height - crop_px - 1) / 2) / factor, (x - (width - crop_px - 1) / 2) / factor
    down = np.sin(angle) * x + np.cos(angle) * y + (height - 1) / 2 + shift[0]
    along = np.cos(angle) * x - np.sin(angle) * y + (width - 1) / 2 + shift[1]
    return bilinear(image, down, along, fill)


@pytest.mark.parametrize("crop_px", [0, 4, 5])
@pytest.mark.parametrize("fill", [0.0, 0.5])
@pytest.mark.parametrize("draws", [(0.5, 0.5, 0.5, 0.5), (0, 0, 0, 0), (LAST, 1, 1, 1), (0.3, 0.8, 0.1, 0.6)])
def test_affine_is_its_twin(crop_px, fill, draws):
    pictures = images(1, 21, 26)
    found = apply(affine(15.0, (0.8, 1.3), 6.0, crop_px, fill), pictures, [draws])[0]
    angle, zoom, down, along = draws
    expected = affine_twin(
        pictures[0],
        np.radians(15.0) * (2 * angle - 1),
        0.8 ** (1 - zoom) * 1.3**zoom,  # log-uniform
        (6.0 * (2 * down - 1), 6.0 * (2 * along - 1)),
        crop_px,
        fill,
    )
    np.testing.assert_allclose(found, expected, atol=2e-4)


@pytest.mark.parametrize("crop_px", [0, 4, 10])
def test_affines_central_draws_are_a_central_crop(crop_px):
    pictures = images(2, 21, 26)
    found = apply(affine(10.0, (0.8, 1.25), 8.0, crop_px), pictures, np.full((2, 4), 0.5))
    half = crop_px // 2
    np.testing.assert_allclose(found, pictures[:, half : 21 - half, half : 26 - half], atol=1e-5)


def test_affine_without_ranges_ignores_its_draws():
    pictures = images(2, 21, 26)
    found = apply(affine(0.0, (1.0, 1.0), 0.0), pictures, np.random.default_rng(0).random((2, 4)))
    np.testing.assert_array_equal(found, pictures)


def test_affine_shifts_by_whole_pixels_and_fills_outside():
    pictures = images(1, 10, 12)
    found = apply(affine(0.0, (1.0, 1.0), 4.0, fill=0.25), pictures, [[0, 0, 0.25, 1.0]])[0]
    assert (found[:2] == 0.25).all()  # two pixels above the picture
    assert (found[:, 8:] == 0.25).all()  # four to the right of it
    np.testing.assert_array_equal(found[2:, :8], pictures[0, :-2, 4:])


def test_affine_magnifies_above_one():
    dot = np.zeros((1, 41, 41, 1), np.float32)
    dot[:, 16:25, 16:25] = 1.0
    large, small = (apply(affine(0.0, (f, f), 0.0, fill=0.0), dot, [[0.5] * 4]).sum() for f in (2.0, 0.5))
    assert large == pytest.approx(4 * 81, rel=0.15)
    assert small == pytest.approx(81 / 4, rel=0.3)  # every second pixel: 5 x 5


def test_affines_gradient_turns_back():
    """At one size the gradient is resampled by the inverse; what lies outside adds nothing."""
    upstream = images(1, 20, 20)
    found = gradient(affine(90.0, (1.0, 1.0), 0.0), images(1, 20, 20), [[1.0, 0.5, 0.5, 0.5]], upstream)
    np.testing.assert_allclose(found[0], np.rot90(upstream[0], -1), atol=1e-4)


def test_affines_gradient_is_close_to_the_adjoint():
    """Checked where it can be: on smooth pictures that do not reach the border."""
    y, x = np.mgrid[:48, :48]
    blob = np.exp(-((y - 22) ** 2 + (x - 27) ** 2) / 60)[None, ..., None].astype(np.float32)
    upstream = np.exp(-((y - 25) ** 2 + (x - 21) ** 2) / 60)[None, ..., None].astype(np.float32)
    turn, draws = affine(10.0, (1.0, 1.0), 3.0), [[0.2, 0.5, 0.9, 0.3]]
    found = gradient(turn, blob, draws, upstream)
    assert (found * blob).sum() == pytest.approx((apply(turn, blob, draws) * upstream).sum(), rel=0.01)


# ---- flip


def test_flip_mirrors_left_to_right_at_draws_below_one_half():
    pictures = images(4)
    found = apply(flip(), pictures, [[0.0], [0.49], [0.5], [LAST]])
    np.testing.assert_array_equal(found[:2], pictures[:2, :, ::-1])
    np.testing.assert_array_equal(found[2:], pictures[2:])


def test_flips_gradient_is_mirrored_back():
    upstream = images(2)
    found = gradient(flip(), images(2), [[0.1], [0.9]], upstream)
    np.testing.assert_array_equal(found[0], upstream[0, :, ::-1])
    np.testing.assert_array_equal(found[1], upstream[1])
