"""Call a Keras layer in inference mode.

One fault of Keras on TensorFlow is left out: where maps with channels first are as wide as they have
channels, Keras adds the bias of a convolution to columns, because keras.ops.add takes them for channels.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from fvcli.errors import some_of
from fvcli.models.loaded.keras_model.kinds import is_channels_first, takes_training

layers = keras.layers
CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Conv2DTranspose)


def called(operation: Any, *arguments: Any, **named: Any) -> Any:
    """Return what a layer makes of its arguments when the model is not trained."""
    training = {"training": False} if takes_training(operation) else {}
    named = {**named, **training}
    if not _has_bias_first(operation):
        return operation(*arguments, **named)
    plain = twin_with(operation, use_bias=False, activation=keras.activations.linear)
    made = plain(*arguments, **named) + tf.reshape(operation.bias, (1, -1, 1, 1))
    return made if operation.activation is None else operation.activation(made)


def adds_bias_to_columns(operation: Any, made: Any) -> bool:
    """Tell whether Keras itself adds the bias to what it should not, in an output of a layer."""
    return _has_bias_first(operation) and made.shape[1] == made.shape[3]


def bias_remark(model: keras.Model) -> str | None:
    """Say where Keras and fvcli differ for that reason, as a sentence; None if nowhere."""
    found = [
        layer.name
        for layer in model._flatten_layers()
        if any(adds_bias_to_columns(layer, node.output_tensors[0]) for node in layer._inbound_nodes)
    ]
    if not found:
        return None
    return (
        f"Keras on TensorFlow adds the bias of {some_of(found, 'layer')} to columns, because the maps are "
        "as wide as they have channels; fvcli adds it to channels, as Keras does elsewhere"
    )


def _has_bias_first(operation: Any) -> bool:
    is_convolution = type(operation) in CONVOLUTIONS and is_channels_first(operation)
    return is_convolution and operation.bias is not None


def twin_with(layer: Any, **changed: Any) -> Any:
    """Return a layer that computes from the same variables, but for some of its attributes."""
    twin = object.__new__(type(layer))
    twin.__dict__.update(layer.__dict__)
    for name, value in changed.items():
        object.__setattr__(twin, name, value)
    return twin


def twin_without_activation(layer: Any) -> Any:
    """Return a layer that computes in the same way from the same variables, up to the activation."""
    return twin_with(layer, activation=keras.activations.linear)
