"""A model as objectives read it: folded, with redirected ReLUs, computed as far as it is asked for.

    images --scaled--> conv+bn+relu6 --> conv+bn+relu6 --> ... --> T("layer") or one channel of it

Nothing is cut beforehand: T computes a layer when it is called, from the layers that it needs. Three
things make a step cheaper than calling the model as it is, and change no activation beyond rounding:

- a BatchNormalization behind a convolution becomes the convolution's weights and bias;
- of the layer that an objective reads, only the channel that it reads is computed;
- once ReLUs are no longer redirected, their gradients are TensorFlow's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.optvis.calls import Call, CallGraph, Normalization, Relu, Sum, ancestors
from fvcli.optvis.fold import Folded, fold
from fvcli.optvis.objectives import select
from fvcli.optvis.relu import relu

KERAS_MASK = "_keras_mask"  # the attribute by which layers of Keras tell later ones which steps to leave out
FLOAT16_LOSS_SCALE = 1024.0
MOST_LAYERS_OF_A_CHANNEL = 64  # to follow one channel back through; beyond that a layer is computed whole
Range = tuple[float | Sequence[float], float | Sequence[float]]


class Network:
    """A network, ready for ascent.

    Args:
        graph: Its calls.
        value_range: What the network takes for 0 and 1 in a picture, each a number or one a channel.
        dtype: What convolutions and activations are computed in; scores are float32 whatever it is.
        reverse_channels: Whether the network takes a picture's channels in reverse order (BGR).
        input_px: Height and width that pictures are resized to first; None: they are taken as they are.
        is_folded: Whether BatchNormalizations are parts of convolutions. If so, a convolution is not computed
            for what is behind its BatchNormalization, and has no gradient of that.
    """

    def __init__(
        self,
        graph: CallGraph,
        value_range: Range = (-1.0, 1.0),
        dtype: str = "float32",
        *,
        reverse_channels: bool = False,
        input_px: tuple[int, int] | None = None,
        is_folded: bool = True,
    ) -> None:
        self.graph = graph
        self._low, self._high = (np.asarray(value, np.float32) for value in value_range)
        self._reverse = reverse_channels
        self._input_px = input_px
        self._is_folded = is_folded
        self.dtype = tf.as_dtype(dtype)
        # Gradients of means over thousands of positions are below what float16 can hold.
        self.loss_scale = FLOAT16_LOSS_SCALE if dtype == "float16" else 1.0
        self._folded: dict[Call, Folded | None] = {}  # worked out once
        self._below: dict[tuple[str, ...], list[Call]] = {}

    def __call__(self, images: tf.Tensor, redirect: bool) -> Reading:
        """Return T for images [batch, h, w, c] in [0, 1]: layer name -> activations."""
        if self._input_px is not None and tuple(images.shape[1:3]) != self._input_px:
            images = tf.image.resize(images, self._input_px)
        if self._reverse:
            images = images[..., ::-1]
        scaled = tf.cast(self._low + images * (self._high - self._low), self.dtype)
        return Reading(self, scaled, redirect)

    def normalizations(self, layers: Sequence[str]) -> list[Call]:
        """Return the BatchNormalizations below some layers that know what they saw in training, in order."""
        key = tuple(layers)
        if key not in self._below:
            below = ancestors(part for layer in layers for part in self.graph.calls[layer].inputs)
            self._below[key] = [
                call for call in dict.fromkeys(self.graph.calls.values()) if call in below and _knows(call)
            ]
        return self._below[key]

    def folded(self, call: Call) -> Folded | None:
        """Return the convolution or dense layer that a call is the whole result of, if it is one's."""
        if not self._is_folded and isinstance(call.role, Normalization):
            return None
        if call not in self._folded:
            self._folded[call] = fold(call, self.dtype.as_numpy_dtype)
        return self._folded[call]


class Reading:
    """T: the activations of one batch of images, each layer computed once, when it is first read.

    Args:
        network: What is read.
        images: [batch, h, w, c] as the network takes them.
        redirect: Whether ReLUs pass gradients on where they are silent.
        known: Values of some calls, which are not computed then.
    """

    def __init__(
        self, network: Network, images: tf.Tensor, redirect: bool, known: Mapping[Call, Any] | None = None
    ) -> None:
        self._network = network
        self._redirect = redirect
        self._batch = images.shape[0]
        self._done: dict[Call, Any] = {**(known or {}), network.graph.image: images}

    def __call__(self, layer: str) -> tf.Tensor:
        """Return a layer's activations, float32 [batch, h, w, channels].

        Of vectors h = w = 1; of tokens h is their number, w = 1.
        """
        return tf.cast(as_map(self.value(layer)), tf.float32)

    def value(self, layer: str) -> Any:
        """Return what a layer makes as the network itself passes it on, of any shape and type."""
        return self._compute(self._network.graph.calls[layer])

    def channel(self, layer: str, n: tf.Tensor | int) -> tf.Tensor:
        """Return channel n (an int, or int [batch]) of a layer as float32 [batch, h, w]."""
        index = tf.broadcast_to(tf.convert_to_tensor(n, tf.int32), [self._batch])
        return tf.cast(self._one_channel(self._network.graph.calls[layer], index), tf.float32)

    def normalized(self, layers: Sequence[str]) -> Iterator[tuple[tf.Tensor, np.ndarray, np.ndarray]]:
        """Yield what each BatchNormalization below some layers makes, and what it made in training.

        Yields:
            Activations, float32 [batch, h, w, channels]; their mean and standard deviation in training,
            float32 [channels] each.
        """
        for call in self._network.normalizations(layers):
            role = call.role
            assert isinstance(role, Normalization)
            assert role.mean is not None
            assert role.variance is not None
            mean, std = role.mean * role.scale + role.shift, np.abs(role.scale) * np.sqrt(role.variance)
            made = tf.cast(as_map(self._compute(call)), tf.float32)
            yield made, mean.astype(np.float32), std.astype(np.float32)

    def _compute(self, call: Call) -> Any:
        """Return the value of a call; deep networks are walked without recursion."""
        todo = [call]
        while todo:
            missing = [part for part in self._read_by(todo[-1]) if part not in self._done]
            if todo[-1] in self._done:
                todo.pop()
            elif missing:
                todo += missing
            else:
                self._done[todo[-1]] = self._apply(todo[-1])
        return self._done[call]

    def _read_by(self, call: Call) -> Sequence[Call]:
        if call in self._done:
            return ()
        folded = self._network.folded(call)
        return call.inputs if folded is None else (folded.source,)

    def _apply(self, call: Call) -> Any:
        folded = self._network.folded(call)
        if folded is not None:
            return folded.linear(self._done[folded.source])
        values = [self._done[part] for part in call.inputs]
        if isinstance(call.role, Relu):
            return relu(values[0], self._redirect, call.role.max_value)
        if isinstance(call.role, Normalization):
            scale, shift = (tf.cast(part, values[0].dtype) for part in (call.role.scale, call.role.shift))
            return values[0] * scale + shift
        if isinstance(call.role, Sum):
            return tf.add_n(values)
        return tf.nest.map_structure(self._as_computed, call.compute(values))

    def _as_computed(self, value: tf.Tensor) -> tf.Tensor:
        """Cast what a layer may have computed in float32; a mask that Keras has put on it stays."""
        if not value.dtype.is_floating or value.dtype == self._network.dtype:
            return value
        cast = tf.cast(value, self._network.dtype)
        if (mask := getattr(value, KERAS_MASK, None)) is not None:
            setattr(cast, KERAS_MASK, mask)
        return cast

    # ---- one channel

    def _one_channel(self, call: Call, n: tf.Tensor, depth: int = 0) -> tf.Tensor:
        """Return channel n[i] of image i as a map [batch, h, w], without the layer's other channels."""
        if call in self._done or depth == MOST_LAYERS_OF_A_CHANNEL:
            return select(as_map(self._compute(call)), n)
        below = partial(self._one_channel, n=n, depth=depth + 1)
        folded = self._network.folded(call)
        if folded is not None and folded.linear.depthwise:
            return folded.linear.depthwise_channel(below(folded.source), n)
        if folded is not None:
            return self._linear_channel(call, folded, n)
        if isinstance(call.role, Relu):
            return relu(below(call.inputs[0]), self._redirect, call.role.max_value)
        if isinstance(call.role, Sum):
            return tf.add_n([below(part) for part in call.inputs])
        return select(as_map(self._compute(call)), n)

    def _linear_channel(self, call: Call, folded: Folded, n: tf.Tensor) -> tf.Tensor:
        source = self._compute(folded.source)
        if folded.linear.can_read_channel(source.shape.rank, n.shape[0]):
            return folded.linear.channel(source, n)
        return select(as_map(self._compute(call)), n)


def _knows(call: Call) -> bool:
    role = call.role
    return isinstance(role, Normalization) and role.mean is not None and role.variance is not None


def as_map(tensor: tf.Tensor) -> tf.Tensor:
    """Return maps as they are, tokens as columns [batch, tokens, 1, c], vectors as [batch, 1, 1, c]."""
    if tensor.shape.rank == 4:
        return tensor
    return tensor[:, :, None] if tensor.shape.rank == 3 else tensor[:, None, None]
