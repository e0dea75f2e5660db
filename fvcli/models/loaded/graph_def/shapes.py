"""Find out of which type and shape the tensors of a TensorFlow graph are, without computing any of them.

It is asked where not all of a graph can be computed: what takes the picture, and what inference leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from fvcli.models.files.graph_file import RANDOM
from fvcli.models.files.graph_noise import Output
from fvcli.models.loaded.graph_def import ops
from fvcli.models.loaded.graph_def.values import SMALL

MAX_VALUES = 1 << 28  # of a tensor; a gigabyte
# What TensorFlow raises of an op that does not fit to what it reads.
FAULTS = (ValueError, TypeError, KeyError, IndexError, NotImplementedError, AttributeError, tf.errors.OpError)
DECODERS = {"DecodeJpeg", "DecodePng", "DecodeBmp", "DecodeImage", "DecodeAndCropJpeg"}
PARSERS = {"ParseExample", "ParseExampleV2", "ParseSingleExample"}
WARPS = {"ImageProjectiveTransformV2", "ImageProjectiveTransformV3"}
AS_BEFORE = {"AdjustContrastv2", "AdjustHue", "AdjustSaturation", "RGBToHSV", "HSVToRGB", "Switch", "Merge"}
ALIKE = {*ops.PASSED_ON, *AS_BEFORE, ops.OLD_NORMALIZATION}


class Shapes:
    """The types and shapes of a graph's tensors, each found out when it is asked for.

    Args:
        nodes: NodeDefs by name.
        inputs: What they read.
        known: Nodes of which type and shape are known.
    """

    def __init__(
        self,
        nodes: Mapping[str, Any],
        inputs: Mapping[str, Sequence[Output]],
        known: Mapping[str, tuple[tf.DType, Sequence[int | None]]] | None = None,
    ) -> None:
        self._nodes, self._inputs = nodes, inputs
        self._graph = tf.Graph()
        with self._graph.as_default():
            self._known = {name: [_unknown(*facts)] for name, facts in (known or {}).items()}

    def after(self, inputs: Mapping[str, Sequence[Output]]) -> Shapes:
        """Return the shapes of a graph of which some parts were left out that changed none."""
        made = Shapes(self._nodes, inputs)
        made._graph = self._graph
        known = ((name, symbols) for name, symbols in self._known.items() if symbols)
        made._known = {name: one for name, one in known if all(s.shape.rank is not None for s in one)}
        return made

    def of(self, output: Output) -> tuple[tf.DType, tf.TensorShape] | None:
        """Return the type and shape of a tensor, or None if nothing is known of it."""
        symbols = self._all(output.node)
        if output.number >= len(symbols):
            return None
        return symbols[output.number].dtype, symbols[output.number].shape

    def _all(self, name: str) -> list[tf.Tensor]:
        """Return what a node makes, in a graph that is never run; nothing where that is not known."""
        todo = [name]
        while todo:
            node = todo[-1]
            below = [one.node for one in self._inputs.get(node, ()) if one.node not in self._known]
            if node in self._known or not below:
                todo.pop()
                if node not in self._known:
                    self._known[node] = self._made(node)
            elif len(todo) > len(self._nodes):  # it reads what is made of itself
                self._known[node] = []
            else:
                todo += below
        return self._known[name]

    def _made(self, name: str) -> list[tf.Tensor]:
        node = self._nodes.get(name)
        if node is None:
            return []
        read = [self._known[one.node][one.number :][:1] for one in self._inputs.get(name, ())]
        try:
            with self._graph.as_default():
                made = _symbols(node, read)
        except FAULTS:
            return []
        too_large = any((symbol.shape.num_elements() or 0) > MAX_VALUES for symbol in made)
        return [] if too_large else made  # what reads it may want to know its values


def _symbols(node: Any, read: Sequence[list[tf.Tensor]]) -> list[tf.Tensor]:
    """Return what a node makes; of what is not plain mathematics only a placeholder of its shape."""
    if node.op in ops.SOURCES:
        return [_source(node)]
    if node.op in ALIKE:
        known = [symbols[0] for symbols in read if symbols]
        several = {"Switch": known[:1] * 2, "IdentityN": [symbols[0] for symbols in read]}
        return several.get(node.op, known[:1])
    if node.op in DECODERS:
        return [_unknown(tf.uint8, [None, None, node.attr["channels"].i or None])]
    if node.op == "DecodeRaw":
        return [_unknown(tf.as_dtype(node.attr["out_type"].type), [*read[0][0].shape.as_list(), None])]
    if node.op in PARSERS:
        return _parsed(node)
    if node.op.startswith("TensorArrayGather"):
        shape = tf.TensorShape(node.attr["element_shape"].shape)
        return [_unknown(tf.as_dtype(node.attr["dtype"].type), tf.TensorShape([None]).concatenate(shape))]
    if node.op == "TensorListStack":
        shape = tf.TensorShape(tf.get_static_value(read[1][0]).tolist())
        return [
            _unknown(tf.as_dtype(node.attr["element_dtype"].type), tf.TensorShape([None]).concatenate(shape))
        ]
    if node.op in WARPS:
        batch, _, _, channels = read[0][0].shape.as_list()
        return [_unknown(read[0][0].dtype, [batch, None, None, channels])]
    if RANDOM.fullmatch(node.op) and ("Uniform" in node.op or "Normal" in node.op):
        kind = node.attr["dtype"].type or node.attr["Tout"].type or tf.float32
        zero = tf.constant(0, tf.as_dtype(kind))
        return [tf.raw_ops.Fill(dims=read[0][0], value=zero)]
    given = [symbols[0] for symbols in read]
    known = node.op in ops.ALLOWED and node.op != "NoOp"
    return ops.run(node.op, ops.attrs_of(node), given) if known else []


def _unknown(dtype: tf.DType, shape: Any) -> tf.Tensor:
    return tf.compat.v1.placeholder(dtype, shape)


def _source(node: Any) -> tf.Tensor:
    dtype = tf.as_dtype(node.attr["dtype"].type)
    if node.op != "Const":
        shape = tf.TensorShape(node.attr["shape"].shape)
        if shape.rank is None or not shape.rank:  # old files say of any shape that it has no axes
            return _unknown(dtype, None)
        return _unknown(dtype, [size or None for size in shape.as_list()])
    tensor = node.attr["value"].tensor
    shape = tf.TensorShape(tensor.tensor_shape)
    small = (shape.num_elements() or 0) <= SMALL
    return tf.constant(tf.make_ndarray(tensor)) if small else _unknown(dtype, shape)


def _parsed(node: Any) -> list[tf.Tensor]:
    """Return what the parsing of examples makes of them; of sparse features nothing is known."""
    sparse = [*node.attr["sparse_types"].list.type]
    types, shapes = node.attr["Tdense"].list.type, node.attr["dense_shapes"].list.shape
    several = [] if node.op == "ParseSingleExample" else [None]
    dense = [
        _unknown(tf.as_dtype(kind), tf.TensorShape(several).concatenate(tf.TensorShape(shape)))
        for kind, shape in zip(types, shapes, strict=True)
    ]
    indices = [_unknown(tf.int64, [None, None]) for _ in sparse]
    values = [_unknown(tf.as_dtype(kind), [None]) for kind in sparse]
    return [*indices, *values, *[_unknown(tf.int64, [None]) for _ in sparse], *dense]
