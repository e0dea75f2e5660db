"""Layers that put the axes of a tensor in another order."""

from __future__ import annotations

from typing import Any

import keras
from keras.src.ops import numpy as functions

from fvcli.models.loaded.keras_model.from_keras_2.tensorflow_layers import TensorFlowFunction

Axes = tuple[int, ...]
FIRST_TO_LAST, LAST_TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
STRAIGHT = (0, 1, 2, 3)


def order_of(operation: Any, rank: int) -> Axes | None:
    """Return which axis of its input each axis of an output is; None if a layer does something else."""
    kind = type(operation)
    if kind is keras.layers.Permute:
        return (0, *operation.dims)
    if kind is functions.Transpose:
        order = range(rank)[::-1] if operation.axes is None else operation.axes
        return tuple(axis % rank for axis in order)
    if kind is TensorFlowFunction and operation.function == "transpose" and operation.settings.get("perm"):
        return tuple(axis % rank for axis in operation.settings["perm"])
    if kind is functions.Swapaxes:
        order = list(range(rank))
        one, other = operation.axis1 % rank, operation.axis2 % rank
        order[one], order[other] = order[other], order[one]
        return tuple(order)
    return _moved(operation, rank) if kind is functions.Moveaxis else None


def _moved(operation: Any, rank: int) -> Axes:
    sources, places = ([axis % rank for axis in axes] for axes in (operation.source, operation.destination))
    order = [axis for axis in range(rank) if axis not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return tuple(order)


def through(before: Axes, order: Axes) -> Axes:
    """Return axes that were put in an order before, in another order."""
    return tuple(before[axis] for axis in order)


def turned(order: Axes, source_first: bool) -> tuple[bool, bool]:
    """Tell what becomes of a map [batch, height, width, channels] that a layer of a model permutes.

    Args:
        order: Of the model's own axes, four.
        source_first: Whether the model's own map has its channels first.

    Returns:
        Whether the output has its channels first in the model, and whether [batch, height, width, channels]
        stays just as it is.
    """
    own = LAST_TO_FIRST if source_first else STRAIGHT  # which of our axes each of the model's is
    made = through(own, order)
    first = made.index(3) == 1
    return first, (through(made, FIRST_TO_LAST) if first else made) == STRAIGHT
