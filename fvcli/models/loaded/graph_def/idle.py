"""Tell of a part of a graph that draws random numbers whether it does nothing in inference.

Dropout and noise keep each number as it is in the mean, which is tried out. Augmentation stands before the
network proper, turns and recolours pictures, and learns nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.models.files.graph_file import CONTROL, QUEUES, RANDOM
from fvcli.models.files.graph_noise import Inputs, NoisyPart, Output, draws
from fvcli.models.loaded.graph_def import ops
from fvcli.models.loaded.graph_def.input import GraphInput
from fvcli.models.loaded.graph_def.shapes import AS_BEFORE, FAULTS, WARPS, Shapes

TRIED = 64  # pictures
UNKNOWN_SIDE = 8  # of what has any size
MAX_VALUES = 1 << 24
HALF = 0.5  # what is kept where a placeholder says it
LARGEST_ERROR = 0.08  # of a mean of 64
OF_PICTURES = {
    *WARPS,
    *AS_BEFORE,
    "Bitcast",
    "CropAndResize",
    "StatelessRandomGetKeyCounter",
    "StatelessRandomGetAlg",
}


def idle_parts(
    nodes: Mapping[str, Any], picture: GraphInput, fill: Mapping[str, float]
) -> Callable[[NoisyPart, Inputs], bool]:
    """Return what tells whether a noisy part of a graph does nothing in inference.

    Args:
        nodes: NodeDefs by name.
        picture: Where the picture comes in.
        fill: What placeholders are filled with.
    """

    last: list[tuple[Inputs, Shapes]] = []

    def shapes_of(inputs: Inputs) -> Shapes:
        if not last:
            known = {picture.node: (picture.dtype, picture.shape)}
            last.append((inputs, Shapes(nodes, inputs, known)))
        elif last[0][0] is not inputs:
            last[0] = inputs, last[0][1].after(inputs)
        return last[0][1]

    def is_idle(part: NoisyPart, inputs: Inputs) -> bool:
        shapes = shapes_of(inputs)
        entry, made = shapes.of(part.entry), shapes.of(part.exit)
        if entry is None or made is None or entry[0] != made[0] or not entry[0].is_floating:
            return False
        if not _is_alike(entry[1], made[1]):
            return False
        if made[1].rank in {3, 4} and _augments(part, nodes, inputs, picture.node):
            return True
        try:
            return _keeps_means(part, nodes, inputs, fill, *entry)
        except FAULTS:
            return False

    return is_idle


def _is_alike(one: tf.TensorShape, other: tf.TensorShape) -> bool:
    return bool(one.rank) and one.is_compatible_with(other)


# ---- augmentation


def _augments(part: NoisyPart, nodes: Mapping[str, Any], inputs: Inputs, picture: str) -> bool:
    """Tell whether a part does what augmentation does to pictures, and nothing is learnt before its end."""
    before = _needed(part.exit.node, inputs, picture)
    learns = any(nodes[name].op in ops.LEARNT for name in before)
    return not learns and all(_is_known(nodes[name]) for name in part.between) and _moves(part, nodes)


def _moves(part: NoisyPart, nodes: Mapping[str, Any]) -> bool:
    """Tell whether a part moves or recolours, which noise does not; noise has to keep means."""
    kinds = {nodes[name].op for name in part.between}
    return bool(kinds & {*WARPS, *AS_BEFORE, "ReverseV2", "ClipByValue"}) or any(
        CONTROL.fullmatch(kind) for kind in kinds
    )


def _is_known(node: Any) -> bool:
    plain = node.op in ops.ALLOWED or node.op in OF_PICTURES or RANDOM.fullmatch(node.op)
    return bool(plain or draws(node) or CONTROL.fullmatch(node.op) or QUEUES.fullmatch(node.op))


def _needed(end: str, inputs: Inputs, picture: str) -> set[str]:
    found, todo = {end}, [end]
    while todo:
        name = todo.pop()
        new = set() if name == picture else {output.node for output in inputs.get(name, ())} - found
        found |= new
        todo += new
    return found - {picture}


# ---- noise


def _keeps_means(
    part: NoisyPart,
    nodes: Mapping[str, Any],
    inputs: Inputs,
    fill: Mapping[str, float],
    dtype: tf.DType,
    shape: tf.TensorShape,
) -> bool:
    """Try out whether each number that goes in comes out as it is, in the mean of many pictures."""
    sides = [size or UNKNOWN_SIDE for size in shape.as_list()[1:]]
    if TRIED * int(np.prod(sides)) > MAX_VALUES or not _is_plain(part, nodes):
        return False
    one = np.random.default_rng(0).uniform(0.5, 1.5, sides)
    given = np.broadcast_to(one, (TRIED, *sides)).astype(dtype.as_numpy_dtype)
    made = _computed(part, nodes, inputs, fill, given)
    if made.shape != given.shape:
        return False
    error = np.abs(np.asarray(made, np.float64).mean(0) - one)
    return bool(error.max() <= LARGEST_ERROR and error.mean() <= LARGEST_ERROR / 4)


def _is_plain(part: NoisyPart, nodes: Mapping[str, Any]) -> bool:
    kinds = {nodes[name].op for name in part.between} - {"Bitcast"}  # of the state of random numbers
    return all(kind in ops.ALLOWED or RANDOM.fullmatch(kind) for kind in kinds)


def _computed(
    part: NoisyPart, nodes: Mapping[str, Any], inputs: Inputs, fill: Mapping[str, float], given: np.ndarray
) -> np.ndarray:
    """Return what comes out of a part for what goes in, computed with evenly spread random numbers."""
    numbers = {name: _dtype(node) for name, node in nodes.items() if _is_number(node, fill)}
    known: dict[str, Any] = {name: (dtype, ()) for name, dtype in numbers.items()}
    if part.entry.number == 0:
        known[part.entry.node] = (tf.as_dtype(given.dtype), given.shape)
    shapes = Shapes(nodes, inputs, known)
    values: dict[Output, Any] = {part.entry: given}
    todo = [part.exit.node]
    while todo:
        name = todo[-1]
        node, reads = nodes[name], inputs.get(name, ())
        reads = reads[:1] if RANDOM.fullmatch(node.op) else reads
        missing = [output.node for output in reads if output not in values]
        if missing and len(todo) <= len(nodes):
            todo += missing
            continue
        todo.pop()
        _check(node, shapes.of(Output(name, 0)))
        made = _made(node, [values[output] for output in reads], fill)
        values |= {Output(name, i): value for i, value in enumerate(made) if Output(name, i) != part.entry}
    return np.asarray(values[part.exit])


def _check(node: Any, made: tuple[tf.DType, tf.TensorShape] | None) -> None:
    """Refuse to try out what is not plain mathematics, or would fill the memory.

    Raises:
        ValueError: It is.
    """
    plain = node.op in ops.ALLOWED or RANDOM.fullmatch(node.op)
    count = None if made is None else made[1].num_elements()
    if not plain or count is None or count > MAX_VALUES:
        raise ValueError(f"{node.op} cannot be tried out")


def _made(node: Any, read: list[Any], fill: Mapping[str, float]) -> list[Any]:
    if node.op == "Const":
        return [tf.make_ndarray(node.attr["value"].tensor)]
    if _is_number(node, fill):
        return [np.asarray(fill.get(node.name, HALF), _dtype(node).as_numpy_dtype)]
    if node.op in {*ops.PASSED_ON, "PlaceholderWithDefault"}:
        return read
    if RANDOM.fullmatch(node.op):
        return [_spread(node, tuple(np.ravel(read[0]).tolist()))]
    return ops.run(node.op, ops.attrs_of(node), read)


def _is_number(node: Any, fill: Mapping[str, float]) -> bool:
    """Tell whether a node is filled with a number, which says how much is dropped."""
    return node.op == "Placeholder" or node.name in fill


def _dtype(node: Any) -> tf.DType:
    return tf.as_dtype(node.attr["dtype"].type or tf.float32)


def _spread(node: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return random numbers of which each picture has others, and all together are spread evenly."""
    count = int(np.prod(shape[1:])) if shape else 1
    steps = (np.arange(shape[0] if shape else 1) + 0.5) / (shape[0] if shape else 1)
    dtype = _dtype(node).as_numpy_dtype
    if "Normal" in node.op:
        steps = np.sqrt(12.0) * (steps - 0.5)  # of which only mean and deviation matter
    elif "Uniform" not in node.op or "Int" in node.op:
        raise ValueError("numbers of a kind that dropout does not draw")
    return np.repeat(steps, count).reshape(shape).astype(dtype)
