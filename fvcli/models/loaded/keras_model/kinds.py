"""What kind of thing a Keras layer is, and what it does in inference."""

from __future__ import annotations

import inspect
from typing import Any

import keras

from fvcli.models.loaded.keras_model.axes import OF_TENSORFLOW

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
    "Take": "take",
    "Split": "split",
    "Flip": "flip",
    "ExpandDims": "expand_dims",
    "Squeeze": "squeeze",
    "Transpose": "transpose",
    "Moveaxis": "transpose",
    "Swapaxes": "transpose",
    "Mean": "mean",
    "Max": "max",
    "Resize": "resize",
}


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


def takes_training(operation: Any) -> bool:
    return "training" in inspect.signature(operation.call).parameters
