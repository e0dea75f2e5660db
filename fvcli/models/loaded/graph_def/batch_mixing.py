"""Find where a TensorFlow graph puts the pictures of a batch together, so that they depend on each other.

    x [batch, h, w, c] --Max over all axes--> [] --RealDiv--> [batch, h, w, c]

What is put together may stay where no output of the network is made of it: the accuracy of a batch is one
number, and normalizations of TensorFlow 1 make the statistics of a batch in inference too, and read others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.errors import UsageError
from fvcli.models.loaded.graph_def import ops
from fvcli.models.loaded.graph_def.ops import ASKS_SIZES
from fvcli.models.loaded.graph_def.values import BATCH, Tensor, Value

ALONG_GIVEN_AXES = {*ops.REDUCTIONS, "All", "Any", "ArgMax", "ArgMin", "Cumsum", "ReverseV2"}  # by input 1
ALONG_LAST_AXIS = {"Softmax", "LogSoftmax", "TopKV2", "LRN"}
TAKES_SOME = {"Slice", "StridedSlice", "GatherV2", "Gather", "GatherNd", "Unpack", "Split", "SplitV"}


def mixes_pictures(op: str, inputs: Sequence[Value], made: tf.Tensor, graph: tf.Graph) -> bool:
    """Tell whether an op makes something of several pictures of a batch, or of one that it picks out.

    Args:
        op: A node's.
        inputs: What it reads.
        made: The first of what it makes, in the graph that is never run.
        graph: That graph.
    """
    picture = graph.get_operations()[0]  # the first that walk made
    for value in inputs:
        batch = _batch_axis(value.symbol.shape) if isinstance(value, Tensor) else None
        if batch is not None and _joins(op, inputs, value.symbol, batch, made):
            return _sees(value.symbol, picture)
    return False


def mixing(node: Any, name: str) -> UsageError:
    """Return the refusal of a network that is made of what a node put together."""
    return UsageError(
        f"{name}: node {node.name} ({node.op}) puts the pictures of a batch together: a picture would "
        "depend on the others of its batch",
        "let it work on each picture by itself, such as with axis=[1, 2, 3] and keepdims=True",
    )


def refuse_training(node: Any, attrs: Mapping[str, Any], name: str) -> None:
    """Refuse an op that makes statistics of a batch, as in training.

    Raises:
        UsageError: It does.
    """
    if node.op in ops.QUANTIZERS and attrs.get("range_given") is False:
        raise UsageError(
            f"{name}: node {node.name} is a {node.op} that takes its range from all pictures of the batch",
            "give it a range before you freeze the graph",
        )
    if node.op in ops.NORMALIZATIONS and attrs["is_training"]:
        raise UsageError(
            f"{name}: node {node.name} is a {node.op} in training mode: its output would depend on the other "
            "pictures of the batch",
            "freeze the graph as it is used for inference",
        )


def _batch_axis(shape: tf.TensorShape) -> int | None:
    """Return which axis the pictures of a batch stand along, alone or with something else."""
    sizes = shape.as_list() if shape.rank else []
    if BATCH in sizes:
        return sizes.index(BATCH)
    return next((i for i, size in enumerate(sizes) if size and size % BATCH == 0), None)


def _joins(op: str, inputs: Sequence[Value], x: tf.Tensor, batch: int, made: tf.Tensor) -> bool:
    if op in ALONG_GIVEN_AXES and x is inputs[0].symbol:
        axes = tf.get_static_value(inputs[1].symbol)
        if axes is not None:
            return batch in {int(axis) % x.shape.rank for axis in np.ravel(axes)}
    if op in ALONG_LAST_AXIS:
        return batch == x.shape.rank - 1
    if op in TAKES_SOME and x is inputs[int(op == "Split")].symbol and batch == 0:
        return made.shape.rank == 0 or (
            made.shape.rank is not None and made.shape[0] not in {x.shape[0], None}
        )
    return made.shape.rank is not None and None not in made.shape and _batch_axis(made.shape) is None


def _sees(symbol: tf.Tensor, picture: tf.Operation) -> bool:
    """Tell whether a tensor is made of the numbers of a picture, and not of its size alone."""
    seen, todo = {symbol.op}, [symbol.op]
    while todo:
        op = todo.pop()
        if op is picture or op == picture:
            return True
        new = set() if op.type in ASKS_SIZES else {one.op for one in op.inputs} - seen
        seen |= new
        todo += new
    return False
