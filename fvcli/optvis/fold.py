"""Convolutions and dense layers with the BatchNormalization behind them folded in.

In inference BatchNormalization is gamma (y - mean) / sqrt(variance + epsilon) + beta for each channel, so
behind a linear layer y = x * w + b it is a linear layer itself (Ioffe and Szegedy 2015):

    w' = w s,   b' = (b - mean) s + beta,   s = gamma / sqrt(variance + epsilon)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from fvcli.optvis.calls import Call, Linear, Normalization


class Folded(NamedTuple):
    """A linear layer, and the call that it reads."""

    linear: Linear
    source: Call


def fold(call: Call, dtype: Any) -> Folded | None:
    """Return the linear layer that a call is the whole result of, or None.

    Args:
        call: A convolution, a dense layer, or a BatchNormalization of one.
        dtype: What its arrays shall be; folding itself is done in float64.
    """
    scale: np.ndarray | float = 1.0
    shift: np.ndarray | float = 0.0
    if isinstance(call.role, Normalization):
        scale, shift = call.role.scale, call.role.shift
        call = call.inputs[0]
    if not isinstance(call.role, Linear):
        return None
    linear = call.role
    kernel = np.asarray(linear.kernel, np.float64)
    factor = np.reshape(scale, (-1, 1)) if linear.depthwise and np.ndim(scale) else scale
    bias = 0.0 if linear.bias is None else np.asarray(linear.bias, np.float64)
    bias = np.broadcast_to(bias * scale + shift, [kernel.shape[2 if linear.depthwise else -1]])
    folded = replace(
        linear, kernel=(kernel * factor).astype(dtype), bias=bias.astype(dtype) if bias.any() else None
    )
    return Folded(folded, call.inputs[0])
