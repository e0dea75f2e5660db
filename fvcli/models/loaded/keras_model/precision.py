"""Make a Keras model ready to be called layer by layer: in float32, and by names that TensorFlow takes."""

from __future__ import annotations

import re
from typing import Any

import keras
import numpy as np

from fvcli.models.loaded.keras_model.original_names import TITLE

FLOAT = "float32"
OTHERS = {"float16", "bfloat16", "float64"}
CHANGED = "_fvcli_precision_changed"  # an attribute of layers, for a model that is laid open again
SCOPE, NOT_IN_SCOPE = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*"), re.compile(r"[^A-Za-z0-9_.-]")
NAME_OF_PRECISION = "source_name"  # in the settings of a policy of integers: what it is quantized from


def to_float32(model: keras.Model) -> int:
    """Set all layers, and the weights that they hold, to float32; count the layers that were of another kind.

    A layer counts if it computes in half or double precision. Weights of whole numbers stay as they are.
    """
    changed = 0
    for layer in model._flatten_layers():
        if layer.compute_dtype in OTHERS or layer.variable_dtype in OTHERS:
            object.__setattr__(layer, CHANGED, True)
            layer.dtype_policy = _in_float32(layer)
        changed += hasattr(layer, CHANGED) and not isinstance(layer, keras.Model)
        for variable in layer.variables:
            _cast(variable)
        if isinstance(layer, keras.layers.Normalization):
            _recast_statistics(layer)
    return changed


def _in_float32(layer: keras.Layer) -> Any:
    """Return the policy of a layer in float32; one of integers is quantized in the same way."""
    policy = layer.dtype_policy
    if isinstance(policy, keras.dtype_policies.DTypePolicyMap):
        policy = policy[layer.path] if layer.path else policy.default_policy
    config = policy.get_config()
    if NAME_OF_PRECISION not in config:
        return keras.DTypePolicy(FLOAT)
    return type(policy).from_config({**config, NAME_OF_PRECISION: FLOAT})


def _cast(variable: Any) -> None:
    """Give a variable of half or double precision a value in float32."""
    if variable.dtype not in OTHERS:
        return
    value = np.asarray(variable.value).astype(FLOAT)
    variable._dtype = FLOAT  # Keras has no public way to change what a variable holds
    variable._initialize(value)


def _recast_statistics(layer: keras.layers.Normalization) -> None:
    """Cast what a Normalization keeps beside its variables."""
    if layer.mean is not None:
        layer.mean = keras.ops.cast(layer.mean, FLOAT)
        layer.variance = keras.ops.cast(layer.variance, FLOAT)


def make_scopes_valid(model: keras.Model) -> None:
    """Let layers whose names are no valid scope of TensorFlow be called: others than these keep theirs."""
    for layer in model._flatten_layers():
        if not SCOPE.fullmatch(layer.name):
            object.__setattr__(layer, TITLE, layer.name)
            layer.name = "layer_" + NOT_IN_SCOPE.sub("_", layer.name)
