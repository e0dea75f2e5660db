"""Find the operations of a TensorFlow graph that objectives compute in ways of their own.

A graph has one op for each part of a layer, and what belongs together is put together here:

    Conv2D --> BiasAdd --> Mul --> AddV2       a convolution, one with a bias, one with all of it folded in
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from fvcli.models.loaded.graph_def.ops import NORMALIZATIONS, OLD_NORMALIZATION, Step
from fvcli.optvis.calls import Call, Linear, Normalization, Relu, Sum, by_role

RELU_MAX_VALUES = {"Relu": None, "Relu6": 6.0}
SUMS = {"Add", "AddV2", "AddN"}
CONVOLUTIONS = {"Conv2D", "DepthwiseConv2dNative"}


class Affine(NamedTuple):
    """What an op does to each channel: x * scale + shift, float64 [channels]; scale None is 1.

    mean, variance: Of x in training, where they are known.
    """

    scale: np.ndarray | None
    shift: np.ndarray
    mean: np.ndarray | None = None
    variance: np.ndarray | None = None


def call_with_role(name: str, step: Step, inputs: tuple[Call, ...]) -> Call | None:
    """Return a call that is computed by its role, or None.

    Args:
        name: Of the call.
        step: What it does.
        inputs: The calls of what it reads that is no constant.
    """
    if step.op in RELU_MAX_VALUES:
        return Call(name, inputs, by_role, Relu(RELU_MAX_VALUES[step.op]))
    if step.out.dtype != tf.float32:
        return None
    linear = _linear(step)
    if linear is not None:
        return Call(name, inputs, by_role, linear)
    affine = affine_of(step)
    if affine is not None:
        return _affine_call(name, inputs[0], affine)
    same = len({tuple(symbol.shape) for symbol in step.symbols}) == 1
    is_sum = step.op in SUMS and len(inputs) == len(step.symbols) > 1 and same
    return Call(name, inputs, by_role, Sum()) if is_sum else None


# ---- convolutions and dense layers


def _linear(step: Step) -> Linear | None:
    if step.op not in {*CONVOLUTIONS, "MatMul"} or step.arrays[0] is not None or step.arrays[1] is None:
        return None
    kernel, width = step.arrays[1], step.shape(0)[-1]
    if step.op == "MatMul":
        return None if step.attrs["transpose_a"] else Linear(_turned(step, kernel), None)
    depthwise = step.op != "Conv2D"
    if not depthwise and kernel.shape[2:] == (1, width):  # as many groups as channels
        depthwise, kernel = True, kernel.transpose(0, 1, 3, 2)
    whole = kernel.shape[3] == 1 if depthwise else kernel.shape[2] == width
    if not whole:  # several filters a channel, or groups of channels
        return None
    strides, dilations = tuple(step.attrs["strides"][1:3]), tuple(step.attrs["dilations"][1:3])
    if not depthwise and dilations != (1, 1):  # on a CPU the role has no gradient
        return None
    return Linear(kernel, None, depthwise, strides, _padding(step), dilations)


def _turned(step: Step, kernel: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(kernel.T) if step.attrs["transpose_b"] else kernel


def _padding(step: Step) -> str | list[list[int]]:
    sides = step.attrs["explicit_paddings"]
    return [sides[i : i + 2] for i in range(0, 8, 2)] if sides else step.attrs["padding"]


# ---- biases and normalizations


def affine_of(step: Step) -> Affine | None:
    """Return what an op does to each channel, if it is that and nothing else."""
    if step.op in NORMALIZATIONS or step.op == OLD_NORMALIZATION:
        return _normalization(step)
    if step.op not in {"BiasAdd", "Add", "AddV2", "Sub", "Mul", "RealDiv", "Div"}:
        return None
    place = 0 if step.arrays[0] is not None else 1
    array = _by_channel(step, step.arrays[place], step.shape(1 - place))
    affine = None if array is None else _arithmetic(step.op, array, place)
    fine = affine is not None and all(np.isfinite(part).all() for part in affine if part is not None)
    return affine if fine else None


def _by_channel(step: Step, array: np.ndarray | None, shape: tuple[int | None, ...]) -> np.ndarray | None:
    """Return a constant as one number a channel, if there are no more than that."""
    if array is None or shape != step.out_shape or not shape:
        return None
    one_each = array.size == 1 or array.shape[-1:] == (array.size,)
    return np.broadcast_to(np.asarray(array, np.float64).ravel(), shape[-1:]) if one_each else None


def _arithmetic(op: str, array: np.ndarray, place: int) -> Affine | None:
    ones, zeros = np.ones_like(array), np.zeros_like(array)
    if op in {"BiasAdd", "Add", "AddV2"}:
        return Affine(None, array)
    if op == "Mul":
        return Affine(array, zeros)
    if op == "Sub":
        return Affine(None, -array) if place == 1 else Affine(-ones, array)
    if place == 0:  # it is the divisor that is a picture's
        return None
    with np.errstate(divide="ignore"):
        return Affine(ones / array, zeros)


def _normalization(step: Step) -> Affine | None:
    parts = step.arrays[1:5]
    if any(part is None for part in parts):
        return None
    if step.op == OLD_NORMALIZATION:
        mean, variance, beta, gamma = (np.asarray(part, np.float64) for part in parts)
        gamma = gamma if step.attrs["scale_after_normalization"] else np.ones_like(gamma)
        epsilon = step.attrs["variance_epsilon"]
    else:
        gamma, beta, mean, variance = (np.asarray(part, np.float64) for part in parts)
        epsilon = step.attrs["epsilon"]
    found = Normalization.of(gamma, beta, mean, variance, epsilon)
    return Affine(found.scale, found.shift, mean, variance)


def _affine_call(name: str, source: Call, affine: Affine) -> Call:
    """Put an affine op together with the biases and scales before it, so that all of them fold at once."""
    scale, shift = affine.scale, affine.shift
    if isinstance(source.role, Linear) and scale is None:
        linear = source.role
        bias = shift if linear.bias is None else linear.bias + shift
        return Call(name, source.inputs, by_role, replace(linear, bias=bias.astype(np.float32)))
    scale = np.ones_like(shift) if scale is None else scale
    if isinstance(source.role, Normalization):
        below = source.role
        mean, variance = below.mean, below.variance
        combined = Normalization(below.scale * scale, below.shift * scale + shift, mean, variance)
        return Call(name, source.inputs, by_role, combined)
    role = Normalization(scale, shift, affine.mean, affine.variance)
    return Call(name, (source,), by_role, role)
