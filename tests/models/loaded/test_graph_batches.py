"""A picture does not depend on the others of its batch: graphs where it would are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fvcli.errors import FvcliError
from fvcli.models.loaded.graph_def.values import BATCH
from tests.helpers.tensorflow_graphs import graph_of, loaded, photos, raw, v1, weights

KERNEL = weights(3, 3, 3, 4)


def prepared(prepare: Callable[[Any], Any], batch: int | None = None) -> Any:
    """A graph that does something to the picture before its convolution."""

    def build() -> None:
        x = v1.placeholder(tf.float32, (batch, 8, 8, 3), name="image")
        raw.Conv2D(input=prepare(x), filter=KERNEL, strides=[1] * 4, padding="SAME", name="conv")

    return graph_of(build)


def largest(x: Any) -> Any:
    return x / raw.Max(input=x, axis=[0, 1, 2, 3], name="mixing")


def of_any_rank(x: Any) -> Any:
    axes = raw.Range(start=0, limit=raw.Rank(input=x), delta=1)
    return x - raw.Min(input=x, axis=axes, name="mixing")


def mean_picture(x: Any) -> Any:
    return x - raw.Mean(input=x, axis=[-4], keep_dims=True, name="mixing")


def in_a_row(x: Any) -> Any:
    return x / raw.Max(input=raw.Reshape(tensor=x, shape=[-1]), axis=0, name="mixing")


def one_of_them(x: Any) -> Any:
    return x - raw.Slice(input=x, begin=[0, 0, 0, 0], size=[1, 8, 8, 3], name="mixing")


def running_sum(x: Any) -> Any:
    return raw.Cumsum(x=x, axis=0, name="mixing")


def other_order(x: Any) -> Any:
    return x + raw.ReverseV2(tensor=x, axis=[0], name="mixing")


def any_of_them(x: Any) -> Any:
    found = raw.Any(input=x > 0.5, axis=[0, 1, 2, 3], name="mixing")
    return x * tf.cast(found, tf.float32)


def correlated(x: Any) -> Any:
    rows = raw.Reshape(tensor=x, shape=[-1, 192])
    each = raw.MatMul(a=rows, b=rows, transpose_a=True, name="mixing")
    return raw.Reshape(tensor=raw.MatMul(a=rows, b=each), shape=[-1, 8, 8, 3])


MIXING = [
    *(largest, of_any_rank, mean_picture, in_a_row, one_of_them, running_sum, other_order),
    *(any_of_them, correlated),
]


@pytest.mark.parametrize("prepare", MIXING)
def test_what_mixes_a_batch_is_refused(prepare: Callable[[Any], Any], tmp_path: Path) -> None:
    said = r"node mixing \(\w+\) puts the pictures of a batch together: a picture would depend on the others"
    with pytest.raises(FvcliError, match=said):
        loaded(prepared(prepare), tmp_path)


def each_by_itself(x: Any) -> Any:
    low, high = (op(input=x, axis=[1, 2, 3], keep_dims=True) for op in (raw.Min, raw.Max))
    return (x - low) / (high - low)


def by_its_size(x: Any) -> Any:
    """Made of the size of the batch, and of no picture's numbers."""
    return x / tf.cast(tf.reduce_max(tf.shape(x)[1:3]), tf.float32)


def from_0_to_1(x: np.ndarray) -> np.ndarray:
    return np.stack([(one - one.min()) / (one.max() - one.min()) for one in x])


EXPECTED: dict[Callable[[Any], Any], Callable[[np.ndarray], np.ndarray]] = {
    each_by_itself: from_0_to_1,
    by_its_size: lambda x: x / 8,
}


@pytest.mark.parametrize("prepare", EXPECTED)
def test_what_keeps_pictures_apart_is_computed(prepare: Callable[[Any], Any], tmp_path: Path) -> None:
    model = loaded(prepared(prepare), tmp_path)
    pictures = photos(model)
    given = EXPECTED[prepare](2 * pictures - 1)
    found = model.activations(pictures, "conv")
    np.testing.assert_allclose(found, tf.nn.conv2d(given, KERNEL, 1, "SAME"), atol=1e-5)


def test_one_number_for_a_batch_that_no_layer_reads(tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        x = raw.Conv2D(input=x, filter=KERNEL, strides=[1] * 4, padding="SAME", name="conv")
        raw.Mean(input=raw.Square(x=x, name="squared"), axis=[0, 1, 2, 3], name="loss")

    assert [node.name for node in loaded(graph_of(build), tmp_path).facts.nodes] == ["conv", "squared"]


def test_a_graph_of_one_picture(tmp_path: Path) -> None:
    """Its largest number is that of each picture."""
    model = loaded(prepared(lambda x: x / raw.Max(input=x, axis=[0, 1, 2, 3], keep_dims=True), 1), tmp_path)
    pictures = photos(model)
    given = 2 * pictures - 1
    given = given / given.max((1, 2, 3), keepdims=True)
    found = model.activations(pictures, "conv")
    np.testing.assert_allclose(found, tf.nn.conv2d(given, KERNEL, 1, "SAME"), atol=1e-5)
    with pytest.raises(FvcliError, match="node mixing"):
        loaded(prepared(largest, 1), tmp_path)


def test_places_in_a_picture_are_no_pictures(tmp_path: Path) -> None:
    """Even where there are as many of them as of pictures that fvcli tries out, twice."""
    side = 2 * BATCH

    def build() -> None:
        x = v1.placeholder(tf.float32, (None, side, 4, 3), name="image")
        rows = tf.cast(tf.range(tf.shape(x)[1]), tf.float32)
        share = rows / raw.Max(input=rows, axis=[0])
        raw.Mul(x=x, y=tf.reshape(share, [1, -1, 1, 1]), name="faded")

    model = loaded(graph_of(build), tmp_path)
    pictures = photos(model)
    share = (np.arange(side, dtype=np.float32) / (side - 1))[:, None, None]
    np.testing.assert_allclose(model.activations(pictures, "faded"), (2 * pictures - 1) * share, atol=1e-6)


def normalized(of_batch: bool) -> Any:
    """A normalization of TensorFlow 1: it makes the statistics of the batch and reads those of training."""

    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        x = raw.Conv2D(input=x, filter=KERNEL, strides=[1] * 4, padding="SAME", name="conv")
        mean = raw.Mean(input=x, axis=[0, 1, 2], name="mean")
        difference = raw.SquaredDifference(x=x, y=mean, name="difference")
        raw.Mean(input=difference, axis=[0, 1, 2], name="variance")
        raw.Sub(x=x, y=mean if of_batch else weights(4), name="out")

    return graph_of(build)


def test_statistics_of_a_batch_that_no_output_reads(tmp_path: Path) -> None:
    facts = loaded(normalized(of_batch=False), tmp_path).facts
    assert [node.name for node in facts.nodes] == ["conv", "out"]
    assert "left out, because it is made of all pictures of a batch: difference" in facts.remarks
    with pytest.raises(FvcliError, match=r"node mean .* puts the pictures of a batch together"):
        loaded(normalized(of_batch=True), tmp_path)


def test_only_an_output_of_whole_numbers_is_made_of_a_mixed_batch(tmp_path: Path) -> None:
    def build() -> None:
        x = largest(v1.placeholder(tf.float32, (None, 8, 8, 3), name="image"))
        x = raw.Conv2D(input=x, filter=KERNEL, strides=[1] * 4, padding="SAME", name="conv")
        raw.ArgMax(input=raw.Mean(input=x, axis=[1, 2]), dimension=1, name="class")

    with pytest.raises(FvcliError, match=r"node mixing .* puts the pictures of a batch together"):
        loaded(graph_of(build), tmp_path)


@pytest.mark.parametrize("side", [13, BATCH])
def test_a_side_as_long_as_any_batch(side: int, tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, (1, side, 4, 3), name="image")
        raw.Squeeze(input=raw.Relu(features=x, name="relu"), axis=[], name="map")

    assert [node.name for node in loaded(graph_of(build), tmp_path).facts.nodes] == ["relu", "map"]
