"""What is behind a network in its graph, or beside it, is left out where nothing more is learnt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fvcli.errors import FvcliError
from tests.helpers.tensorflow_graphs import graph_of, loaded, photos, raw, v1, weights

KERNEL = weights(3, 3, 3, 4)


def image() -> Any:
    return v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")


def conv(x: Any, kernel: np.ndarray = KERNEL, name: str = "conv") -> Any:
    return raw.Conv2D(input=x, filter=kernel, strides=[1] * 4, padding="SAME", name=name)


def boxes() -> None:
    """As detectors end: the best of their boxes are chosen."""
    x = tf.reshape(conv(image()), (-1, 64, 1, 4), name="boxes")
    chosen = tf.image.combined_non_max_suppression(x, x[:, :, 0], 5, 5, name="best")
    tf.identity(chosen.nmsed_boxes * 8.0, name="detection_boxes")


def labels() -> None:
    """A function makes scores and their labels, and more is made of the scores."""

    @tf.function
    def both(x: tf.Tensor) -> Any:
        return tf.nn.relu(x), tf.strings.as_string(tf.argmax(x, -1))

    scores, _ = both(conv(image()))
    conv(scores, weights(1, 1, 4, 2), name="more")


def loss() -> None:
    logits = tf.reduce_mean(conv(image()), [1, 2], name="logits")
    given = v1.placeholder(tf.int32, (None,), name="labels")
    each = raw.SparseSoftmaxCrossEntropyWithLogits(features=logits, labels=given, name="entropy")
    tf.reduce_mean(each.loss, name="loss")


LEFT_OUT = {boxes: ("conv", "NonMaxSuppression"), labels: ("more", "AsString"), loss: ("logits", "entropy")}


@pytest.mark.parametrize("build", LEFT_OUT)
def test_what_comes_behind_a_network_is_left_out(build: Callable[[], None], tmp_path: Path) -> None:
    layer, lost = LEFT_OUT[build]
    facts = loaded(graph_of(build), tmp_path).facts
    assert layer in [node.name for node in facts.nodes]
    (said,) = (
        one for one in facts.remarks if one.startswith("left out, because fvcli does not compute it: ")
    )
    assert lost in said


def behind_boxes() -> None:
    x = tf.reshape(conv(image()), (-1, 64, 1, 4))
    chosen = tf.image.combined_non_max_suppression(x, x[:, :, 0], 5, 5, name="best")
    raw.MatMul(a=chosen.nmsed_scores, b=weights(5, 3), name="dense")


def recurrent() -> None:
    @tf.function
    def each(x: tf.Tensor) -> tf.Tensor:
        return tf.map_fn(lambda one: one @ weights(4, 2), x)

    each(tf.reduce_mean(conv(image()), 1))


REFUSED = {behind_boxes: "is a CombinedNonMaxSuppression", recurrent: "is filled while the graph runs"}


@pytest.mark.parametrize("build", REFUSED)
def test_what_is_learnt_is_not_left_out(build: Callable[[], None], tmp_path: Path) -> None:
    with pytest.raises(FvcliError, match=REFUSED[build]):
        loaded(graph_of(build), tmp_path)


def test_sorted_scores_are_no_classes(tmp_path: Path) -> None:
    def build() -> None:
        logits = tf.reduce_mean(conv(image()), [1, 2], name="logits")
        raw.TopKV2(input=tf.nn.softmax(logits, name="probabilities"), k=3, name="best")

    assert loaded(graph_of(build), tmp_path).facts.logits == "logits"


# ---- loops before a network


def flipped(x: Any) -> Any:
    @tf.function
    def each(pictures: tf.Tensor) -> tf.Tensor:
        return tf.map_fn(tf.image.random_flip_left_right, pictures, name="flip")

    return tf.ensure_shape(each(x), (None, 8, 8, 3))


def test_the_node_behind_a_loop_is_named(tmp_path: Path) -> None:
    graph = graph_of(lambda: conv(flipped(image())))
    with pytest.raises(FvcliError, match="a loop prepares pictures") as caught:
        loaded(graph, tmp_path)
    behind = str(caught.value).rpartition("input: ")[2]
    model = loaded(graph, tmp_path, input=behind)
    pictures = photos(model)
    expected = tf.nn.conv2d(2 * pictures - 1, KERNEL, 1, "SAME")
    np.testing.assert_allclose(model.activations(pictures, "conv"), expected, atol=1e-5)


def test_a_loop_that_is_not_begun(tmp_path: Path) -> None:
    """As TensorFlow 1 writes tf.cond and tf.map_fn."""

    def build() -> None:
        x, training = image(), v1.placeholder_with_default(False, (), name="training")
        v1.disable_control_flow_v2()
        try:
            x = v1.cond(training, lambda: tf.map_fn(tf.image.random_flip_left_right, x), lambda: x)
        finally:
            v1.enable_control_flow_v2()
        conv(x)

    model = loaded(graph_of(build), tmp_path)
    pictures = photos(model)
    expected = tf.nn.conv2d(2 * pictures - 1, KERNEL, 1, "SAME")
    np.testing.assert_allclose(model.activations(pictures, "conv"), expected, atol=1e-5)


def test_the_size_of_a_picture_of_bytes_is_the_pictures(tmp_path: Path) -> None:
    """As DeepLab makes its mask as large as the picture."""

    def build() -> None:
        x = v1.placeholder(tf.uint8, (1, None, None, 3), name="image")
        small = conv(v1.image.resize_bilinear(tf.cast(x, tf.float32), (4, 4)))
        raw.ResizeBilinear(images=small, size=tf.shape(x)[1:3], name="mask")

    facts = loaded(graph_of(build), tmp_path, size_px=(16, 24), input="Cast").facts
    (mask,) = (node for node in facts.nodes if node.name == "mask")
    assert mask.size == (16, 24)
    assert not [one for one in facts.remarks if "is filled with" in one]


# ---- ops


def test_statistics_of_a_normalization_are_what_it_reads(tmp_path: Path) -> None:
    """Networks that take whether they are trained as an input give them back."""
    mean, variance = weights(4), np.abs(weights(4, seed=1)) + 0.5

    def build() -> None:
        x = conv(image())
        made = raw.FusedBatchNormV3(
            x=x, scale=weights(4), offset=weights(4), mean=mean, variance=variance, is_training=False
        )
        raw.Sub(x=x, y=made.batch_mean, name="centred")
        raw.Mul(x=x, y=made.batch_variance, name="scaled")

    model = loaded(graph_of(build), tmp_path)
    pictures = photos(model)
    x = model.activations(pictures, "conv")
    np.testing.assert_allclose(model.activations(pictures, "centred"), x - mean, atol=1e-6)
    np.testing.assert_allclose(model.activations(pictures, "scaled"), x * variance, atol=1e-6)


def test_patches(tmp_path: Path) -> None:
    def build() -> None:
        sizes = {"ksizes": [1, 3, 3, 1], "strides": [1, 2, 2, 1], "rates": [1] * 4}
        raw.ExtractImagePatches(images=image(), padding="SAME", name="patches", **sizes)

    model = loaded(graph_of(build), tmp_path)
    pictures = photos(model)
    expected = tf.image.extract_patches(2 * pictures - 1, [1, 3, 3, 1], [1, 2, 2, 1], [1] * 4, "SAME")
    np.testing.assert_allclose(model.activations(pictures, "patches"), expected, atol=1e-6)
    facts = model.facts.layers_at(8, 8)["patches"]
    assert (facts.receptive_field_px, facts.stride_px, facts.channels) == ((3, 3), (2, 2), 27)


def test_weights_that_were_stored_as_bytes(tmp_path: Path) -> None:
    """As quantize_weights of the Graph Transform Tool leaves them."""
    low, high = -0.5, 0.5
    stored = np.random.default_rng(0).integers(0, 256, KERNEL.shape)

    def build() -> None:
        packed = tf.constant(stored, tf.quint8)
        kernel = raw.Dequantize(input=packed, min_range=low, max_range=high, mode="MIN_COMBINED")
        conv(image(), kernel)

    model = loaded(graph_of(build), tmp_path)
    pictures = photos(model)
    kernel = (low + stored * (high - low) / 255).astype(np.float32)
    expected = tf.nn.conv2d(2 * pictures - 1, kernel, 1, "SAME")
    np.testing.assert_allclose(model.activations(pictures, "conv"), expected, atol=1e-5)


def test_weights_in_a_network_of_bytes_are_refused_with_a_way_out(tmp_path: Path) -> None:
    def build() -> None:
        x = image()
        packed = raw.QuantizeV2(input=x, min_range=0.0, max_range=1.0, T=tf.quint8)
        kernel = tf.constant(np.zeros(KERNEL.shape), tf.quint8)
        raw.QuantizedConv2D(
            input=packed.output,
            filter=kernel,
            min_input=0.0,
            max_input=1.0,
            min_filter=0.0,
            max_filter=1.0,
            strides=[1] * 4,
            padding="SAME",
        )

    with pytest.raises(FvcliError, match=r"whole numbers of 8 bits.*as it was before it was quantized"):
        loaded(graph_of(build), tmp_path)


def test_one_of_several_inputs_is_proposed(tmp_path: Path) -> None:
    def build() -> None:
        left, right = (v1.placeholder(tf.float32, (None, 8, 8, 3), name=side) for side in ("left", "right"))
        conv(left - right)

    with pytest.raises(FvcliError, match="such as input: left; the others get zeros"):
        loaded(graph_of(build), tmp_path)


def test_dropout_with_a_number_by_default(tmp_path: Path) -> None:
    """As `keep_prob` of TensorFlow 1, which is 1 unless something else is fed."""

    def build() -> None:
        x = conv(image())
        keep = v1.placeholder_with_default(1.0, (), name="keep_prob")
        kept = raw.GreaterEqual(x=raw.RandomUniform(shape=tf.shape(x), dtype=tf.float32), y=1.0 - keep)
        conv(x * (1.0 / keep) * tf.cast(kept, tf.float32), weights(1, 1, 4, 2), name="behind")

    facts = loaded(graph_of(build), tmp_path).facts
    assert [node.name for node in facts.nodes] == ["conv", "behind"]
