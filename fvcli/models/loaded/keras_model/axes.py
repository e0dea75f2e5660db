"""Along which axes of a map a Keras layer works, and whether it has numbers of its own for each position."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fvcli.models.loaded.keras_model.from_keras_2.tensorflow_layers import (
    TensorFlowFunction,
    TensorFlowOperation,
)

RANK = 4  # of maps, with the batch
AXES = ("axis", "axes")  # what layers and functions of keras.ops call them
# Functions of keras.ops that make one number of many, by the name of their class.
REDUCTIONS = {
    *("Mean", "Max", "Min", "Sum", "Prod", "Var", "Std", "Median", "Logsumexp", "All", "Any"),
    *("Amax", "Amin", "Average", "Norm", "CountNonzero", "Nanmean", "Nanmax", "Nanmin", "Nansum"),
}
# Layers and functions that make each number of others along their axes.
MIX = {
    *REDUCTIONS,
    *("Softmax", "LogSoftmax", "Sparsemax", "Sort", "Argsort", "Cumsum", "Cumprod", "Roll", "Flip"),
    *("Normalize", "LayerNorm", "RMSNorm", "LayerNormalization", "RMSNormalization", "UnitNormalization"),
}


OF_TENSORFLOW = (TensorFlowFunction, TensorFlowOperation)
REDUCING_KINDS = {"mean", "max", "min", "sum", "reduce", "product"}  # of functions of TensorFlow
MIXING_KINDS = {*REDUCING_KINDS, "softmax", "log_softmax", "norm", "choice"}


def places(first: bool) -> frozenset[int]:
    """Return the axes of height and width."""
    return frozenset({2, 3} if first else {1, 2})


def axes_of(operation: Any, rank: int = RANK) -> frozenset[int] | None:
    """Return the axes that an operation works on, counted from 0; None: it does not say."""
    axes = next((vars(operation)[name] for name in AXES if vars(operation).get(name) is not None), None)
    axes = [axes] if isinstance(axes, int | np.integer) else axes
    if not isinstance(axes, list | tuple | set):
        return None
    return frozenset(int(axis) % rank for axis in axes)


def joins_channels(operation: Any, first: bool) -> bool:
    """Tell whether the one axis that a layer works on is that of channels."""
    return axes_of(operation) in {None, frozenset({1 if first else RANK - 1})}


def looks_along_the_map(operation: Any, first: bool) -> bool:
    """Tell whether each position of an output is made of other positions in its row or column.

    That is so where an operation normalizes along them. BatchNormalization and Normalization have numbers
    for them instead, and so take each position for itself.
    """
    per_position = isinstance(operation, keras.layers.BatchNormalization | keras.layers.Normalization)
    return not per_position and bool(places(first) & (axes_of(operation) or set()))


def reduces_map(operation: Any, first: bool) -> bool:
    """Tell whether a function makes one number of all positions of a map, so that it takes any size."""
    return is_reduction(operation) and places(first) <= (axes_of(operation) or set())


def is_reduction(operation: Any) -> bool:
    return not isinstance(operation, keras.layers.Layer) and type(operation).__name__ in REDUCTIONS


def mixes_pictures(operation: Any, rank: int) -> bool:
    """Tell whether an operation on tensors of that rank, batch first, makes a picture depend on others."""
    of_tensorflow = isinstance(operation, OF_TENSORFLOW) and operation.kind in MIXING_KINDS
    if type(operation).__name__ not in MIX and not of_tensorflow:
        return False
    axes = axes_of(operation, rank)
    if axes is None and of_tensorflow:
        return operation.kind in REDUCING_KINDS
    return 0 in axes if axes is not None else is_reduction(operation)


def has_numbers_for_positions(node: Any, first: bool) -> bool:
    """Tell whether a call has weights or constants that differ from position to position of a map.

    Such are the slopes of PReLU as Keras makes it, a BatchNormalization over rows, a mean picture that is
    subtracted. They fit a map of one size only.

    Args:
        node: A call that keeps the size of its maps.
        first: Whether its maps have their channels first.
    """
    operation = node.operation
    own = [shape for shape in _shapes_of_weights(operation) if math.prod(shape) > 1]
    constants = [tuple(array.shape) for array in constants_of(node)]
    axes = axes_of(operation) if isinstance(operation, keras.layers.Layer) else None
    if axes is None:
        return any(_lies_along(shape, first) for shape in (*own, *constants))
    return bool(own and places(first) & axes) or any(_lies_along(shape, first) for shape in constants)


def _lies_along(shape: Sequence[int], first: bool) -> bool:
    """Tell whether an array that is broadcast to a map has more than one row or column."""
    aligned = [1] * (RANK - len(shape)) + list(shape)
    return any(aligned[axis] > 1 for axis in places(first))


def _shapes_of_weights(operation: Any) -> list[tuple[int, ...]]:
    """Return the shapes of a layer's variables, and of the arrays that it keeps beside them."""
    variables = operation.variables if isinstance(operation, keras.layers.Layer) else []
    return [tuple(array.shape) for array in (*variables, *vars(operation).values()) if _is_array(array)]


def constants_of(node: Any) -> list[Any]:
    """Return the arrays among the arguments of a call."""
    return [
        value for value in tf.nest.flatten((node.arguments.args, node.arguments.kwargs)) if _is_array(value)
    ]


def _is_array(value: Any) -> bool:
    return isinstance(value, keras.Variable | tf.Tensor | tf.Variable | np.ndarray)
