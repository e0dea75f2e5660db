"""Where a TensorFlow graph takes its picture, at what size and in what range, and what else it is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fvcli.errors import FvcliError
from fvcli.models import ModelChoice, load
from tests.helpers.tensorflow_graphs import (
    computed,
    graph_of,
    loaded,
    lucids_network,
    photos,
    raw,
    v1,
    weights,
    with_metadata,
    write,
)


@pytest.fixture(scope="module")
def lucid_graph() -> Any:
    return lucids_network()


def test_lucids_metadata(lucid_graph: Any, tmp_path: Path) -> None:
    facts = {"input_name": "input", "image_shape": [30, 32, 3], "image_value_range": [-117, 138]}
    path = write(with_metadata(lucid_graph, **facts), tmp_path / "lucid.pb")
    found = load(ModelChoice(path=str(path), logits="output")).facts
    assert found.native_size_px == (30, 32)
    assert found.logits == "softmax2"
    assert found.preprocessing.value_range == (-117, 138)
    assert found.remarks == ()
    assert any("Lucid" in finding for finding in found.findings)
    declared = load(ModelChoice(path=str(path), value_range=(0, 1), size_px=(32, 32))).facts
    assert declared.native_size_px == (32, 32)
    assert declared.preprocessing.value_range == (0, 1)


def test_an_output_that_mixes_pictures_is_told_of(lucid_graph: Any, tmp_path: Path) -> None:
    """At this size the last pooling leaves two positions, which the graph takes for two pictures."""
    facts = loaded(lucid_graph, tmp_path, size_px=(32, 40)).facts
    assert "softmax2" not in facts.inputs_of
    assert any(remark.startswith("output output is left out") for remark in facts.remarks)


def test_metadata_is_what_the_network_computes_with(lucid_graph: Any, tmp_path: Path) -> None:
    facts = {
        "input_name": "input",
        "image_shape": [32, 32, 3],
        "image_value_range": [-117, 138],
        "is_BGR": True,
    }
    path = write(with_metadata(lucid_graph, **facts), tmp_path / "lucid.pb")
    model = load(ModelChoice(path=str(path)))
    pictures = photos(model)
    (expected,) = computed(lucid_graph, {"input": 255 * pictures[..., ::-1] - 117}, ["mixed3a"])
    np.testing.assert_allclose(model.activations(pictures, "mixed3a"), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("declared", [None, "channels_first"])
def test_the_first_layer_tells_where_channels_are(declared: str | None, tmp_path: Path) -> None:
    kernel = weights(3, 3, 3, 4)

    def build() -> None:
        x = raw.Relu(features=v1.placeholder(tf.float32, name="image"), name="relu")
        raw.Conv2D(input=x, filter=kernel, strides=[1] * 4, padding="SAME", data_format="NCHW", name="conv")

    model = loaded(graph_of(build), tmp_path, size_px=(8, 10), data_format=declared)
    pictures = photos(model)
    expected = tf.nn.conv2d(np.maximum(2 * pictures - 1, 0), kernel, 1, "SAME")
    np.testing.assert_allclose(model.activations(pictures, "conv"), expected, atol=1e-5)


def test_any_node_can_take_the_picture(lucid_graph: Any, tmp_path: Path) -> None:
    """The reading and decoding of a file before it is of no account."""

    def build() -> None:
        image = raw.DecodeJpeg(contents=raw.ReadFile(filename="x.jpg"), channels=3)
        image = tf.expand_dims(tf.cast(image, tf.float32), 0, name="batch")
        tf.import_graph_def(lucid_graph, {"input:0": image}, name="")

    model = loaded(graph_of(build), tmp_path, input="batch:0", size_px=(32, 32))
    pictures = photos(model)
    (expected,) = computed(lucid_graph, {"input": 2 * pictures - 1}, ["mixed3a"])
    np.testing.assert_allclose(model.activations(pictures, "mixed3a"), expected, atol=1e-5)


def test_a_network_that_takes_values_from_0_to_1(tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 16, 16, 3), name="image")
        x = raw.Sub(x=raw.Mul(x=x, y=2.0, name="doubled"), y=1.0, name="centred")
        raw.Conv2D(input=x, filter=weights(3, 3, 3, 4), strides=[1] * 4, padding="SAME", name="conv")

    facts = loaded(graph_of(build), tmp_path, value_range=None).facts
    assert facts.preprocessing.value_range == (0, 1)
    assert [node.kind for node in facts.nodes] == ["scale", "scale", "conv"]


def training_switches() -> Any:
    """A graph as Keras 1 wrote it: with dropout behind a switch that the learning phase sets."""

    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        training = v1.placeholder_with_default(False, (), name="keras_learning_phase")
        without, dropped = raw.Switch(data=x, pred=raw.Identity(input=training), name="switch")
        noise = raw.RandomUniform(shape=tf.shape(dropped), dtype=tf.float32, name="noise")
        raw.Merge(inputs=[without * 3.0, dropped * noise], name="merge")
        raw.Relu(features=tf.compat.v1.get_default_graph().get_tensor_by_name("merge:0"), name="relu")

    return graph_of(build)


def test_switches_that_are_set_are_followed(tmp_path: Path) -> None:
    model = loaded(training_switches(), tmp_path)
    pictures = photos(model)
    expected = np.maximum(3 * (2 * pictures - 1), 0)
    np.testing.assert_allclose(model.activations(pictures, "relu"), expected, rtol=1e-6)
    with pytest.raises(FvcliError, match=r"node noise is a RandomUniform, which draws random numbers"):
        loaded(training_switches(), tmp_path, fill={"keras_learning_phase": 1.0})


def test_other_placeholders_are_filled(tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        raw.Mul(x=x, y=v1.placeholder(tf.float32, (3,), name="gains"), name="product")

    model = loaded(graph_of(build), tmp_path, input="image", fill={"gains": 2.0})
    pictures = photos(model)
    np.testing.assert_allclose(model.activations(pictures, "product"), 4 * pictures - 2, atol=1e-6)
    assert "input gains is filled with 2" in model.facts.remarks


def test_other_placeholders_are_filled_for_every_picture(tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        mean = raw.Mean(input=x, axis=[1, 2], name="mean")
        others = v1.placeholder(tf.float32, (None, 2), name="others")
        raw.ConcatV2(values=[mean, others], axis=1, name="both")

    model = loaded(graph_of(build), tmp_path, fill={"others": 5.0})
    pictures = photos(model)
    expected = np.concatenate([(2 * pictures - 1).mean((1, 2)), np.full((2, 2), 5.0)], axis=1)
    np.testing.assert_allclose(model.activations(pictures, "both")[:, 0, 0], expected, atol=1e-6)


def test_half_precision_is_computed_as_it_is(tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.float16, (None, 8, 8, 3), name="image")
        x = raw.Conv2D(
            input=x,
            filter=weights(3, 3, 3, 4).astype(np.float16),
            strides=[1] * 4,
            padding="SAME",
            name="conv",
        )
        raw.Relu(features=x, name="relu")

    graph = graph_of(build)
    model = loaded(graph, tmp_path)
    pictures = photos(model)
    (expected,) = computed(graph, {"image": 2 * pictures - 1}, ["relu"])
    np.testing.assert_allclose(model.activations(pictures, "relu"), expected, atol=1e-2)


def test_channels_are_brought_to_the_front_and_back(tmp_path: Path) -> None:
    """As graphs do that were made for GPUs; a call has channels last, and has nothing to do."""
    kernel = weights(3, 3, 3, 4)

    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        x = raw.Transpose(x=x, perm=[0, 3, 1, 2], name="front")
        x = raw.Conv2D(
            input=x, filter=kernel, strides=[1] * 4, padding="SAME", data_format="NCHW", name="conv"
        )
        raw.Transpose(x=x, perm=[0, 2, 3, 1], name="back")

    model = loaded(graph_of(build), tmp_path)
    pictures = photos(model)
    expected = tf.nn.conv2d(2 * pictures - 1, kernel, 1, "SAME")
    np.testing.assert_allclose(model.activations(pictures, "back"), expected, atol=1e-5)
    assert model.facts.aliases["back"] == "conv"
    assert model.graph.calls["conv"].inputs == (model.graph.image,)


def test_functions_are_part_of_the_graph(tmp_path: Path) -> None:
    @tf.function
    def inner(x: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(x) + 1.0

    @tf.function
    def outer(x: tf.Tensor) -> tf.Tensor:
        return inner(x) * inner(-x)

    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        tf.identity(outer(x), name="end")

    graph = graph_of(build)
    assert graph.library.function
    model = loaded(graph, tmp_path)
    pictures = photos(model)
    (expected,) = computed(graph, {"image": 2 * pictures - 1}, ["end"])
    np.testing.assert_allclose(model.activations(pictures, "end"), expected, atol=1e-6)


def test_the_normalization_of_2015(tmp_path: Path) -> None:
    """TensorFlow has the op no more, so that it cannot be asked."""
    mean, variance, beta, gamma = (weights(3, seed=i) for i in range(4))

    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        raw.Relu(features=x, name="relu")
        for name, array in (("m", mean), ("v", variance**2), ("b", beta), ("g", gamma)):
            tf.constant(array, name=name)

    graph = graph_of(build)
    node = graph.node.add(
        name="norm", op="BatchNormWithGlobalNormalization", input=["relu", "m", "v", "b", "g"]
    )
    node.attr["variance_epsilon"].f = 1e-3
    node.attr["scale_after_normalization"].b = True
    node.attr["T"].type = tf.float32.as_datatype_enum
    model = loaded(graph, tmp_path)
    pictures = photos(model)
    x = np.maximum(2 * pictures - 1, 0)
    expected = (x - mean) / np.sqrt(variance**2 + 1e-3) * gamma + beta
    np.testing.assert_allclose(model.activations(pictures, "norm"), expected, atol=1e-5)
