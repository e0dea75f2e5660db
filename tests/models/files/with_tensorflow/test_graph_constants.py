"""Constants of frozen TensorFlow graphs: written by TensorFlow's own messages, read without TensorFlow."""

from __future__ import annotations

import contextlib
import io
import random
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, graph_pb2, tensor_pb2

from fvcli.errors import FvcliError
from fvcli.models.files.graph_constants import read_graph
from tests.helpers.caffe_bytes import field

VALUES = {
    "w": np.random.default_rng(0).normal(size=(3, 3, 2, 5)).astype(np.float32),
    "b": np.arange(5, dtype=np.float32),
    "half": np.array([[1, -0.5], [65504, 6e-8]], np.float16),
    "double": np.array([1 / 3, 1e300]),
    "axis": np.int32(-1),
    "shape": np.array([1, -1, 7], np.int32),
    "long": np.array([1 << 40, -3], np.int64),
}
FLOAT, INT32, HALF, STRING = (
    tf.as_dtype(t).as_datatype_enum for t in ("float32", "int32", "float16", "string")
)


def graph_of(**values: object) -> graph_pb2.GraphDef:
    graph = graph_pb2.GraphDef()
    graph.node.add(name="input", op="Placeholder")
    for name, value in values.items():
        proto = value if isinstance(value, tensor_pb2.TensorProto) else tf.make_tensor_proto(value)
        node = graph.node.add(name=name, op="Const")
        node.attr["dtype"].type = proto.dtype
        node.attr["value"].tensor.CopyFrom(proto)
    return graph


def listed(dtype: int, shape: tuple[int, ...], **values: list[float]) -> tensor_pb2.TensorProto:
    """Return a tensor that lists its numbers one by one."""
    return tensor_pb2.TensorProto(
        dtype=dtype, tensor_shape={"dim": [{"size": size} for size in shape]}, **values
    )


def refusal(content: bytes) -> str:
    with pytest.raises(FvcliError) as caught:
        read_graph(content, "g.pb")
    text = str(caught.value)
    assert text.startswith("g.pb: not a readable TensorFlow graph (")
    assert len(text.splitlines()) == 1
    return text


# ---- what is right


def test_every_type_of_numbers() -> None:
    content = graph_of(**VALUES, words=np.array([b"tench", b"cat"]), flag=True).SerializeToString()
    found = read_graph(content, "g.pb").constants
    assert list(found) == list(VALUES)
    for name, expected in VALUES.items():
        assert found[name].dtype == expected.dtype
        assert found[name].shape == expected.shape
        np.testing.assert_array_equal(found[name], expected)


@pytest.mark.parametrize(
    ("proto", "expected"),
    [
        (listed(FLOAT, (2, 2), float_val=[1, 2, 3, 4]), np.array([[1, 2], [3, 4]], np.float32)),
        (listed(FLOAT, (2, 3), float_val=[0.5]), np.full((2, 3), 0.5, np.float32)),
        (listed(FLOAT, (), float_val=[0.5]), np.float32(0.5)),
        (listed(INT32, (3,), int_val=[-7]), np.full(3, -7, np.int32)),
        (listed(HALF, (2,), half_val=[0x3C00, 0xC000]), np.array([1, -2], np.float16)),
        (listed(HALF, (2, 2), half_val=[0x3C00]), np.ones((2, 2), np.float16)),
        (listed(FLOAT, (0, 4)), np.zeros((0, 4), np.float32)),
    ],
)
def test_numbers_that_are_listed(proto: tensor_pb2.TensorProto, expected: np.ndarray) -> None:
    found = read_graph(graph_of(w=proto).SerializeToString(), "g.pb").constants["w"]
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found, tf.make_ndarray(proto))


def test_what_other_nodes_do() -> None:
    graph = graph_of(w=VALUES["w"])
    norm = graph.node.add(name="norm", op="LRN", input=["input"])
    norm.attr["depth_radius"].CopyFrom(attr_value_pb2.AttrValue(i=5))
    norm.attr["beta"].f = 0.5
    norm.attr["T"].type = FLOAT
    found = read_graph(graph.SerializeToString(), "g.pb")
    assert found.operations == {"input": "Placeholder", "w": "Const", "norm": "LRN"}
    assert found.attributes["norm"] == {"depth_radius": 5, "beta": 0.5}


def test_graph_that_tensorflow_made() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, (1, 8, 8, 2), "x")
        y = tf.nn.conv2d(x, tf.constant(VALUES["w"], name="scope/w"), 1, "SAME")
        tf.nn.local_response_normalization(y, 5, 2.0, 1e-4, 0.5, name="norm")
    found = read_graph(graph.as_graph_def().SerializeToString(), "g.pb")
    np.testing.assert_array_equal(found.constants["scope/w"], VALUES["w"])
    assert found.operations["norm"] == "LRN"
    expected = {"depth_radius": 5, "bias": 2, "alpha": np.float32(1e-4), "beta": 0.5}
    assert found.attributes["norm"] == pytest.approx(expected)


def test_reading_loads_no_tensorflow(tmp_path) -> None:
    path = tmp_path / "g.pb"
    path.write_bytes(graph_of(**VALUES).SerializeToString())
    code = f"""
import sys
from fvcli.models.files.graph_constants import read_graph
print(len(read_graph(open({str(path)!r}, "rb").read(), "g.pb").constants), "tensorflow" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{len(VALUES)} False\n"


# ---- what is damaged, or something else


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("tensorflow_inception_graph.pb", b"")
    return file.getvalue()


def const(**attributes: attr_value_pb2.AttrValue) -> bytes:
    graph = graph_pb2.GraphDef()
    node = graph.node.add(name="\x1b[31m\n", op="Const")
    for key, value in attributes.items():
        node.attr[key].CopyFrom(value)
    return graph.SerializeToString()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it looks like an empty file"),
        (zipped(), "it looks like a zip archive"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "it looks like an HDF5 file"),
        (b"\x08\x01\x12\x04\x0a\x02ab", "it looks like the saved_model.pb of a TensorFlow SavedModel"),
        (b'node {\n  name: "input"\n}\n' * 99, "it looks like a TensorFlow graph as text"),
        (b"<!DOCTYPE html>\n<html>", "it looks like a web page"),
        (bytes(100), "it is cut short or damaged"),
        (b"\xff" * 100, "it is cut short or damaged"),
        (field(4, b"\xff\x00"), "it holds 0 nodes"),
        (field(1, b"") * 100_001 + field(4, b"\xff\x00"), "it holds 100001 nodes"),
        (graph_of(a=VALUES["w"]).SerializeToString() * 2, "two of its nodes have the same name"),
        (const() + field(4, b"\xff\x00"), "constant ?[31m? has no value"),
        (const(value=attr_value_pb2.AttrValue(i=1)) + field(4, b"\xff\x00"), "constant ?[31m? has no value"),
    ],
)
def test_not_a_graph(content: bytes, reason: str) -> None:
    assert reason in refusal(content)


@pytest.mark.parametrize(
    "proto",
    [
        listed(FLOAT, (2, 2), float_val=[1, 2, 3]),
        listed(FLOAT, (2, 2)),
        listed(FLOAT, (-1,), float_val=[1]),
        listed(FLOAT, (-2, -2), float_val=[1, 2, 3, 4]),
        listed(FLOAT, (1 << 32, 1 << 32), float_val=[1]),
        listed(FLOAT, (1 << 40,), float_val=[1, 2]),
        listed(FLOAT, (1,) * 33, float_val=[1]),
        listed(FLOAT, (2,), tensor_content=b"12345"),
        listed(FLOAT, (3,), tensor_content=bytes(8)),
    ],
)
def test_numbers_that_do_not_fill_their_shape(proto: tensor_pb2.TensorProto) -> None:
    refusal(graph_of(w=proto).SerializeToString())


def test_one_number_for_a_huge_shape_takes_no_memory() -> None:
    content = graph_of(w=listed(FLOAT, (1 << 30, 16), float_val=[2])).SerializeToString()
    found = read_graph(content, "g.pb").constants
    assert found["w"].shape == (1 << 30, 16)
    assert found["w"][-1, -1] == 2


def test_file_cut_anywhere() -> None:
    """Between two nodes a cut leaves a whole file; anywhere else it is seen."""
    graph = graph_of(**VALUES)
    borders = {}
    for count in range(len(graph.node) + 1):
        part = graph_pb2.GraphDef(node=graph.node[:count])
        borders[part.ByteSize()] = list(VALUES)[: max(0, count - 1)]
    whole = graph_pb2.GraphDef(node=graph.node).SerializeToString()
    for end in range(1, len(whole) + 1):
        if end in borders:
            assert list(read_graph(whole[:end], "g.pb").constants) == borders[end]
        else:
            refusal(whole[:end])


def test_flipped_bytes() -> None:
    """Random damage gives arrays or FvcliError: no other error."""
    whole, rng = graph_of(**VALUES).SerializeToString(), random.Random(0)
    refused = 0
    for _ in range(2000):
        damaged = bytearray(whole)
        for _ in range(rng.choice((1, 1, 2, 8))):
            damaged[rng.randrange(len(whole))] = rng.randrange(256)
        with contextlib.suppress(FvcliError):
            read_graph(bytes(damaged), "g.pb")
            continue
        refused += 1
    assert 200 < refused < 1900


@pytest.mark.parametrize(
    "content",
    [
        field(1, b"") * 1_000_000,
        field(1, field(5, b"") * 1_000_000),
        graph_of(w=listed(FLOAT, (1,) * 500_000, float_val=[1])).SerializeToString(),
        b"\x13" * 1_000_000,
    ],
    ids=["nodes", "attributes", "axes", "groups"],
)
def test_small_file_takes_little_memory(content: bytes) -> None:
    code = """
import resource, sys
from fvcli.models.files.graph_constants import _graph_type, read_graph
_graph_type()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_graph(sys.stdin.buffer.read(), "g.pb")
except Exception as error:
    print(type(error).__name__, end=" ")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], input=content, capture_output=True, check=True, timeout=60
    )
    assert int(done.stdout.split()[-1]) < 300_000  # KiB
    assert done.stdout.split()[:-1] in ([], [b"FvcliError"])
