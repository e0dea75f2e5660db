"""Which operations of a TensorFlow graph are computed, and how one is called.

Only plain mathematics is: what is not listed here is not run, wherever a graph has it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_def_registry

# Position by position, by the word that layers of the kind go by.
UNARY = {
    "Relu": "relu",
    "Relu6": "relu6",
    "LeakyRelu": "leaky_relu",
    "Elu": "elu",
    "Selu": "selu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Erf": "erf",
    "Erfc": "erfc",
    "Exp": "exp",
    "Expm1": "exp",
    "Log": "log",
    "Log1p": "log",
    "Sqrt": "sqrt",
    "Rsqrt": "rsqrt",
    "Reciprocal": "reciprocal",
    "Square": "square",
    "Neg": "negative",
    "Abs": "absolute",
    "Sign": "sign",
    "Floor": "floor",
    "Ceil": "ceil",
    "Round": "round",
    "Sin": "sin",
    "Cos": "cos",
    "Cast": "identity",
    "StopGradient": "identity",
    "LogicalNot": "not",
    "ZerosLike": "zeros",
    "OnesLike": "ones",
}
BINARY = {
    "Add": "add",
    "AddV2": "add",
    "AddN": "add",
    "Sub": "subtract",
    "Mul": "multiply",
    "RealDiv": "divide",
    "Div": "divide",
    "DivNoNan": "divide",
    "FloorDiv": "divide",
    "FloorMod": "modulo",
    "Maximum": "maximum",
    "Minimum": "minimum",
    "ClipByValue": "clip",
    "Pow": "power",
    "SquaredDifference": "squared_difference",
    "Select": "select",
    "SelectV2": "select",
    "Greater": "greater",
    "GreaterEqual": "greater",
    "Less": "less",
    "LessEqual": "less",
    "Equal": "equal",
    "NotEqual": "equal",
    "LogicalAnd": "and",
    "LogicalOr": "or",
}
ELEMENTWISE = UNARY | BINARY
REDUCTIONS = {"Mean": "mean", "Max": "max", "Min": "min", "Sum": "sum", "Prod": "product"}
# What imitates numbers of few bits. TensorFlow lets the gradient through where a value is in range.
QUANTIZERS = dict.fromkeys(
    (
        *("FakeQuantWithMinMaxArgs", "FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel"),
        *("QuantizeAndDequantizeV2", "QuantizeAndDequantizeV3", "QuantizeAndDequantizeV4"),
    ),
    "quantize",
)
POOLS = {"MaxPool": "max_pool", "AvgPool": "average_pool"}
NORMALIZATIONS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
OLD_NORMALIZATION = "BatchNormWithGlobalNormalization"  # TensorFlow has it no more; graphs of 2015 do
LEARNT = (  # what a network proper begins with
    *(
        "Conv2D",
        "DepthwiseConv2dNative",
        "Conv2DBackpropInput",
        "MatMul",
        "BatchMatMul",
        "BatchMatMulV2",
        "Einsum",
    ),
    *NORMALIZATIONS,
)
PADS = ("Pad", "PadV2", "MirrorPad")
CONCATS = ("ConcatV2", "Concat")
SPLITS = ("Split", "SplitV")
RESIZES = ("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic")
OTHER_KINDS = {
    "Conv2D": "conv",
    "DepthwiseConv2dNative": "depthwise_conv",
    "Conv2DBackpropInput": "conv_transpose",
    "MatMul": "dense",
    "BiasAdd": "bias",
    "LRN": "lrn",
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
    "SpaceToDepth": "space_to_depth",
    "DepthToSpace": "depth_to_space",
    "ExtractImagePatches": "patches",
    **dict.fromkeys((*NORMALIZATIONS, OLD_NORMALIZATION), "batch_norm"),
    **dict.fromkeys(PADS, "pad"),
    **dict.fromkeys(CONCATS, "concat"),
    **dict.fromkeys(SPLITS, "split"),
    **dict.fromkeys(RESIZES, "resize"),
    **dict.fromkeys(("BatchMatMul", "BatchMatMulV2", "Einsum"), "matmul"),
    **dict.fromkeys(("Gather", "GatherV2"), "gather"),
    **dict.fromkeys(("Slice", "StridedSlice"), "slice"),
    **dict.fromkeys(("Reshape", "Squeeze", "ExpandDims"), "reshape"),
}
UNKNOWN_KINDS = (
    *("Transpose", "Pack", "Unpack", "Tile", "ReverseV2", "BroadcastTo", "Cumsum", "TopKV2"),
    *("SpaceToBatchND", "BatchToSpaceND", "Shape", "Size", "Rank", "Fill", "Range", "All", "Any"),
    *("ArgMax", "ArgMin", "OneHot", "GatherNd", "Dequantize"),
)
SOURCES = ("Const", "Placeholder", "PlaceholderWithDefault")
PASSED_ON = (
    "Identity",
    "IdentityN",
    "Snapshot",
    "CheckNumerics",
    "EnsureShape",
    "ReadVariableOp",  # of what has become a constant
)  # nothing happens to the values
KINDS = ELEMENTWISE | REDUCTIONS | POOLS | QUANTIZERS | OTHER_KINDS
ALLOWED = frozenset([*KINDS, *UNKNOWN_KINDS, *SOURCES, *PASSED_ON, "NoOp"])
# Behind these no gradient comes back.
FLAT = frozenset(
    [
        *("Sign", "Floor", "Ceil", "Round", "StopGradient", "ZerosLike", "OnesLike", "FloorDiv", "Fill"),
        *("Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual", "Shape", "OneHot"),
    ]
)
ASKS_SIZES = frozenset(["Shape", "Size", "Rank", "ShapeN", "ZerosLike", "OnesLike"])  # and for no number
RENAMED = {"squeeze_dims": "axis"}  # what tf.raw_ops calls an attribute


def kind_of(op: str) -> str:
    """Name what an op does, in one word."""
    return KINDS.get(op, op.lower())


@dataclass(frozen=True)
class Step:
    """An op, what it reads and what it makes, channels last.

    attrs: Its attributes, with the defaults that the file left out.
    arrays: The numbers of each input that is a constant, else None.
    symbols: Each input in a graph that is never run, where it has its type and its shape.
    out: The first tensor that it makes, there.
    """

    op: str
    attrs: Mapping[str, Any]
    arrays: tuple[np.ndarray | None, ...]
    symbols: tuple[tf.Tensor, ...]
    out: tf.Tensor

    @property
    def kind(self) -> str:
        return kind_of(self.op)

    def shape(self, i: int) -> tuple[int | None, ...]:
        return tuple(self.symbols[i].shape)

    @property
    def out_shape(self) -> tuple[int | None, ...]:
        return tuple(self.out.shape)


def attrs_of(node: Any) -> dict[str, Any]:
    """Return the attributes of a node as plain values.

    Raises:
        ValueError: It has one that the op does not know, so that it might mean something else.
    """
    definition = op_def_registry.get(node.op)
    known = {attr.name: attr for attr in definition.attr}
    unknown = [key for key in node.attr if key not in known and not key.startswith("_")]
    if unknown:
        raise ValueError(f"unknown attribute {unknown[0]}")
    found = {key: attr.default_value for key, attr in known.items() if attr.HasField("default_value")}
    found |= {key: value for key, value in node.attr.items() if key in known}
    return {key: _plain(value, known[key].type) for key, value in found.items()}


def _plain(value: Any, kind: str) -> Any:
    fields = {"int": "i", "float": "f", "bool": "b", "string": "s", "type": "type"}
    if kind.startswith("list("):
        return list(getattr(value.list, fields.get(kind[5:-1], "i")))
    if kind not in fields:
        return None  # shapes and tensors, which no allowed op is called with
    plain = getattr(value, fields[kind])
    return plain.decode("ascii", "replace") if kind == "string" else plain


def run(op: str, attrs: Mapping[str, Any], values: Sequence[Any]) -> list[tf.Tensor]:
    """Compute an op, and return all that it makes.

    Args:
        op: An allowed one.
        attrs: As ``attrs_of`` has them.
        values: What it reads, in the order of a node's inputs; arrays, or tensors.
    """
    made = getattr(tf.raw_ops, op)(**_arguments(op, attrs, values))
    return tf.nest.flatten(made)


def convolve(attrs: Mapping[str, Any], x: Any, kernel: Any, groups: int = 1) -> tf.Tensor:
    """Compute a Conv2D; grouped or dilated ones of parts that have a gradient on a CPU, too."""
    if groups > 1:
        parts = zip(tf.split(x, groups, axis=-1), tf.split(kernel, groups, axis=-1), strict=True)
        return tf.concat([convolve(attrs, *part) for part in parts], axis=-1)
    dilations, sides = list(attrs["dilations"][1:3]), attrs["explicit_paddings"]
    if dilations == [1, 1] or list(attrs["strides"]) != [1, 1, 1, 1]:
        return run("Conv2D", attrs, (x, kernel))[0]
    if sides:
        x = tf.pad(x, np.reshape(sides, (4, 2)))
    return tf.nn.convolution(x, kernel, padding="VALID" if sides else attrs["padding"], dilations=dilations)


def _arguments(op: str, attrs: Mapping[str, Any], values: Sequence[Any]) -> dict[str, Any]:
    names, definition = _parameters(op), op_def_registry.get(op)
    given, arguments = list(values), {}
    for name, argument in zip(names, definition.input_arg, strict=False):
        count = attrs[argument.number_attr] if argument.number_attr else 1
        taken, given = given[:count], given[count:]
        arguments[name] = taken if argument.number_attr else taken[0]
    if given:
        raise ValueError("it reads more than it takes")
    named = {RENAMED.get(key, key): value for key, value in attrs.items()}
    inputs = len(definition.input_arg)
    return arguments | {key: named[key] for key in names[inputs:] if key in named}


@cache
def _parameters(op: str) -> tuple[str, ...]:
    """Return what tf.raw_ops calls the inputs of an op, in the order of the op, and then its attributes."""
    return tuple(inspect.signature(getattr(tf.raw_ops, op)).parameters)


# ---- channels first

FIRST, LAST = "NCHW", "NHWC"
FIRST_TO_LAST, LAST_TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
AXES = (0, 3, 1, 2)  # where the axes of NCHW are in NHWC
A_NUMBER_AN_AXIS = ("strides", "ksize", "dilations")
# Which input says along which axis.
AXIS_INPUT = {"ConcatV2": -1, "Concat": 0, "Split": 0, "SplitV": 2} | dict.fromkeys(REDUCTIONS, 1)
MOVABLE = {*ELEMENTWISE, *AXIS_INPUT, *PADS}


def attrs_channels_last(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes with which an op of NCHW does the same to NHWC."""
    moved = dict(attrs, data_format=LAST)
    for key in A_NUMBER_AN_AXIS:
        if len(attrs.get(key, ())) == 4:
            moved[key] = [attrs[key][i] for i in FIRST_TO_LAST]
    sides = attrs.get("explicit_paddings", ())
    if len(sides) == 8:
        moved["explicit_paddings"] = [sides[2 * i + k] for i in FIRST_TO_LAST for k in (0, 1)]
    return moved


def array_channels_last(op: str, i: int, count: int, array: np.ndarray) -> np.ndarray:
    """Return input i of count of a movable op as it has to be where its maps have been turned."""
    if op in AXIS_INPUT and i == AXIS_INPUT[op] % count:
        return np.asarray([AXES[axis] for axis in np.ravel(array)], array.dtype).reshape(array.shape)
    if op in PADS and i == 1:
        return array[list(FIRST_TO_LAST)]
    if op in ELEMENTWISE and array.ndim > 1:
        return array.reshape((1,) * (4 - array.ndim) + array.shape).transpose(FIRST_TO_LAST)
    if op in ELEMENTWISE and array.ndim == 1 and array.size > 1:  # along the width
        return array[:, None]
    return array
