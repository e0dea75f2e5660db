"""Functions of TensorFlow that functional models of Keras 2 have as layers.

What is written between two layers, such as ``x / 127.5 - 1``, is kept in a file as the name of a function of
TensorFlow and its arguments (TensorFlow 2.4 and later, ``TFOpLambda``), or as an operation of its graphs
(1.15 to 2.3, ``TensorFlowOpLayer``). Only plain mathematics is allowed, by the names below.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fvcli.models.files.keras_2.errors import KerasTwoError
from fvcli.models.files.keras_2.layer_settings import OURS

BY_NAME = {"TFOpLambda", "SlicingOpLambda"}
BY_OPERATION = "TensorFlowOpLayer"
FUNCTION_LAYERS = {*BY_NAME, BY_OPERATION}
FUNCTION, OPERATION = "TensorFlowFunction", "TensorFlowOperation"
GET_ITEM, ADD = "__operators__.getitem", "__operators__.add"

# Position by position, by the word that layers of the kind go by.
POINTWISE = {
    "add": ("math.add", ADD, "math.add_n", "nn.bias_add"),
    "subtract": ("math.subtract",),
    "multiply": ("math.multiply", "math.scalar_mul", "math.multiply_no_nan"),
    "divide": ("math.truediv", "math.divide", "math.divide_no_nan", "math.reciprocal"),
    "maximum": ("math.maximum",),
    "minimum": ("math.minimum",),
    "power": ("math.pow",),
    "negative": ("math.negative",),
    "absolute": ("math.abs",),
    "square": ("math.square",),
    "squared_difference": ("math.squared_difference",),
    "sqrt": ("math.sqrt",),
    "rsqrt": ("math.rsqrt",),
    "exp": ("math.exp", "math.expm1"),
    "log": ("math.log", "math.log1p"),
    "sin": ("math.sin",),
    "cos": ("math.cos",),
    "erf": ("math.erf",),
    "clip": ("clip_by_value",),
    "relu": ("nn.relu",),
    "relu6": ("nn.relu6",),
    "leaky_relu": ("nn.leaky_relu",),
    "elu": ("nn.elu",),
    "selu": ("nn.selu",),
    "gelu": ("nn.gelu",),
    "silu": ("nn.silu", "nn.swish"),
    "sigmoid": ("math.sigmoid", "nn.sigmoid"),
    "tanh": ("math.tanh", "nn.tanh"),
    "softplus": ("math.softplus", "nn.softplus"),
    "softsign": ("nn.softsign",),
    "identity": ("identity", "cast", "stop_gradient", "convert_to_tensor", "ensure_shape"),
    "where": ("where",),
    "greater": ("math.greater", "math.greater_equal"),
    "less": ("math.less", "math.less_equal"),
    "equal": ("math.equal", "math.not_equal"),
    "not": ("math.logical_not",),
    "and": ("math.logical_and",),
    "or": ("math.logical_or",),
    "sign": ("math.sign",),
    "floor": ("math.floor", "math.ceil", "math.round"),
    "floordiv": ("math.floordiv", "math.floormod"),
    "zeros": ("zeros_like",),
    "ones": ("ones_like",),
}
# Others: what a position sees depends on their arguments, or is the whole map.
OTHER_KINDS = {
    "concat": ("concat",),
    "softmax": ("nn.softmax",),
    "log_softmax": ("nn.log_softmax",),
    "mean": ("math.reduce_mean",),
    "max": ("math.reduce_max",),
    "min": ("math.reduce_min",),
    "sum": ("math.reduce_sum",),
    "reduce": (
        "math.reduce_prod",
        "math.reduce_std",
        "math.reduce_variance",
        "norm",
        "math.reduce_logsumexp",
    ),
    "norm": ("math.l2_normalize", "nn.l2_normalize", "linalg.l2_normalize"),
    "lrn": ("nn.local_response_normalization", "nn.lrn"),
    "slice": (GET_ITEM, "slice", "strided_slice", "gather", "gather_nd", "unstack", "split", "boolean_mask"),
    "reshape": ("reshape", "expand_dims", "squeeze", "stack", "broadcast_to", "repeat", "tile"),
    "transpose": ("transpose", "reverse", "image.flip_left_right", "image.flip_up_down", "image.rot90"),
    "pad": ("pad",),
    "resize": (
        *("image.resize", "image.resize_with_pad", "image.resize_with_crop_or_pad", "image.central_crop"),
        *("compat.v1.image.resize_bilinear", "compat.v1.image.resize_nearest_neighbor"),
        *("compat.v1.image.resize", "compat.v1.image.resize_bicubic", "image.crop_to_bounding_box"),
        "image.pad_to_bounding_box",
    ),
    "colours": (
        *("image.rgb_to_grayscale", "image.grayscale_to_rgb", "image.per_image_standardization"),
        *("image.rgb_to_yuv", "image.yuv_to_rgb", "image.rgb_to_hsv", "image.hsv_to_rgb"),
        *(
            "image.adjust_brightness",
            "image.adjust_contrast",
            "image.adjust_gamma",
            "image.adjust_saturation",
        ),
    ),
    "conv": ("nn.conv2d", "nn.convolution"),
    "depthwise_conv": ("nn.depthwise_conv2d",),
    "max_pool": ("nn.max_pool2d", "nn.max_pool"),
    "average_pool": ("nn.avg_pool2d", "nn.avg_pool"),
    "depth_to_space": ("nn.depth_to_space",),
    "space_to_depth": ("nn.space_to_depth",),
    "matmul": ("linalg.matmul", "tensordot", "einsum", "linalg.matvec", "linalg.matrix_transpose"),
    "patches": ("image.extract_patches",),
    "shape": ("shape", "compat.v1.shape", "size", "rank", "range", "zeros", "ones", "fill", "eye"),
    "choice": ("argmax", "math.argmax", "argsort", "sort", "math.top_k", "one_hot", "math.cumsum"),
    "test": ("math.reduce_any", "math.reduce_all", "math.is_nan", "debugging.check_numerics"),
    "complex": (
        *("signal.rfft2d", "signal.irfft2d", "signal.fft2d", "signal.ifft2d", "math.real", "math.imag"),
        *("complex", "dtypes.complex"),
    ),
}
KINDS = {
    function: kind
    for table in (POINTWISE, OTHER_KINDS)
    for kind, functions in table.items()
    for function in functions
}
RANDOM = (
    "random.",
    "nn.dropout",
    "image.random",
    "image.stateless_random",
    "nn.experimental.stateless_dropout",
)


def as_function(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the layer that computes a function of TensorFlow.

    Args:
        kind: The class that Keras 2 made of it.
        config: Its settings there.

    Raises:
        KerasTwoError: The function is none that is allowed.
    """
    if kind == BY_OPERATION:
        node = config["node_def"]
        settings = {"node": node, "constants": dict(config.get("constants") or {})}
        return _ours(OPERATION, {"name": config["name"], **settings})
    function = GET_ITEM if kind == "SlicingOpLambda" else str(config["function"])
    if kind_of(function) is None:
        why = (
            "draws random numbers: a picture would not be the same twice"
            if function.startswith(RANDOM)
            else "is none of the functions that fvcli computes"
        )
        raise KerasTwoError(config["name"], f"is the function tf.{function} of TensorFlow, which {why}")
    return _ours(FUNCTION, {"name": config["name"], "function": function, "settings": {}})


def kind_of(function: str) -> str | None:
    """Return the kind of a function by its name behind ``tf.``, None if it is not allowed."""
    return KINDS.get(function) or KINDS.get(function.removeprefix("compat.v1."))


def settle(layer: dict[str, Any]) -> None:
    """Move what a function gets beside tensors from its only call into its own settings.

    Raises:
        KerasTwoError: It gets no tensor, so that it would be computed while the file is read.
    """
    if layer.get("registered_name") not in {f"{OURS}>{FUNCTION}", f"{OURS}>{OPERATION}"}:
        return
    if not all(_has_tensor([call["args"], call["kwargs"]]) for call in layer["inbound_nodes"]):
        raise KerasTwoError(layer["name"], "is a function of TensorFlow that reads no other layer")
    if layer["class_name"] == OPERATION:
        return
    for call in layer["inbound_nodes"]:
        call["kwargs"].pop("name", None)
    if len(layer["inbound_nodes"]) == 1:
        keywords = layer["inbound_nodes"][0]["kwargs"]
        for key in [key for key, value in keywords.items() if not _has_tensor(value)]:
            layer["config"]["settings"][key] = keywords.pop(key)


def _has_tensor(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get("class_name") == "__keras_tensor__" or any(map(_has_tensor, value.values()))
    return isinstance(value, list) and any(map(_has_tensor, value))


def _ours(name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"module": OURS, "class_name": name, "config": config, "registered_name": f"{OURS}>{name}"}
