"""Say of a call of a Keras layer what it is, what it sees, and whether it is bound to a size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fvcli.models.graph import Node, Pair, Window
from fvcli.models.loaded.keras_model.axes import (
    OF_TENSORFLOW,
    axes_of,
    has_numbers_for_positions,
    looks_along_the_map,
    places,
    reduces_map,
)
from fvcli.models.loaded.keras_model.kinds import GLOBAL_2D, WHOLE, WINDOWED, kind_of
from fvcli.models.loaded.keras_model.windows import window_of

HAVE_KERNELS = {*WINDOWED.values(), "dense", "conv_transpose"}  # weights that are the same at all positions
REDUCTIONS = ("mean", "max", "min", "sum")


def node_of(
    operation: Any,
    name: str,
    inputs: Sequence[Node],
    shape: Sequence[int | None],
    first: bool = False,
    keeps_places: bool = False,
) -> Node:
    """Return the node of a call.

    Args:
        operation: The Keras layer, or function of ``keras.ops``.
        name: Of the node.
        inputs: The nodes that it reads.
        shape: Of its output, with the batch, channels last.
        first: Whether the layer itself has channels first.
        keeps_places: Whether it is a slice that leaves each position where it is.
    """
    names = tuple(node.name for node in inputs)
    channels = (shape[-1] or 0) if shape else 0
    kind, window = kind_of(operation), None
    if len(shape) == 4:
        window = Window() if keeps_places else window_of(operation, kind, inputs, first)
        if window is None and (kind in {"global_pool", "resize"} or _reduces(operation, kind, first)):
            return Node(name, kind, names, channels, None, _size(shape))
        if window is None:  # nobody knows what it sees, and at another size it may do anything
            return Node(name, kind, names, channels, None, _size(shape), bound=not _is_vector(inputs))
        node = Node(name, kind, names, channels, window, bound=getattr(operation, "has_places", False))
        sees_all = kind in WHOLE.values() or looks_along_the_map(operation, first)
        return replace(node, groups=getattr(operation, "groups", 1), sees_all=sees_all)
    size = _size(shape)
    from_a_map = any(node.window is not None for node in inputs)
    bound = from_a_map and not (isinstance(operation, GLOBAL_2D) or _reduces(operation, kind, first))
    return Node(name, kind, names, channels if len(shape) in {2, 3} else 0, None, size, bound=bound)


def _reduces(operation: Any, kind: str, first: bool) -> bool:
    """Tell whether one number is made of all positions of a map."""
    if not isinstance(operation, OF_TENSORFLOW):
        return reduces_map(operation, first)
    return kind in REDUCTIONS and places(first) <= (axes_of(operation) or set())


def _size(shape: Sequence[int | None]) -> Pair:
    """Return height and width of an output of which they are fixed."""
    if len(shape) == 4:
        return (shape[1] or 0, shape[2] or 0)
    return (shape[1] or 0, 1) if len(shape) == 3 else (1, 1)


def is_bound_by_numbers(node: Any, made: Node, first: bool) -> bool:
    """Tell whether a call has weights or constants of its own for each position of a map.

    Args:
        node: The call, as Keras has it.
        made: What was found of it.
        first: Whether the layer itself has channels first.
    """
    known = made.window is not None and made.kind not in HAVE_KERNELS
    return known and has_numbers_for_positions(node, first)


def _is_vector(inputs: Sequence[Node]) -> bool:
    return all(node.window is None and node.size == (1, 1) for node in inputs)
