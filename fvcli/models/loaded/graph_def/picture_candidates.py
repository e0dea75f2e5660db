"""Find which nodes of a TensorFlow graph hold the picture, where its input takes rows of numbers or bytes.

x [?, 784] --> Reshape [?, 28, 28, 1] --> Conv2D
contents, a string --> DecodeJpeg --> Cast --> ExpandDims [1, ?, ?, 3] --> ResizeBilinear --> Conv2D
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from fvcli.models.files.graph_nodes import closure
from fvcli.models.files.graph_noise import Output, output_of
from fvcli.models.loaded.graph_def import ops
from fvcli.models.loaded.graph_def.shapes import Shapes

FEW = 4  # no more channels has a picture
ASKS_SIZES = {"Shape", "Size", "Rank", "ShapeN"}
LOOPS = {"NextIteration", "RefNextIteration", "Exit", "RefExit", "While", "StatelessWhile"}
RESHAPES = {"Reshape", "ExpandDims", "Pack", "Squeeze"}
CARRIES = {*ops.PASSED_ON, *ops.RESIZES, *RESHAPES, "Cast", "StridedSlice"}
KEEPS_CHANNELS = {*ops.ELEMENTWISE, *ops.PASSED_ON, *ops.RESIZES, *ops.PADS, *ops.POOLS, *ops.QUANTIZERS}
KEEPS_CHANNELS |= {*ops.NORMALIZATIONS, "ReverseV2", "BiasAdd"}
BYTE = (0.0, 255.0)


class Candidate(NamedTuple):
    """A node that holds pictures.

    source: The input that it is made of.
    """

    node: str
    source: str
    dtype: tf.DType
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        axes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.node} ({self.dtype.name} [{axes}])"


class Pictures:
    """What is known of a graph's tensors, to find pictures among them.

    Args:
        nodes: NodeDefs by name.
    """

    def __init__(self, nodes: Mapping[str, Any]) -> None:
        self.nodes = nodes
        self.inputs = {name: _reads(node, nodes) for name, node in nodes.items()}
        self.shapes = Shapes(nodes, self.inputs)
        self._readers: dict[str, list[str]] = {name: [] for name in nodes}
        for name, reads in self.inputs.items():
            for source in {output.node for output in reads}:
                self._readers[source].append(name)

    def candidates(self, source: str) -> list[Candidate]:
        """Return the first nodes behind an input that hold pictures, before anything is learnt.

        None of them is before a loop, or taken apart again, if there are others.
        """
        return self._first(source, prepared=True) or self._first(source, prepared=False)

    def _first(self, source: str, prepared: bool) -> list[Candidate]:
        found, seen, todo = [], {source}, [source]
        for name in todo:  # which grows meanwhile
            node = self.nodes[name]
            known = self.shapes.of(Output(name, 0))
            learns = node.op in ops.LEARNT or name == source
            holds = known is not None and not learns and _holds_pictures(*known)
            if holds and not (prepared and self.is_prepared(name)):
                found.append(self._with_size(Candidate(name, source, known[0], tuple(known[1].as_list()))))
            elif node.op not in {*ops.LEARNT, *ASKS_SIZES}:
                new = [reader for reader in self._readers[name] if reader not in seen]
                seen.update(new)
                todo += new
        firsts = {one.node for one in found}
        return [one for one in found if not firsts & (self._before(one.node) - {one.node})]

    def _with_size(self, one: Candidate) -> Candidate:
        """Return the node that first gives pictures a size, if nothing but that is done to them before."""
        name = one.node
        while len(self._readers[name]) == 1 and None in one.shape[1:3]:
            (name,) = self._readers[name]
            known = self.shapes.of(Output(name, 0))
            if self.nodes[name].op not in {*ops.RESIZES, *ops.PASSED_ON, "Cast"} or known is None:
                return one
            if self.nodes[name].op in ops.RESIZES and None not in known[1].as_list()[1:3]:
                return one._replace(node=name, shape=tuple(known[1].as_list()))
        return one

    def is_the_only_way(self, one: Candidate) -> bool:
        """Tell whether all that is made of an input, beside its sizes, is made of the candidate."""
        behind, seen, todo = self._behind(one.node), {one.source, one.node}, [one.source]
        while todo:
            name = todo.pop()
            if name in behind:
                return False
            if self.nodes[name].op not in ASKS_SIZES:
                new = [reader for reader in self._readers[name] if reader not in seen]
                seen.update(new)
                todo += new
        return True

    def value_range(self, name: str) -> tuple[float, float] | None:
        """Return what black and white are at a node, if it is made of bytes."""
        scales: list[tuple[str, int, float]] = []
        while True:
            node, known = self.nodes[name], self.shapes.of(Output(name, 0))
            if known is not None and known[0] == tf.uint8:
                return _scaled(BYTE, reversed(scales))
            step = self._scale(name)
            if step is not None:
                place, scale = step
                scales.append((node.op, place, scale))
                name = self.inputs[name][1 - place].node
            elif node.op in CARRIES and self.inputs[name]:
                name = self.inputs[name][0].node
            else:
                return None

    def _scale(self, name: str) -> tuple[int, float] | None:
        """Return which input of an arithmetic op is a number, and that."""
        if self.nodes[name].op not in {"Mul", "RealDiv", "Div", "Sub", "Add", "AddV2"}:
            return None
        for place in (1, 0):
            node = self.nodes[self.inputs[name][place].node]
            if node.op == "Const":
                number = _only_number(node.attr["value"].tensor)
                return None if number is None else (place, number)
        return None

    def channels(self, name: str) -> int | None:
        """Return how many channels the kernels take that a picture first comes to."""
        found, seen, todo = set(), {name}, [name]
        for one in todo:  # which grows meanwhile
            for reader in self._readers[one]:
                node = self.nodes[reader]
                if node.op in ("Conv2D", "DepthwiseConv2dNative") and self.inputs[reader][0].node == one:
                    known = self.shapes.of(self.inputs[reader][1])
                    found.add(known[1].as_list()[2] if known is not None and known[1].rank == 4 else None)
                elif node.op in KEEPS_CHANNELS and reader not in seen:
                    seen.add(reader)
                    todo.append(reader)
        return found.pop() if len(found) == 1 else None

    def is_prepared(self, name: str) -> bool:
        """Tell whether pictures go through a loop, or leave their batch, before anything is learnt."""
        behind = closure([name], lambda one: () if self.nodes[one].op in ops.LEARNT else self._readers[one])
        return any(self.nodes[one].op in LOOPS or self._takes_apart(one) for one in behind - {name})

    def _takes_apart(self, name: str) -> bool:
        if self.nodes[name].op != "Squeeze":
            return False
        read, made = self.shapes.of(self.inputs[name][0]), self.shapes.of(Output(name, 0))
        return read is not None and made is not None and (read[1].rank, made[1].rank) == (4, 3)

    def same_size(self, name: str) -> frozenset[str]:
        """Return the nodes before one of which it has the height and width."""
        found: set[str] = set()
        while self.inputs[name]:
            scale = self._scale(name)
            if scale is None and self.nodes[name].op not in {*ops.PASSED_ON, "Cast"}:
                break
            name = self.inputs[name][0 if scale is None else 1 - scale[0]].node
            found.add(name)
        return frozenset(found)

    def _behind(self, start: str) -> set[str]:
        return closure([start], lambda name: self._readers[name])

    def _before(self, end: str) -> set[str]:
        return closure([end], lambda name: [output.node for output in self.inputs[name]])


def _only_number(tensor: Any) -> float | None:
    """Return the number of a constant that has no other; a damaged one is refused when it is computed."""
    try:
        array = tf.make_ndarray(tensor)
        return float(array.ravel()[0]) if array.size == 1 else None
    except (ValueError, TypeError, KeyError):
        return None


def _reads(node: Any, nodes: Mapping[str, Any]) -> tuple[Output, ...]:
    outputs = [output_of(text) for text in node.input if not text.startswith("^")]
    return tuple(output for output in outputs if output.node in nodes)


def _holds_pictures(dtype: tf.DType, shape: tf.TensorShape) -> bool:
    if not dtype.is_floating or shape.rank != 4:
        return False
    sizes = shape.as_list()
    few = [sizes[axis] is None or sizes[axis] <= FEW for axis in (1, 3)]
    return any(few) and any(size is None or size > FEW for size in sizes[1:])


def _scaled(ends: Sequence[float], steps: Any) -> tuple[float, float] | None:
    values = np.asarray(ends, np.float64)
    for op, place, number in steps:
        with np.errstate(divide="ignore", invalid="ignore"):
            if op == "Mul":
                values = values * number
            elif op in {"RealDiv", "Div"}:
                values = values / number if place == 1 else number / values
            elif op == "Sub":
                values = values - number if place == 1 else number - values
            else:
                values = values + number
    low, high = values.tolist()
    return (low, high) if np.isfinite(values).all() and low < high else None
