"""What a Keras layer is for, and how it is computed on maps with channels last, in inference mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common.masking import get_keras_mask, set_keras_mask
from keras.src.ops import nn, numpy

from fvcli.errors import FvcliError
from fvcli.models.files.words_of_others import reason_of
from fvcli.models.loaded.keras_model.axes import joins_channels
from fvcli.models.loaded.keras_model.kinds import is_channels_first, is_idle, is_of_keras
from fvcli.models.loaded.keras_model.layer_call import called, twin_without_activation
from fvcli.models.loaded.keras_model.permutations import FIRST_TO_LAST, LAST_TO_FIRST
from fvcli.optvis.calls import Compute, Linear, Normalization, Relu, Role, Sum

# These and no subclasses or namesakes, because those may compute something else.
LINEAR = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)
FUSED = (*LINEAR, keras.layers.SeparableConv2D, keras.layers.Conv2DTranspose)
SUMS, PRODUCTS = {keras.layers.Add, numpy.Add}, {keras.layers.Multiply, numpy.Multiply}
POINTWISE = {keras.layers.ReLU, keras.layers.LeakyReLU}
# Functions and operations, with the value that they cut at.
RELUS: dict[Any, float | None] = {
    **{keras.activations.relu: None, keras.ops.relu: None, nn.Relu: None},
    **{keras.activations.relu6: 6.0, keras.ops.relu6: 6.0, nn.Relu6: 6.0},
}


def has_activation_apart(operation: Any) -> bool:
    """Tell whether a layer has an activation that can be taken apart from it."""
    return type(operation) in FUSED and operation.activation not in {None, keras.activations.linear}


def role_of(node: Any, firsts: Sequence[bool], first: bool) -> Role | None:
    """Return what is known of a call, where that says all that Keras would compute.

    Args:
        node: The call.
        firsts: Which of its inputs have their channels first in the model.
        first: Whether its output has.
    """
    operation = node.operation
    kind = type(operation)
    if any(source != first for source in firsts):
        return None
    if kind in SUMS:
        return Sum() if _is_plain_sum(node.input_tensors) else None
    if len(node.input_tensors) != 1:
        return None
    if kind in LINEAR:
        return linear_of(operation, first)
    if kind is keras.layers.BatchNormalization:
        rank = len(node.input_tensors[0].shape)
        return _normalization(operation) if _has_channels_at(operation, rank, first) else None
    if kind is keras.layers.ReLU:
        plain = not operation.negative_slope and not operation.threshold
        return Relu(operation.max_value) if plain else None
    if kind is keras.layers.Activation:
        return relu_role(operation.activation)
    return Relu(RELUS[kind]) if kind in RELUS else None


def _is_plain_sum(tensors: Sequence[Any]) -> bool:
    """Tell whether tensors are of one shape, and of floats."""
    floats = all("float" in str(tensor.dtype) for tensor in tensors)
    return floats and len(tensors) > 1 and len({tuple(tensor.shape) for tensor in tensors}) == 1


def _has_channels_at(norm: keras.layers.BatchNormalization, rank: int, first: bool) -> bool:
    return norm.axis % rank == (1 if first else rank - 1)


def relu_role(function: Any) -> Relu | None:
    """Return the role of an activation, if it is a plain ReLU of Keras's own."""
    return Relu(RELUS[function]) if function in RELUS else None


def linear_of(operation: Any, first: bool) -> Linear | None:
    """Return a layer as arrays, if these are all that it computes with."""
    if type(operation) not in LINEAR or not _is_plain(operation):
        return None
    bias = None if operation.bias is None else np.asarray(operation.bias, np.float32)
    kernel = np.asarray(operation.kernel, np.float32)
    if isinstance(operation, keras.layers.Dense):
        return None if first else Linear(kernel, bias)
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


def _is_plain(operation: Any) -> bool:
    """Tell whether a layer has its kernel and its bias and nothing else: no scales, no low-rank additions."""
    if operation.quantization_mode is not None or "call" in vars(operation):
        return False
    plain = [operation.kernel] if operation.bias is None else [operation.kernel, operation.bias]
    own = {id(variable) for variable in operation.variables} == {*map(id, plain)}
    return own and all(keras.backend.is_float_dtype(variable.dtype) for variable in plain)


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
    if is_idle(node.operation):
        return lambda values: values[0]
    twin = _with_channels_last(node) if firsts and all(firsts) else None
    if twin is None:
        return computed_by_keras(node, firsts, out_first)
    return lambda values: _made(twin, node, values)


def _with_channels_last(node: Any) -> Any:
    """Return a layer without weights that does the same to maps with channels last, if there is one."""
    operation = node.operation
    kind = type(operation)
    if kind in SUMS or kind in PRODUCTS:  # of maps; a constant would have its channels first
        return operation if len(node.input_tensors) > 1 else None
    if not is_of_keras(operation) or not isinstance(operation, keras.layers.Layer) or operation.variables:
        return None
    config = operation.get_config()
    if config.get("data_format") == "channels_first":
        return kind.from_config({**config, "data_format": "channels_last"})
    if kind is keras.layers.Concatenate and joins_channels(operation, True):
        return keras.layers.Concatenate(axis=-1, name=operation.name)
    return operation if kind in POINTWISE else None


def computed_by_keras(node: Any, firsts: Sequence[bool], out_first: bool) -> Compute:
    """Return a function that runs a layer with one output as Keras does."""
    outputs = outputs_by_keras(node, firsts, out_first)
    return lambda values: outputs(values)[0]


def outputs_by_keras(node: Any, firsts: Sequence[bool], out_first: bool) -> Compute:
    """Return a function that runs a layer as Keras does, and returns a list of its outputs."""

    def compute(values: Sequence[tf.Tensor]) -> Any:
        turned = [_turn(v, LAST_TO_FIRST) if f else v for v, f in zip(values, firsts, strict=True)]
        made = keras.tree.flatten(_made(node.operation, node, turned))
        return [_turn(output, FIRST_TO_LAST) for output in made] if out_first else made

    return compute


def _made(operation: Any, node: Any, values: Sequence[Any]) -> Any:
    """Call a layer with the arguments of a call of the model, in inference mode."""
    given = {id(t): v for t, v in zip(node.input_tensors, values, strict=True)}
    args, kwargs = node.arguments.fill_in(given)
    try:
        return called(operation, *args, **kwargs)
    except Exception as error:  # Keras and TensorFlow raise all kinds
        raise _not_computed(operation, error) from error


def _not_computed(operation: Any, error: Exception) -> FvcliError:
    """Say in a line which layer cannot be computed, and what of Keras's words tells why."""
    if isinstance(error, FvcliError):
        return error
    return FvcliError(
        f"layer {operation.name} ({type(operation).__name__}) cannot be computed: {reason_of(error)}"
    )


def _turn(value: tf.Tensor, order: Sequence[int]) -> tf.Tensor:
    return tf.transpose(value, order) if value.shape.rank == 4 else value


def without_activation(node: Any, firsts: Sequence[bool], first: bool) -> Compute:
    """Return how a layer is computed up to its activation, where it has no role."""
    twin = twin_without_activation(node.operation)

    def compute(values: Sequence[tf.Tensor]) -> Any:
        turned = [_turn(v, LAST_TO_FIRST) if f else v for v, f in zip(values, firsts, strict=True)]
        made = _made(twin, node, turned)
        return _turn(made, FIRST_TO_LAST) if first else made

    return compute


def activated(function: Any, first: bool, values: Sequence[tf.Tensor]) -> tf.Tensor:
    """Apply an activation, which may work along the model's own last axis; what is masked stays masked."""
    made = function(_turn(values[0], LAST_TO_FIRST) if first else values[0])
    made = _turn(made, FIRST_TO_LAST) if first else made
    mask = get_keras_mask(values[0])
    if mask is not None:
        set_keras_mask(made, mask)
    return made
