"""What each call of a network does once its non-linearities are taken as identity.

With them weights are expanded, as Voss et al. do in "Visualizing Weights", Distill 2021: what lies between
two layers becomes one linear layer. Some calls are none themselves, and are taken for one:

    activation, dropout                          x
    max pooling                                  the middle of its window: one position of it is passed on
    a global pooling                             x: its positions stand for one
    layer, group and RMS normalization           x times its learnt factors
    a product with a gate (squeeze-and-excitation, swish)   x, without the gate

Through all others, such as attention and recurrent layers, no weights lead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.errors import FvcliError
from fvcli.models.files.words_of_others import reason_of
from fvcli.models.graph import Node, Window
from fvcli.models.loaded.keras_model.wiring import PRE_ACTIVATION
from fvcli.optvis.calls import Call, Linear, Normalization, Relu, Sum
from fvcli.plan.activations import ACTIVATIONS

Apply = Callable[[Sequence[Any]], Any]

# What layers of others raise where they cannot be computed apart.
FAULTS = (
    *(FvcliError, ValueError, TypeError, KeyError, IndexError, AttributeError, NotImplementedError),
    tf.errors.OpError,
)
PICTURE = "only the picture is below it"
MIXING = {"conv", "conv_transpose", "separable_conv", "dense"}
# What is linear, and is computed as the network does it.
PLAIN = {
    *("depthwise_conv", "average_pool", "pad", "crop", "upsample", "scale", "bias", "batch_norm"),
    *("add", "subtract", "average", "negative", "slice", "split", "transpose"),
}
BY_CONSTANT = {"multiply", "divide"}  # linear where they read one tensor only
SAME_KINDS = {*("dropout", "noise", "augmentation", "identity", "linear", "lrn", "quantize")}
GATES = {*("sigmoid", "hard_sigmoid", "softmax")}
NON_LINEAR = ACTIVATIONS | GATES - {"softmax"}
NORMS = {"layer_norm", "group_norm", "rms_norm"}
POOLED = {"global_pool", "mean", "max"}
RESHAPED = {"reshape", "flatten", "squeeze", "expand_dims"}


@dataclass(frozen=True)
class Step:
    """A call without its non-linearity.

    sources: The calls that it is made of.
    apply: From their maps [batch, h, w, channels] to its own; a source that does not matter is None.
    mixes: Whether it has weights between channels.
    exact: Whether the network computes just that, but for a constant.
    flattens: Whether it makes one vector of all positions of a map.
    """

    sources: tuple[Call, ...]
    apply: Apply
    mixes: bool = False
    exact: bool = True
    flattens: bool = False


@dataclass(frozen=True)
class End:
    """A call through which no weights lead, and why."""

    reason: str


class Steps:
    """The steps of a network, each found out when it is asked for.

    Args:
        nodes: Of its layers, by name.
        calls: The same layers as calls.
    """

    def __init__(self, nodes: Mapping[str, Node], calls: Mapping[str, Call]) -> None:
        self.nodes, self._calls = nodes, calls
        self._known: dict[Call, Step | End] = {}

    def __getitem__(self, call: Call) -> Step | End:
        if call not in self._known:
            try:
                self._known[call] = self._of(call)
            except FAULTS as error:
                self._known[call] = End(f"{call.name} cannot be computed apart: {reason_of(error)}")
        return self._known[call]

    def call(self, name: str) -> Call:
        return self._calls[name]

    def kind(self, call: Call) -> str:
        return self.nodes[call.name].kind if call.name in self.nodes else ""

    def _of(self, call: Call) -> Step | End:
        node = self.nodes.get(call.name)
        by_role = self._by_role(call)
        if by_role is not None:
            return by_role
        if not call.inputs:
            return End(PICTURE)
        if node is None:
            return End("an operation that is no layer of its own is below it")
        sources, compute = self._by_layers(call)
        if node.kind in MIXING:
            return Step(sources, compute, mixes=not _is_depthwise(node))
        if node.kind in PLAIN or (node.kind in BY_CONSTANT and len(sources) == 1):
            return _plain(node, sources, compute)
        return self._taken_for_linear(call, node, sources, compute)

    def _by_layers(self, call: Call) -> tuple[tuple[Call, ...], Apply]:
        """Return the layers that a call is made of, and how, whatever stands in between without a name."""
        bases: dict[Call, None] = {}
        hidden: set[Call] = set()
        todo = list(reversed(call.inputs))
        while todo:
            one = todo.pop()
            if one.name in self.nodes or one.role is not None or not one.inputs:
                bases[one] = None
            elif one not in hidden:
                hidden.add(one)
                todo += reversed(one.inputs)
        if not hidden:
            return call.inputs, call.compute
        return tuple(bases), lambda values: _computed(call, dict(zip(bases, values, strict=True)))

    def _by_role(self, call: Call) -> Step | None:
        role = call.role
        if role is None or (isinstance(role, Linear) and call.name not in self.nodes):
            return None
        if isinstance(role, Relu):
            return Step(call.inputs, _first, exact=False)
        if isinstance(role, Sum):
            return Step(call.inputs, _sum)
        before = self._folded_in(call)
        if before is not None:
            factor = _factor(role, before.role)
            return Step((before,), lambda values: values[0] * factor)
        if isinstance(role, Normalization):
            scale = np.asarray(role.scale, np.float32)
            return Step(call.inputs, lambda values: values[0] * scale)
        return Step(call.inputs, lambda values: role(values[0]), mixes=not role.depthwise)

    def _folded_in(self, call: Call) -> Call | None:
        """Return the layer before a bias or a scale, where the call of these computes both at once."""
        node = self.nodes.get(call.name)
        for name in () if node is None else node.inputs:
            before = self._calls.get(name)
            if before is not None and before not in call.inputs and before.inputs == call.inputs:
                return before if type(before.role) is type(call.role) else None
        return None

    def _taken_for_linear(
        self, call: Call, node: Node, sources: tuple[Call, ...], compute: Apply
    ) -> Step | End:
        kind = node.kind
        if kind == "concat":
            return self._joined(call, node)
        if kind in BY_CONSTANT:
            return self._gated(call, node)
        if len(sources) != 1:
            return _no_way(node)
        if kind in SAME_KINDS:
            return Step(sources, _first)
        if kind in NON_LINEAR or (kind != "softmax" and sources[0].name == call.name + PRE_ACTIVATION):
            return Step(sources, _first, exact=False)
        if kind == "max_pool" and node.window is not None:
            return Step(sources, _middle_of(node.window), exact=False)
        if kind in NORMS:
            factors = _learnt_factors(call, node.channels)
            return Step(sources, lambda values: values[0] * factors, exact=False)
        below = self.nodes.get(sources[0].name)
        if below is None or node.window is not None:
            return _no_way(node)
        if kind in POOLED and node.size == (1, 1) and node.channels == below.channels:
            return Step(sources, _first, exact=kind != "max")
        if kind in RESHAPED and node.size == (1, 1):
            if node.channels == below.channels:
                return Step(sources, _first)
            return Step(sources, lambda values: _as_map(compute(values)), flattens=True)
        return _no_way(node)

    def _joined(self, call: Call, node: Node) -> Step | End:
        widths = [self._width(source) for source in call.inputs]
        joins = node.window == Window() or (node.window is None and node.size == (1, 1))
        if not joins or sum(widths) != node.channels or 0 in widths:
            return _no_way(node)

        def apply(values: Sequence[Any]) -> tf.Tensor:
            like = next(value for value in values if value is not None)
            zeros = [tf.zeros([*like.shape[:3], width]) for width in widths]
            return tf.concat([z if v is None else v for v, z in zip(values, zeros, strict=True)], -1)

        return Step(call.inputs, apply)

    def _width(self, call: Call) -> int:
        return self.nodes[call.name].channels if call.name in self.nodes else 0

    def _gated(self, call: Call, node: Node) -> Step | End:
        """Return a product as the one of its two factors that is no gate."""
        if node.kind != "multiply" or len(call.inputs) != 2:
            return _no_way(node)
        for gate, main in (call.inputs, call.inputs[::-1]):
            if self._is_gate(gate, main):
                return Step((main,), _first, exact=False)
        return _no_way(node)

    def _is_gate(self, gate: Call, main: Call) -> bool:
        """Tell whether a factor says how much of the other is passed on.

        It is one number a channel where the other is a map, or made of the other by no more than functions of
        single numbers.
        """
        one, other = self.nodes.get(gate.name), self.nodes.get(main.name)
        if one is None or other is None:
            return False
        if other.window is not None and self._is_one_position(gate):
            return True
        while gate.name in self.nodes and len(gate.inputs) == 1 and self.kind(gate) not in MIXING:
            gate = gate.inputs[0]
            if gate is main:
                return True
        return False

    def _is_one_position(self, call: Call) -> bool:
        """Tell whether a call is made of what was pooled over a whole map."""
        seen = 0
        while call.name in self.nodes and len(call.inputs) == 1 and seen < len(self.nodes):
            if self.kind(call) in POOLED and self.nodes[call.name].window is None:
                return True
            call, seen = call.inputs[0], seen + 1
        return False


def _plain(node: Node, sources: tuple[Call, ...], compute: Apply) -> Step | End:
    if node.kind == "transpose" and node.window != Window():
        return _no_way(node)
    if len(sources) == 1:
        return Step(sources, compute)
    return Step(sources, lambda values: compute(_filled(values)))


def _computed(call: Call, known: dict[Call, Any]) -> Any:
    """Return what a call makes of layers of which the values are known."""
    todo = [call]
    while todo:
        missing = [one for one in todo[-1].inputs if one not in known]
        if missing:
            todo += missing
        else:
            one = todo.pop()
            known[one] = one.compute([known[source] for source in one.inputs])
    return known[call]


def _no_way(node: Node) -> End:
    return End(f"no weights lead through {node.name} ({node.kind})")


def _is_depthwise(node: Node) -> bool:
    return 1 < node.groups == node.channels


def _first(values: Sequence[Any]) -> Any:
    return values[0]


def _sum(values: Sequence[Any]) -> Any:
    return tf.add_n([value for value in values if value is not None])


def _filled(values: Sequence[Any]) -> list[Any]:
    like = next(value for value in values if value is not None)
    return [tf.zeros_like(like) if value is None else value for value in values]


def _as_map(value: tf.Tensor) -> tf.Tensor:
    return tf.reshape(value, [value.shape[0], 1, 1, -1])


def _factor(role: Any, before: Any) -> np.ndarray | float:
    """Return what a layer multiplies each channel of the one before by, whose call it has taken in."""
    if isinstance(role, Linear):
        return 1.0  # it has but another bias
    safe = np.where(before.scale == 0, 1.0, before.scale)
    return np.where(before.scale == 0, 0.0, role.scale / safe).astype(np.float32)


def _middle_of(window: Window) -> Apply:
    """Return a pooling that passes on the position in the middle of its window."""

    def apply(values: Sequence[Any]) -> tf.Tensor:
        x = values[0]
        for axis in (0, 1):
            size = x.shape[axis + 1]
            count = window.size_after(size, axis)
            first = (window.kernel[axis] - 1) // 2 * window.dilation[axis] - window.before(size, axis)
            places = first + np.arange(count) * window.stride[axis]
            inside = (places >= 0) & (places < size)
            shape = [1, -1, 1, 1] if axis == 0 else [1, 1, -1, 1]
            x = tf.gather(x, np.clip(places, 0, size - 1), axis=axis + 1)
            x = x * inside.astype(np.float32).reshape(shape)
        return x

    return apply


def _learnt_factors(call: Call, channels: int) -> np.ndarray:
    """Return what a normalization multiplies each channel by after it has normalized, [channels].

    A map of 1 and -1 in turn is normalized already.
    """
    signs = np.where(np.arange(channels) % 2, -1.0, 1.0).astype(np.float32)
    one, other = (np.ravel(call.compute([tf.constant(x.reshape(1, 1, 1, -1))])) for x in (signs, -signs))
    return np.asarray((one - other) / 2 * signs, np.float32)
