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


def test_an_input_of_any_shape_beside_others(tmp_path: Path) -> None:
    def build() -> None:
        training = v1.placeholder(tf.bool, (), name="training")
        x = v1.placeholder(tf.float32, name="image") * (1.0 + tf.cast(training, tf.float32))
        raw.Conv2D(input=x, filter=weights(3, 3, 3, 4), strides=[1] * 4, padding="SAME", name="conv")

    facts = loaded(graph_of(build), tmp_path, size_px=(8, 8)).facts
    assert facts.input_channels == 3
    assert "input training is filled with 0" in facts.remarks


# ---- inputs that take no pictures of floats

KERNEL = weights(3, 3, 3, 4)


def convolved(x: Any, kernel: np.ndarray = KERNEL) -> None:
    raw.Conv2D(input=x, filter=kernel, strides=[1] * 4, padding="SAME", name="conv")


def of_rows() -> None:
    x = v1.placeholder(tf.float32, (None, 8 * 8 * 3), name="x")
    convolved(tf.reshape(x, (-1, 8, 8, 3), name="picture"))


def of_rows_of_a_batch() -> None:
    x = v1.placeholder(tf.float32, (None, 8 * 8 * 3), name="x")
    convolved(tf.reshape(x, tf.stack([tf.shape(x)[0], 8, 8, 3]), name="picture"))


def of_examples() -> None:
    x = v1.placeholder(tf.string, (None,), name="x")
    feature = tf.io.FixedLenFeature((8, 8, 3), tf.float32)
    convolved(tf.identity(tf.io.parse_example(x, {"image": feature})["image"], name="picture"))


@pytest.mark.parametrize("build", [of_rows, of_rows_of_a_batch, of_examples])
def test_the_picture_is_found_behind_the_input(build: Any, tmp_path: Path) -> None:
    model = loaded(graph_of(build), tmp_path)
    pictures = photos(model)
    expected = tf.nn.conv2d(2 * pictures - 1, KERNEL, 1, "SAME")
    np.testing.assert_allclose(model.activations(pictures, "conv"), expected, atol=1e-5)
    assert model.facts.native_size_px == (8, 8)
    (said,) = [remark for remark in model.facts.remarks if "takes the place" in remark]
    assert "which is made of the input x (" in said


def decoded(contents: Any) -> Any:
    image = tf.cast(tf.io.decode_jpeg(contents, channels=3), tf.float32)
    return tf.expand_dims(image, 0, name="picture")


def test_a_file_is_decoded_and_resized(tmp_path: Path) -> None:
    """The picture takes the place of what is resized, so that it has a size, and black is 0 there."""

    def build() -> None:
        x = decoded(v1.placeholder(tf.string, (), name="contents"))
        x = raw.ResizeBilinear(images=x, size=[8, 10], name="resized")
        convolved((x - 128.0) / 128.0)

    facts = loaded(graph_of(build), tmp_path, value_range=None).facts
    assert facts.native_size_px == (8, 10)
    assert facts.preprocessing.value_range == (0, 255)
    assert "because the network takes bytes" in facts.findings[0]


@pytest.mark.parametrize("functional", [True, False])
def test_files_are_decoded_in_a_loop(functional: bool, tmp_path: Path) -> None:
    """In TensorFlow 1 a loop is made of nodes, and the pictures in it are none that a network reads."""

    def build() -> None:
        contents = v1.placeholder(tf.string, (None,), name="contents")

        def one(text: tf.Tensor) -> tf.Tensor:
            return tf.image.resize(tf.cast(tf.io.decode_jpeg(text, channels=3), tf.float32), (8, 8))

        images = tf.map_fn(one, contents, fn_output_signature=tf.float32)
        convolved(tf.identity(images, name="picture"))

    if not functional:
        v1.disable_control_flow_v2()
    try:
        graph = graph_of(build)
    finally:
        v1.enable_control_flow_v2()
    assert any(node.op == "NextIteration" for node in graph.node) is not functional
    facts = loaded(graph, tmp_path).facts
    assert [node.name for node in facts.nodes] == ["conv"]
    assert facts.native_size_px == (8, 8)


def test_pictures_of_bytes(tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.uint8, (None, 8, 8, 3), name="image")
        x = tf.cast(x, tf.float32) / 255.0
        convolved(tf.reshape(x, (-1, 4, 16, 3), name="picture"))

    facts = loaded(graph_of(build), tmp_path, value_range=None).facts
    assert facts.preprocessing.value_range == (0, 255)
    assert facts.nodes[0].kind == "scale"
    behind = loaded(graph_of(build), tmp_path, value_range=None, input="picture").facts
    assert behind.preprocessing.value_range == (0, 1)


def test_kernels_tell_how_many_channels(tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, (None, None, None, None), name="image")
        convolved(x * 2.0, weights(3, 3, 1, 4))

    assert loaded(graph_of(build), tmp_path).facts.input_channels == 1


def test_pictures_without_an_axis_of_channels(tmp_path: Path) -> None:
    kernel = weights(8 * 10, 3)

    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 10), name="image")
        raw.MatMul(a=tf.reshape(x, (-1, 80)), b=kernel, name="dense")

    model = loaded(graph_of(build), tmp_path)
    pictures = photos(model)
    assert pictures.shape == (2, 8, 10, 1)
    expected = (2 * pictures - 1).reshape(2, 80) @ kernel
    np.testing.assert_allclose(model.activations(pictures, "dense")[:, 0, 0], expected, atol=1e-5)


def test_pictures_in_one_row(tmp_path: Path) -> None:
    kernel = weights(8 * 8 * 3, 5)

    def build() -> None:
        raw.MatMul(a=v1.placeholder(tf.float32, (None, 192), name="x"), b=kernel, name="dense")

    graph = graph_of(build)
    with pytest.raises(FvcliError, match=r"^model\.size_px: .* 192 numbers .*size_px: 8 \(3 channels\)"):
        loaded(graph, tmp_path)
    with pytest.raises(
        FvcliError, match=r"^model\.size_px: the 192 numbers of x are no pictures of 9 x 9 px"
    ):
        loaded(graph, tmp_path, size_px=(9, 9))
    model = loaded(graph, tmp_path, size_px=(8, 8))
    pictures = photos(model)
    expected = (2 * pictures - 1).reshape(2, 192) @ kernel
    np.testing.assert_allclose(model.activations(pictures, "dense")[:, 0, 0], expected, atol=1e-5)
    assert "pictures are put in a row for input x, place by place" in model.facts.remarks


def test_several_nodes_could_take_the_picture(tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 384), name="x")
        left, right = (
            tf.reshape(part, (-1, 8, 8, 3), name=name)
            for part, name in zip(tf.split(x, 2, axis=1), ("left", "right"), strict=True)
        )
        convolved(left + right)

    graph = graph_of(build)
    with pytest.raises(FvcliError, match=r"several nodes could take the picture") as caught:
        loaded(graph, tmp_path)
    assert "input: left; these hold pictures: left (float32 [?, 8, 8, 3]), right (" in str(caught.value)
    assert str(caught.value).endswith("net.pb --nodes")


def test_what_reads_the_row_itself_is_not_forgotten(tmp_path: Path) -> None:
    """A picture in the place of the Reshape would leave zeros for the other reader."""

    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 192), name="x")
        picture = tf.reshape(x, (-1, 8, 8, 3), name="picture")
        dense = raw.MatMul(a=x, b=weights(192, 4), name="dense")
        raw.AddV2(x=tf.reduce_mean(tf.nn.conv2d(picture, KERNEL, 1, "SAME"), [1, 2]), y=dense, name="sum")

    with pytest.raises(FvcliError, match=r"input: picture; these hold pictures: picture \("):
        loaded(graph_of(build), tmp_path)
