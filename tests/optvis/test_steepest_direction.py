"""Steepest directions: against differentiated parameterizations, and against sums written out."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.colour import colour_matrix
from fvcli.optvis.objectives import channel
from fvcli.optvis.parameterizations import fourier, fourier_scale
from fvcli.optvis.steepest_direction import shown, steepest
from tests.helpers.networks import as_network

METRICS = ["l_inf", "l2", "spatial", "full"]
SIZES = [(8, 8), (6, 10), (9, 8), (8, 9), (7, 13), (33, 20)]


def gradients(height: int, width: int, batch: int = 2, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(batch, height, width, channels)).astype(np.float32)


def differentiated(g: np.ndarray, decorrelate: bool, decay_power: float) -> np.ndarray:
    """Return J J^T g through ``fourier``, which is linear around mid grey where pixels are clipped."""
    made = fourier(*g.shape[1:], decorrelate, decay_power=decay_power, squash="clip")
    (initial,) = made.initial([np.random.default_rng(0)] * len(g))
    numbers = tf.zeros(initial.shape)
    with tf.GradientTape() as tape:
        tape.watch(numbers)
        score = tf.reduce_sum(made.to_image((numbers,)) * g)
    steps = tape.gradient(score, numbers)  # J^T g
    small = 0.01 / tf.reduce_max(tf.abs(made.to_image((steps * 1e-6,)) - 0.5)) * 1e-6
    return (made.to_image((steps * small,)).numpy() - 0.5) / small.numpy()


@pytest.mark.parametrize("decay_power", [1.0, 0.5])
@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("metric", "decorrelate"), [("spatial", False), ("full", True)])
def test_decorrelated_directions_are_those_of_the_parameterization(
    metric, decorrelate, height, width, decay_power
):
    g = gradients(height, width)
    expected = differentiated(g, decorrelate, decay_power)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(steepest(g, metric, decay_power), expected, rtol=0, atol=2e-4 * scale)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (6, 10), (9, 8), (7, 5)])
def test_directions_are_a_a_transposed(height, width):
    """A as a matrix, a column for each coefficient of the spectrum: a cosine or a sine, written out."""
    scale = fourier_scale(height, width, 1.0) / 4.0
    even = 2 * (scale.shape[1] - 1)
    y, x = np.mgrid[:height, :width]
    columns = []
    for (ky, kx), size in np.ndenumerate(scale):
        angle = 2 * np.pi * (ky * y / height + kx * x / even)
        twice = 1.0 if kx in {0, even // 2} else 2.0
        for wave in (np.cos(angle), -np.sin(angle)):
            columns.append((twice * size / (height * even) * wave).ravel())
    matrix = np.stack(columns, axis=1)  # [h w, coefficients]
    g = gradients(height, width)
    expected = np.einsum("ij,bjc->bic", matrix @ matrix.T, g.reshape(2, -1, 3)).reshape(g.shape)
    atol = 1e-6 * np.abs(expected).max()
    np.testing.assert_allclose(steepest(g, "spatial"), expected, rtol=1e-5, atol=atol)
    colours = colour_matrix()
    np.testing.assert_allclose(steepest(g, "full"), expected @ colours @ colours.T, rtol=1e-5, atol=3 * atol)


def test_plain_metrics():
    g = gradients(5, 7)
    g[0, 0, 0, 0] = 0.0
    np.testing.assert_array_equal(steepest(g, "l2"), g)
    np.testing.assert_array_equal(steepest(g, "l_inf"), np.sign(g))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_directions_lead_uphill(metric, height, width):
    g = gradients(height, width, batch=3)
    direction = steepest(g, metric)
    assert direction.shape == g.shape
    assert direction.dtype == np.float32
    assert ((direction * g).sum(axis=(1, 2, 3)) > 0.0).all()


@pytest.mark.parametrize("metric", METRICS)
def test_each_image_has_its_own_direction(metric):
    g = gradients(9, 12, batch=3)
    together = steepest(g, metric)
    for i in range(3):
        np.testing.assert_array_equal(steepest(g[i : i + 1], metric)[0], together[i])


@pytest.mark.parametrize("metric", ["l_inf", "l2", "spatial"])
def test_grey_pictures(metric):
    g = gradients(9, 12, channels=1)
    assert steepest(g, metric).shape == g.shape


def test_low_frequencies_win_where_coordinates_are_decorrelated():
    """Of a gradient of white noise, as many of all frequencies, a smooth picture remains."""
    g = gradients(64, 48)
    rough, smooth = (np.abs(np.diff(steepest(g, metric), axis=1)).mean() for metric in ("l2", "spatial"))
    rough, smooth = rough / np.abs(g).mean(), smooth / np.abs(steepest(g, "spatial")).mean()
    assert smooth < 0.3 * rough


@pytest.mark.parametrize("metric", METRICS)
def test_a_step_raises_the_score_of_the_real_network(model, metric):
    """A short one, of a photo-like picture."""
    network = as_network(model)
    noise = np.random.default_rng(0).random((2, 6, 8, 3), dtype=np.float32)
    images = tf.image.resize(noise, (48, 64), method="bicubic")

    def score(x: tf.Tensor) -> tf.Tensor:
        return channel("block3_expand_bn", 5)(network(x, redirect=False))

    with tf.GradientTape() as tape:
        tape.watch(images)
        before = score(images)
        total = tf.reduce_sum(before)
    direction = steepest(tape.gradient(total, images).numpy(), metric)
    direction /= np.linalg.norm(direction, axis=(1, 2), keepdims=True).max(axis=-1, keepdims=True)
    after = score(images + 0.01 * direction)
    assert (after.numpy() > before.numpy()).all()


# ---- as pictures


def test_shown_around_mid_grey():
    """Zero is mid grey, and each image's 99.5th percentile black or white."""
    directions = gradients(20, 30, batch=3) * np.array([1e-9, 1.0, 1e9], np.float32)[:, None, None, None]
    directions[:, 0, 0] = 0.0
    pictures = shown(directions)
    assert pictures.dtype == np.float32
    assert (pictures[:, 0, 0] == 0.5).all()
    for picture, direction in zip(pictures, directions, strict=True):
        reach = np.percentile(np.abs(direction), 99.5)
        np.testing.assert_allclose(picture, np.clip(0.5 + 0.5 * direction / reach, 0, 1), atol=1e-6)
        assert ((picture == 0.0) | (picture == 1.0)).mean() == pytest.approx(0.005, abs=0.001)


@pytest.mark.parametrize("metric", METRICS)
def test_without_a_gradient_everything_is_mid_grey(metric):
    assert (shown(steepest(np.zeros((2, 7, 9, 3), np.float32), metric)) == 0.5).all()


def test_a_direction_of_a_single_pixel_is_shown():
    directions = np.zeros((1, 40, 40, 3), np.float32)
    directions[0, 3, 4] = [0.2, -0.1, 0.0]
    np.testing.assert_allclose(shown(directions)[0, 3, 4], [1.0, 0.25, 0.5])
