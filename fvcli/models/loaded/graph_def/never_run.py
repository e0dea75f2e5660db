"""The graph that is never run: there every tensor has its type and its shape, for a batch of an odd size.

What does not keep the pictures of a batch apart shows itself there, before anything is computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.models.loaded.graph_def import ops
from fvcli.models.loaded.graph_def.shapes import MAX_VALUES
from fvcli.models.loaded.graph_def.values import BATCH, SMALL, Constant, Value

PICTURES = 8  # so many at a time have to fit into memory


def constant_in(graph: tf.Graph, array: np.ndarray) -> Constant:
    """Return a constant; its numbers are in the graph if shapes may depend on them."""
    with graph.as_default():
        if array.size <= SMALL:
            return Constant(array, tf.constant(array))
        return Constant(array, tf.compat.v1.placeholder(array.dtype, array.shape))


def built_in(graph: tf.Graph, op: str, attrs: Mapping[str, Any], inputs: Sequence[Value]) -> list[tf.Tensor]:
    """Return what an op makes in the graph."""
    if op == ops.OLD_NORMALIZATION:
        return [inputs[0].symbol]
    with graph.as_default():
        made = ops.run(op, attrs, [value.symbol for value in inputs])
    return made[:1] if op in ops.NORMALIZATIONS else made  # the rest is for training


def check_batch(shape: tf.TensorShape) -> None:
    """Refuse what would not fit into memory for some pictures, if its shape is known.

    Raises:
        ValueError: There are far too many numbers.
    """
    check_size((shape.num_elements() or 0) * PICTURES // BATCH)


def check_size(count: int | None) -> None:
    """Refuse what would not fit into memory.

    Raises:
        ValueError: There are far too many numbers, or nobody knows how many.
    """
    if count is None or count > MAX_VALUES:
        raise ValueError("it would make far too much")
