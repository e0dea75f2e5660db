"""The weights between two layers as one kernel: the derivative of one position of the upper layer.

The derivative is taken of the network without its non-linearities, at a position so far from the edges of the
maps that no padding is seen. It is exact: kernels, batch normalizations and strides of all ways are in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from fvcli.models.graph import IMAGE, Node, Pair, Window, layer_facts
from fvcli.models.model_facts import ModelFacts
from fvcli.optvis.calls import Call
from fvcli.worker.unit_links.crops import Crops
from fvcli.worker.unit_links.steps import Step

MEMORY_BYTES = 1 << 27  # of the maps of a derivative
MOST_AT_ONCE = 256  # units


class NoKernelError(Exception):
    """There is no kernel between two layers; the text says why."""


class Weights(NamedTuple):
    """The weights of some units of a layer to all channels of one below, each float32 [units, channels].

    signed: The L2 norm over the kernel's positions, with the sign of their sum.
    total: The sum over the kernel's positions.
    """

    signed: np.ndarray
    total: np.ndarray


class _Place(NamedTuple):
    """Where the derivative is taken: at a position of the upper layer, if the lower one's map has a size."""

    size: Pair
    position: Pair


def expanded_weights(
    facts: ModelFacts, steps: Mapping[Call, Step], upper: Call, lower: Call, units: Sequence[int]
) -> Weights:
    """Return the weights between two layers.

    Args:
        facts: Of the network.
        steps: What lies between, in the order of computing, the upper layer last.
        upper, lower: The layers.
        units: Channels of the upper layer.

    Raises:
        NoKernelError: Nowhere is a position whose derivative could be taken.
    """
    nodes = {node.name: node for node in facts.nodes}
    on_the_way = _made_of(lower, steps)
    inside = {node.name: node for node in _nodes_between(nodes, on_the_way, lower)}
    flattens = any(step.flattens for step in on_the_way.values())
    place = _place(_home(facts, nodes[lower.name]), list(inside.values()), upper, flattens)
    sizes = _sizes(on_the_way, inside, lower, place.size)
    crops = Crops.needed(on_the_way, inside, sizes, upper, place.position)
    derivative = _Derivative(on_the_way, crops, upper, lower, nodes)
    found = [derivative(part) for part in _parts(units, derivative.at_once(len(units)))]
    signed, total = (np.concatenate(arrays)[: len(units)] for arrays in zip(*found, strict=True))
    if not np.isfinite(signed).all():
        raise NoKernelError("its weights are too large for numbers of 32 bits")
    return Weights(signed, total)


def _made_of(lower: Call, steps: Mapping[Call, Step]) -> dict[Call, Step]:
    """Return the steps that something of the lower layer goes through."""
    reached, found = {lower}, {}
    for call, step in steps.items():
        if call is not lower and reached.intersection(step.sources):
            reached.add(call)
            found[call] = step
    return found


def _parts(units: Sequence[int], count: int) -> Iterator[np.ndarray]:
    """Yield units, so many at a time; the last part is filled up, so that all have one shape."""
    for begin in range(0, len(units), count):
        part = np.asarray(units[begin : begin + count], np.int32)
        yield np.pad(part, (0, count - len(part)))


class _Derivative:
    """The derivative of channels of a layer at one position, with respect to another layer."""

    def __init__(
        self,
        steps: Mapping[Call, Step],
        crops: Crops,
        upper: Call,
        lower: Call,
        nodes: Mapping[str, Node],
    ) -> None:
        self._steps, self._crops, self._upper, self._lower = steps, crops, upper, lower
        down, across = crops.of[lower]
        self._shape = (down.size, across.size, nodes[lower.name].channels)
        self._bytes = 4 * sum(
            spans[0].size * spans[1].size * nodes[call.name].channels
            for call, spans in crops.of.items()
            if call.name in nodes
        )
        if self._bytes > MEMORY_BYTES:
            raise NoKernelError("each of its positions sees too much of the layer below")
        self._compiled = tf.function(self._kernels)  # in which what is linear is never computed forward

    def at_once(self, units: int) -> int:
        """Return for how many units there is memory at a time."""
        return max(1, min(units, MOST_AT_ONCE, MEMORY_BYTES // self._bytes))

    def __call__(self, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return tuple(part.numpy() for part in self._compiled(tf.constant(units)))

    def _kernels(self, units: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        count = units.shape[0]
        x = tf.zeros([count, *self._shape])
        with tf.GradientTape() as tape:
            tape.watch(x)
            values = {self._lower: x}
            for call, step in self._steps.items():
                values[call] = self._crops.apply(call, step, values)
            made = values[self._upper][:, 0, 0]
            score = tf.reduce_sum(tf.gather(made, units, axis=1, batch_dims=1))
        kernels = tape.gradient(score, x)  # [units, h, w, channels]
        total = tf.reduce_sum(kernels, (1, 2))
        norm = tf.sqrt(tf.reduce_sum(tf.square(kernels), (1, 2)))
        return tf.where(total < 0, -norm, norm), total


# ---- where


def _home(facts: ModelFacts, lower: Node) -> Pair:
    """Return the size of a layer's map in the network; vectors and tokens are each for themselves."""
    if lower.window is None:
        return (1, 1)
    at = facts.layers_at(*facts.native_size_px)[lower.name]
    return (max(at.height, 1), max(at.width, 1))


def _place(home: Pair, inside: Sequence[Node], upper: Call, flattens: bool) -> _Place:
    if flattens:  # which takes one size only
        return _Place(home, (0, 0))
    field = layer_facts(inside, home)[upper.name]
    if field.receptive_field_px is None or field.stride_px is None:
        raise NoKernelError("each of its positions sees the whole map")
    strides = _strides(inside)
    ups = math.prod(up for node in inside if node.window for up in node.window.up)
    sizes, position = [], []
    for axis in (0, 1):
        stride, begin = field.stride_px[axis], field.offset_px[axis]
        first = max(0, math.ceil(-begin / stride))
        first = -(-first // ups) * ups
        needed = math.ceil(begin + first * stride) + field.receptive_field_px[axis] + ups - 1
        rest = home[axis] % strides[axis]  # so that zeros are put where the network puts them
        sizes.append(max(1, rest + -(-max(0, needed - rest) // strides[axis]) * strides[axis]))
        position.append(first)
    return _Place((sizes[0], sizes[1]), (position[0], position[1]))


def _sizes(
    steps: Mapping[Call, Step], nodes: Mapping[str, Node], lower: Call, size: Pair
) -> dict[Call, Pair]:
    """Return the height and width of all maps if the lower layer's has a size."""
    at = layer_facts(list(nodes.values()), size)
    found = {lower: size}
    for call, step in steps.items():
        known = at.get(call.name)
        read = next(found[source] for source in step.sources if source in found)
        found[call] = read if known is None else (known.height, known.width)
    return found


def _nodes_between(nodes: Mapping[str, Node], steps: Mapping[Call, Step], lower: Call) -> list[Node]:
    """Return the layers in between as if the lower one was the picture, and vectors as maps."""
    names = {lower.name: IMAGE} | {call.name: call.name for call in steps if call.name in nodes}
    found = []
    for call in steps:
        node = nodes.get(call.name)
        if node is not None:
            inputs = tuple(dict.fromkeys(names[name] for name in node.inputs if name in names))
            window = Window() if node.window is None else node.window
            found.append(replace(node, inputs=inputs, window=window, bound=False, sees_all=False))
    return found


def _strides(nodes: Sequence[Node]) -> Pair:
    """Return, down and across, the largest product of strides on a way through the layers."""
    found: dict[str, Pair] = {IMAGE: (1, 1)}
    for node in nodes:
        read = [found[name] for name in node.inputs] or [(1, 1)]
        stride = node.window.stride if node.window else (1, 1)
        found[node.name] = (max(s[0] for s in read) * stride[0], max(s[1] for s in read) * stride[1])
    return max(s[0] for s in found.values()), max(s[1] for s in found.values())
