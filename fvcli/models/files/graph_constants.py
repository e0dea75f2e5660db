"""Read the constants of a frozen TensorFlow graph (a .pb) without TensorFlow.

The file is one binary protobuf message, GraphDef: a list of nodes, each with a name, what it does, and
attributes. A frozen graph has its weights in nodes of the kind Const, as an attribute ``value``. Nothing
marks the end of the file: one that was cut between two nodes is a whole file of fewer nodes, and whoever
knows the network has to miss them.

It is for weights of a network that is known, which a plan checks where TensorFlow is not installed. Graphs
of networks that are not known are read by TensorFlow itself, in ``models/loaded/graph_def``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from fvcli.errors import FvcliError
from fvcli.models.files.file_kinds import GRAPH, HEAD_BYTES, kind_of
from fvcli.models.files.protobuf_types import Field, message_type, numbers_of, why_unreadable

MAX_NODES = 100_000  # an empty node is two bytes of the file and some hundred of memory
MAX_AXES = 32
CONST = "Const"
HINT = "give the unchanged frozen graph, a binary GraphDef"
UNKNOWN = "a file of an unknown format"


class _Numbers(NamedTuple):
    """A type of numbers, and which field of a tensor lists them one by one."""

    dtype: str
    listed: str
    bits: str | None = None  # as what the field has them


# By the number of the type in TensorFlow's types.proto; other constants, such as words, are left out.
TYPES = {
    1: _Numbers("<f4", "float_val"),
    2: _Numbers("<f8", "double_val"),
    3: _Numbers("<i4", "int_val"),
    9: _Numbers("<i8", "int64_val"),
    19: _Numbers("<f2", "half_val", "<u2"),
}

MESSAGES = {
    "Dim": [Field("size", 1, "INT64")],
    "TensorShapeProto": [Field("dim", 2, "Dim", True)],
    "TensorProto": [
        Field("dtype", 1, "INT32"),
        Field("tensor_shape", 2, "TensorShapeProto"),
        Field("tensor_content", 4, "BYTES"),
        Field("float_val", 5, "FLOAT", True),
        Field("double_val", 6, "DOUBLE", True),
        Field("int_val", 7, "INT32", True),
        Field("int64_val", 10, "INT64", True),
        Field("half_val", 13, "INT32", True),
    ],
    "AttrValue": [Field("i", 3, "INT64"), Field("f", 4, "FLOAT"), Field("tensor", 8, "TensorProto")],
    "Attribute": [Field("key", 1, "BYTES"), Field("value", 2, "AttrValue")],
    "NodeDef": [
        Field("name", 1, "BYTES"),
        Field("op", 2, "BYTES"),
        Field("attr", 5, "Attribute", True),
    ],
    "GraphDef": [Field("node", 1, "NodeDef", True)],
}


@dataclass(frozen=True)
class Graph:
    """What a frozen graph says.

    operations: What each node does, by name, such as ``Conv2D``.
    attributes: Of each node those that are one number.
    constants: The numbers of the Const nodes, in TensorFlow's layout; read-only where one number fills all.
    """

    operations: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    constants: Mapping[str, np.ndarray] = field(default_factory=dict)


def read_graph(data: bytes, name: str) -> Graph:
    """Return the numbers of each constant of a graph, and what its other nodes do.

    Args:
        data: The whole file.
        name: What to call the file in messages.

    Raises:
        FvcliError: The file is something else, is damaged, or holds no nodes.
    """
    try:
        return _read(data)
    except Exception as error:  # whatever a broken message raises, the file is what is wrong
        kind = kind_of(data[:HEAD_BYTES])
        reason = why_unreadable(error) if kind in {UNKNOWN, GRAPH} else f"it looks like {kind}"
        raise FvcliError(f"{name}: not a readable TensorFlow graph ({reason})", HINT) from error


def _read(data: bytes) -> Graph:
    nodes = _graph_type().FromString(data).node
    if not 0 < len(nodes) <= MAX_NODES:
        raise ValueError(f"it holds {len(nodes)} nodes")
    by_name = {node.name.decode(): node for node in nodes}
    if len(by_name) < len(nodes):
        raise ValueError("two of its nodes have the same name")
    operations = {name: node.op.decode() for name, node in by_name.items()}
    constants = {name: _constant(by_name[name], name) for name, op in operations.items() if op == CONST}
    return Graph(
        operations,
        {name: _numbers_among(node) for name, node in by_name.items()},
        {name: array for name, array in constants.items() if array is not None},
    )


def _numbers_among(node: Any) -> dict[str, float]:
    found = {}
    for attribute in node.attr:
        for kind in ("i", "f"):
            if attribute.value.HasField(kind):
                found[attribute.key.decode()] = getattr(attribute.value, kind)
    return found


def _constant(node: Any, name: str) -> np.ndarray | None:
    values = [a.value for a in node.attr if a.key == b"value"]
    if len(values) != 1 or not values[0].HasField("tensor"):
        raise ValueError(f"constant {name} has no value")
    tensor = values[0].tensor
    return _array(tensor, TYPES[tensor.dtype], name) if tensor.dtype in TYPES else None


def _array(tensor: Any, numbers: _Numbers, name: str) -> np.ndarray:
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    values = _values(tensor, numbers)
    known = len(shape) <= MAX_AXES and min(shape, default=0) >= 0
    if known and values.size == 1:  # one number stands for all: a view of it, however many they are
        return np.broadcast_to(values.reshape(()), shape)
    if not known or math.prod(shape) != values.size:
        raise ValueError(f"constant {name} has {values.size} numbers, its shape is {shape[:MAX_AXES]}")
    return values.reshape(shape)


def _values(tensor: Any, numbers: _Numbers) -> np.ndarray:
    if tensor.tensor_content:
        return np.frombuffer(tensor.tensor_content, numbers.dtype).copy()
    listed = numbers_of(getattr(tensor, numbers.listed), numbers.bits or numbers.dtype)
    return listed.view(numbers.dtype)


@functools.cache
def _graph_type() -> Any:
    return message_type("fvcli.tensorflow", MESSAGES, "GraphDef")
