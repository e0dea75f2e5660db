"""A model as objectives read it: folded, with redirected ReLUs, computed as far as it is asked for.

    images --scaled--> conv+bn+relu6 --> conv+bn+relu6 --> ... --> T("layer") or one channel of it

Nothing is cut beforehand: T computes a layer when it is called, from the layers that it needs. Three
things make a step cheaper than calling the Keras model, and change no activation beyond rounding:

- a BatchNormalization behind a convolution becomes the convolution's weights and bias;
- of the layer that an objective reads, only the channel that it reads is computed;
- once ReLUs are no longer redirected, their gradients are TensorFlow's own.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from fvcli.optvis.fold import Linear, read_linear, source
from fvcli.optvis.objectives import select
from fvcli.optvis.relu import relu

FLOAT16_LOSS_SCALE = 1024.0
MOST_LAYERS_OF_A_CHANNEL = 64  # to follow one channel back through; beyond that a layer is computed whole
RELU_MAX_VALUES = {"relu": None, "relu6": 6.0}  # of Activation layers, by the name of their function


class Network:
    """A functional Keras model, ready for ascent.

    Args:
        model: Its outputs are a dict by layer name.
        value_range: What the model takes for 0 and 1 in a picture.
        dtype: What convolutions and activations are computed in; scores are float32 whatever it is.
    """

    def __init__(
        self, model: keras.Model, value_range: tuple[float, float] = (-1.0, 1.0), dtype: str = "float32"
    ) -> None:
        self._image = model.inputs[0]
        self._outputs: Mapping[str, Any] = model.output
        self._range = value_range
        self._dtype = tf.as_dtype(dtype)
        # Gradients of means over thousands of positions are below what float16 can hold.
        self.loss_scale = FLOAT16_LOSS_SCALE if dtype == "float16" else 1.0
        self._linear: dict[int, Linear | None] = {}  # read and folded once

    def __call__(self, images: tf.Tensor, redirect: bool) -> Reading:
        """Return T for images [batch, h, w, c] in [0, 1]: layer name -> activations."""
        low, high = self._range
        scaled = tf.cast(low + images * (high - low), self._dtype)
        return Reading(self, scaled, redirect)

    def linear(self, tensor: Any) -> Linear | None:
        """Return the convolution or dense layer that a tensor is the whole result of, if it is one's."""
        if id(tensor) not in self._linear:  # by the tensor, for a shared layer has one for each call
            with tf.init_scope():  # weights are values, also while a graph is traced
                self._linear[id(tensor)] = read_linear(tensor, self._dtype.as_numpy_dtype)
        return self._linear[id(tensor)]


class Reading:
    """T: the activations of one batch of images, each layer computed once, when it is first read."""

    def __init__(self, network: Network, images: tf.Tensor, redirect: bool) -> None:
        self._network = network
        self._redirect = redirect
        self._done: dict[int, tf.Tensor] = {id(network._image): images}

    def __call__(self, layer: str) -> tf.Tensor:
        """Return a layer's activations, float32 [batch, h, w, channels], h = w = 1 for vectors."""
        return tf.cast(_as_map(self._compute(self._network._outputs[layer])), tf.float32)

    def channel(self, layer: str, n: tf.Tensor | int) -> tf.Tensor:
        """Return channel n (an int, or int [batch]) of a layer as float32 [batch, h, w]."""
        tensor = self._network._outputs[layer]
        batch = self._done[id(self._network._image)].shape[0]
        index = tf.broadcast_to(tf.convert_to_tensor(n, tf.int32), [batch])
        return tf.cast(self._one_channel(tensor, index), tf.float32)

    def _compute(self, tensor: Any) -> tf.Tensor:
        """Return the value of a symbolic tensor; deep networks are walked without recursion."""
        todo = [tensor]
        while todo:
            missing = [part for part in self._read_by(todo[-1]) if id(part) not in self._done]
            if id(todo[-1]) in self._done:
                todo.pop()
            elif missing:
                todo += missing
            else:
                self._done[id(todo[-1])] = self._apply(todo[-1])
        return self._done[id(tensor)]

    def _read_by(self, tensor: Any) -> list[Any]:
        if id(tensor) in self._done:
            return []
        linear = self._network.linear(tensor)
        return source(tensor)[1].input_tensors if linear is None else [linear.input]

    def _apply(self, tensor: Any) -> tf.Tensor:
        operation, node = source(tensor)
        linear = self._network.linear(tensor)
        if linear is not None:
            return linear(self._done[id(linear.input)])
        max_value = _relu_max_value(operation)
        if max_value is not False:
            return relu(self._done[id(node.input_tensors[0])], self._redirect, max_value)
        if isinstance(operation, keras.layers.Add) and _are_of_one_shape(node.input_tensors):
            return tf.add_n([self._done[id(part)] for part in node.input_tensors])
        return self._call(operation, node, tensor)

    def _call(self, operation: Any, node: Any, tensor: Any) -> tf.Tensor:
        """Run any other layer as Keras does, in inference mode."""
        args, kwargs = node.arguments.fill_in(self._done)
        if "training" in inspect.signature(operation.call).parameters:
            kwargs["training"] = False
        outputs = operation(*args, **kwargs)
        for symbolic, value in zip(node.output_tensors, tf.nest.flatten(outputs), strict=True):
            floats = value.dtype.is_floating  # Keras may have computed them in float32
            self._done[id(symbolic)] = tf.cast(value, self._network._dtype) if floats else value
        return self._done[id(tensor)]

    # ---- one channel

    def _one_channel(self, tensor: Any, n: tf.Tensor, depth: int = 0) -> tf.Tensor:
        """Return channel n[i] of image i as a map [batch, h, w], without the layer's other channels."""
        if id(tensor) in self._done or depth == MOST_LAYERS_OF_A_CHANNEL:
            return select(_as_map(self._compute(tensor)), n)
        operation, node = source(tensor)
        below = partial(self._one_channel, n=n, depth=depth + 1)
        linear = self._network.linear(tensor)
        if linear is not None and linear.depthwise:
            return linear.depthwise_channel(below(linear.input), n)
        if linear is not None and linear.can_read_channel(n.shape[0]):
            return linear.channel(self._compute(linear.input), n)
        max_value = _relu_max_value(operation)
        if max_value is not False:
            return relu(below(node.input_tensors[0]), self._redirect, max_value)
        if isinstance(operation, keras.layers.Add) and _are_of_one_shape(node.input_tensors):
            return tf.add_n([below(part) for part in node.input_tensors])
        return select(_as_map(self._compute(tensor)), n)


def _are_of_one_shape(tensors: list[Any]) -> bool:
    """Tell whether tensors can be added without broadcasting."""
    return len({tensor.shape for tensor in tensors}) == 1


def _relu_max_value(operation: Any) -> float | bool | None:
    """Return where a ReLU cuts, None if nowhere, or False if the operation is no plain ReLU."""
    if isinstance(operation, keras.layers.ReLU):
        plain = not operation.negative_slope and not operation.threshold
        return operation.max_value if plain else False
    if isinstance(operation, keras.layers.Activation):
        return RELU_MAX_VALUES.get(getattr(operation.activation, "__name__", ""), False)
    return False


def _as_map(tensor: tf.Tensor) -> tf.Tensor:
    return tensor if tensor.shape.rank == 4 else tensor[:, None, None, :]
