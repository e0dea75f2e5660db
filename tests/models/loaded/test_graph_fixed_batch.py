"""Graphs that were frozen for a number of pictures take any number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.tensorflow_graphs import computed, graph_of, loaded, photos, raw, v1, weights


def dense_of_a_map(x: Any, batch: int) -> Any:
    """As tf.tensordot writes it where all sizes are known."""
    rows = raw.Reshape(tensor=x, shape=[batch * 64, 3])
    return raw.Reshape(tensor=raw.MatMul(a=rows, b=weights(3, 5)), shape=[batch, 8, 8, 5])


def dense_of_all(x: Any, batch: int) -> Any:
    """As the CIFAR-10 tutorial of TensorFlow 1 has it."""
    return raw.MatMul(a=raw.Reshape(tensor=x, shape=[batch, -1]), b=weights(192, 5))


def transposed(x: Any, batch: int) -> Any:
    return raw.Conv2DBackpropInput(
        input_sizes=[batch, 16, 16, 4],
        filter=weights(3, 3, 4, 3),
        out_backprop=x,
        strides=[1, 2, 2, 1],
        padding="SAME",
    )


def layer_normalized(x: Any, batch: int) -> Any:
    """As Keras writes it: each row of the second axis is one place of one picture."""
    rows = raw.Reshape(tensor=x, shape=[1, batch * 64, 3, 1])
    ones, none = np.ones(batch * 64, np.float32), np.zeros(batch * 64, np.float32)
    empty = np.zeros(0, np.float32)
    made = raw.FusedBatchNormV3(
        x=rows, scale=ones, offset=none, mean=empty, variance=empty, epsilon=1e-3, data_format="NCHW"
    )
    return raw.Reshape(tensor=made.y, shape=[batch, 8, 8, 3], name="normalized")


@pytest.mark.parametrize("batch", [1, 4])
def test_layer_normalization(batch: int, tmp_path: Path) -> None:
    graph = graph_of(lambda: layer_normalized(v1.placeholder(tf.float32, (batch, 8, 8, 3)), batch))
    model = loaded(graph, tmp_path)
    pictures = photos(model, 3)
    x = 2 * pictures - 1
    expected = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(model.activations(pictures, "normalized"), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("layer", [dense_of_a_map, dense_of_all, transposed])
def test_any_number_of_pictures(layer: Callable[[Any, int], Any], batch: int, tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, (batch, 8, 8, 3), name="image")
        raw.Relu(features=layer(raw.Tanh(x=x), batch), name="out")

    graph = graph_of(build)
    model = loaded(graph, tmp_path)
    pictures = photos(model, 4)
    each = [
        computed(graph, {"image": 2 * part - 1}, ["out"])[0]
        for part in np.split(pictures, len(pictures) // batch)
    ]
    expected = np.concatenate(each)
    found = model.activations(pictures, "out")
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=0, atol=1e-5)


def test_the_token_of_the_class_is_joined_to_each_picture(tmp_path: Path) -> None:
    token = weights(1, 1, 3)

    def build() -> None:
        x = v1.placeholder(tf.float32, (1, 8, 8, 3), name="image")
        tokens = raw.Reshape(tensor=x, shape=[1, 64, 3])
        raw.ConcatV2(values=[token, tokens], axis=1, name="tokens")

    model = loaded(graph_of(build), tmp_path)
    pictures = photos(model)
    found = model.activations(pictures, "tokens")
    for one, picture in zip(found, pictures, strict=True):
        expected = np.concatenate([token[0], 2 * picture.reshape(64, 3) - 1])
        np.testing.assert_allclose(one.reshape(65, 3), expected, atol=1e-6)
