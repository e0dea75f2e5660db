"""Free a TensorFlow graph from the number of pictures that it was frozen for.

Such a graph has that number in constants:

    [1, 7, 7, 64] --Reshape to [1, 3136]--> MatMul          a batch of 1, and here [batch, 7, 7, 64]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import tensorflow as tf

from fvcli.models.loaded.graph_def import ops
from fvcli.models.loaded.graph_def.values import (
    BATCH,
    Arranged,
    Constant,
    Tensor,
    Value,
    constant_like,
    for_each_picture,
)
from fvcli.optvis.calls import Call


def for_any_batch(op: str, inputs: Sequence[Value], batch: int | None) -> Sequence[Value]:
    """Return what an op reads, without the number of pictures in it.

    Args:
        op: A node's.
        inputs: What it reads.
        batch: That number; None if the graph leaves it open.
    """
    if op == "Reshape":
        return _reshaped(inputs, batch)
    if op == "Conv2DBackpropInput" and batch is not None:
        return _transposed(inputs, batch)
    if op in ops.CONCATS and batch == 1:
        return _joined(inputs)
    return inputs


def _reshaped(inputs: Sequence[Value], batch: int | None) -> Sequence[Value]:
    x, target = inputs
    if not isinstance(x, Tensor) or not isinstance(target, Constant):
        return inputs
    sizes, shape = x.symbol.shape.as_list() if x.rank else [None], target.array.tolist()
    if None in sizes or not shape or next((size for size in sizes if size != 1), 1) % BATCH:
        return inputs
    if batch is None and (shape[0] != 1 or sizes[0] != BATCH):
        return inputs
    count = math.prod(sizes) // BATCH * (batch or 1)  # of numbers that the graph itself has there
    known = math.prod(size for size in shape if size != -1)
    whole = [count // max(known, 1) if size == -1 else size for size in shape]
    pictures = 0 if batch in {1, None} else next((i for i, size in enumerate(whole) if size != 1), 0)
    if math.prod(whole) != count or whole[pictures] % (batch or 1):
        return inputs
    whole[pictures] = -1
    return [x, constant_like(target, np.asarray(whole, target.array.dtype))]


def _transposed(inputs: Sequence[Value], batch: int) -> Sequence[Value]:
    """Return the inputs of a transposed convolution, which is given the shape of what it makes."""
    sizes, x = inputs[0], inputs[2]
    if not isinstance(sizes, Constant) or not isinstance(x, Tensor) or sizes.array[0] != batch:
        return inputs
    rest = sizes.array[1:]
    with x.symbol.graph.as_default():
        symbol = tf.constant(np.asarray([BATCH, *rest], rest.dtype))

    def compute(values: Sequence[tf.Tensor]) -> tf.Tensor:
        return tf.concat([tf.shape(values[0], rest.dtype)[:1], rest], 0)

    return [Tensor(Call("", (x.call,), compute), symbol, x.nodes, smooth=False), *inputs[1:]]


def _joined(inputs: Sequence[Value]) -> Sequence[Value]:
    """Return what is joined to tensors of each picture, such as the token of the class, once for each."""
    pictures = [value for value in inputs if isinstance(value, Tensor) and _is_batch(value)]

    def each(value: Value) -> Value:
        if not isinstance(value, Constant) or value.array.ndim < 2 or len(value.array) != 1:
            return value
        return for_each_picture(value.array, pictures[0].call, value.symbol.graph)

    return [each(value) for value in inputs] if pictures else inputs


def _is_batch(value: Tensor) -> bool:
    return bool(value.rank) and value.symbol.shape[0] == BATCH


def each_alone(op: str, arranged: Arranged) -> Arranged:
    """Return an op of a graph that takes one picture as it is for each of many: not along their axis."""
    values = arranged.inputs
    if op not in ops.REDUCTIONS or not arranged.attrs["keep_dims"] or not isinstance(values[1], Constant):
        return arranged
    rank, axes = values[0].symbol.shape.rank, np.ravel(values[1].array)
    if not rank or values[0].symbol.shape[0] != BATCH:
        return arranged
    array = np.asarray([axis for axis in axes if axis % rank], axes.dtype)
    with values[1].symbol.graph.as_default():
        return arranged._replace(
            inputs=[values[0], replace(values[1], array=array, symbol=tf.constant(array))]
        )
