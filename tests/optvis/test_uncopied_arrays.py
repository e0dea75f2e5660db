"""What a compiled ascent has inside: no large constants, of which TensorFlow makes many copies."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.parameterizations import fourier, laplacian, maco, pixel
from fvcli.optvis.streams import stream
from fvcli.optvis.uncopied_arrays import held

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
