"""Layer normalization as Keras writes it with TensorFlow: a batch normalization that mixes no pictures.

    [batch, n, c] --Reshape--> [1, batch * n, c, 1] --FusedBatchNorm, training--> --Reshape--> [batch, n, c]

Channels are first there, and each of them is a row of one picture. So what is normalized together is of one
picture. In every other place a batch normalization in training mode mixes pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.models.loaded.graph_def.ops import FIRST, NORMALIZATIONS
from fvcli.models.loaded.graph_def.values import BATCH, Constant, Tensor, Value
from fvcli.optvis.calls import Call

KIND = "layer_norm"


def normalizes_rows(op: str, attrs: Mapping[str, Any], inputs: Sequence[Value]) -> bool:
    """Tell whether a batch normalization in training mode is one of rows, each of which is of one picture.

    A Reshape of a batch of pictures has them one behind the other. Where the batch divides the number
    of channels, each channel is of one picture.
    """
    if op not in NORMALIZATIONS or not attrs["is_training"] or attrs["data_format"] != FIRST:
        return False
    x = inputs[0]
    if not isinstance(x, Tensor) or x.first or x.symbol.op.type != "Reshape" or x.rank != 4:
        return False
    before, shape = x.symbol.op.inputs[0].shape, x.symbol.shape
    whole = before.rank and before[0] == BATCH and shape.is_fully_defined()
    each_is_one = x.of_one and shape[0] == BATCH  # of pictures that the graph normalizes one at a time
    return bool(whole and (each_is_one or (shape[0] == 1 and shape[1] % BATCH == 0)))


def row_normalized(attrs: Mapping[str, Any], inputs: Sequence[Value]) -> Tensor:
    """Return rows, each minus its mean and divided by its deviation, then scaled and shifted."""
    x = inputs[0]
    assert isinstance(x, Tensor)  # as normalizes_rows found it
    read = inputs[:3]
    epsilon = float(attrs["epsilon"])

    def compute(values: Sequence[tf.Tensor]) -> tf.Tensor:
        given = iter(values)
        full = [_of_any_length(v.array) if isinstance(v, Constant) else next(given) for v in read]
        rows, scale, offset = (tf.cast(part, tf.float32) for part in full)
        mean, variance = tf.nn.moments(rows, [2, 3], keepdims=True)
        made = (rows - mean) * tf.math.rsqrt(variance + epsilon)
        each = (1, -1, 1, 1)
        return tf.cast(made * tf.reshape(scale, each) + tf.reshape(offset, each), x.symbol.dtype)

    call = Call("", tuple(value.call for value in read if isinstance(value, Tensor)), compute)
    rows = x.rows and x.rows._replace(kind=KIND)
    return replace(x, call=call, raw=None, own=None, rows=rows, smooth=True)


def _of_any_length(array: np.ndarray) -> np.ndarray:
    """Return one number for all rows if all have the same: a graph of a fixed batch has one for each."""
    return array[:1] if array.size and (array == array[0]).all() else array
