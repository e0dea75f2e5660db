"""Turn the nodes of a TensorFlow graph into calls, one op at a time.

What does not depend on the picture is computed once. The rest is built a second time in a graph that is never
run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import tensorflow as tf

from fvcli.errors import FvcliError, UsageError
from fvcli.models.files.graph_file import listed
from fvcli.models.files.graph_nodes import Wiring
from fvcli.models.files.graph_noise import Output
from fvcli.models.files.words_of_others import reason_of
from fvcli.models.graph import IMAGE, Node, Pair
from fvcli.models.loaded.graph_def import ops
from fvcli.models.loaded.graph_def.any_batch import each_alone, for_any_batch
from fvcli.models.loaded.graph_def.batch_mixing import mixes_pictures, mixing, refuse_training
from fvcli.models.loaded.graph_def.constants import Constants
from fvcli.models.loaded.graph_def.input import GraphInput
from fvcli.models.loaded.graph_def.layers import is_layer, keeps_positions, kind_of, node_of, nodes_of
from fvcli.models.loaded.graph_def.never_run import built_in, check_batch
from fvcli.models.loaded.graph_def.op_calls import Named, calls_of
from fvcli.models.loaded.graph_def.op_windows import EVERYTHING, seen_by
from fvcli.models.loaded.graph_def.ops import FIRST_TO_LAST, LAST_TO_FIRST, Step
from fvcli.models.loaded.graph_def.row_normalization import normalizes_rows, row_normalized
from fvcli.models.loaded.graph_def.rows import back_from_rows, in_rows
from fvcli.models.loaded.graph_def.scaled_picture import UNCHANGED, quantized_range, scaling_after
from fvcli.models.loaded.graph_def.shapes import FAULTS
from fvcli.models.loaded.graph_def.values import (
    BATCH,
    Arranged,
    Constant,
    Tensor,
    Value,
    arranged,
    flattened,
    turn,
    turned,
)
from fvcli.optvis.calls import Call

IN_ORDER = (0, 1, 2, 3)


@dataclass
class Walk:
    """What has been laid open so far.

    nodes: NodeDefs by name.
    wiring: Which of them are needed, and what they read.
    shown: What each is called as a layer.
    fill: What placeholders are filled with.
    name: What to call the file in messages.
    aliases: Nodes that pass a layer on.
    quantized: Between which values of a picture the network has steps, if it quantizes its input.
    """

    nodes: Mapping[str, Any]
    wiring: Wiring
    shown: Mapping[str, str]
    fill: Mapping[str, float]
    name: str
    calls: dict[str, Call] = field(default_factory=dict)
    layers: dict[str, Node] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    quantized: tuple[float, float] | None = None
    _batch: int | None = None  # how many pictures the graph takes at a time, if it says so
    _mixed: dict[str, str] = field(default_factory=dict)  # by what is no layer for that, the node that mixes
    _image: Call = field(default_factory=lambda: Call(IMAGE, (), lambda _: None))
    _values: dict[Output, Value] = field(default_factory=dict)
    _never_run: tf.Graph = field(default_factory=tf.Graph)

    def __post_init__(self) -> None:
        self._constants = Constants(self._never_run, self.fill, self._image, self.remarks)

    @property
    def parameters(self) -> int:
        """How many learnt numbers there are."""
        return self._constants.parameters

    def follow(self, size_px: Pair, channels: int, taken: GraphInput) -> Call:
        """Lay open all that is made of pictures of a size, and return the call of the picture."""
        with self._never_run.as_default():
            symbol = tf.compat.v1.placeholder(taken.dtype, (BATCH, *size_px, channels))
        self._batch = taken.batch
        picture, *rest = self.wiring.order
        node = Node(IMAGE, "input", (), channels)
        image = Tensor(self._image, symbol, (node,), raw=UNCHANGED, first=taken.first)
        self._values[Output(picture, 0)] = image if taken.flat is None else flattened(image, taken.flat)
        for name in rest:
            self._lay_open(self.nodes[name], [self._read(output) for output in self.wiring.inputs[name]])
        self._refuse_mixed()
        return self._image

    def _read(self, output: Output) -> Value:
        if output not in self._values:
            raise FvcliError(f"{self.name}: node {output.node} has no output {output.number}")
        return self._values[output]

    def _lay_open(self, node: Any, inputs: list[Value]) -> None:
        try:
            for i, value in enumerate(self._made_by(node, inputs)):
                self._values[Output(node.name, i)] = value
        except FAULTS as error:
            raise UsageError(
                f"{self.name}: node {node.name} ({node.op}) cannot be computed ({reason_of(error)})",
                "the network may take pictures of another size (model.size_px), or one at a time only",
            ) from error

    def _made_by(self, node: Any, inputs: list[Value]) -> Sequence[Value]:
        if node.op == "NoOp":
            return []
        if node.op in ops.SOURCES:
            return [self._constants.source(node, inputs)]
        order = _order(node.op, inputs)
        if node.op in ops.PASSED_ON or order == IN_ORDER:
            return self._passed_on(node.name, inputs)
        if all(isinstance(value, Constant) for value in inputs):
            return self._constants.folded(node, inputs)
        if order and order == (FIRST_TO_LAST if inputs[0].first else LAST_TO_FIRST):
            self._passed_on(node.name, inputs)
            return [replace(inputs[0], first=not inputs[0].first, own=None)]
        return self._made_of_picture(node, inputs)

    def _passed_on(self, name: str, inputs: Sequence[Value]) -> Sequence[Value]:
        value = inputs[0]
        if isinstance(value, Tensor) and value.call.name in self.layers:
            self.aliases[name] = value.call.name
        elif isinstance(value, Tensor) and name in self.wiring.ends:
            self._note_lost(name, value)
        return inputs

    def _made_of_picture(self, node: Any, inputs: Sequence[Value]) -> list[Value]:
        attrs = ops.attrs_of(node)
        if normalizes_rows(node.op, attrs, inputs):
            return [row_normalized(attrs, inputs)]
        refuse_training(node, attrs, self.name)
        freed = for_any_batch(node.op, inputs, self._batch)
        op = arranged(node.op, attrs, freed)
        op = each_alone(node.op, op) if self._batch == 1 else op
        symbols = built_in(self._never_run, node.op, op.attrs, op.inputs)
        for symbol in symbols:
            check_batch(symbol.shape)
        mixed = self._mixed_by(node, op, symbols[0])
        arrays = tuple(value.array if isinstance(value, Constant) else None for value in op.inputs)
        step = Step(node.op, op.attrs, arrays, tuple(value.symbol for value in op.inputs), symbols[0])
        made = zip(symbols, calls_of(step, op, len(symbols)), strict=True)
        names = [self.shown[node.name] + (f":{i}" if i else "") for i in range(len(symbols))]
        tensors = [self._tensor(name, step, op, *pair, mixed) for name, pair in zip(names, made, strict=True)]
        if node.name in self.wiring.ends:
            self._note_lost(node.name, tensors[0])
        of_one = self._batch == 1 and freed is not inputs
        others = inputs[3:5] if node.op in ops.NORMALIZATIONS else ()  # mean and variance, as they are read
        return [*(replace(tensor, of_one=of_one) for tensor in tensors), *others]

    def _mixed_by(self, node: Any, op: Arranged, made: tf.Tensor) -> str | None:
        """Return the node that first put the pictures of a batch together, among what a node is made of."""
        if node.op in ops.ASKS_SIZES:
            return None
        read = [value for value in op.inputs if isinstance(value, Tensor)]
        before = next((value.mixed for value in read if value.mixed is not None), None)
        if before is None and mixes_pictures(node.op, op.inputs, made, self._never_run):
            return str(node.name)
        return before

    def _note_lost(self, name: str, end: Tensor) -> None:
        """Say that an end of the network is no layer, if it looks like one."""
        ranked = end.rank in {2, 3, 4} and end.smooth and end.symbol.dtype.is_floating
        if ranked and not is_layer(end.symbol):
            self.remarks.append(f"output {name} is left out: it does not keep pictures of this size apart")

    def _refuse_mixed(self) -> None:
        """Refuse a network whose output is made of several pictures; what else is, is no layer.

        Raises:
            UsageError: It is such a one.
        """
        if not self._mixed:
            return
        ends = [self._values.get(Output(name, 0)) for name in self.wiring.ends]
        layers = [value for value in ends if isinstance(value, Tensor) and is_layer(value.symbol)]
        mixed = [value.mixed for value in layers if value.mixed is not None]
        if mixed or not layers:
            raise mixing(self.nodes[mixed[0] if mixed else next(iter(self._mixed.values()))], self.name)
        self.remarks.append(f"left out, because it is made of all pictures of a batch: {listed(self._mixed)}")

    def _tensor(
        self, name: str, step: Step, op: Arranged, symbol: tf.Tensor, call: Named, mixed: str | None
    ) -> Tensor:
        read = [value for value in op.inputs if isinstance(value, Tensor)]
        smooth = step.op not in ops.FLAT and any(value.smooth for value in read)
        first, own = op.first and symbol.shape.rank == 4, None
        if op.as_graph and symbol.shape.rank == 4:
            own = call(""), symbol
            whole = turned(Tensor(own[0], symbol, ()), FIRST_TO_LAST)
            symbol, first, inner = whole.symbol, True, own[0]

            def call(name: str) -> Call:
                return Call(name, (inner,), turn(FIRST_TO_LAST))

        raw = scaling_after(step, read)
        self.quantized = self.quantized or quantized_range(step, read)
        seen = EVERYTHING if op.as_graph else back_from_rows(step, read) or seen_by(step)
        if mixed is not None and is_layer(symbol):
            self._mixed[name] = mixed
        elif smooth and is_layer(symbol):
            self.calls[name] = call(name)
            kind = kind_of(step, seen, self.calls[name], raw is not None)
            self.layers[name] = node = node_of(name, kind, step, seen, read, symbol)
            return Tensor(self.calls[name], symbol, (node,), True, True, raw, first, own)
        rows = None if op.as_graph else in_rows(step, read)
        exact = rows is not None or keeps_positions(seen, read, symbol)
        return Tensor(call(""), symbol, nodes_of(read), exact, smooth, raw, first, own, rows, mixed=mixed)


def _order(op: str, inputs: Sequence[Value]) -> tuple[int, ...]:
    """Return in which order an op puts the axes of a map; nothing if it does not.

    Bringing channels from first to last, or back, is nothing to do: calls have them last anyway.
    """
    if op != "Transpose" or not isinstance(inputs[0], Tensor) or not isinstance(inputs[1], Constant):
        return ()
    return tuple(inputs[1].array.tolist()) if inputs[0].rank == 4 else ()
