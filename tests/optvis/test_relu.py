"""Redirected ReLUs: Lucid's table, which images are redirected, and the switch inside a network."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.relu import relu
from tests.helpers.networks import as_network

# max_value, gradient in, x -> gradient out while redirecting, and afterwards
TABLE = [
    (None, 1.0, -1.0, 0.0, 0.0),
    (None, -1.0, -1.0, -1.0, 0.0),
    (None, 1.0, 1.0, 1.0, 1.0),
    (None, -1.0, 1.0, -1.0, -1.0),
    (6.0, 1.0, -1.0, 0.0, 0.0),
    (6.0, -1.0, -1.0, -1.0, 0.0),
    (6.0, 1.0, 1.0, 1.0, 1.0),
    (6.0, -1.0, 1.0, -1.0, -1.0),
    (6.0, 1.0, 7.0, 1.0, 0.0),
    (6.0, -1.0, 7.0, 0.0, 0.0),
]

# The first image is silent at this ReLU, the second is not: (1, 0) of it lets a gradient through.
DEAD_AND_ALIVE = np.array([[[-1.0, -2.0], [-3.0, -4.0]], [[-1.0, -2.0], [3.0, -4.0]]], np.float32)
UPSTREAM = np.array([[[1.0, -1.0], [-2.0, 2.0]], [[1.0, -1.0], [-2.0, 2.0]]], np.float32)


def gradient(x: np.ndarray, upstream: np.ndarray, redirect: bool, max_value: float | None) -> np.ndarray:
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        y = relu(tensor, redirect, max_value)
    return tape.gradient(y, tensor, tf.constant(upstream)).numpy()


@pytest.mark.parametrize(("max_value", "upstream", "x", "redirected", "afterwards"), TABLE)
def test_lucids_table(max_value, upstream, x, redirected, afterwards):
    of_one = np.full((1, 1), x, np.float32), np.full((1, 1), upstream, np.float32)
    assert gradient(*of_one, True, max_value) == redirected
    assert gradient(*of_one, False, max_value) == afterwards


@pytest.mark.parametrize("redirect", [True, False])
def test_values_are_those_of_a_relu(redirect):
    x = np.linspace(-9, 9, 73, dtype=np.float32).reshape(1, 73)
    for top in (None, 6.0, 2.5):
        np.testing.assert_array_equal(relu(tf.constant(x), redirect, top), np.clip(x, 0, top))


@pytest.mark.parametrize("max_value", [None, 6.0])
def test_only_wholly_silent_images_are_redirected(max_value):
    found = gradient(DEAD_AND_ALIVE, UPSTREAM, True, max_value)
    np.testing.assert_array_equal(found[0], [[0.0, -1.0], [-2.0, 0.0]])  # pushed up passes, down does not
    np.testing.assert_array_equal(found[1], [[0.0, 0.0], [-2.0, 0.0]])  # the plain gradient


@pytest.mark.parametrize("max_value", [None, 6.0])
def test_nobody_is_redirected_afterwards(max_value):
    found = gradient(DEAD_AND_ALIVE, UPSTREAM, False, max_value)
    assert not found[0].any()
    np.testing.assert_array_equal(found[1], [[0.0, 0.0], [-2.0, 0.0]])


def test_an_image_is_alive_only_where_a_gradient_arrives():
    """A positive value without a gradient of its own does not count: the gradient is what is silent."""
    found = gradient(np.array([[5.0, -1.0]], np.float32), np.array([[0.0, -1.0]], np.float32), True, None)
    np.testing.assert_array_equal(found, [[0.0, -1.0]])


def test_saturated_relu6_is_silent_too():
    x, upstream = np.array([[7.0, 8.0]], np.float32), np.array([[2.0, -3.0]], np.float32)
    np.testing.assert_array_equal(gradient(x, upstream, True, 6.0), [[2.0, 0.0]])


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4, 5)])
def test_vectors_and_maps(shape):
    x = -np.ones(shape, np.float32)
    x[1] = 1.0
    found = gradient(x, -np.ones(shape, np.float32), True, None)
    np.testing.assert_array_equal(found, -np.ones(shape))


# ---- inside of a network


def small_network(max_value: float | None) -> keras.Model:
    """Return conv (weight one, bias -2) and ReLU: silent for pictures below (2 + 1) / 2 of 0 to 1."""
    image = keras.Input((None, None, 1), name="input")
    conv = keras.layers.Conv2D(1, 1, name="conv")(image)
    cut = keras.layers.ReLU(max_value=max_value, name="relu")(conv)
    model = keras.Model(image, {"conv": conv, "relu": cut})
    model.get_layer("conv").set_weights([np.ones((1, 1, 1, 1)), np.full(1, -2.0)])
    return model


@pytest.mark.parametrize("max_value", [None, 6.0])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_switch_of_a_network(max_value, jit_compile):
    network = as_network(small_network(max_value), (-1.0, 1.0))
    images = tf.constant([0.25, 1.75], shape=(2, 1, 1, 1))  # -0.5 and 2.5 for the network

    @tf.function(autograph=False, jit_compile=jit_compile)
    def look(redirect):
        with tf.GradientTape() as tape:
            tape.watch(images)
            acts = network(images, redirect)("relu")
            loss = -tf.reduce_sum(acts)
        return acts, tape.gradient(loss, images)

    for redirect, expected in ((True, [-2.0, -2.0]), (False, [0.0, -2.0]), (True, [-2.0, -2.0])):
        acts, found = look(redirect)
        np.testing.assert_array_equal(np.ravel(acts), [0.0, 0.5])
        np.testing.assert_array_equal(np.ravel(found), expected)  # times 2, the width of -1 to 1
    assert look.experimental_get_tracing_count() == 2  # one graph redirects, one does not


def test_a_network_leaves_the_model_and_its_weights_alone():
    model = small_network(6.0)
    image = tf.constant(1.75, shape=(1, 1, 1, 1))
    before = model(2 * image - 1)
    as_network(model)(image, redirect=True)("relu")
    assert type(model.get_layer("relu")) is keras.layers.ReLU
    np.testing.assert_array_equal(before["relu"], model(2 * image - 1)["relu"])


def test_redirection_changes_no_value(model):
    images = tf.random.stateless_uniform((2, 40, 32, 3), (3, 4))
    network = as_network(model)
    for name in ("stem", "block1_expand", "block1_dw"):
        found = [network(images, redirect)(name) for redirect in (True, False)]
        np.testing.assert_array_equal(*found)
