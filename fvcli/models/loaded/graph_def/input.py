"""Find where a TensorFlow graph takes its picture."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from fvcli.errors import UsageError, command, size_in_words
from fvcli.models.choice import ModelChoice
from fvcli.models.files.graph_noise import Output
from fvcli.models.files.lucid_metadata import LucidMetadata
from fvcli.models.loaded.graph_def.ops import FIRST, LAST
from fvcli.models.loaded.graph_def.picture_candidates import FEW, RESHAPES, Candidate, Pictures

OLDEST_WITH_SHAPES = 24  # before that producer, a placeholder without axes has an unknown shape
FEWEST = 64  # numbers of a picture


@dataclass(frozen=True)
class GraphInput:
    """Where the picture comes in; what is None the graph leaves open.

    node: Its name.
    size_px: Height and width.
    first: Whether channels are first.
    batch: How many pictures it takes at a time, if it says so.
    flat: What the node takes of each picture, if not a map: the sizes of its axes behind the batch.
    value_range: What black and white are there.
    same_size: Nodes before it that have its height and width.
    remark: What to say about it, as a sentence.
    """

    node: str
    dtype: tf.DType
    size_px: tuple[int | None, int | None]
    channels: int | None
    first: bool
    batch: int | None = None
    flat: tuple[int, ...] | None = None
    value_range: tuple[float, float] | None = None
    remark: str | None = None
    same_size: frozenset[str] = frozenset()

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Return the shape of what the node makes, as the graph has it."""
        if self.flat is not None:
            return (None, *self.flat)
        return (None, self.channels, *self.size_px) if self.first else (None, *self.size_px, self.channels)


def find_input(
    nodes: Mapping[str, Any], choice: ModelChoice, metadata: LucidMetadata, producer: int
) -> GraphInput:
    """Return where a graph takes its picture: as asked, as it says itself, or as can be seen.

    Raises:
        UsageError: Nothing takes a picture, or it cannot be seen what does.
    """
    pictures = Pictures(nodes)
    shapes = {
        name: _shape(node, producer) for name, node in nodes.items() if node.op.startswith("Placeholder")
    }
    asked = choice.input or metadata.input
    name = None if asked is None else asked.removesuffix(":0")
    if name is not None and name not in nodes:
        listed = ", ".join(_described(nodes[key], shape) for key, shape in shapes.items()) or "none"
        raise UsageError(f"model.input: no node of the graph is called {name!r}", f"its inputs: {listed}")
    found = _only_input(nodes, shapes) if name is None else name
    if found is None or (found in shapes and not _is_map(nodes[found], shapes[found])):
        return _behind(pictures, shapes if found is None else {found: shapes[found]}, choice)
    dtype, shape = _known(pictures, found, shapes)
    if len(shape) != 4 or not dtype.is_floating:
        raise UsageError(
            f"model.input: {_described(nodes[found], shapes.get(found))} takes no pictures of floats",
            f"name a node behind it, whose place the picture takes; {_all_nodes(choice)}",
        )
    size_open = found not in shapes and choice.size_px is not None
    return _input(pictures, found, dtype, shape, choice, size_open)


def node_behind_loop(nodes: Mapping[str, Any], taken: GraphInput) -> str | None:
    """Return the node behind a loop that prepares pictures, such as tf.map_fn, or None if there is none."""
    pictures = Pictures(nodes)
    found = pictures.candidates(taken.node) if pictures.is_prepared(taken.node) else []
    return next((one.node for one in found if not pictures.is_prepared(one.node)), None)


def _input(
    pictures: Pictures,
    name: str,
    dtype: tf.DType,
    shape: Sequence[int | None],
    choice: ModelChoice,
    size_open: bool = False,
    remark: str | None = None,
) -> GraphInput:
    first = _has_channels_first(pictures.nodes, name, shape, choice.data_format)
    height, width, channels = (shape[i] for i in ((2, 3, 1) if first else (1, 2, 3)))
    size = (None, None) if size_open else (height, width)
    channels = channels or pictures.channels(name)
    range_ = pictures.value_range(name)
    same = pictures.same_size(name)
    return GraphInput(name, dtype, size, channels, first, shape[0], None, range_, remark, same)


def _known(
    pictures: Pictures, name: str, shapes: Mapping[str, list[int | None] | None]
) -> tuple[tf.DType, Sequence[int | None]]:
    """Return the type and shape of the node that takes the picture, with four axes where nothing is known."""
    if name in shapes:
        return _dtype(pictures.nodes[name]), shapes[name] or [None] * 4
    known = pictures.shapes.of(Output(name, 0))
    if known is None:
        return _dtype(pictures.nodes[name]), [None] * 4
    return known[0], [None] * 4 if known[1].rank is None else known[1].as_list()


def _is_map(node: Any, shape: Sequence[int | None] | None) -> bool:
    return _dtype(node).is_floating and (shape is None or len(shape) == 4)


# ---- pictures behind inputs that take none


def _behind(
    pictures: Pictures, shapes: Mapping[str, list[int | None] | None], choice: ModelChoice
) -> GraphInput:
    """Return the node that takes the picture behind inputs of bytes, or of rows of numbers."""
    found = [one for name in shapes for one in pictures.candidates(name)]
    unknown = [name for name, shape in shapes.items() if _is_open(pictures.nodes[name], shape)]
    if len(unknown) == 1 and all(_keeps_axes(pictures, one, unknown[0]) for one in found):
        return _input(pictures, unknown[0], _dtype(pictures.nodes[unknown[0]]), [None] * 4, choice)
    plain = [one for one in found if pictures.is_the_only_way(one)]
    if len(found) == len(plain) == 1:
        (one,) = plain
        made_of = _described(pictures.nodes[one.source], shapes[one.source])
        remark = f"the picture takes the place of {one.node}, which is made of the input {made_of}"
        return _input(pictures, one.node, one.dtype, one.shape, choice, remark=remark)
    flat = {name: shape for name, shape in shapes.items() if _is_flat(pictures.nodes[name], shape)}
    if not found and len(flat) == 1:
        return _flat(pictures, *flat.popitem(), choice)
    listed = ", ".join(_described(pictures.nodes[name], shape) for name, shape in shapes.items()) or "none"
    several = "several nodes could take the picture" if len(found) > 1 else "no input takes a picture"
    could = f"input: {found[0].node}; these hold pictures: {', '.join(map(str, found))}; " if found else ""
    raise UsageError(
        f"model.input: {several} (inputs: {listed})",
        f"name the node whose place the picture takes: {could}{_all_nodes(choice)}",
    )


def _is_open(node: Any, shape: Sequence[int | None] | None) -> bool:
    return shape is None and _dtype(node).is_floating


def _keeps_axes(pictures: Pictures, one: Candidate, source: str) -> bool:
    """Tell whether a candidate is made of an input of any shape that has four axes itself, as it seems."""
    return one.source == source and pictures.nodes[one.node].op not in RESHAPES


def _all_nodes(choice: ModelChoice) -> str:
    return f"for all nodes see: {command('layers', str(choice.path), '--nodes')}"


def _is_flat(node: Any, shape: Sequence[int | None] | None) -> bool:
    known = shape is not None and len(shape) in {2, 3} and None not in shape[1:]
    return known and _dtype(node).is_floating and math.prod(shape[1:]) >= FEWEST


def _flat(pictures: Pictures, name: str, shape: Sequence[int | None], choice: ModelChoice) -> GraphInput:
    """Return an input that takes pictures without an axis of channels, or in one row."""
    node, sides = pictures.nodes[name], tuple(size or 0 for size in shape[1:])
    size = sides if len(sides) == 2 else choice.size_px
    count = math.prod(sides)
    if size is None:
        raise UsageError(
            f"model.size_px: input {name} takes {count} numbers in a row, and nothing says of which picture",
            f"write its size{_guessed_size(count)}",
        )
    channels, rest = divmod(count, math.prod(size))
    if rest or not channels:
        raise UsageError(
            f"model.size_px: the {count} numbers of {name} are no pictures of {size_in_words(size, ' px')}",
            f"write the size of its pictures{_guessed_size(count)}",
        )
    remark = f"pictures are put in a row for input {name}, place by place" if len(sides) == 1 else None
    return GraphInput(name, _dtype(node), (size[0], size[1]), channels, False, shape[0], sides, None, remark)


def _guessed_size(count: int) -> str:
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        if side * side * channels == count:
            return f": size_px: {side} ({channels} channel{'s' if channels > 1 else ''})"
    return ": size_px: [height, width]"


# ---- inputs


def _shape(node: Any, producer: int) -> list[int | None] | None:
    """Return the shape of a placeholder, None where the file does not say."""
    shape = node.attr["shape"].shape
    if shape.unknown_rank or (not shape.dim and producer < OLDEST_WITH_SHAPES):
        return None
    return [dim.size if dim.size > 0 else None for dim in shape.dim]


def _dtype(node: Any) -> tf.DType:
    kind = next((node.attr[key].type for key in ("dtype", "DstT", "T") if key in node.attr), 0)
    return tf.as_dtype(kind or tf.float32)


def _only_input(nodes: Mapping[str, Any], shapes: Mapping[str, list[int | None] | None]) -> str | None:
    """Return the placeholder that takes the picture: the only one of rank 4, or that could be, or None.

    Raises:
        UsageError: There are several.
    """
    floats = {name: shape for name, shape in shapes.items() if _dtype(nodes[name]).is_floating}
    fitting = [name for name, shape in floats.items() if shape is not None and len(shape) == 4]
    alone = len(shapes) == 1 or all(shape is None for shape in shapes.values())
    fitting = fitting or [name for name, shape in floats.items() if shape is None and alone]
    if len(fitting) > 1:
        listed = ", ".join(_described(nodes[name], shape) for name, shape in shapes.items())
        raise UsageError(
            f"model.input: several inputs of the graph could take the picture (inputs: {listed})",
            f"write which one, such as input: {fitting[0]}; the others get zeros, or what fill says",
        )
    return fitting[0] if fitting else None


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
