"""Say of a tensor of a TensorFlow graph whether it is a layer, and which."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from fvcli.models.graph import Node, Pair, Window
from fvcli.models.loaded.graph_def.op_windows import Seen, agrees, groups_of
from fvcli.models.loaded.graph_def.ops import NORMALIZATIONS, OLD_NORMALIZATION, Step
from fvcli.models.loaded.graph_def.roles import affine_of
from fvcli.models.loaded.graph_def.values import BATCH, Tensor
from fvcli.optvis.calls import Call, Linear, Normalization


def is_layer(symbol: tf.Tensor) -> bool:
    """Tell whether a tensor is a map, tokens or a vector for each picture."""
    shape = symbol.shape
    ranked = shape.rank in {2, 3, 4} and shape.is_fully_defined()
    return ranked and shape[0] == BATCH and symbol.dtype.is_floating


def kind_of(step: Step, seen: Seen, call: Call, raw: bool) -> str:
    """Name what a layer does, in one word; raw: to what is no more than a scaled picture.

    A constant that is added to each channel is a bias, or, to what a convolution made and another constant
    has multiplied, the rest of a normalization.
    """
    affine = affine_of(step)
    if affine is not None and raw:
        return "scale"
    if affine is None or affine.scale is not None or step.op in {*NORMALIZATIONS, OLD_NORMALIZATION}:
        return seen.kind or step.kind
    normalizes = isinstance(call.role, Normalization) and isinstance(call.inputs[0].role, Linear)
    return "batch_norm" if normalizes else "bias"


def node_of(name: str, kind: str, step: Step, seen: Seen, read: Sequence[Tensor], symbol: tf.Tensor) -> Node:
    """Return the node of a layer.

    Args:
        name: Of the layer.
        kind: What it does.
        step: How it is made.
        seen: Of what it reads.
        read: What that is.
        symbol: What is made.
    """
    below, shape = nodes_of(read), symbol.shape.as_list()
    names, of_map = tuple(node.name for node in below), any(node.window is not None for node in below)
    if of_map and _fits(seen, read, symbol):
        return Node(name, kind, names, shape[-1], seen.window, bound=seen.bound, groups=groups_of(step))
    free = seen.free and all(value.exact or value.is_parameter for value in read)
    return Node(name, kind, names, shape[-1], None, _size(shape), bound=of_map and not free)


def nodes_of(read: Sequence[Tensor]) -> tuple[Node, ...]:
    """Return the layers that an op's output is made of."""
    used = [value for value in read if not value.is_parameter] or read
    return tuple({node.name: node for value in used for node in value.nodes}.values())


def keeps_positions(seen: Seen, read: Sequence[Tensor], symbol: tf.Tensor) -> bool:
    """Tell whether the positions of what is made are those of what is read."""
    return seen.window == Window() and not seen.bound and _fits(seen, read, symbol)


def _fits(seen: Seen, read: Sequence[Tensor], symbol: tf.Tensor) -> bool:
    """Tell whether a window says how a map is made of maps, which its size has to bear out."""
    sizes = [value.places for value in read if not value.is_parameter]
    if seen.window is None or None in sizes or not sizes or symbol.shape.rank != 4:
        return False
    height, width = symbol.shape.as_list()[1:3]
    return None not in {height, width} and agrees(seen.window, sizes, (height, width))


def _size(shape: Sequence[int]) -> Pair:
    if len(shape) == 4:
        return (shape[1], shape[2])
    return (shape[1], 1) if len(shape) == 3 else (1, 1)
