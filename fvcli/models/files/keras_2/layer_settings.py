"""What the settings of a layer of Keras 2 are in Keras 3.

Compared were the settings that layers write in Keras 2.2.4, TensorFlow 1.15, 2.4 and 2.15 with those that
Keras 3.15 takes. A key that is not dealt with here reaches Keras 3, which refuses what it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fvcli.models.files.keras_2.errors import KerasTwoError

OURS = "fvcli"  # the module of what stands for something that Keras 3 does not have
LOCALLY_CONNECTED = ("LocallyConnected1D", "LocallyConnected2D")
OUR_CLASSES = {"TensorFlowFunction", "TensorFlowOperation", "UpSampling2D", *LOCALLY_CONNECTED}
HARD_SIGMOID = {
    "module": OURS,
    "class_name": "function",
    "config": f"{OURS}>hard_sigmoid_keras_2",
    "registered_name": f"{OURS}>hard_sigmoid_keras_2",
}
OUR_FUNCTIONS = {HARD_SIGMOID["config"]}
FUNCTION_MODULES = {"keras.activations", "builtins"}
RENAMED_FUNCTIONS: Mapping[str, Any] = {"hard_sigmoid": HARD_SIGMOID, "softmax_v2": "softmax"}
# Module and class, where they are not keras.layers and the same.
CLASSES = {
    "BatchNormalizationV1": ("keras.layers", "BatchNormalization"),
    "BatchNormalizationV2": ("keras.layers", "BatchNormalization"),
    "SyncBatchNormalization": ("keras.layers", "BatchNormalization"),
    "ThresholdedReLU": ("keras._legacy.layers", "ThresholdedReLU"),
    "RandomHeight": ("keras.layers", "Identity"),  # do nothing in inference
    "RandomWidth": ("keras.layers", "Identity"),
    **{name: (OURS, name) for name in LOCALLY_CONNECTED},
    "LayerScale": ("keras.src.applications.convnext", "LayerScale"),
    "StochasticDepth": ("keras.src.applications.convnext", "StochasticDepth"),
    "CustomScaleLayer": ("keras.src.applications.inception_resnet_v2", "CustomScaleLayer"),
}
MODULES = re.compile(
    r"""(tf_)?(keras | keras\.(src\.)?(layers|models|engine)(\.\w+)*
    | keras\.(src\.)?(layers\.core\.tf_op_layer | legacy_tf_layers\.\w+))""",
    re.VERBOSE | re.ASCII,
)
# Of InceptionResNetV2 since Keras 2.13, which registers it as a user would.
SCALE_LAYER = re.compile(r"(Custom>)?CustomScaleLayer")
SCALE_MODULE = re.compile(r"(tf_)?keras\.src\.applications\.inception_resnet_v2")
FOR_TRAINING = re.compile(r"\w+_(initializer|regularizer|constraint)|initializer")
NO_LONGER = {
    **dict.fromkeys(("CuDNNLSTM", "CuDNNGRU"), "a layer for one kind of GPU, which Keras 3 does not have"),
    **dict.fromkeys(("Merge", "Highway", "MaxoutDense"), "a layer of Keras 1"),
    "DenseFeatures": "a layer for tables, which Keras 3 does not have",
    "RandomCrop": "which cuts and resizes pictures in inference as well; that of Keras 3 does not",
}
# Keys that Keras 3 does not have, and at which values they change nothing; None: at any.
ANYTHING: None = None
WITHOUT_GROUPS = (
    *("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"),
    *("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
)
ONE_GROUP: Mapping[str, tuple[Any, ...] | None] = {"groups": (1,)}
SPATIAL_DROPOUT: Mapping[str, tuple[Any, ...] | None] = {"trainable": ANYTHING, "noise_shape": ANYTHING}
LEFT_OUT: dict[str, Mapping[str, tuple[Any, ...] | None]] = {
    "": {
        "batch_input_shape": ANYTHING,  # the model's input says it
        "input_dtype": ANYTHING,
        "dynamic": (False,),
        "build_config": ANYTHING,
        "rng_type": ANYTHING,
        "time_major": (False,),
        "implementation": ANYTHING,
        "input_dim": ANYTHING,
        "input_length": ANYTHING,
    },
    "BatchNormalization": {
        "fused": ANYTHING,
        "renorm": ANYTHING,  # which is for training
        "renorm_clipping": ANYTHING,
        "renorm_momentum": ANYTHING,
        "virtual_batch_size": (None,),
        "adjustment": (None,),
        "mode": (0,),
    },
    "MultiHeadAttention": dict.fromkeys(
        ("query_shape", "key_shape", "value_shape", "softmax_robust_masking"), ANYTHING
    ),
    "InputLayer": {"ragged": (False,)},
    "Identity": {
        "factor": ANYTHING,
        "interpolation": ANYTHING,
        "seed": ANYTHING,
    },  # RandomHeight, RandomWidth
    "Attention": {"causal": (False,)},
    "AdditiveAttention": {"causal": (False,), "use_causal_mask": (False,)},
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), SPATIAL_DROPOUT),
    **dict.fromkeys(WITHOUT_GROUPS, ONE_GROUP),
}
KEPT_OF_THESE = {"input_dim": {"Embedding"}, "implementation": {*LOCALLY_CONNECTED}}
RENAMED = {"LeakyReLU": {"alpha": "negative_slope"}}
# What a key meant that was left out, before it was written.
MEANT: Mapping[str, Mapping[str, Any]] = {
    "GRU": {"reset_after": False},
    "GRUCell": {"reset_after": False},
    "ConvLSTM2D": {"recurrent_activation": "hard_sigmoid"},
    "LSTM": {"recurrent_activation": "hard_sigmoid"},
    "Rescaling": {"offset": 0.0},
    "MaxPooling2D": {"pool_size": [2, 2]},
    "AveragePooling2D": {"pool_size": [2, 2]},
}
INITIAL_STATE = {"LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM2D"}


def is_keras_own(given: Mapping[str, Any]) -> bool:
    """Tell whether a class is one of Keras's own, as far as a description tells."""
    name, module = given["class_name"], given.get("module")
    names = [known for known in (name, given.get("registered_name")) if known is not None]
    plain = all(isinstance(known, str) and ">" not in known for known in names) and isinstance(name, str)
    return plain and ("module" not in given or (isinstance(module, str) and bool(MODULES.fullmatch(module))))


def is_scale_of_inception_resnet(given: Mapping[str, Any]) -> bool:
    """Tell whether a class is the layer that InceptionResNetV2 scales its branches with."""
    named = isinstance(given["class_name"], str) and bool(SCALE_LAYER.fullmatch(given["class_name"]))
    return (
        named
        and "scale" in given["config"]
        and ("module" not in given or bool(SCALE_MODULE.fullmatch(str(given["module"]))))
    )


def settings_of(name: str, config: Mapping[str, Any], from_corners: bool) -> dict[str, Any]:
    """Return the settings with which Keras 3 makes the layer that Keras 2 made.

    Args:
        name: Its class in Keras 2.
        config: Its settings there.
        from_corners: Whether bilinear upsampling began at corners; see ``upsamples_from_corners``.

    Raises:
        KerasTwoError: Keras 3 has no such layer, or none with these settings.
    """
    if name in NO_LONGER:
        raise KerasTwoError(config.get("name"), f"is a {name}, {NO_LONGER[name]}")
    _, kind = CLASSES.get(name, ("", name))
    settings = {**MEANT.get(kind, {}), **config}
    settings = {key: value for key, value in settings.items() if not FOR_TRAINING.fullmatch(key)}
    settings.pop("activity_regularizer", None)
    if kind == "InputLayer":
        settings["batch_shape"] = settings.get("batch_input_shape", settings.get("batch_shape"))
    settings = _without_the_dropped(kind, settings)
    settings = {RENAMED.get(kind, {}).get(key, key): value for key, value in settings.items()}
    settings = {key: _value(key, value) for key, value in settings.items()}
    if settings.get("dtype") is None:
        settings.pop("dtype", None)
    if kind == "UpSampling2D" and settings.get("interpolation") == "bilinear" and from_corners:
        settings["from_corners"] = True
    return _with_one_axis(settings) if kind == "BatchNormalization" else settings


def _without_the_dropped(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    dropped = {**LEFT_OUT[""], **LEFT_OUT.get(kind, {})}
    kept = {}
    for key, value in settings.items():
        if key not in dropped or kind in KEPT_OF_THESE.get(key, ()):
            kept[key] = value
        elif (harmless := dropped[key]) is not ANYTHING and value not in harmless:
            raise KerasTwoError(
                settings.get("name"), f"is a {kind} with {key}: {value!r}, which Keras 3 does not have"
            )
    return kept


def _value(key: str, value: Any) -> Any:
    if key == "dtype":
        return _policy(value)
    return _activation(value) if key.endswith("activation") else value


def _policy(value: Any) -> Any:
    """Return a policy of precision by its name."""
    if isinstance(value, dict):
        value = value.get("config", {}).get("name")
    return None if value in {"_infer", "infer"} else value


def _activation(value: Any) -> Any:
    """Return a function for which Keras 3 has the same name and another meaning by a name of our own."""
    is_function = isinstance(value, dict) and value.get("class_name") == "function"
    name = value.get("config") if is_function and value.get("module") in FUNCTION_MODULES else value
    return RENAMED_FUNCTIONS.get(name, value) if isinstance(name, str) else value


# ---- layers of which more changed than keys


def upsamples_from_corners(version: str, description: str) -> bool:
    """Tell whether a version's bilinear upsampling puts position p of the output at p / size of the input.

    That is how TensorFlow's resize_bilinear did it. The package Keras used it before 2.4, and tf.keras in
    TensorFlow up to 1.14; since 1.15 the centres of pixels lie on each other. 1.13 to 2.1 all say 2.2.4-tf:
    an input that says whether it is ragged is of 1.15 or later.
    """
    if "." not in version:  # the file does not say which version it is of
        return False
    number = version.removesuffix("-tf")
    major, minor, *patch = (*map(int, re.findall(r"\d+", number)), 0, 0)
    if not version.endswith("-tf"):
        return (major, minor) < (2, 4)
    known = '"ragged"' in description or '"InputLayer"' not in description
    return (major, minor, patch[0]) < (2, 2, 4) or (number == "2.2.4" and not known)


def _with_one_axis(settings: dict[str, Any]) -> dict[str, Any]:
    axis = settings.get("axis", -1)
    if isinstance(axis, list):
        if len(axis) != 1:
            raise KerasTwoError(
                settings.get("name"), f"is a BatchNormalization over axes {axis}, and Keras 3 has one axis"
            )
        settings["axis"] = axis[0]
    return settings
