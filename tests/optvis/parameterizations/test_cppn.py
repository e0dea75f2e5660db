"""Pictures as functions of place: formulas, sizes, what they can learn."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.parameterizations import between, cppn
from fvcli.optvis.parameterizations.cppn import ACTIVATIONS as OURS
from tests.helpers.parameterization_twins import (
    assert_gradients_are_finite,
    assert_images_stand_alone,
    fit,
    numbers_like,
    picture,
    sigmoid,
    streams,
    tensors,
)

SIZES = [(8, 8), (12, 20), (17, 12), (1, 9), (1, 1)]


def places(height: int, width: int) -> np.ndarray:
    """Return x and y, [h, w, 2]: the longer side goes from -sqrt 3 to sqrt 3, with pixels as wide as high."""
    table = np.zeros((height, width, 2))
    longer = max(height, width, 2)
    for row, column in np.ndindex(height, width):
        across, down = column - (width - 1) / 2, row - (height - 1) / 2
        table[row, column] = np.array([across, down]) * 2 * np.sqrt(3) / (longer - 1)
    return table


ACTIVATIONS = {
    "composite": lambda x: np.concatenate([np.arctan(x) / 0.67, np.arctan(x) ** 2 / 0.6], -1),
    "unbiased": lambda x: np.concatenate([np.arctan(x) / 0.67, (np.arctan(x) ** 2 - 0.45) / 0.396], -1),
    "relu": lambda x: (np.maximum(x, 0) - 0.40) / 0.58,
}


def twin(numbers: list[np.ndarray], height: int, width: int, activation: str) -> np.ndarray:
    net = places(height, width)[None]
    for i in range(0, len(numbers), 2):
        weights, bias = (array.astype(np.float64)[:, None] for array in numbers[i : i + 2])
        net = net @ weights + bias
        if i < len(numbers) - 2:
            net = ACTIVATIONS[activation](net)
    return sigmoid(net)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("batch", [1, 3])
def test_cppn_is_its_twin(activation, height, width, batch):
    made = cppn(height, width, layers=3, width=5, activation=activation)
    numbers = numbers_like(made.initial(streams(*"abc"[:batch])), 0, 0.5)
    found = picture(made, numbers)
    assert found.shape == (batch, height, width, 3)
    np.testing.assert_allclose(found, twin(numbers, height, width, activation), atol=2e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_keep_mean_and_deviation(activation):
    """Of x from N(0, 1); ``composite`` is scaled, but not centred."""
    activate, channels = OURS[activation]
    found = activate(tf.constant(np.random.default_rng(0).normal(size=(10**6, 1)))).numpy()
    assert found.shape[1] == channels
    scale = np.sqrt((found**2).mean(axis=0)) if activation == "composite" else found.std(axis=0)
    np.testing.assert_allclose(scale, 1.0, atol=0.02)
    if activation != "composite":
        np.testing.assert_allclose(found.mean(axis=0), 0.0, atol=0.01)


def test_by_default_there_are_eight_layers_of_24_that_double():
    made = cppn(8, 8)
    numbers = made.initial(streams("a", "b"))
    shapes = [(2, 2, 24)] + [(2, 48, 24)] * 7 + [(2, 48, 3)]
    assert [array.shape for array in numbers[::2]] == shapes
    assert [array.shape for array in numbers[1::2]] == [(2, 1, 24)] * 8 + [(2, 1, 3)]
    assert made.parts == 18


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_cppn_starts_as_mid_grey(activation):
    made = cppn(9, 14, activation=activation)
    assert (picture(made, made.initial(streams("a", "b"))) == 0.5).all()


def test_weights_start_normal_and_biases_at_zero():
    numbers = cppn(8, 8, width=200, layers=3, activation="relu", std=1.5).initial(streams("a"))
    for weights in numbers[:-2:2]:
        deviation = 1.5 / np.sqrt(weights.shape[1])
        assert weights.std() == pytest.approx(deviation, rel=0.1)
        assert weights.mean() == pytest.approx(0.0, abs=0.2 * deviation)
    assert not any(bias.any() for bias in numbers[1::2])


def test_every_image_has_weights_from_its_own_stream():
    batch = cppn(8, 8).initial(streams("a", "b", "c"))
    for i, name in enumerate("abc"):
        for array, one in zip(batch, cppn(8, 8).initial(streams(name)), strict=True):
            np.testing.assert_array_equal(array[i], one[0])
    assert not np.array_equal(batch[0][0], batch[0][1])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_images_stand_alone(activation):
    made = cppn(9, 14, layers=3, width=8, activation=activation)
    assert_images_stand_alone(made, numbers_like(made.initial(streams("a", "b", "c")), 0, 0.2))


@pytest.mark.parametrize("activation", ["composite", "unbiased"])
def test_gradients_are_finite(activation):
    made = cppn(9, 14, activation=activation)
    assert_gradients_are_finite(made, made.initial(streams("a", "b")))


def test_only_the_last_layer_has_a_gradient_at_the_start():
    """It is zero, and so lets none through; from the second step on all layers move."""
    made = cppn(9, 14)
    numbers = tensors(made.initial(streams("a")))
    with tf.GradientTape() as tape:
        tape.watch(numbers)
        images = made.to_image(numbers)
    *hidden, weights, bias = tape.gradient(images, numbers)
    assert not any(gradient.numpy().any() for gradient in hidden)
    assert weights.numpy().any()
    assert bias.numpy().any()


# ---- sizes


@pytest.mark.parametrize(("height", "width"), [(9, 14), (40, 31), (290, 301), (2, 70_000)])
def test_a_picture_is_rendered_at_any_size(height, width):
    """In one strip, in two of which the last goes on below the picture, and in strips of one long row."""
    made, again = (cppn(*size, layers=2, width=4) for size in ((9, 14), (height, width)))
    numbers = numbers_like(made.initial(streams("a", "b")), 0, 0.5)
    found = tf.function(made.larger(height, width))(tensors(numbers))
    np.testing.assert_allclose(found, picture(again, numbers), rtol=1e-5)


def test_a_larger_picture_shows_the_same():
    made = cppn(9, 13)
    numbers = numbers_like(made.initial(streams("a")), 0, 0.2)
    larger = made.larger(4 * 8 + 1, 4 * 12 + 1)(tensors(numbers)).numpy()
    np.testing.assert_allclose(larger[:, ::4, ::4], picture(made, numbers), atol=1e-5)


# ---- films


def test_a_blend_begins_and_ends_with_the_two():
    first, second = (tensors(cppn(9, 14).initial(streams(name))) for name in "ab")
    for t, expected in ((0.0, first), (1.0, second)):
        for found, array in zip(between(first, second, t), expected, strict=True):
            np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("tau", [0.1, 0.25, 0.5, 0.8])
def test_a_blend_is_the_notebooks_formula(tau):
    first, second = (cppn(9, 14).initial(streams(name)) for name in "ab")
    t = (1 - np.cos(2 * np.pi * tau)) / 2
    for found, p1, p2 in zip(between(first, second, t), first, second, strict=True):
        np.testing.assert_allclose(found, (p1 * (1 - t) + p2 * t) * (1 + t * (1 - t)), rtol=1e-6)


# ---- what it can learn


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_cppn_learns_xor(activation):
    """The four corners are a picture of 2 x 2 pixels: no function of x plus one of y has it."""
    xor = np.array([[0.0, 1.0], [1.0, 0.0]], np.float32)[None, :, :, None]
    found = fit(cppn(2, 2, 1, activation=activation), xor, learning_rate=0.005, steps=200)
    assert np.abs(found - xor).max() < 0.02


def test_a_large_cppn_has_xor_in_its_corners():
    """Its pixels in between are free: only the corners are compared."""
    corners = np.zeros((1, 15, 15, 1), np.float32)
    corners[:, [0, 0, -1, -1], [0, -1, 0, -1]] = 1.0
    xor = np.zeros((1, 15, 15, 1), np.float32)
    xor[:, [0, -1], [-1, 0]] = 1.0
    found = fit(cppn(15, 15, 1), xor, learning_rate=0.005, steps=200, weight=corners)
    assert (np.abs(found - xor) * corners).max() < 0.02
