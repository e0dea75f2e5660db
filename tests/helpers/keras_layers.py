"""Every layer class of Keras that takes a map, with arguments with which it can be made."""

from __future__ import annotations

import inspect
from typing import Any

import keras

layers = keras.layers

# Where the class cannot be made without arguments, or does something else with others.
ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "Activation": [{"activation": "softmax"}, {"activation": "mish"}],
    "AdaptiveAveragePooling2D": [{"output_size": 2}],
    "AdaptiveMaxPooling2D": [{"output_size": (3, 2)}],
    "AlphaDropout": [{"rate": 0.2}],
    "AveragePooling2D": [{"pool_size": 2}, {"pool_size": (12, 8)}],
    "BatchNormalization": [{}, {"axis": 1}, {"axis": -2}],
    "CenterCrop": [{"height": 4, "width": 6}],
    "Concatenate": [{}, {"axis": 1}],
    "Conv2D": [{"filters": 2, "kernel_size": 3, "activation": "softmax"}],
    "Conv2DTranspose": [
        {"filters": 2, "kernel_size": 3, "strides": 2, "output_padding": 1},
        {"filters": 2, "kernel_size": 4, "strides": 3, "output_padding": 1, "padding": "same"},
        {"filters": 2, "kernel_size": 3, "dilation_rate": 2},
    ],
    "Dense": [{"units": 5}],
    "DepthwiseConv2D": [{"kernel_size": 3, "depth_multiplier": 2}],
    "Dropout": [{"rate": 0.2}],
    "EinsumDense": [
        {"equation": "bhwc,cd->bhwd", "output_shape": (None, None, 2)},
        {"equation": "bhwc,hwcd->bhwd", "output_shape": (12, 8, 2)},
    ],
    "GaussianDropout": [{"rate": 0.2}],
    "GaussianNoise": [{"stddev": 0.2}],
    "GlobalAveragePooling2D": [{}, {"keepdims": True}],
    "GroupNormalization": [{"groups": 3}, {"groups": 2, "axis": 1}],
    "LayerNormalization": [{}, {"axis": (1, 2, 3)}, {"axis": [-3, -2]}, {"axis": 1, "center": False}],
    "MultiHeadAttention": [{"num_heads": 2, "key_dim": 2, "attention_axes": (1, 2)}],
    "Normalization": [{}, {"axis": None}, {"axis": (1, 2, 3)}, {"axis": -2}],
    "PReLU": [{}, {"shared_axes": [1, 2]}, {"shared_axes": [1]}],
    "Permute": [{"dims": (2, 1, 3)}],
    "RandomBrightness": [{"factor": 0.2}],
    "RandomColorDegeneration": [{"factor": 0.2}],
    "RandomContrast": [{"factor": 0.2}],
    "RandomCrop": [{"height": 4, "width": 6}],
    "RandomHue": [{"factor": 0.2}],
    "RandomPosterization": [{"factor": 4}],
    "RandomRotation": [{"factor": 0.2}],
    "RandomSaturation": [{"factor": 0.2}],
    "RandomSharpness": [{"factor": 0.2}],
    "RandomTranslation": [{"height_factor": 0.2, "width_factor": 0.2}],
    "RandomZoom": [{"height_factor": 0.2}],
    "Rescaling": [{"scale": 0.5}, {"scale": [1.0, 2.0, 3.0]}],
    "Reshape": [{"target_shape": (-1, 3)}, {"target_shape": (6, 16, 3)}],
    "Resizing": [{"height": 4, "width": 6}],
    "RMSNormalization": [{}],
    "SeparableConv2D": [{"filters": 2, "kernel_size": 3, "dilation_rate": 2}],
    "Softmax": [{}, {"axis": (1, 2)}, {"axis": 1}],
    "SpatialDropout2D": [{"rate": 0.2}],
    "UnitNormalization": [{}, {"axis": (1, 2)}],
    "UpSampling2D": [{"interpolation": "bilinear"}],
    "ZeroPadding2D": [{"padding": ((1, 0), (2, 3))}],
}
TAKE_SEVERAL = {
    *("Add", "AdditiveAttention", "Attention", "Average", "Concatenate", "Maximum", "Minimum"),
    *("Multiply", "MultiHeadAttention", "Subtract"),
}
OF_OTHER_RANKS = ("1D", "3D")  # parts of names
TAKE_NO_MAPS = {
    # sequences, vectors, words
    *(
        "GRU",
        "LSTM",
        "RNN",
        "SimpleRNN",
        "RepeatVector",
        "GroupedQueryAttention",
        "MelSpectrogram",
        "Embedding",
        "Dot",
    ),
    *("STFTSpectrogram", "TextVectorization", "StringLookup", "IntegerLookup", "Hashing", "HashedCrossing"),
    *("CategoryEncoding", "Discretization", "ReversibleEmbedding", "MaxNumBoundingBoxes", "ConvLSTM2D"),
    *("Masking", "Equalization"),  # of which Keras makes no model on maps, or warns
    # around other layers, or parts of them, or of other frameworks
    *(
        "Bidirectional",
        "TimeDistributed",
        "Wrapper",
        "SpectralNormalization",
        "Pipeline",
        "Layer",
        "InputLayer",
    ),
    *("GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells", "Lambda", "TFSMLayer", "FlaxLayer"),
    *("JaxLayer", "TorchModuleWrapper"),
}


def classes() -> dict[str, type[keras.Layer]]:
    """Return each layer class of Keras once, by its own name."""
    found = [value for value in vars(layers).values() if inspect.isclass(value)]
    return {cls.__name__: cls for cls in found if issubclass(cls, keras.Layer)}


def cases() -> list[tuple[str, dict[str, Any]]]:
    """Return the class and arguments of each layer to be tried on a map."""
    named = [name for name in classes() if name not in TAKE_NO_MAPS and takes_maps(name)]
    return [(name, arguments) for name in named for arguments in ARGUMENTS.get(name, [{}])]


def takes_maps(name: str) -> bool:
    return not any(rank in name for rank in OF_OTHER_RANKS)


def on_a_map(name: str, arguments: dict[str, Any], side: tuple[int, int]) -> keras.Model:
    """Return a convolution, the layer, and another convolution if there still is a map."""
    image = keras.Input((*side, 3), name="image")
    x = layers.Conv2D(3, 3, padding="same", bias_initializer="ones", name="before")(image)
    layer = classes()[name](**arguments, name="probe")
    if name == "MultiHeadAttention":
        x = layer(x, x)
    else:
        x = layer([x, layers.ReLU(name="beside")(x)]) if name in TAKE_SEVERAL else layer(x)
    x = layers.Conv2D(2, 1, name="behind")(x) if len(x.shape) == 4 else x
    return keras.Model(image, x)
