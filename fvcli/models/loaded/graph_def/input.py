"""Find where a TensorFlow graph takes its picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from fvcli.errors import UsageError
from fvcli.models.choice import ModelChoice
from fvcli.models.files.lucid_metadata import LucidMetadata
from fvcli.models.loaded.graph_def.ops import FIRST, LAST

OLDEST_WITH_SHAPES = 24  # before that producer, a placeholder without axes has an unknown shape
FEW = 4  # no more channels has a picture


@dataclass(frozen=True)
class GraphInput:
    """Where the picture comes in; what is None the graph leaves open.

    node: Its name.
    size_px: Height and width.
    first: Whether channels are first.
    """

    node: str
    dtype: tf.DType
    size_px: tuple[int | None, int | None]
    channels: int | None
    first: bool


def find_input(
    nodes: Mapping[str, Any], choice: ModelChoice, metadata: LucidMetadata, producer: int
) -> GraphInput:
    shapes = {
        name: _shape(node, producer) for name, node in nodes.items() if node.op.startswith("Placeholder")
    }
    asked = choice.input or metadata.input
    name = _only_input(nodes, shapes) if asked is None else asked.removesuffix(":0")
    if name not in nodes:
        listed = ", ".join(_described(nodes[key], shape) for key, shape in shapes.items()) or "none"
        raise UsageError(f"model.input: no node of the graph is called {name!r}", f"its inputs: {listed}")
    shape = shapes.get(name) or [None] * 4
    dtype = _dtype(nodes[name])
    if len(shape) != 4 or not dtype.is_floating:
        raise UsageError(
            f"model.input: {_described(nodes[name], shapes.get(name))} takes no pictures of floats",
            "name a node behind it, whose place the picture takes",
        )
    first = _has_channels_first(nodes, name, shape, choice.data_format)
    height, width, channels = (shape[i] for i in ((2, 3, 1) if first else (1, 2, 3)))
    return GraphInput(name, dtype, (height, width), channels, first)


def _shape(node: Any, producer: int) -> list[int | None] | None:
    """Return the shape of a placeholder, None where the file does not say."""
    shape = node.attr["shape"].shape
    if shape.unknown_rank or (not shape.dim and producer < OLDEST_WITH_SHAPES):
        return None
    return [dim.size if dim.size > 0 else None for dim in shape.dim]


def _dtype(node: Any) -> tf.DType:
    kind = next((node.attr[key].type for key in ("dtype", "DstT", "T") if key in node.attr), 0)
    return tf.as_dtype(kind or tf.float32)


def _only_input(nodes: Mapping[str, Any], shapes: Mapping[str, list[int | None] | None]) -> str:
    """Return the placeholder that takes the picture: the only one of rank 4, or that could be."""
    floats = {name: shape for name, shape in shapes.items() if _dtype(nodes[name]).is_floating}
    fitting = [name for name, shape in floats.items() if shape is not None and len(shape) == 4]
    fitting = fitting or [name for name, shape in floats.items() if shape is None]
    if len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(_described(nodes[name], shape) for name, shape in shapes.items()) or "none"
    several = "several inputs of the graph could take the picture" if fitting else "no input takes a picture"
    raise UsageError(
        f"model.input: {several} (inputs: {listed})", "name the node whose place the picture takes"
    )


def _described(node: Any, shape: Sequence[int | None] | None) -> str:
    axes = "any shape" if shape is None else f"[{', '.join('?' if n is None else str(n) for n in shape)}]"
    return f"{node.name} ({_dtype(node).name} {axes})"


def _has_channels_first(
    nodes: Mapping[str, Any], picture: str, shape: Sequence[int | None], declared: str | None
) -> bool:
    """Tell where the picture has its channels: as declared, by its shape, or as the first layer has them."""
    if declared is not None:
        return declared == "channels_first"
    could_be_first, could_be_last = (shape[i] is not None and shape[i] <= FEW for i in (1, 3))
    if could_be_first != could_be_last:
        return could_be_first
    readers: dict[str, list[Any]] = defaultdict(list)
    for node in nodes.values():
        for text in node.input:
            readers[text].append(node)
    return _first_format(readers, picture) == FIRST


def _first_format(readers: Mapping[str, list[Any]], picture: str) -> str:
    """Return the data format of the first op behind the picture that has one."""
    seen, todo = {picture}, [picture]
    for name in todo:  # which grows meanwhile
        for node in readers[name]:
            if "data_format" in node.attr:
                return node.attr["data_format"].s.decode("ascii", "replace")
            if node.op != "Transpose" and node.name not in seen:
                seen.add(node.name)
                todo.append(node.name)
    return LAST
