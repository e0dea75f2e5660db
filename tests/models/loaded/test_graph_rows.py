"""Layer normalization that is written as a batch normalization: each row is of one picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fvcli.errors import FvcliError
from fvcli.models.graph import Window
from tests.helpers.tensorflow_graphs import graph_of, loaded, photos, raw, v1, weights

KERNEL = weights(3, 3, 3, 6, scale=2.0)
GAMMA, BETA = weights(6, seed=1), weights(6, seed=2)
EPSILON = 1e-3


def normalized(x: Any, sizes: Sequence[Any], data_format: str = "NCHW") -> Any:
    """Return what Keras computes, of x in some shape of four axes."""
    rows = tf.reshape(x, sizes)
    count = tf.shape(rows)[1 if data_format == "NCHW" else 3]
    found = raw.FusedBatchNormV3(
        x=rows,
        scale=tf.fill([count], 1.0),
        offset=tf.fill([count], 0.0),
        mean=[],
        variance=[],
        epsilon=EPSILON,
        data_format=data_format,
        is_training=True,
        name="norm",
    )
    return tf.reshape(found.y, tf.shape(x))


def network(places: bool) -> Any:
    """A graph that normalizes each place of a map, or a whole map."""

    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        x = raw.Conv2D(input=x, filter=KERNEL, strides=[1] * 4, padding="SAME", name="conv")
        batch = tf.shape(x)[0]
        y = normalized(x, [1, batch * 64, 6, 1] if places else [1, batch, 8 * 8 * 6, 1])
        raw.AddV2(x=raw.Mul(x=y, y=GAMMA, name="scaled"), y=BETA, name="shifted")

    return graph_of(build)


def expected(x: tf.Tensor, places: bool) -> tf.Tensor:
    y = tf.nn.conv2d(x, KERNEL, 1, "SAME")
    mean, variance = tf.nn.moments(y, [3] if places else [1, 2, 3], keepdims=True)
    return (y - mean) / tf.sqrt(variance + EPSILON) * GAMMA + BETA


@pytest.mark.parametrize("places", [True, False])
def test_numbers_and_gradients(places: bool, tmp_path: Path) -> None:
    model = loaded(network(places), tmp_path)
    pictures = photos(model, batch=3)
    x = tf.Variable(2 * pictures - 1)
    with tf.GradientTape(persistent=True) as tape:
        found = model.network()(0.5 * x + 0.5, redirect=False)("shifted")
        wanted = expected(x, places)
        losses = [tf.reduce_sum(y[..., 1] * y[..., 4]) for y in (found, wanted)]
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    slopes = [tape.gradient(loss, x).numpy() for loss in losses]
    np.testing.assert_allclose(*slopes, atol=1e-4 * np.abs(slopes[1]).max())


def test_a_place_sees_what_it_saw_before(tmp_path: Path) -> None:
    """So neurons behind it have receptive fields, and the network takes pictures of other sizes."""
    nodes = {node.name: node for node in loaded(network(True), tmp_path).facts.nodes}
    assert nodes["scaled"].window == Window()
    nodes = {node.name: node for node in loaded(network(False), tmp_path).facts.nodes}
    assert nodes["scaled"].window is None


@pytest.mark.parametrize(
    ("sizes", "data_format"),
    [
        (lambda batch: [batch, 64, 6, 1], "NCHW"),  # pictures are the batch there
        (lambda batch: [1, 64, 6, batch], "NCHW"),  # a row is of several pictures
        (lambda batch: [1, 64, 6, -1], "NCHW"),
        (lambda batch: [1, batch * 64, 6, 1], "NHWC"),  # all are of one channel
    ],
)
def test_pictures_that_are_normalized_together(
    sizes: Callable[[Any], list[Any]], data_format: str, tmp_path: Path
) -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        x = raw.Conv2D(input=x, filter=KERNEL, strides=[1] * 4, padding="SAME", name="conv")
        raw.Relu(features=normalized(x, sizes(tf.shape(x)[0]), data_format), name="relu")

    with pytest.raises(FvcliError, match=r"norm is a FusedBatchNormV3 in training mode: .* other pictures"):
        loaded(graph_of(build), tmp_path)


def test_a_graph_for_one_picture_at_a_time(tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, (1, 8, 8, 3), name="image")
        x = raw.Conv2D(input=x, filter=KERNEL, strides=[1] * 4, padding="SAME", name="conv")
        rows = raw.FusedBatchNormV3(
            x=tf.reshape(x, (1, 64, 6, 1)),
            scale=np.ones(64, np.float32),
            offset=np.zeros(64, np.float32),
            mean=[],
            variance=[],
            epsilon=EPSILON,
            data_format="NCHW",
            is_training=True,
        )
        y = tf.reshape(rows.y, (1, 8, 8, 6))
        raw.AddV2(x=raw.Mul(x=y, y=GAMMA, name="scaled"), y=BETA, name="shifted")

    model = loaded(graph_of(build), tmp_path)
    pictures = photos(model, batch=3)
    found = model.activations(pictures, "shifted")
    np.testing.assert_allclose(found, expected(2 * pictures - 1, True), atol=1e-5)


def test_turned_rows_are_of_several_pictures(tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        x = raw.Transpose(x=x, perm=[1, 2, 3, 0], name="pictures_last")
        raw.Relu(features=normalized(x, [1, tf.shape(x)[3], 8 * 8 * 3, 1]), name="relu")

    with pytest.raises(FvcliError, match="in training mode"):
        loaded(graph_of(build), tmp_path)


# ---- numbers of few bits


def test_quantization_is_computed(tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        ends = {"min": -0.5, "max": 0.5}
        raw.FakeQuantWithMinMaxVars(inputs=x, **ends, num_bits=3, name="quantized")

    model = loaded(graph_of(build), tmp_path)
    line = np.linspace(0, 1, 192, dtype=np.float32).reshape(1, 8, 8, 3)
    steps = np.unique(model.activations(line, "quantized"))
    np.testing.assert_allclose(steps, np.arange(-3, 5) / 7, atol=1e-6)
    assert any("numbers of few bits" in remark for remark in model.facts.remarks)
    x = tf.Variable(line)
    with tf.GradientTape() as tape:
        y = model.network()(x, redirect=False)("quantized")
    (slope,) = np.unique(tape.gradient(y, x).numpy()[0, 3:5])  # in range: as if nothing were done
    assert slope == 2


def test_a_quantized_input_tells_its_range(tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        x = raw.FakeQuantWithMinMaxVars(inputs=x / 255.0, min=-0.001, max=0.998, name="quantized")
        raw.Conv2D(input=x, filter=KERNEL, strides=[1] * 4, padding="SAME", name="conv")

    facts = loaded(graph_of(build), tmp_path, value_range=None).facts
    assert facts.preprocessing.value_range == (0, 255)
    assert facts.findings[0].endswith("from 0 to 255, because that range of its input is quantized")
