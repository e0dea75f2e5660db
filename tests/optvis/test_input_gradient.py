"""The gradient of a convolution is TensorFlow's, whatever its kernel, stride, padding and size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from fvcli.optvis.calls import Linear
from fvcli.optvis.input_gradient import Phases

SIDES = st.integers(1, 5)
PADS = st.tuples(st.integers(0, 3), st.integers(0, 3))
PADDINGS = st.one_of(
    st.sampled_from(["SAME", "VALID"]),
    st.tuples(PADS, PADS).map(lambda pads: [[0, 0], [*pads[0]], [*pads[1]], [0, 0]]),
)


def gradient_of(layer: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor) -> np.ndarray:
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        weights = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)
        total = tf.reduce_sum(y * weights)
    found: np.ndarray = tape.gradient(total, x).numpy()
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(SIDES, SIDES),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    PADDINGS,
    st.tuples(st.integers(5, 12), st.integers(5, 12)),
    st.sampled_from([(3, 4), (1, 2), (6, 2)]),
    st.booleans(),
)
def test_it_is_tensorflows(side, strides, padding, size, channels, depthwise) -> None:
    if depthwise:
        strides, channels = (strides[0], strides[0]), (channels[0], 1)
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(*side, *channels)).astype(np.float32)
    x = tf.constant(rng.normal(size=(2, *size, channels[0])).astype(np.float32))
    linear = Linear(kernel, None, depthwise, strides, padding)
    convolve = tf.nn.depthwise_conv2d if depthwise else tf.nn.conv2d
    np.testing.assert_array_equal(linear(x), convolve(x, kernel, (1, *strides, 1), padding))
    expected = gradient_of(lambda x: convolve(x, kernel, (1, *strides, 1), padding), x)
    np.testing.assert_allclose(gradient_of(linear, x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("side", "padding"), [(3, "SAME"), (2, "SAME"), (4, "VALID")])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
def test_of_views_whose_size_changes(side: int, padding: str, strides: tuple[int, int]) -> None:
    kernel = np.random.default_rng(0).normal(size=(side, side, 3, 2)).astype(np.float32)
    linear = Linear(kernel, None, False, strides, padding)

    def gradient(layer: Callable[[tf.Tensor], tf.Tensor]) -> Callable[[tf.Tensor], tf.Tensor]:
        def of(x: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                tape.watch(x)
                total = tf.reduce_sum(tf.square(layer(x)))
            return tape.gradient(total, x)

        return tf.function(of, [tf.TensorSpec([1, None, None, 3])], autograph=False)

    own, plain = gradient(linear), gradient(lambda x: tf.nn.conv2d(x, kernel, strides, padding))
    for size in (7, 8):
        x = tf.random.stateless_normal((1, size, size + 2, 3), (1, 2))
        np.testing.assert_allclose(own(x), plain(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "strides", "depthwise", "padding", "is_own"),
    [
        ((3, 3, 40, 20), (1, 1), False, "SAME", True),
        ((3, 3, 40, 20), (1, 1), False, "VALID", True),
        ((7, 7, 3, 8), (2, 2), False, "SAME", True),
        ((11, 11, 1, 8), (4, 4), False, "VALID", True),
        ((5, 5, 40, 1), (1, 1), True, "SAME", True),
        ((3, 3, 40, 20), (2, 2), False, "SAME", False),  # slower
        ((5, 5, 40, 1), (2, 2), True, "SAME", False),
        ((3, 3, 4, 2), (1, 1), True, "SAME", False),  # two filters a channel
        ((1, 1, 3, 2), (1, 1), False, [[0, 0], [3, 3], [0, 0], [0, 0]], False),  # rows of nothing
    ],
)
def test_where_it_is_faster(shape, strides, depthwise, padding, is_own) -> None:
    phases = Phases.of(np.ones(shape, np.float32), strides, padding, (1, 1), depthwise)
    assert (phases is not None and phases.by_input((16, 15)) is not None) == is_own
