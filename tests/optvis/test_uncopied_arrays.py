"""What a compiled ascent has inside: no large constants, of which TensorFlow makes many copies."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.calls import Linear
from fvcli.optvis.parameterizations import fourier, laplacian, maco, pixel
from fvcli.optvis.streams import stream
from fvcli.optvis.uncopied_arrays import LARGE_BYTES, held
from fvcli.plan import memory

SIDE = 256
MOST_BYTES = 100_000  # a number for each pixel would be 260 KB

MADE = {
    "fourier": fourier(SIDE, SIDE, coarse_until=0.5),
    "pixel": pixel(SIDE, SIDE),
    "laplacian": laplacian(SIDE, SIDE),
    "maco": maco(SIDE, SIDE),
}


@pytest.mark.parametrize("kind", MADE)
def test_graphs_of_parameterizations_are_small(kind: str) -> None:
    made = MADE[kind]
    params = tuple(map(tf.constant, made.initial([stream(0, "a")])))

    @tf.function(autograph=False)
    def step(*params):
        with tf.GradientTape() as tape:
            tape.watch(params)
            loss = tf.reduce_sum(made.to_image(params))
        found = tape.gradient(loss, params)
        pooled = made.pool(found) if made.pool else found
        return pooled, made.focus(tf.constant([0.5])) if made.focus else ()

    graph = step.get_concrete_function(*params).graph.as_graph_def()
    assert graph.ByteSize() < MOST_BYTES


def test_a_held_array_is_the_same_inside_a_graph() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)

    @tf.function(autograph=False)
    def doubled():
        return held(array) * 2.0

    np.testing.assert_array_equal(doubled().numpy(), array * 2)


@pytest.mark.parametrize(
    ("shape", "x_shape"),
    [((700, 800), (2, 700)), ((1, 1, 700, 800), (2, 3, 3, 700)), ((3, 3, 200, 300), (1, 3, 3, 200))],
)
def test_large_kernels_are_outside_of_graphs(shape: tuple[int, ...], x_shape: tuple[int, ...]) -> None:
    kernel = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    assert kernel.nbytes >= LARGE_BYTES
    linear = Linear(kernel, None)
    x = np.random.default_rng(1).normal(size=x_shape).astype(np.float32)
    n = np.array([5, 7][: len(x)])

    @tf.function(autograph=False)
    def both(x):
        return linear(x), linear.channel(x, tf.constant(n))

    assert both.get_concrete_function(tf.constant(x)).graph.as_graph_def().ByteSize() < MOST_BYTES
    whole, one = (result.numpy() for result in both(tf.constant(x)))
    expected = np.einsum("...i,io->...o", x, kernel.reshape(-1, shape[-1])) if shape[0] != 3 else None
    if expected is not None:
        np.testing.assert_allclose(whole, expected, rtol=1e-3, atol=1e-3)
    else:  # 3 x 3 pixels under a 3 x 3 kernel are one position
        np.testing.assert_allclose(whole[0, 0, 0], np.tensordot(x[0], kernel, 3), rtol=1e-3, atol=1e-3)
    at = whole.reshape(len(x), -1, shape[-1])
    picked = np.stack([at[i, :, channel] for i, channel in enumerate(n)])
    np.testing.assert_allclose(one.reshape(picked.shape), picked, rtol=1e-3, atol=1e-3)


def test_the_estimate_of_memory_knows_which_kernels_are_large() -> None:
    assert memory.LARGE_BYTES == LARGE_BYTES
