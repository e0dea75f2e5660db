"""Parameterizations and colours against NumPy twins of Lucid's formulas."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.colour import colour_matrix, correlate
from fvcli.optvis.parameterizations import fourier, fourier_scale, pixel
from tests.helpers.parameterization_twins import (
    LUCID_COLOURS,
    assert_images_stand_alone,
    gradients,
    numbers_like,
    picture,
    sigmoid,
    streams,
)

SIZES = [(8, 8), (8, 12), (12, 8), (9, 8), (8, 9), (9, 9), (7, 13), (33, 20)]


def lucid_columns(width: int) -> int:
    """Coefficients of a row of the spectrum: odd widths get one more than a transform of them has."""
    return width // 2 + 1 if width % 2 == 0 else width // 2 + 2


def lucid_scale(height: int, width: int, decay: float = 1.0) -> np.ndarray:
    scale = np.empty((height, lucid_columns(width)))
    for y in range(height):
        for x in range(scale.shape[1]):
            fy, fx = min(y, height - y) / height, min(x, width - x) / width  # folded at Nyquist
            scale[y, x] = np.sqrt(width * height) / max(np.hypot(fx, fy), 1 / max(width, height)) ** decay
    return scale


def lucid_pixels(z: np.ndarray, height: int, width: int, decay: float = 1.0) -> np.ndarray:
    """Return [batch, h, w, channels] before colours and sigmoid, from z [batch, 2, channels, h, F]."""
    spectrum = lucid_scale(height, width, decay) * (z[:, 0] + 1j * z[:, 1])
    full = (height, 2 * (spectrum.shape[-1] - 1))
    pixels = np.fft.irfft2(spectrum, s=full, axes=(-2, -1))[..., :height, :width] / 4.0
    return pixels.transpose(0, 2, 3, 1)


# ---- the Fourier parameterization


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_fourier_is_lucids_formula(height, width):
    made = fourier(height, width, std=0.3)  # a wide range of values, far from a straight sigmoid
    numbers = made.initial(streams("a", "b"))
    (spectrum,) = numbers
    assert spectrum.dtype == np.float32
    assert spectrum.shape == (2, 2, 3, height, lucid_columns(width))
    expected = sigmoid(lucid_pixels(spectrum, height, width) @ LUCID_COLOURS.T)
    np.testing.assert_allclose(picture(made, numbers), expected, atol=2e-5)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_fourier_without_decorrelation(height, width, channels):
    made = fourier(height, width, channels, decorrelate=False)
    numbers = made.initial(streams("a"))
    expected = sigmoid(lucid_pixels(*numbers, height, width))
    assert expected.shape == (1, height, width, channels)
    np.testing.assert_allclose(picture(made, numbers), expected, atol=2e-6)


@pytest.mark.parametrize("channels", [1, 5])
@pytest.mark.parametrize("make", [fourier, pixel])
def test_only_three_channels_are_decorrelated(make, channels):
    numbers = make(8, 9, channels).initial(streams("a"))
    on, off = (picture(make(8, 9, channels, decorrelate=on), numbers) for on in (True, False))
    np.testing.assert_array_equal(on, off)


@pytest.mark.parametrize("decay", [0.0, 0.85, 2.0])
def test_fourier_decays_by_its_power(decay):
    made = fourier(10, 7, decorrelate=False, decay_power=decay)
    numbers = made.initial(streams("a"))
    np.testing.assert_allclose(
        picture(made, numbers), sigmoid(lucid_pixels(*numbers, 10, 7, decay)), atol=1e-5
    )


@pytest.mark.parametrize(("height", "width"), [*SIZES, (128, 128)])
def test_scale_is_lucids(height, width):
    np.testing.assert_allclose(fourier_scale(height, width, 1.0), lucid_scale(height, width), rtol=1e-6)


@pytest.mark.parametrize(
    ("height", "width", "y", "x", "expected"),
    [
        (128, 128, 0, 0, 16384.0),  # mean colour: max(w, h) * sqrt(w h)
        (128, 128, 0, 1, 16384.0),
        (128, 128, 0, 64, 256.0),  # half a cycle a pixel
        (128, 128, 127, 0, 16384.0),  # one cycle, downwards
        (128, 128, 64, 64, 128 / np.sqrt(0.5)),
        (16, 64, 0, 0, 64 * 32.0),
        (16, 64, 1, 0, 16 * 32.0),
        (9, 15, 0, 8, np.sqrt(135) * 15 / 7),  # Lucid's extra column of an odd width
    ],
)
def test_scale_at_a_frequency(height, width, y, x, expected):
    assert fourier_scale(height, width, 1.0)[y, x] == pytest.approx(expected, rel=1e-6)


def test_a_lone_coefficient_is_a_lone_wave():
    numbers = np.zeros((1, 2, 1, 16, 9), np.float32)
    numbers[0, 0, 0, 0, 2] = 0.01
    wave = 2 * 0.01 * 16 / (2 / 16) / (16 * 16) / 4 * np.cos(2 * np.pi * 2 * np.arange(16) / 16)
    found = picture(fourier(16, 16, 1), [numbers])[0, :, :, 0]
    np.testing.assert_allclose(found, np.tile(sigmoid(wave), (16, 1)), atol=1e-6)


def test_a_fourier_picture_starts_almost_grey():
    """Lucid's start at 128 px: a standard deviation of about 0.0029 after the sigmoid."""
    made = fourier(128, 128)
    pictures = picture(made, made.initial(streams(*"abcdefgh")))
    assert pictures.mean() == pytest.approx(0.5, abs=1e-3)
    assert pictures.std() == pytest.approx(0.0029, abs=1.5e-4)


@pytest.mark.parametrize(("height", "width"), [(8, 12), (9, 7)])
def test_fourier_gradient_is_the_adjoint(height, width):
    """At numbers of zero the sigmoid's slope is 1/4, and all that is left is linear."""
    made = fourier(height, width, 1)
    zero = np.zeros((1, 2, 1, height, lucid_columns(width)), np.float32)
    rng = np.random.default_rng(0)
    upstream = rng.normal(size=(1, height, width, 1)).astype(np.float32)
    (found,) = gradients(made, [zero], upstream)
    direction = rng.normal(size=zero.shape)
    expected = (lucid_pixels(direction, height, width) * upstream / 4).sum()
    assert (found * direction).sum() == pytest.approx(expected, rel=1e-4)


# ---- from coarse to fine


def frequencies(height: int, width: int) -> np.ndarray:
    """Return cycles a pixel; the constant counts as the lowest other frequency."""
    table = np.empty((height, lucid_columns(width)))
    for y, x in np.ndindex(*table.shape):
        table[y, x] = max(
            np.hypot(min(y, height - y) / height, min(x, width - x) / width), 1 / max(height, width)
        )
    return table


@pytest.mark.parametrize("make", [fourier, pixel])
def test_all_numbers_move_freely_by_default(make):
    assert make(8, 12).focus is None


@pytest.mark.parametrize(("height", "width"), [(32, 32), (17, 24), (24, 17)])
@pytest.mark.parametrize("done", [0.0, 0.1, 0.3, 0.5, 0.9])
def test_high_frequencies_are_held_back_by_a_bound_that_rises(height, width, done):
    made = fourier(height, width, coarse_until=0.5, coarse_from=0.05)
    bound = 0.05 * (np.sqrt(0.5) / 0.05) ** min(done / 0.5, 1.0)  # exponentially, to the corner
    expected = np.minimum(1.0, (bound / frequencies(height, width)) ** 2)
    np.testing.assert_allclose(made.focus(tf.constant([done]))[0][0, 0, 0], expected, rtol=1e-5)


def test_each_image_is_held_back_by_where_it_stands():
    made = fourier(9, 12, coarse_until=0.5)
    shares = [0.0, 0.9, 0.2]
    (together,) = made.focus(tf.constant(shares))
    assert together.shape == (3, 1, 1, *made.initial(streams("a"))[0].shape[-2:])
    for found, share in zip(together, shares, strict=True):
        np.testing.assert_array_equal(found, made.focus(tf.constant([share]))[0][0])


def test_coarse_to_fine_changes_neither_start_nor_picture():
    plain, coarse = fourier(9, 12), fourier(9, 12, coarse_until=0.5)
    numbers = plain.initial(streams("a"))
    np.testing.assert_array_equal(coarse.initial(streams("a")), numbers)
    np.testing.assert_array_equal(picture(coarse, numbers), picture(plain, numbers))


# ---- numbers that play the same part


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_numbers_of_a_band_share_their_mean(height, width):
    """Of one image and colour, real and imaginary part; equal frequencies are in one band."""
    made = fourier(height, width)
    values = np.random.default_rng(0).random((2, *made.initial(streams("a"))[0].shape[1:]), np.float32)
    found = np.broadcast_to(made.pool((tf.constant(values),))[0].numpy(), values.shape)
    frequency = np.round(frequencies(height, width), 6)
    for n in range(2):
        for colour in range(3):
            mine, pooled = values[n, :, colour], found[n, :, colour]
            for mean in np.unique(pooled):
                assert mine[pooled == mean].mean() == pytest.approx(mean, rel=1e-4)
            for one in np.unique(frequency):
                assert len(np.unique(pooled[:, frequency == one])) == 1
    order = np.argsort(frequency.ravel())
    changes = np.diff(found[0, 0, 0].ravel()[order]) != 0  # bands are intervals of frequency
    assert 1 < len(np.unique(found[0, :, 0])) == changes.sum() + 1 <= 24


def test_pixels_of_a_colour_share_their_mean():
    values = np.random.default_rng(0).random((2, 8, 11, 3), np.float32)
    found = pixel(8, 11).pool((tf.constant(values),))[0].numpy()
    np.testing.assert_allclose(found, values.mean((1, 2), keepdims=True), rtol=1e-5)


# ---- pixels


def test_pixel_is_colours_and_sigmoid():
    made = pixel(8, 11, std=2.0)
    (numbers,) = made.initial(streams("a", "b"))
    assert numbers.dtype == np.float32
    assert numbers.shape == (2, 8, 11, 3)
    np.testing.assert_allclose(picture(made, [numbers]), sigmoid(numbers @ LUCID_COLOURS.T), atol=2e-6)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_pixel_without_decorrelation_is_a_sigmoid(channels):
    made = pixel(8, 11, channels, decorrelate=False)
    numbers = made.initial(streams("a"))
    np.testing.assert_allclose(picture(made, numbers), sigmoid(*numbers), atol=2e-6)


# ---- both


@pytest.mark.parametrize("make", [fourier, pixel])
@pytest.mark.parametrize("std", [0.01, 0.5])
def test_initial_numbers_are_normal(make, std):
    (numbers,) = make(32, 32, std=std).initial(streams("a", "b", "c"))
    assert numbers.mean() == pytest.approx(0.0, abs=0.05 * std)
    assert numbers.std() == pytest.approx(std, rel=0.05)


@pytest.mark.parametrize("make", [fourier, pixel])
@pytest.mark.parametrize("std", [0.01, 1.0, 1e4])
def test_pictures_are_finite_and_within_zero_and_one(make, std):
    made = make(9, 12, std=std)
    pictures = picture(made, made.initial(streams("a", "b")))
    assert np.isfinite(pictures).all()
    assert pictures.min() >= 0.0
    assert pictures.max() <= 1.0


@pytest.mark.parametrize("make", [fourier, pixel])
def test_an_image_depends_on_its_own_stream_only(make):
    made = make(9, 12)
    (batch,) = made.initial(streams("a", "b", "c"))
    for i, name in enumerate("abc"):
        np.testing.assert_array_equal(batch[i], made.initial(streams(name))[0][0])
    np.testing.assert_array_equal(batch[1], made.initial(streams("x", "b"))[0][1])
    assert not np.array_equal(batch[0], batch[1])


@pytest.mark.parametrize("make", [fourier, pixel])
def test_pictures_of_a_batch_do_not_mix(make):
    assert_images_stand_alone(make(9, 12), numbers_like(make(9, 12).initial(streams("a", "b", "c")), 0))


# ---- from a given picture


@pytest.mark.parametrize("make", [fourier, pixel])
@pytest.mark.parametrize("squash", ["sigmoid", "clip"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_picture_comes_back(make, squash, channels, height, width):
    made = make(height, width, channels, squash=squash)
    given = np.random.default_rng(0).random((3, height, width, channels), np.float32)
    given[1:] = np.array([0.0, 1.0])[:, None, None, None]  # black, and white
    found = picture(made, made.from_image(given))
    assert np.abs(found - given).max() < 1 / 255


@pytest.mark.parametrize("make", [fourier, pixel])
def test_a_clipped_picture_can_leave_the_edge_of_its_range(make):
    """Of black and white, what would go on outward has no gradient, and what comes back in has."""
    made = make(8, 8, 1, squash="clip")
    numbers = made.from_image(np.array([[-0.5], [1.5]])[:, :, None, None] * np.ones((2, 8, 8, 1)))
    outward = np.array([1.0, -1.0])[:, None, None, None] * np.ones((2, 8, 8, 1))  # of a loss that falls
    assert not gradients(made, numbers, outward)[0].any()
    for found in gradients(made, numbers, -outward)[0]:
        assert np.abs(found).max() > 0.0


# ---- colours


def test_colour_matrix_is_the_published_one():
    np.testing.assert_allclose(colour_matrix(), LUCID_COLOURS, atol=1e-7)


def test_longest_column_of_the_colour_matrix_has_length_one():
    lengths = np.linalg.norm(colour_matrix(), axis=0)
    assert lengths.max() == pytest.approx(1.0, rel=1e-6)
    assert lengths.argmax() == 0  # brightness varies most


def test_correlate_maps_the_first_axis_to_grey_and_the_others_to_colour():
    axes = tf.constant(np.eye(3, dtype=np.float32)[None, None])  # three pixels, one an axis
    np.testing.assert_allclose(correlate(axes)[0, 0], LUCID_COLOURS.T, atol=1e-7)
