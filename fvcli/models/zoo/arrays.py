"""Weights of a network that is known as nodes: which arrays each layer has, taken from a file or drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from fvcli.errors import FvcliError
from fvcli.models.graph import IMAGE, Node

Shape = tuple[int, ...]
Layout = Callable[[Node, int, np.ndarray], np.ndarray]
WEIGHTED = ("weight", "bias")
NORMALIZED = ("weight", "bias", "running_mean", "running_var")
OTHER_NETWORK = "the file belongs to another network"


def shapes_of(nodes: Sequence[Node], channels: int, biased: bool = False) -> dict[str, list[Shape]]:
    """Return the shapes of the arrays of each layer that has any, in Keras order and layout.

    Args:
        nodes: The layers, in order.
        channels: Of the picture.
        biased: Whether convolutions have a bias.
    """
    widths = {node.name: node.channels for node in nodes} | {IMAGE: channels}
    found = {node.name: _shapes(node, widths[node.inputs[0]], biased) for node in nodes}
    return {name: shapes for name, shapes in found.items() if shapes}


def _shapes(node: Node, channels_in: int, biased: bool) -> list[Shape]:
    each = (node.channels,)
    kernel = node.window.kernel if node.window else (1, 1)
    bias = [each] if biased else []
    shapes: dict[str, list[Shape]] = {
        "conv": [(*kernel, channels_in, node.channels), *bias],
        "depthwise_conv": [(*kernel, node.channels, 1), *bias],
        "batch_norm": [each] * len(NORMALIZED),
        "dense": [(channels_in, node.channels), each],
    }
    return shapes.get(node.kind, [])


def parts_of(node: Node) -> tuple[str, ...]:
    """Return what the arrays of a layer are called, in Keras order."""
    return NORMALIZED if node.kind == "batch_norm" else WEIGHTED


def take_arrays(
    nodes: Sequence[Node],
    shapes: Mapping[str, Sequence[Shape]],
    keys: Mapping[str, Sequence[str]],
    tensors: Mapping[str, np.ndarray],
    path: Path,
    layout: Layout,
) -> dict[str, list[np.ndarray]]:
    """Return each layer's arrays in Keras order and layout.

    Args:
        nodes: The layers, in order.
        shapes: What each layer's arrays must be; see ``shapes_of``.
        keys: What the file calls them.
        tensors: What the file holds, of which nothing else is read.
        path: The file.
        layout: Turns one of them, given its node and its place among the node's arrays, into Keras layout.

    Raises:
        FvcliError: One is missing or has another shape; the first one is named.
    """
    return {
        node.name: list(_taken(node, shapes[node.name], keys[node.name], tensors, path, layout))
        for node in nodes
        if node.name in shapes
    }


def _taken(
    node: Node,
    shapes: Sequence[Shape],
    keys: Sequence[str],
    tensors: Mapping[str, np.ndarray],
    path: Path,
    layout: Layout,
) -> Iterator[np.ndarray]:
    named = zip(keys, parts_of(node), shapes, strict=False)  # a convolution may have no bias
    for i, (key, what, shape) in enumerate(named):
        if key not in tensors:
            raise FvcliError(f"{path}: it has no tensor {key} for layer {node.name}", OTHER_NETWORK)
        array = layout(node, i, tensors[key])
        if array.shape != shape:
            found = f"has a {what} of shape {array.shape}, expected {shape}"
            raise FvcliError(f"{path}: layer {node.name} {found}", OTHER_NETWORK)
        yield array


def from_channels_first(node: Node, index: int, array: np.ndarray) -> np.ndarray:
    """Turn a tensor of PyTorch or Caffe into Keras layout."""
    if index == 0 and node.kind == "conv" and array.ndim == 4:
        return array.transpose(2, 3, 1, 0)  # [out, in, h, w] -> [h, w, in, out]
    if index == 0 and node.kind == "depthwise_conv" and array.ndim == 4:
        return array.transpose(2, 3, 0, 1)  # [channel, 1, h, w] -> [h, w, channel, 1]
    return array.T if index == 0 and node.kind == "dense" else array


def random_arrays(
    nodes: Sequence[Node], shapes: Mapping[str, Sequence[Shape]], seed: int = 0
) -> dict[str, list[np.ndarray]]:
    """Return weights that nobody learnt, the same each time: N(0, 2 / inputs) (He et al. 2015)."""
    rng = np.random.default_rng(seed)
    return {
        node.name: [_random(rng, node, i, shape) for i, shape in enumerate(shapes[node.name])]
        for node in nodes
        if node.name in shapes
    }


def _random(rng: np.random.Generator, node: Node, index: int, shape: Shape) -> np.ndarray:
    if len(shape) == 1:  # gamma, beta, mean and variance of a normalization; or a bias
        ones = node.kind == "batch_norm" and index in {0, 3}
        return np.full(shape, float(ones), np.float32)
    taps = math.prod(shape[:2]) if node.kind == "depthwise_conv" else math.prod(shape[:-1])
    return (rng.standard_normal(shape) * math.sqrt(2.0 / taps)).astype(np.float32)
