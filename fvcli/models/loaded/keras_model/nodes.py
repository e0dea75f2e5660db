"""What kind of thing a Keras layer is, and which positions of its input it sees."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras

from fvcli.models.graph import Node, Pair, Window
from fvcli.models.loaded.keras_model.axes import (
    axes_of,
    has_numbers_for_positions,
    is_reduction,
    joins_channels,
    looks_along_the_map,
    places,
    reduces_map,
)
from fvcli.models.loaded.keras_model.keras_2.tensorflow_layers import TensorFlowFunction, TensorFlowOperation

layers = keras.layers

WINDOWED = {
    layers.Conv2D: "conv",
    layers.DepthwiseConv2D: "depthwise_conv",
    layers.SeparableConv2D: "separable_conv",
    layers.MaxPooling2D: "max_pool",
    layers.AveragePooling2D: "average_pool",
}
GLOBAL_2D = (layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D)
GLOBAL = (*GLOBAL_2D, layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D)
# Layers, and functions of keras.ops, that work position by position, by the name of their class.
PLAIN_KINDS = {
    "BatchNormalization": "batch_norm",
    "ReLU": "relu",
    "Relu": "relu",
    "Relu6": "relu6",
    "Add": "add",
    "Sum": "add",
    "CustomScaleLayer": "add",  # of InceptionResNetV2: one branch is scaled first
    "Subtract": "subtract",
    "Multiply": "multiply",
    "Divide": "divide",
    "TrueDivide": "divide",
    "Average": "average",
    "Maximum": "maximum",
    "Minimum": "minimum",
    "Concatenate": "concat",
    "Dropout": "dropout",
    "SpatialDropout2D": "dropout",
    "SpatialDropout1D": "dropout",
    "AlphaDropout": "dropout",
    "GaussianDropout": "dropout",
    "GaussianNoise": "noise",
    "ActivityRegularization": "identity",
    "Identity": "identity",
    "Rescaling": "scale",
    "Normalization": "scale",
    "LeakyReLU": "leaky_relu",
    "PReLU": "prelu",
    "ELU": "elu",
    "Softmax": "softmax",
    "Sigmoid": "sigmoid",
    "Silu": "silu",
    "Gelu": "gelu",
    "Tanh": "tanh",
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "Clip": "clip",
    "Negative": "negative",
    "Square": "square",
    "Sqrt": "sqrt",
    "Absolute": "absolute",
    "Exp": "exp",
    "Log": "log",
    "Power": "power",
    "Rsqrt": "rsqrt",
    "Softplus": "softplus",
    "Where": "where",
    "Cast": "identity",
    "LayerScale": "scale",
    "StochasticDepth": "dropout",
    "LRN": "lrn",
}
IDLE = {"dropout", "noise", "augmentation", "identity"}  # kinds of layers that do nothing in inference
AUGMENTATION = "Random"  # such layers do nothing in inference
WHOLE = {"GroupNormalization": "group_norm"}  # a map, but each position sees all
# These work along axes that their makers choose.
ALONG_AXES = {
    "LayerNormalization": "layer_norm",
    "RMSNormalization": "rms_norm",
    "UnitNormalization": "norm",
}
# Other layers of Keras, by the name of their class.
NAMED = {
    "Dense": "dense",
    "EinsumDense": "dense",
    "Conv2DTranspose": "conv_transpose",
    "ZeroPadding2D": "pad",
    "Cropping2D": "crop",
    "UpSampling2D": "upsample",
    "Resizing": "resize",
    "CenterCrop": "resize",
    "Reshape": "reshape",
    "Permute": "transpose",
    "Flatten": "flatten",
    "MultiHeadAttention": "attention",
    "GroupQueryAttention": "attention",
    "Attention": "attention",
    "Embedding": "embedding",
    **WHOLE,
    **ALONG_AXES,
}
# Functions of keras.ops that look further than one position.
FUNCTIONS = {
    "MaxPool": "max_pool",
    "AveragePool": "average_pool",
    "Reshape": "reshape",
    "GetItem": "slice",
    "Transpose": "transpose",
    "Moveaxis": "transpose",
    "Swapaxes": "transpose",
    "Mean": "mean",
    "Max": "max",
    "Resize": "resize",
}
# Positions that one is interpolated from, across; of the nearest none but itself.
READ_BY_UPSAMPLING = {"nearest": 0, "bilinear": 2, "bicubic": 4, "lanczos3": 6, "lanczos5": 10}
HAVE_KERNELS = {*WINDOWED.values(), "dense", "conv_transpose"}  # weights that are the same at all positions
OF_TENSORFLOW = (TensorFlowFunction, TensorFlowOperation)
REDUCTIONS = ("mean", "max", "min", "sum")


def node_of(
    operation: Any,
    name: str,
    inputs: Sequence[Node],
    shape: Sequence[int | None],
    first: bool = False,
    keeps_size: bool = False,
) -> Node:
    """Return the node of a call.

    Args:
        operation: The Keras layer, or function of ``keras.ops``.
        name: Of the node.
        inputs: The nodes that it reads.
        shape: Of its output, with the batch, channels last.
        first: Whether the layer itself has channels first.
        keeps_size: Whether its maps are as high and wide as all maps that it reads.
    """
    names = tuple(node.name for node in inputs)
    channels = shape[-1] or 0
    kind, window = kind_of(operation), None
    if len(shape) == 4:
        sliced = kind == "slice" and keeps_size  # of channels only
        window = Window() if sliced else _window(operation, kind, inputs, first)
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


def kind_of(operation: Any) -> str:
    """Name what a layer does, in one word."""
    if isinstance(operation, OF_TENSORFLOW):
        return operation.kind
    name = type(operation).__name__
    for cls, kind in WINDOWED.items():
        if type(operation) is cls:
            return kind
    if isinstance(operation, GLOBAL):
        return "global_pool"
    if isinstance(operation, layers.ReLU) and operation.max_value == 6.0:
        return "relu6"
    if isinstance(operation, layers.Activation):
        return str(getattr(operation.activation, "__name__", "activation"))
    if not is_of_keras(operation):
        return f"other ({name})"
    if isinstance(operation, layers.Layer) and name in NAMED:
        return NAMED[name]
    if name in FUNCTIONS and not isinstance(operation, layers.Layer):
        return FUNCTIONS[name]
    if name in PLAIN_KINDS:
        return PLAIN_KINDS[name]
    if name.startswith(AUGMENTATION):
        return "augmentation"
    return f"other ({name})"


def is_of_keras(operation: Any) -> bool:
    """Tell whether a layer is Keras's own, or fvcli's, and so does what its name says."""
    return type(operation).__module__.startswith(("keras.", "fvcli."))


def is_idle(operation: Any) -> bool:
    """Tell whether a layer of Keras does nothing in inference; a cast may cut off a fraction."""
    kind = type(operation)
    return kind.__module__.startswith("keras.") and kind.__name__ != "Cast" and kind_of(operation) in IDLE


def is_channels_first(operation: Any) -> bool:
    return getattr(operation, "data_format", None) == "channels_first"


def _window(operation: Any, kind: str, inputs: Sequence[Node], first: bool) -> Window | None:
    """Return what a position of an output map sees of the input maps; None: it is not known."""
    if not any(node.window is not None for node in inputs):
        return None  # what has no map below it has no pixels to speak of
    if isinstance(operation, OF_TENSORFLOW):
        return _window_of_function(operation, kind, first)
    if kind in WINDOWED.values():
        kernel = operation.pool_size if "pool" in kind else operation.kernel_size
        strides = kernel if operation.strides is None else operation.strides
        dilation = getattr(operation, "dilation_rate", (1, 1))
        return Window(_pair(kernel), _pair(strides), _pair(dilation), operation.padding)
    if kind == "pad":
        return Window(padding=_sides(operation.padding))
    if kind == "crop":
        top_bottom, left_right = _sides(operation.cropping)
        return Window(padding=((-top_bottom[0], -top_bottom[1]), (-left_right[0], -left_right[1])))
    if kind == "upsample":
        up, read = _pair(operation.size), READ_BY_UPSAMPLING[operation.interpolation]
        return Window((max(read * up[0] - 1, 1), max(read * up[1] - 1, 1)), up=up)
    if kind == "conv_transpose":
        return _transposed(operation)
    if kind == "concat":
        return Window() if joins_channels(operation, first) else None
    if kind == "dense":
        return Window() if type(operation).__name__ == "Dense" else None
    if is_reduction(operation):
        return Window() if joins_channels(operation, first) else None
    plain = kind in {*PLAIN_KINDS.values(), *WHOLE.values(), *ALONG_AXES.values(), "augmentation"}
    return Window() if plain or isinstance(operation, layers.Activation) else None


def _window_of_function(operation: Any, kind: str, first: bool) -> Window | None:
    if operation.is_pointwise or (kind == "concat" and joins_channels(operation, first)):
        return Window()
    sides = operation.sides if kind == "pad" else None
    if sides is None or first:
        return None
    return Window(padding=_sides(sides[1:3]))


def _transposed(operation: Any) -> Window:
    """Return a transposed convolution as a convolution of spread-out positions.

    What it adds to the spread-out map, and what it cuts off at the beginning, is as Keras and TensorFlow
    have it.
    """
    kernel, strides, dilation = (
        _pair(value) for value in (operation.kernel_size, operation.strides, operation.dilation_rate)
    )
    added = (None, None) if operation.output_padding is None else _pair(operation.output_padding)
    is_same, sides = operation.padding == "same", []
    for taps, stride, apart, more in zip(kernel, strides, dilation, added, strict=True):
        reach = (taps - 1) * apart + 1
        if more is None:
            grown = 0 if is_same else max(reach - stride, 0)
        else:
            grown = reach - stride + more - (reach // 2 * 2 if is_same else 0)
        cut = max(reach - stride - grown, 0) // 2 if is_same else 0
        sides.append((reach - 1 - cut, grown + cut))
    return Window(kernel, dilation=dilation, padding=(sides[0], sides[1]), up=strides)


def _pair(value: Any) -> Pair:
    if isinstance(value, list | tuple):
        return (int(value[0]), int(value[-1]))
    return (int(value), int(value))


def _sides(value: Any) -> tuple[Pair, Pair]:
    (top, bottom), (left, right) = value
    return (int(top), int(bottom)), (int(left), int(right))


def takes_training(operation: Any) -> bool:
    return "training" in inspect.signature(operation.call).parameters
