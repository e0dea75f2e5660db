"""Describe a network as plain nodes, and derive what each layer sees, without TensorFlow.

The receptive-field recurrence is the one of Araujo, Norris and Sim, "Computing Receptive Fields of
Convolutional Neural Networks", Distill 2019, for each axis: position p of a layer sees the pixels from
first + p * stride to last + p * stride. A window of k taps, d apart, that moves s positions at a time and
begins b positions before its input, turns that into

    first - b * stride,   last + ((k - 1) * d - b) * stride,   stride * s

and where branches meet, the field is the smallest that holds theirs.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

FLOAT_BYTES = 4
IMAGE = "input"  # what nodes call the picture
Pair = tuple[int, int]  # height and width
Stride = tuple[int | Fraction, int | Fraction]
Padding = Literal["same", "valid"] | tuple[Pair, Pair]


@dataclass(frozen=True)
class Window:
    """Which positions of its input a position of a layer sees, height first.

    kernel, stride, dilation: As convolutions have them.
    padding: ``same``, ``valid``, or zeros before and after, ((top, bottom), (left, right)); below 0 it crops.
    up: How many positions the input's positions are spread over first, as in upsampling.
    """

    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = "same"
    up: Pair = (1, 1)

    def size_after(self, size: int, axis: int) -> int:
        """Return how many positions there are after it along an axis; below 1 there is none."""
        size *= self.up[axis]
        stride, reach = self.stride[axis], self._reach(axis)
        if self.padding == "same":
            return -(-size // stride)
        return (size + sum(self._explicit(axis)) - reach) // stride + 1

    def before(self, size: int, axis: int) -> int:
        """Return how many positions before its input the first window begins."""
        size *= self.up[axis]
        if self.padding != "same":
            return self._explicit(axis)[0]
        positions = -(-size // self.stride[axis])
        missing = (positions - 1) * self.stride[axis] + self._reach(axis) - size
        return max(0, missing) // 2  # half of the zeros, or one less

    def _reach(self, axis: int) -> int:
        return (self.kernel[axis] - 1) * self.dilation[axis] + 1

    def _explicit(self, axis: int) -> Pair:
        return self.padding[axis] if isinstance(self.padding, tuple) else (0, 0)


@dataclass(frozen=True)
class Node:
    """One layer of a network, or one call of a layer that is called several times.

    kind: What it does: ``conv``, ``batch_norm``, ``relu``, ``concat``, ``dense`` ...
    inputs: Names of the layers it reads; ``input`` is the picture.
    channels: Of its output, 0 where it has none to speak of.
    window: What a position sees of the inputs; None: everything, and then
    size: is its output's height and width: (1, 1) for a vector, (n, 1) for n tokens.
    bound: It works at the network's own input size only, as does all that is made of it.
    groups: Of a convolution.
    sees_all: Each position of its map sees the whole map below.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    channels: int
    window: Window | None = Window()
    size: Pair = (1, 1)
    bound: bool = False
    groups: int = 1
    sees_all: bool = False


@dataclass(frozen=True)
class LayerFacts:
    """What can be said of a layer at one input size.

    height, width: of its output map in positions; 1 x 1 for a vector, n x 1 for n tokens; below 1 where the
        network does not take an input of this size.
    receptive_field_px: height and width of the rectangle of pixels that one position sees; None: the whole
        image. Behind upsampling, where it changes from position to position, it is the largest.
    stride_px: pixels from one position to the next, down and across; None where there is no map.
    offset_px: row and column of the pixel at which the field of the first position begins; padding puts it
        outside the image, at 0 or below.
    """

    name: str
    kind: str
    height: int
    width: int
    channels: int
    receptive_field_px: Pair | None
    stride_px: Stride | None
    inputs: tuple[str, ...]
    offset_px: Pair = (0, 0)

    @property
    def output_bytes(self) -> int:
        """Bytes of this layer's float32 output for one image."""
        return self.height * self.width * self.channels * FLOAT_BYTES


@dataclass(frozen=True)
class _Axis:
    """Pixels that position 0 sees, first to last, and pixels from a position to the next; height or width."""

    first: int | Fraction
    last: int | Fraction
    stride: int | Fraction

    def behind(self, window: Window, size: int, axis: int) -> _Axis:
        up = window.up[axis]
        first, last, stride = self.first, self.last, self.stride
        if up > 1:  # position p reads p // up: this is the smallest straight line around all of them
            stride = Fraction(stride, up)
            first -= stride * (up - 1)
        taps = (window.kernel[axis] - 1) * window.dilation[axis]
        before = window.before(size, axis)
        first, last = first - before * stride, last + (taps - before) * stride
        return _Axis(first, last, stride * window.stride[axis])


@dataclass(frozen=True)
class _Field:
    """A layer's map and what its positions see, height first; axes are None for the whole image."""

    size: Pair
    axes: tuple[_Axis, _Axis] | None


def layer_facts(nodes: Sequence[Node], size_px: Pair, native_px: Pair | None = None) -> dict[str, LayerFacts]:
    """Walk the nodes in order and return the facts of every layer at an input size.

    Args:
        nodes: Of the network.
        size_px: Height and width of the picture.
        native_px: What the network gets for layers that are bound to it; by default the same.
    """
    bound = bound_nodes(nodes)
    free = _fields(nodes, size_px)
    own = _fields(nodes, native_px) if bound and native_px not in {None, size_px} else free
    found = {}
    for node in nodes:
        field = own[node.name] if node.name in bound else free[node.name]
        found[node.name] = _facts_of(node, field)
    return found


def bound_nodes(nodes: Sequence[Node]) -> frozenset[str]:
    """Return the names of the nodes for which the network has to get its own input size."""
    bound: set[str] = set()
    for node in nodes:
        if node.bound or bound.intersection(node.inputs):
            bound.add(node.name)
    return frozenset(bound)


def _fields(nodes: Sequence[Node], size_px: Pair) -> dict[str, _Field]:
    fields = {IMAGE: _Field(size_px, (_Axis(0, 0, 1), _Axis(0, 0, 1)))}
    for node in nodes:
        fields[node.name] = _field_of(node, [fields[name] for name in node.inputs])
    return fields


def _field_of(node: Node, sources: Sequence[_Field]) -> _Field:
    if node.window is None or not sources:
        return _Field(node.size, None)
    widest = tuple(max(source.size[axis] for source in sources) for axis in (0, 1))
    if any(source.size[axis] not in {1, widest[axis]} for source in sources for axis in (0, 1)):
        return _Field((0, 0), None)  # branches that do not meet: the network does not take this size
    size = tuple(node.window.size_after(widest[axis], axis) for axis in (0, 1))
    spread = any(source.size != widest for source in sources)  # one row, column or number for all positions
    if node.sees_all or spread or any(source.axes is None for source in sources):
        return _Field((size[0], size[1]), None)
    axes = [_hull([source.axes[i] for source in sources if source.axes]) for i in (0, 1)]
    behind = [axes[i].behind(node.window, widest[i], i) for i in (0, 1)]
    return _Field((size[0], size[1]), (behind[0], behind[1]))


def _hull(axes: Sequence[_Axis]) -> _Axis:
    stride = max(axis.stride for axis in axes)
    return _Axis(min(axis.first for axis in axes), max(axis.last for axis in axes), stride)


def _facts_of(node: Node, field: _Field) -> LayerFacts:
    facts = LayerFacts(node.name, node.kind, *field.size, node.channels, None, None, node.inputs)
    if field.axes is None:
        return facts
    down, across = field.axes
    return replace(
        facts,
        receptive_field_px=(_pixels(down), _pixels(across)),
        stride_px=(_plain(down.stride), _plain(across.stride)),
        offset_px=(math.floor(down.first), math.floor(across.first)),
    )


def _pixels(axis: _Axis) -> int:
    return math.floor(axis.last) - math.ceil(axis.first) + 1


def _plain(stride: int | Fraction) -> int | Fraction:
    return int(stride) if stride == int(stride) else stride


def multiplications(
    nodes: Sequence[Node], facts: Mapping[str, LayerFacts], needed: set[str], channels: int
) -> int:
    """Count the multiplications of the convolutions and dense layers among the needed layers, one image."""
    widths = {IMAGE: channels} | {node.name: node.channels for node in nodes}
    return sum(
        facts[node.name].height * facts[node.name].width * _multiplications_a_position(node, widths)
        for node in nodes
        if node.name in needed
    )


def weights(nodes: Sequence[Node], needed: Collection[str], channels: int) -> list[int]:
    """Count the weights of each convolution and dense layer among the needed layers, without biases."""
    widths = {IMAGE: channels} | {node.name: node.channels for node in nodes}
    return [_multiplications_a_position(node, widths) for node in nodes if node.name in needed]


def _multiplications_a_position(node: Node, widths: Mapping[str, int]) -> int:
    taps = math.prod(node.window.kernel) if node.window else 1
    if node.kind in {"conv", "conv_transpose", "dense"} and node.inputs:
        return taps * widths[node.inputs[0]] * node.channels // node.groups
    if node.kind == "separable_conv":
        return widths[node.inputs[0]] * (taps + node.channels)
    return taps * node.channels if node.kind == "depthwise_conv" else 0


def ancestors(inputs_of: Mapping[str, Sequence[str]], targets: Sequence[str]) -> set[str]:
    """Return the targets and every layer they are computed from: what the model is cut down to."""
    seen: set[str] = set()
    todo = list(targets)
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(inputs_of.get(name, ()))
    return seen
