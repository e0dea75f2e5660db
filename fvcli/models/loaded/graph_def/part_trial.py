"""Compute a part of a graph that draws random numbers, with numbers that are given in their place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.models.files.graph_file import RANDOM
from fvcli.models.files.graph_noise import Inputs, NoisyPart, Output
from fvcli.models.loaded.graph_def import ops
from fvcli.models.loaded.graph_def.shapes import WARPS, Shapes

MAX_VALUES = 1 << 24  # of a tensor
MAX_ALL_VALUES = 1 << 27  # of all that a trial makes
HALF = 0.5  # what is kept where a placeholder says it
COLOURS = {"AdjustContrastv2", "AdjustHue", "AdjustSaturation", "RGBToHSV", "HSVToRGB"}
SIZE_INPUT = dict.fromkeys(WARPS, 2) | {"CropAndResize": 3}  # which input says what size is made
OF_PICTURES = {*COLOURS, *SIZE_INPUT}  # what augmentation does beside plain mathematics
BRANCHES = {"Switch", "Merge"}
NOT_TAKEN = object()  # what comes out of the other branch


class PartTrial:
    """What parts of a graph make of numbers.

    Args:
        nodes: NodeDefs by name.
        fill: What placeholders are filled with.
    """

    def __init__(self, nodes: Mapping[str, Any], fill: Mapping[str, float]) -> None:
        self._nodes, self._fill = nodes, fill
        numbers = {name: node for name, node in nodes.items() if self._is_number(node) or _has_number(node)}
        self._known = {name: (_dtype(node), ()) for name, node in numbers.items()}
        self._last: tuple[NoisyPart, tuple[int, ...], Inputs, Shapes] | None = None

    def is_plain(self, part: NoisyPart) -> bool:
        """Tell whether all of a part is plain mathematics, or random numbers."""
        kinds = {self._nodes[name].op for name in part.between} - {"Bitcast"}  # of random numbers' state
        return all(kind in ops.ALLOWED or RANDOM.fullmatch(kind) for kind in kinds)

    def computed(self, part: NoisyPart, inputs: Inputs, given: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return what comes out of a part.

        Args:
            part: Of the graph.
            inputs: What nodes read.
            given: What goes in.
            levels: Of the random numbers of each picture, from 0, the smallest, to 1; or one for all.

        Raises:
            ValueError: It is not plain mathematics, or would fill the memory.
            OpError: It cannot be computed.
        """
        shapes = self._shapes(part, inputs, given)
        values: dict[Output, Any] = {part.entry: given}
        todo, total = [part.exit.node], 0
        while todo:
            name = todo[-1]
            node, reads = self._nodes[name], _needed_of(self._nodes[name], inputs.get(name, ()))
            missing = [output.node for output in reads if output not in values]
            if missing and len(todo) <= len(self._nodes):
                todo += missing
                continue
            todo.pop()
            read = [values[output] for output in reads]
            total += _size(node, shapes.of(Output(name, 0)), read)
            if total > MAX_ALL_VALUES:
                raise ValueError("it would fill the memory")
            made = self._made(node, read, levels)
            new = {Output(name, i): value for i, value in enumerate(made)}
            values |= {output: value for output, value in new.items() if output != part.entry}
        if values[part.exit] is NOT_TAKEN:
            raise ValueError("nothing comes out of it")
        return np.asarray(values[part.exit])

    def _shapes(self, part: NoisyPart, inputs: Inputs, given: np.ndarray) -> Shapes:
        """Return the shapes of what is made of what goes in; the same until another part is tried."""
        asked = (part, given.shape)
        if self._last is None or self._last[:2] != asked or self._last[2] is not inputs:
            known: dict[str, Any] = dict(self._known)
            if part.entry.number == 0:
                known[part.entry.node] = (tf.as_dtype(given.dtype), given.shape)
            self._last = (*asked, inputs, Shapes(self._nodes, inputs, known))
        return self._last[3]

    def _is_number(self, node: Any) -> bool:
        """Tell whether a node is filled with a number, which says how much is dropped."""
        return node.op == "Placeholder" or node.name in self._fill

    def _made(self, node: Any, read: list[Any], levels: np.ndarray) -> list[Any]:
        if node.op == "Const":
            return [tf.make_ndarray(node.attr["value"].tensor)]
        if self._is_number(node):
            usual = 0.0 if _dtype(node) == tf.bool else HALF
            return [np.asarray(self._fill.get(node.name, usual), _dtype(node).as_numpy_dtype)]
        if node.op == "Merge":
            return [next((value for value in read if value is not NOT_TAKEN), NOT_TAKEN)]
        if any(value is NOT_TAKEN for value in read):
            return [NOT_TAKEN, NOT_TAKEN]
        if node.op == "Switch":
            return [NOT_TAKEN, read[0]] if bool(read[1]) else [read[0], NOT_TAKEN]
        if node.op in {*ops.PASSED_ON, "PlaceholderWithDefault"}:
            return read
        if RANDOM.fullmatch(node.op):
            return [_numbers(node, read, levels)]
        return ops.run(node.op, ops.attrs_of(node), read)


def _has_number(node: Any) -> bool:
    """Tell whether a node has a number as its default, such as how much is kept."""
    return node.op == "PlaceholderWithDefault" and not node.attr["shape"].shape.dim


def _size(node: Any, made: tuple[tf.DType, tf.TensorShape] | None, read: Sequence[Any]) -> int:
    """Return how many numbers a node makes.

    Raises:
        ValueError: It is not plain mathematics, or makes too many.
    """
    plain = node.op in {*ops.ALLOWED, *OF_PICTURES, *BRANCHES} or RANDOM.fullmatch(node.op)
    count = None if made is None else made[1].num_elements()
    if node.op in SIZE_INPUT and all(value is not NOT_TAKEN for value in read):
        batch, *_, channels = np.shape(read[0])
        count = max(batch, len(read[1])) * channels * math.prod(np.ravel(read[SIZE_INPUT[node.op]]).tolist())
    if not plain or count is None or count > MAX_VALUES:
        raise ValueError(f"{node.op} cannot be tried out")
    return int(count)


def _needed_of(node: Any, reads: Sequence[Output]) -> Sequence[Output]:
    """Return what is needed of what a node reads: not the state of random numbers."""
    if not RANDOM.fullmatch(node.op):
        return reads
    return [*reads[:1], *reads[-2:]] if "UniformInt" in node.op else reads[:1]


def _dtype(node: Any) -> tf.DType:
    return tf.as_dtype(node.attr["dtype"].type or tf.float32)


def _numbers(node: Any, read: Sequence[Any], levels: np.ndarray) -> np.ndarray:
    """Return numbers in the place of random ones: for each picture those of its level."""
    shape = tuple(np.ravel(read[0]).tolist())
    rows = shape[0] if shape else 1
    each = np.full(rows, levels[0]) if len(levels) == 1 else levels
    if len(each) != rows:
        raise ValueError("all pictures have the same random numbers")
    if "UniformInt" in node.op:
        low, high = (int(np.ravel(value)[0]) for value in read[1:])
        dtype = tf.as_dtype(node.attr["dtype"].type or node.attr["Tout"].type or tf.int32)
        return _repeated(low + np.floor(each * (high - low)), shape, dtype)
    if "Normal" in node.op:
        each = np.sqrt(12.0) * (each - 0.5)  # of which only mean and deviation matter
    elif "Uniform" not in node.op or "Int" in node.op:
        raise ValueError("numbers of a kind that dropout does not draw")
    return _repeated(each, shape, _dtype(node))


def _repeated(each: np.ndarray, shape: tuple[int, ...], dtype: tf.DType) -> np.ndarray:
    count = int(np.prod(shape[1:])) if shape else 1
    return np.repeat(each, count).reshape(shape).astype(dtype.as_numpy_dtype)
