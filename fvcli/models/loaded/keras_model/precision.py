"""Make a Keras model ready to be called layer by layer: in float32, and by names that TensorFlow takes."""

from __future__ import annotations

import re
from typing import Any

import keras
import tensorflow as tf

from fvcli.models.loaded.keras_model.quantized import float32_of
from fvcli.models.loaded.keras_model.titles import TITLE

HALF = {"float16", "bfloat16"}
MIXED = "_fvcli_mixed"  # the attribute with how many layers had another precision
SCOPE, NOT_IN_SCOPE = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*"), re.compile(r"[^A-Za-z0-9_.-]")


def to_float32(model: keras.Model) -> int:
    """Set every layer to float32, and count those that were of another precision, now or before."""
    mixed = getattr(model, MIXED, 0)
    for layer in model._flatten_layers():
        if layer.dtype_policy.compute_dtype in HALF:
            mixed += not isinstance(layer, keras.Model)
            layer.dtype_policy = float32_of(layer.dtype_policy)
        if not isinstance(layer, keras.Model):
            _widen(layer)
    object.__setattr__(model, MIXED, mixed)
    return mixed


def _widen(layer: Any) -> None:
    """Keep a layer's numbers in float32: one that computes in it does not convert them."""
    for variable in layer.variables:
        if keras.backend.standardize_dtype(variable.dtype) in HALF:
            variable._value = tf.Variable(tf.cast(variable._value, tf.float32), trainable=variable.trainable)
            variable._dtype = "float32"


def make_scopes_valid(model: keras.Model) -> None:
    """Let layers whose names are no valid scope of TensorFlow be called: others than these keep theirs."""
    for layer in model._flatten_layers():
        if not SCOPE.fullmatch(layer.name):
            object.__setattr__(layer, TITLE, layer.name)
            layer.name = "layer_" + NOT_IN_SCOPE.sub("_", layer.name)
