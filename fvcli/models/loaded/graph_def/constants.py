"""What of a TensorFlow graph does not depend on the picture: it is computed once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.models.loaded.graph_def import ops
from fvcli.models.loaded.graph_def.never_run import built_in, check_size, constant_in
from fvcli.models.loaded.graph_def.values import Constant, Value, for_each_picture
from fvcli.optvis.calls import Call

MAX_CONSTANT_VALUES = 1 << 30  # of all constants; twice what a file can hold


class Constants:
    """Makes the constants of a graph.

    Args:
        graph: The one that is never run.
        fill: What placeholders are filled with.
        image: The call of the picture.
        remarks: To which it adds what was filled.

    Attributes:
        parameters: How many numbers it holds that are learnt.
    """

    def __init__(self, graph: tf.Graph, fill: Mapping[str, float], image: Call, remarks: list[str]) -> None:
        self._graph, self._fill, self._image, self._remarks = graph, fill, image, remarks
        self._count = 0
        self.parameters = 0

    def source(self, node: Any, inputs: Sequence[Value]) -> Value:
        """Return what a node makes that reads nothing, or nothing but its default.

        Raises:
            ValueError: It would fill the memory.
        """
        if node.op == "PlaceholderWithDefault" and node.name not in self._fill:
            return inputs[0]
        if node.op != "Const":
            return self._filled(node)
        tensor = node.attr["value"].tensor
        self._check(math.prod(dim.size for dim in tensor.tensor_shape.dim))
        array = tf.make_ndarray(tensor)
        self.parameters += array.size if tf.as_dtype(array.dtype).is_floating and array.ndim else 0
        return constant_in(self._graph, array)

    def folded(self, node: Any, inputs: Sequence[Constant]) -> list[Constant]:
        """Return what a node makes of constants.

        Raises:
            ValueError: It cannot be computed, or would fill the memory.
        """
        attrs = ops.attrs_of(node)
        for symbol in built_in(self._graph, node.op, attrs, inputs):
            self._check(symbol.shape.num_elements())
        made = ops.run(node.op, attrs, [value.array for value in inputs])
        return [constant_in(self._graph, tensor.numpy()) for tensor in made]

    def _filled(self, node: Any) -> Value:
        value, dtype = self._fill.get(node.name, 0.0), tf.as_dtype(node.attr["dtype"].type)
        sizes = [dim.size for dim in node.attr["shape"].shape.dim]
        shape = [max(size, 1) for size in sizes]
        self._check(math.prod(shape))
        self._remarks.append(f"input {node.name} is filled with {value:g}")
        array = np.full(shape, value).astype(dtype.as_numpy_dtype)
        if sizes[:1] == [-1]:
            return for_each_picture(array, self._image, self._graph)
        return constant_in(self._graph, array)

    def _check(self, count: int | None) -> None:
        """Refuse what would not fit into memory, before it is made."""
        check_size(count)
        self._count += count or 0
        if self._count > MAX_CONSTANT_VALUES:
            raise ValueError("all that is constant would be far too much")
