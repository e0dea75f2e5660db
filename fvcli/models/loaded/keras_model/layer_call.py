"""Call a Keras layer in inference mode.

One fault of Keras on TensorFlow is left out: keras.ops.add takes whatever has one long side for a bias of
channels. So it adds the bias of a convolution to columns, where maps with channels first are as wide as they
have channels; and one number for each picture to channels, where there are as many pictures as channels.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.ops import numpy

from fvcli.errors import some_of
from fvcli.models.loaded.keras_model.kinds import is_channels_first, takes_training

layers = keras.layers
CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Conv2DTranspose)
SUMS = (layers.Add, layers.Average, numpy.Add)


def called(operation: Any, *arguments: Any, **named: Any) -> Any:
    """Return what a layer makes of its arguments when the model is not trained."""
    training = {"training": False} if takes_training(operation) else {}
    named = {**named, **training}
    if isinstance(operation, SUMS):
        arguments = _without_seeming_biases(arguments)
    if not _has_bias_first(operation):
        return operation(*arguments, **named)
    plain = twin_with(operation, use_bias=False, activation=keras.activations.linear)
    made = plain(*arguments, **named) + tf.reshape(operation.bias, (1, -1, 1, 1))
    return made if operation.activation is None else operation.activation(made)


def _without_seeming_biases(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what is added up, with tensors laid out over the whole sum that only seem to be a bias."""
    terms = [term for term in tf.nest.flatten(arguments) if tf.is_tensor(term)]
    if len(terms) < 2 or not all(term.shape.is_fully_defined() for term in terms):  # then Keras takes none
        return arguments
    whole = np.broadcast_shapes(*(tuple(term.shape) for term in terms))

    def laid_out(term: Any) -> Any:
        if not tf.is_tensor(term):
            return term
        long = [axis - term.shape.rank for axis, side in enumerate(term.shape) if side > 1]
        is_bias = long == [-1] and all(other.shape[-1] == whole[-1] for other in terms)
        return tf.broadcast_to(term, whole) if len(long) == 1 and not is_bias else term

    found: tuple[Any, ...] = tf.nest.map_structure(laid_out, arguments)
    return found


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
