"""Describe a network as plain nodes, and derive what each layer sees, without TensorFlow.

The receptive-field recurrence is the one of Araujo, Norris and Sim, "Computing Receptive Fields of
Convolutional Neural Networks", Distill 2019: size += (kernel - 1) * stride so far; strides multiply.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Node:
    """One layer of a network whose convolutions pad to ``same``.

    kind: ``conv``, ``depthwise_conv``, ``batch_norm``, ``relu6``, ``add``, ``global_pool`` or ``dense``.
    inputs: names of the layers it reads; the name ``input`` is the image.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    channels: int
    kernel: int = 1
    stride: int = 1


@dataclass(frozen=True)
class LayerFacts:
    """What can be said of a layer at one input size.

    height, width: of its output map in positions (1 after global pooling).
    receptive_field_px: side of the square of pixels that one position sees; None: the whole image.
    stride_px: pixels from one position to the next; None after global pooling.
    offset_px: row and column of the pixel at which the field of the first position begins; padding puts it
        outside the image, at 0 or below.
    """

    name: str
    kind: str
    height: int
    width: int
    channels: int
    receptive_field_px: int | None
    stride_px: int | None
    inputs: tuple[str, ...]
    offset_px: tuple[int, int] = (0, 0)

    @property
    def output_bytes(self) -> int:
        """Bytes of this layer's float32 output for one image."""
        return self.height * self.width * self.channels * FLOAT_BYTES


def layer_facts(nodes: Sequence[Node], height_px: int, width_px: int, channels: int) -> dict[str, LayerFacts]:
    """Walk the nodes in order and return the facts of every layer at this input size."""
    facts = {"input": LayerFacts("input", "input", height_px, width_px, channels, 1, 1, ())}
    for node in nodes:
        facts[node.name] = _facts_of(node, [facts[name] for name in node.inputs])
    del facts["input"]
    return facts


def _facts_of(node: Node, sources: Sequence[LayerFacts]) -> LayerFacts:
    first = sources[0]
    if node.kind in {"global_pool", "dense"}:
        return LayerFacts(node.name, node.kind, 1, 1, node.channels, None, None, node.inputs)
    widest = max(source.receptive_field_px or 0 for source in sources)
    stride = first.stride_px or 1
    top, left = (min(source.offset_px[axis] for source in sources) for axis in (0, 1))
    return LayerFacts(
        node.name,
        node.kind,
        -(-first.height // node.stride),  # "same" padding: ceil(size / stride)
        -(-first.width // node.stride),
        node.channels,
        widest + (node.kernel - 1) * stride,
        stride * node.stride,
        node.inputs,
        (top - stride * _padding(first.height, node), left - stride * _padding(first.width, node)),
    )


def _padding(size: int, node: Node) -> int:
    """Return how many zeros ``same`` padding puts before a side of this size: half of them, or one less."""
    positions = -(-size // node.stride)
    return max(0, (positions - 1) * node.stride + node.kernel - size) // 2


def multiplications(
    nodes: Sequence[Node], facts: Mapping[str, LayerFacts], needed: set[str], channels: int
) -> int:
    """Count the multiplications of the convolutions and dense layers among the needed layers, one image."""
    widths = {"input": channels} | {node.name: node.channels for node in nodes}
    return sum(
        facts[node.name].height * facts[node.name].width * _multiplications_a_position(node, widths)
        for node in nodes
        if node.name in needed
    )


def _multiplications_a_position(node: Node, widths: Mapping[str, int]) -> int:
    if node.kind in {"conv", "dense"}:
        return node.kernel**2 * widths[node.inputs[0]] * node.channels
    return node.kernel**2 * node.channels if node.kind == "depthwise_conv" else 0


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
