"""The tensors of a TensorFlow graph on their way to be calls, and which of their axes is that of channels.

Where a graph has channels first, its calls have them last. What has a data format is computed that way;
element by element it makes no difference, nor along an axis that is known; anything else reads maps that have
been turned to how the graph has them, and what it makes is turned back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from fvcli.models.graph import Node, Pair
from fvcli.models.loaded.graph_def.ops import (
    FIRST,
    FIRST_TO_LAST,
    LAST,
    LAST_TO_FIRST,
    MOVABLE,
    REDUCTIONS,
    array_channels_last,
    attrs_channels_last,
)
from fvcli.optvis.calls import Call

BATCH = 509  # pictures in the graph that is never run; a prime, unlike any size that a network has
SMALL = 1024  # numbers of a constant that shapes may depend on
SPATIAL_AXES_FIRST = {2, 3}


@dataclass(frozen=True)
class Constant:
    """What is the same for every picture; its symbol is in the graph that is never run."""

    array: np.ndarray
    symbol: tf.Tensor


class Rows(NamedTuple):
    """A map of which all positions stand in rows, as dense layers take them.

    size: Of the map.
    kind: What has been done to it since.
    """

    size: Pair
    kind: str


@dataclass(frozen=True)
class Tensor:
    """What is made of the picture.

    call: How, channels last.
    symbol: The same in the graph that is never run.
    nodes: The layers that it is made of; itself, if it is one.
    exact: Whether its positions are theirs.
    smooth: Whether a gradient comes back from it.
    raw: If nothing but preprocessing is behind it: what a value of the picture was multiplied by, and what
        was added.
    first: Whether the graph itself has its channels first.
    own: What makes it as the graph has it, where that is so and it has been made.
    rows: If it is a map in rows.
    of_one: Whether a Reshape made it that the graph has for one picture at a time.
    mixed: The node that put the pictures of a batch together, if it is made of several of them.
    """

    call: Call
    symbol: tf.Tensor
    nodes: tuple[Node, ...]
    exact: bool = True
    smooth: bool = True
    raw: tuple[float, float] | None = None
    first: bool = False
    own: tuple[Call, tf.Tensor] | None = None
    rows: Rows | None = None
    of_one: bool = False
    mixed: str | None = None

    @property
    def rank(self) -> int | None:
        return self.symbol.shape.rank

    @property
    def places(self) -> Pair | None:
        """Height and width of a map whose positions are those of the layers that it is made of."""
        if not self.exact or (self.rank != 4 and self.rows is None):
            return None
        size = self.symbol.shape.as_list()[1:3] if self.rows is None else self.rows.size
        return None if None in size else (size[0], size[1])

    @property
    def is_parameter(self) -> bool:
        """Whether it says how something is computed, and not what of: sizes, axes, places."""
        return self.symbol.dtype.is_integer


Value = Constant | Tensor


class Arranged(NamedTuple):
    """An op with its inputs as it can be called.

    inputs, attrs: Of the op.
    first: Whether what it makes has its channels first in the graph, and last here.
    as_graph: Whether what it makes has them where the graph has them.
    """

    inputs: Sequence[Value]
    attrs: Mapping[str, Any]
    first: bool = False
    as_graph: bool = False


def arranged(op: str, attrs: Mapping[str, Any], inputs: Sequence[Value]) -> Arranged:
    """Return an op and what it reads, channels last where that can be."""
    if attrs.get("data_format") in {FIRST, LAST} and any(_is_map(value) for value in inputs):
        first = attrs["data_format"] == FIRST
        read = [_channels_last(value, first) if _is_map(value) else value for value in inputs]
        if first and op == "Conv2DBackpropInput":
            read[0] = _sizes_channels_last(read[0])
        return Arranged(read, attrs_channels_last(attrs) if first else attrs, first)
    if not any(isinstance(value, Tensor) and value.first for value in inputs):
        return Arranged(inputs, attrs)
    if op in MOVABLE and _all_first(inputs) and _keeps_its_axes(op, attrs, inputs):
        return Arranged(_moved(op, inputs), attrs, first=True)
    return Arranged([_as_graph(value) for value in inputs], attrs, as_graph=True)


def _is_map(value: Value) -> bool:
    return isinstance(value, Tensor) and value.rank == 4


def _all_first(inputs: Sequence[Value]) -> bool:
    tensors = [value for value in inputs if isinstance(value, Tensor)]
    return all(value.first or value.rank == 0 for value in tensors)


def _keeps_its_axes(op: str, attrs: Mapping[str, Any], inputs: Sequence[Value]) -> bool:
    """Tell whether maps stay maps, or become vectors, for which it makes no difference."""
    if op not in REDUCTIONS or attrs["keep_dims"]:
        return True
    axes = inputs[1]
    return isinstance(axes, Constant) and {axis % 4 for axis in np.ravel(axes.array)} == SPATIAL_AXES_FIRST


def _moved(op: str, inputs: Sequence[Value]) -> list[Value]:
    count = len(inputs)
    return [
        constant_like(v, array_channels_last(op, i, count, v.array)) if isinstance(v, Constant) else v
        for i, v in enumerate(inputs)
    ]


def constant_like(value: Constant, array: np.ndarray) -> Constant:
    if array is value.array:
        return value
    with value.symbol.graph.as_default():
        return Constant(array, tf.constant(array))


def _channels_last(value: Tensor, first: bool) -> Tensor:
    """Return a map for an op that takes its channels to be first, or last, in the graph."""
    if value.first == first:
        return value
    own = _as_graph(value)
    return turned(own, FIRST_TO_LAST) if first else own


def _as_graph(value: Value) -> Value:
    """Return a tensor with its channels where the graph has them."""
    if isinstance(value, Constant) or not value.first:
        return value
    if value.own is not None:
        return replace(value, call=value.own[0], symbol=value.own[1])
    return turned(value, LAST_TO_FIRST)


def turned(value: Tensor, order: Sequence[int]) -> Tensor:
    """Return a map with its axes in another order."""
    with value.symbol.graph.as_default():
        symbol = tf.transpose(value.symbol, order)
    return replace(value, call=Call("", (value.call,), turn(order)), symbol=symbol)


def flattened(value: Tensor, sizes: Sequence[int]) -> Tensor:
    """Return maps as a network takes them that knows no axis of channels, or takes all numbers in a row."""
    with value.symbol.graph.as_default():
        symbol = tf.reshape(value.symbol, (BATCH, *sizes))
    call = Call("", (value.call,), lambda values: tf.reshape(values[0], (-1, *sizes)))
    return replace(value, call=call, symbol=symbol, exact=False, raw=None)


def turn(order: Sequence[int]) -> Callable[[Sequence[tf.Tensor]], tf.Tensor]:
    return lambda values: tf.transpose(values[0], order)


def _sizes_channels_last(value: Value) -> Value:
    order = list(FIRST_TO_LAST)
    if isinstance(value, Constant):
        return constant_like(value, value.array[order])
    with value.symbol.graph.as_default():
        symbol = tf.gather(value.symbol, order)
    return replace(value, call=Call("", (value.call,), lambda v: tf.gather(v[0], order)), symbol=symbol)


def for_each_picture(array: np.ndarray, call: Call, graph: tf.Graph) -> Tensor:
    """Return the first row of a constant for each picture of a batch.

    Args:
        array: The constant, [1 or any number, ...].
        call: Something that has a row for each picture.
        graph: The one that is never run.
    """
    with graph.as_default():
        symbol = tf.compat.v1.placeholder(array.dtype, (BATCH, *array.shape[1:]))

    def compute(values: Sequence[tf.Tensor]) -> tf.Tensor:
        return tf.constant(np.repeat(array[:1], values[0].shape[0], axis=0))

    return Tensor(Call("", (call,), compute), symbol, (), smooth=False)
