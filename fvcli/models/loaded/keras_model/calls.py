"""What a Keras layer is for, and how it is computed on maps with channels last, in inference mode."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fvcli.models.loaded.keras_model.nodes import joins_channels, kind_of, takes_training
from fvcli.optvis.calls import Compute, Linear, Normalization, Relu, Role, Sum, by_role

RELU_MAX_VALUES = {"relu": None, "relu6": 6.0}  # by the name of the function
FIRST_TO_LAST, LAST_TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
IDLE = {"dropout", "noise", "augmentation", "identity"}  # kinds of layers that do nothing in inference
# These and no subclasses, for those may compute something else.
LINEAR = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)
FUSED = (*LINEAR, keras.layers.SeparableConv2D, keras.layers.Conv2DTranspose)


def is_channels_first(operation: Any) -> bool:
    return getattr(operation, "data_format", None) == "channels_first"


def has_activation_apart(operation: Any) -> bool:
    """Tell whether a layer has an activation that can be taken apart from it."""
    return type(operation) in FUSED and operation.activation not in {None, keras.activations.linear}


def role_of(node: Any, first: bool) -> Role | None:
    """Return what is known of a call; first: whether its output has its channels first."""
    operation = node.operation
    kind = type(operation)
    if kind in LINEAR:
        return linear_of(operation, first)
    if kind is keras.layers.BatchNormalization and joins_channels(operation, first):
        return _normalization(operation)
    if kind.__name__ == "Add":
        shapes = {tuple(tensor.shape) for tensor in node.input_tensors}
        return Sum() if len(node.input_tensors) > 1 and len(shapes) == 1 else None
    if isinstance(operation, keras.layers.ReLU):
        plain = not operation.negative_slope and not operation.threshold
        return Relu(operation.max_value) if plain else None
    is_function = isinstance(operation, keras.layers.Activation) or kind.__name__ in {"Relu", "Relu6"}
    return relu_role(kind_of(operation)) if is_function else None


def relu_role(function: str) -> Relu | None:
    """Return the role of an activation by its name, if it is a plain ReLU."""
    return Relu(RELU_MAX_VALUES[function]) if function in RELU_MAX_VALUES else None


def linear_of(operation: Any, first: bool) -> Linear | None:
    """Return a layer as arrays, if it is one that can be computed from them."""
    if type(operation) not in LINEAR:
        return None
    bias = None if operation.bias is None else np.asarray(operation.bias, np.float32)
    kernel = np.asarray(operation.kernel, np.float32)
    if isinstance(operation, keras.layers.Dense):
        return Linear(kernel, bias)
    known = is_channels_first(operation) == first and getattr(operation, "groups", 1) == 1
    if not known or getattr(operation, "depth_multiplier", 1) != 1:
        return None
    if max(operation.dilation_rate) > 1 and max(operation.strides) > 1:
        return None
    return Linear(
        kernel,
        bias,
        isinstance(operation, keras.layers.DepthwiseConv2D),
        tuple(operation.strides),
        operation.padding.upper(),
        tuple(operation.dilation_rate),
    )


def _normalization(norm: keras.layers.BatchNormalization) -> Normalization:
    mean, variance = (np.asarray(v, np.float64) for v in (norm.moving_mean, norm.moving_variance))
    gamma = np.asarray(norm.gamma, np.float64) if norm.scale else 1.0
    beta = np.asarray(norm.beta, np.float64) if norm.center else 0.0
    return Normalization.of(gamma, beta, mean, variance, norm.epsilon)


# ---- computing


def compute_of(node: Any, firsts: Sequence[bool], out_first: bool) -> Compute:
    """Return how a call is computed that has no role, or only one that says what it is for.

    Args:
        node: The call.
        firsts: Which of its inputs have their channels first in the model.
        out_first: Whether its output has.
    """
    operation = node.operation
    if kind_of(operation) in IDLE:
        return lambda values: values[0]
    twin = _with_channels_last(operation) if any(firsts) else None
    if twin is None:
        return computed_by_keras(node, firsts, out_first)
    takes_list = isinstance(node.arguments.args[0], list | tuple)
    return lambda values: twin(list(values)) if takes_list else twin(*values)


def _with_channels_last(operation: Any) -> Any:
    """Return a layer without weights that does the same to maps with channels last, if there is one."""
    if not isinstance(operation, keras.layers.Layer) or operation.variables:
        return operation if kind_of(operation) in {"add", "multiply"} else None
    config = operation.get_config()
    if config.get("data_format") == "channels_first":
        return type(operation).from_config({**config, "data_format": "channels_last"})
    if type(operation) is keras.layers.Concatenate and joins_channels(operation, True):
        return keras.layers.Concatenate(axis=-1, name=operation.name)
    pointwise = isinstance(operation, keras.layers.Activation | keras.layers.Rescaling)
    return operation if pointwise else None


def computed_by_keras(node: Any, firsts: Sequence[bool], out_first: bool | None) -> Compute:
    """Return a function that runs the layer as Keras does; out_first None: it has several outputs."""
    operation = node.operation
    training = {"training": False} if takes_training(operation) else {}

    def compute(values: Sequence[tf.Tensor]) -> Any:
        turned = [_turn(v, LAST_TO_FIRST) if f else v for v, f in zip(values, firsts, strict=True)]
        given = {id(t): v for t, v in zip(node.input_tensors, turned, strict=True)}
        args, kwargs = node.arguments.fill_in(given)
        made = operation(*args, **{**kwargs, **training})
        if out_first is None:
            return tf.nest.flatten(made)
        return _turn(made, FIRST_TO_LAST) if out_first else made

    return compute


def _turn(value: tf.Tensor, order: Sequence[int]) -> tf.Tensor:
    return tf.transpose(value, order) if value.shape.rank == 4 else value


def without_activation(node: Any, first: bool) -> Compute:
    """Return how a layer is computed up to its activation."""
    operation = node.operation
    if linear_of(operation, first) is not None:
        return by_role
    twin = type(operation).from_config({**operation.get_config(), "activation": "linear"})
    twin.build(node.input_tensors[0].shape)
    twin.set_weights(operation.get_weights())
    return partial(_through, twin, first)


def _through(layer: Any, first: bool, values: Sequence[tf.Tensor]) -> tf.Tensor:
    made = layer(_turn(values[0], LAST_TO_FIRST) if first else values[0])
    return _turn(made, FIRST_TO_LAST) if first else made
