"""Files that are no frozen graphs, and graphs that fvcli does not compute: one line each, nothing is run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import graph_pb2

from fvcli.errors import FvcliError
from fvcli.models import ModelChoice, load
from tests.helpers.running import fvcli, write_spec
from tests.helpers.tensorflow_graphs import (
    frozen,
    graph_of,
    keras_network,
    loaded,
    lucids_network,
    raw,
    v1,
    weights,
    write,
)


@pytest.fixture(scope="module")
def keras_graph() -> Any:
    return frozen(keras_network())


@pytest.fixture(scope="module")
def lucid_graph() -> Any:
    return lucids_network()


def refused(graph: Any, folder: Path, **choice: Any) -> str:
    with pytest.raises(FvcliError) as caught:
        loaded(graph, folder, **choice)
    text = str(caught.value)
    assert text.isprintable()
    return text


def behind_a_picture(op: Callable[[tf.Tensor], Any]) -> Any:
    """A graph in which an op stands between the picture and a layer."""

    def build() -> None:
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="image")
        raw.Relu(features=tf.ensure_shape(op(x), (None, 8, 8, 3)), name="relu")

    return graph_of(build)


def writes(path: Path) -> Callable[[tf.Tensor], Any]:
    def op(x: tf.Tensor) -> tf.Tensor:
        write_ = raw.WriteFile(filename=str(path), contents="x", name="write")
        with tf.control_dependencies([write_]):
            return tf.nn.relu(x)

    return op


FOREIGN = {
    "PyFunc": (lambda x: v1.py_func(np.sin, [x], tf.float32, name="bad"), r"bad is a PyFunc, which reaches"),
    "EagerPyFunc": (
        lambda x: tf.py_function(tf.sin, [x], tf.float32, name="bad"),
        "EagerPyFunc, which reaches",
    ),
    "print": (lambda x: v1.Print(x, [x]), "is a Print, which is none"),
    "random": (lambda x: x + tf.random.uniform(tf.shape(x)), "RandomUniform, which draws random numbers"),
    "variable": (lambda x: x * v1.get_variable("w", (3,)), "VarHandleOp, which keeps what it knows outside"),
    "loop": (
        lambda x: v1.while_loop(
            lambda i, y: i < 3, lambda i, y: (i + 1, y * 2), (0, x), (tf.TensorShape([]), x.shape)
        )[1],
        "decides while it runs",
    ),
    "reading": (lambda x: x * tf.strings.to_number(tf.io.read_file("x")), "StringToNumber|ReadFile"),
    "training": (
        lambda x: (
            raw.FusedBatchNormV3(
                x=x, scale=weights(3), offset=weights(3), mean=[], variance=[], is_training=True, name="norm"
            ).y
        ),
        "node norm is a FusedBatchNormV3 in training mode: .* other pictures of the batch",
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_not_mathematics_is_refused(name: str, tmp_path: Path) -> None:
    op, reason = FOREIGN[name]
    with pytest.raises(FvcliError, match=reason):
        loaded(behind_a_picture(op), tmp_path)


def test_nothing_is_written(tmp_path: Path) -> None:
    target = tmp_path / "written"
    assert "node write is a WriteFile, which reaches out" in refused(
        behind_a_picture(writes(target)), tmp_path
    )
    assert not target.exists()


def test_an_unknown_op(tmp_path: Path) -> None:
    graph = behind_a_picture(tf.nn.elu)
    next(node for node in graph.node if node.op == "Elu").op = "SomebodysOwn"
    assert "is a SomebodysOwn, which is none of the operations" in refused(graph, tmp_path)


def test_an_end_that_nobody_needs_is_left_out(tmp_path: Path) -> None:
    def build() -> None:
        x = raw.Relu(features=v1.placeholder(tf.float32, (None, 8, 8, 3), name="image"), name="relu")
        raw.HistogramSummary(tag="values", values=x, name="summary")

    facts = loaded(graph_of(build), tmp_path).facts
    assert [node.name for node in facts.nodes] == ["relu"]
    assert any("summary" in remark for remark in facts.remarks)


def huge_fill(x: tf.Tensor) -> tf.Tensor:
    return x + tf.reduce_sum(raw.Fill(dims=[1 << 20, 1 << 20], value=1.0, name="huge"))


def huge_tile(x: tf.Tensor) -> tf.Tensor:
    return tf.tile(x, [1, 1 << 12, 1 << 12, 1])[:, :8, :8]


@pytest.mark.parametrize("op", [huge_fill, huge_tile])
def test_a_small_graph_cannot_ask_for_all_memory(op: Callable[[tf.Tensor], Any], tmp_path: Path) -> None:
    assert "it would make far too much" in refused(behind_a_picture(op), tmp_path)


def test_a_constant_that_claims_to_be_large(tmp_path: Path) -> None:
    graph = behind_a_picture(lambda x: x * tf.constant(2.0, name="two"))
    tensor = next(node for node in graph.node if node.name == "two").attr["value"].tensor
    tensor.tensor_shape.dim.add(size=1 << 40)
    assert "node two (Const) cannot be computed (it would make far too much)" in refused(graph, tmp_path)


def test_several_placeholders(tmp_path: Path) -> None:
    def build() -> None:
        parts = [v1.placeholder(tf.float32, (None, 8, 8, 3), name=name) for name in ("left", "right")]
        raw.AddN(inputs=parts, name="sum")

    graph = graph_of(build)
    text = refused(graph, tmp_path)
    assert text.startswith("model.input: several inputs")
    assert "left (float32 [?, 8, 8, 3])" in text
    assert "no node of the graph is called 'middle'" in refused(graph, tmp_path, input="middle")
    assert loaded(graph, tmp_path, input="right").facts.remarks == ("input left is filled with 0",)


def test_words_are_no_picture(tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.int32, (None, 8), name="words")
        raw.Relu(features=tf.cast(x, tf.float32, name="floats"), name="relu")

    text = refused(graph_of(build), tmp_path)
    assert "no input takes a picture (inputs: words (int32 [?, 8]))" in text
    assert text.endswith("net.pb --nodes")


def test_a_size_that_does_not_fit(lucid_graph: Any, tmp_path: Path) -> None:
    text = refused(lucid_graph, tmp_path, size_px=(20, 20))
    assert "avgpool0" in text
    assert "model.size_px" in text


def test_choices_that_do_not_fit(keras_graph: Any, tmp_path: Path) -> None:
    assert refused(keras_graph, tmp_path, sha256="0" * 64).startswith("model.sha256: ")
    assert refused(keras_graph, tmp_path, weights="imagenet").startswith("model.weights: ")
    assert refused(keras_graph, tmp_path, size_px=(64, 64)).startswith("model.size_px: ")
    assert refused(keras_graph, tmp_path, logits="nothing").startswith("model.logits: ")


def pb(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def hdf5(path: Path) -> None:
    h5py.File(path, "w").close()


NO_GRAPHS = {
    "empty": (pb(b""), "an empty file"),
    "text": (pb(b'node {\n  name: "x"\n}\n'), "a TensorFlow graph as text"),
    "pickle": (pb(b"\x80\x04\x95\x10\0\0\0"), "a Python pickle"),
    "zip": (pb(b"PK\x03\x04" + bytes(60)), "a damaged zip archive"),
    "onnx": (pb(b"\x08\x07\x12\x07pytorch\x1a\x052.0.1:\x04\x0a\x02\x0a\x00"), "an ONNX model"),
    "saved model": (pb(b"\x08\x01\x12\x10" + bytes(16)), "SavedModel"),
    "noise": (pb(np.random.default_rng(0).bytes(4096)), "a file of an unknown format"),
    "noise behind the first byte": (pb(b"\x0a" + bytes(range(256)) * 8), "cut short, damaged or another"),
    "hdf5": (hdf5, "an HDF5 file"),
}


@pytest.mark.parametrize("name", NO_GRAPHS)
def test_other_files(name: str, tmp_path: Path) -> None:
    make, kind = NO_GRAPHS[name]
    make(tmp_path / "net.pb")
    with pytest.raises(FvcliError, match=kind) as caught:
        load(ModelChoice(path=str(tmp_path / "net.pb")))
    said = str(caught.value)
    named = ("not a frozen TensorFlow graph (", "which is no model that fvcli reads", "neither a Keras model")
    assert any(words in said for words in named)
    assert said.isprintable()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_short(share: float, lucid_graph: Any, tmp_path: Path) -> None:
    content = lucid_graph.SerializeToString()
    (tmp_path / "net.pb").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FvcliError, match=r"not a frozen TensorFlow graph|which is not there"):
        load(ModelChoice(path=str(tmp_path / "net.pb")))


def test_nodes_that_are_none(keras_graph: Any, tmp_path: Path) -> None:
    for change, reason in (
        (lambda nodes: nodes.add(name=nodes[0].name, op="NoOp"), "two nodes have one name"),
        (lambda nodes: nodes.add(name="a\x1b[2J", op="NoOp"), "a node has no proper name"),
        (lambda nodes: nodes.add(name="x", op="Relu", input=["y"]), "node x reads 'y', which is not there"),
        (
            lambda nodes: nodes.add(name="x", op="AddV2", input=["x", "image"]),
            "node x reads what is made of itself",
        ),
        (lambda nodes: nodes.add(name="x", op="Relu", input=["image:7"]), "node image has no output 7"),
        (
            lambda nodes: nodes.add(name="x", op="Relu", input=["image", "image"]),
            "x (Relu) cannot be computed",
        ),
        (lambda nodes: nodes.add(name="x", op="AddV2", input=["image"]), "x (AddV2) cannot be computed"),
        (
            lambda nodes: nodes.add(name="x", op="Placeholder").attr["dtype"].__setattr__("type", 77),
            "node x has type 77, which TensorFlow does not know",
        ),
        (
            lambda nodes: (
                nodes.add(name="lucid_metadata_json", op="Const").attr["value"].tensor.string_val.append(b"[")
            ),
            "its lucid_metadata_json is not what Lucid writes",
        ),
    ):
        graph = graph_pb2.GraphDef.FromString(keras_graph.SerializeToString())
        change(graph.node)
        assert reason in refused(graph, tmp_path)


def test_a_refusal_is_told_with_its_place(tmp_path: Path) -> None:
    write(behind_a_picture(writes(tmp_path / "written")), tmp_path / "bad.pb")
    spec = f"model: {{path: {tmp_path / 'bad.pb'}}}\njobs:\n  - {{name: a, layer: relu}}\n"
    result = fvcli("plan", write_spec(tmp_path, spec))
    assert result.exit_code == 2
    assert "spec.yaml:1: model.path" in result.output
    assert not (tmp_path / "written").exists()
