"""Turn a Keras model into calls and nodes: nested models laid open, shared layers once for each call.

    backbone (Functional, called twice)        backbone/conv    backbone@2/conv
    shared   (a layer, called twice)           shared           shared@2
    conv     (with activation="relu")          conv_pre_activation, conv

Where the model has channels first, calls have them last: convolutions and poolings are computed that way,
and what cannot be is computed as it is, with its maps turned before and after.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import tensorflow as tf
from keras.src.models.functional import Functional

from fvcli.errors import UsageError
from fvcli.models.graph import IMAGE, Node, Window
from fvcli.models.loaded.keras_model.calls import (
    FIRST_TO_LAST,
    compute_of,
    computed_by_keras,
    has_activation_apart,
    is_channels_first,
    linear_of,
    relu_role,
    role_of,
    without_activation,
)
from fvcli.models.loaded.keras_model.nodes import node_of
from fvcli.models.loaded.keras_model.titles import TITLE, title_of
from fvcli.models.loaded.network_graph import NetworkGraph
from fvcli.optvis.calls import Call, CallGraph

PRE_ACTIVATION = "_pre_activation"
LAYERS_TO_ASK = 12  # for their data format
RANK_OF_GREY = 3  # of inputs [batch, height, width]
SCOPE, NOT_IN_SCOPE = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*"), re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True)
class _Value:
    """A tensor on the way: its call, its node, and whether the model itself has its channels first."""

    call: Call
    node: Node
    first: bool


def lay_open(
    model: keras.Model,
    picture: str | None = None,
    fill: Mapping[str, float] | None = None,
    first: bool | None = None,
) -> NetworkGraph:
    """Return a functional or sequential model as calls and nodes.

    Args:
        model: Its layers are set to float32.
        picture: Name of the input that takes the picture; None: the only one that could.
        fill: What other inputs are filled with, by name; zeros where it says nothing.
        first: Whether the picture has its channels first; None: its shape and the layers tell.

    Raises:
        UsageError: The model has no graph of layers, no input for a picture, or a layer that makes the
            pictures of a batch depend on each other.
    """
    function = _graph_of(model)
    if function is None and isinstance(model, keras.Sequential):
        raise UsageError(
            f"Sequential {model.name} was saved before it had an input",
            "begin it with keras.Input, or call it once before it is saved",
        )
    if function is None:
        raise UsageError(
            f"model {model.name} is a subclassed {type(model).__name__}, whose layers have no graph",
            "build it with keras.Model(inputs, outputs)",
        )
    _make_scopes_valid(model)
    mixed = _to_float32(model)
    chosen = picture_input(function, picture)
    _check_fill(fill or {}, [t.name for t in function.inputs if t is not chosen])
    first = _settle_format(chosen, first)
    shape = [*chosen.shape, 1] if len(chosen.shape) == RANK_OF_GREY else chosen.shape
    channels, *size = (shape[i] for i in ((1, 2, 3) if first else (3, 1, 2)))
    picture_call = Call(IMAGE, (), lambda _: None)
    walk = _Walk(picture_call)
    if mixed:
        walk.remarks.append(f"{mixed} layers are of mixed or half precision, and are computed in float32")
    whole = Call("", (picture_call,), lambda values: values[0][..., 0]) if shape is not chosen.shape else None
    image = _Value(whole or picture_call, Node(IMAGE, "input", (), channels or 0), first)
    others = {
        id(t): walk.other_input(t, (fill or {}).get(t.name, 0.0)) for t in function.inputs if t is not chosen
    }
    sources = [others.get(id(t), image) for t in function.inputs]
    outputs = walk.expand(function, sources, "")
    if walk.blind:
        walk.remarks.append(f"left out, because they do not see the picture: {', '.join(walk.blind)}")
    named = {name: value.call for name, value in walk.named.items()}
    graph = CallGraph(picture_call, named)
    nodes = tuple(value.node for value in walk.named.values())
    names = tuple(value.node.name for value in outputs)
    return NetworkGraph(
        graph, nodes, channels or 3, (size[0], size[1]), names, walk.aliases, tuple(walk.remarks)
    )


def _graph_of(operation: Any) -> Any:
    """Return the Function that a model is, or None where it is no model or has no graph."""
    if isinstance(operation, keras.Sequential):
        return operation._functional if operation.built else None
    own_call = type(operation).call is not Functional.call  # a subclass that computes something of its own
    return operation if isinstance(operation, Functional) and not own_call else None


def _to_float32(model: keras.Model) -> int:
    """Set every layer to float32, and count those that were of another precision."""
    mixed = 0
    for layer in model._flatten_layers():
        if layer.dtype_policy.compute_dtype in {"float16", "bfloat16"}:
            mixed += not isinstance(layer, keras.Model)
            layer.dtype_policy = "float32"
    return mixed


def picture_input(function: Any, name: str | None) -> Any:
    """Return the symbolic input that takes the picture.

    Raises:
        UsageError: There is none of that name, or none or several that could.
    """
    inputs = {tensor.name: tensor for tensor in function.inputs}
    if name is not None:
        if name not in inputs:
            known = f"its inputs are {', '.join(inputs)}"
            raise UsageError(f"model.input: there is no input {name!r}", known)
        if len(inputs[name].shape) not in {4, RANK_OF_GREY}:
            shape = tuple(inputs[name].shape[1:])
            raise UsageError(f"model.input: {name} {shape} takes no picture", "it has to be of rank 4")
        return inputs[name]
    by_rank = {rank: [t for t in inputs.values() if len(t.shape) == rank] for rank in (4, RANK_OF_GREY)}
    fitting = by_rank[4] or by_rank[RANK_OF_GREY]
    if len(fitting) == 1:
        return fitting[0]
    shapes = ", ".join(f"{tensor.name} {tuple(tensor.shape[1:])}" for tensor in fitting or inputs.values())
    if not fitting:
        raise UsageError(
            f"no input of the model takes a picture (inputs: {shapes})", "it needs one of rank 4"
        )
    raise UsageError(
        f"several inputs of the model could take the picture ({shapes})", "name one with model.input"
    )


def _check_fill(fill: Mapping[str, float], others: Sequence[str]) -> None:
    """Refuse to fill what is no input beside the picture's."""
    for name in fill:
        if name not in others:
            known = f"those are {', '.join(others)}" if others else "there is none"
            raise UsageError(f"model.fill: {name} is no input beside the picture's", known)


def _settle_format(tensor: Any, declared: bool | None) -> bool:
    """Tell whether the picture has its channels first: by its layers, by what is declared, or its shape.

    Raises:
        UsageError: What is declared contradicts the layers.
    """
    said = _says_channels_first(tensor)
    if declared is not None and said is not None and declared != said:
        found = "channels_first" if said else "channels_last"
        raise UsageError(f"model.data_format: the network's layers have {found}", "leave data_format out")
    if said is not None or declared is not None:
        return bool(said if said is not None else declared)
    if len(tensor.shape) == RANK_OF_GREY:
        return False
    few = tensor.shape[1] is not None and tensor.shape[1] <= 4
    return few and (tensor.shape[3] is None or tensor.shape[3] > 4)


def _says_channels_first(tensor: Any) -> bool | None:
    """Return what the first layer behind an input that knows says of its data format."""
    seen: list[Any] = []
    todo = [node.operation for node in tensor._keras_history.operation._outbound_nodes]
    while todo and len(seen) < LAYERS_TO_ASK:
        operation = todo.pop(0)
        seen.append(operation)
        inner = _graph_of(operation)
        if inner is not None:
            return _says_channels_first(inner.inputs[0])
        if hasattr(operation, "data_format"):
            return is_channels_first(operation)
        todo += [node.operation for node in operation._outbound_nodes if node.operation not in seen]
    return None


@dataclass
class _Walk:
    """What has been laid open so far.

    picture: The call that everything which is named depends on.
    blind: Names of layers that do not see the picture.
    """

    picture: Call
    named: dict[str, _Value] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)
    _calls: Counter[str] = field(default_factory=Counter)

    def other_input(self, tensor: Any, value: float) -> _Value:
        """Return an input that takes no picture, filled with a value."""
        rest = [size or 1 for size in tensor.shape[1:]]
        self.remarks.append(f"input {tensor.name} {tuple(tensor.shape[1:])} is filled with {value:g}")

        def filled(values: Sequence[tf.Tensor]) -> tf.Tensor:
            return tf.fill([values[0].shape[0], *rest], tf.cast(value, tensor.dtype))

        call = Call("", (self.picture,), filled)
        size = (rest[0], rest[1]) if len(rest) == 3 else (1, 1)
        return _Value(call, Node("", "constant", (), rest[-1] if rest else 0, None, size), False)

    def expand(self, function: Any, sources: Sequence[_Value], prefix: str) -> list[_Value]:
        """Lay a function open; return the values of its outputs."""
        values = {id(t): value for t, value in zip(function.inputs, sources, strict=True)}
        for depth in sorted(function._nodes_by_depth, reverse=True):
            for node in function._nodes_by_depth[depth]:
                if node.is_input:
                    continue
                made = self._made_by(node, [values[id(t)] for t in node.input_tensors], prefix)
                values.update(zip(map(id, node.output_tensors), made, strict=True))
        return [values[id(t)] for t in function.outputs]

    def _made_by(self, node: Any, sources: Sequence[_Value], prefix: str) -> list[_Value]:
        operation = node.operation
        name = prefix + title_of(operation)
        _refuse_training(node, name)
        inner = _graph_of(operation)
        address = self._address(name)
        if inner is None:
            return self._layer(node, sources, address)
        made = self.expand(inner, sources, address + "/")
        if len(made) == 1 and made[0].node.name:
            self.aliases[address] = made[0].node.name
        return made

    def _address(self, name: str) -> str:
        """Number the calls of a shared layer: the first has the layer's own name."""
        self._calls[name] += 1
        return name if self._calls[name] == 1 else f"{name}@{self._calls[name]}"

    def _layer(self, node: Any, sources: Sequence[_Value], name: str) -> list[_Value]:
        operation, outputs = node.operation, node.output_tensors
        firsts = [source.first for source in sources]
        if len(outputs) > 1:
            whole = Call("", _calls(sources), computed_by_keras(node, firsts, None))
            return [
                self._add(_picked(whole, f"{name}:{i}", i), _node(node, f"{name}:{i}", sources, i), False)
                for i in range(len(outputs))
            ]
        first = (any(firsts) or is_channels_first(operation)) and len(outputs[0].shape) == 4
        made = _node(node, name, sources, 0, first)
        if has_activation_apart(operation):
            return [self._fused(node, sources, made, first)]
        call = Call(name, _calls(sources), compute_of(node, firsts, first), role_of(node, first))
        return [self._add(call, made, first)]

    def _fused(self, node: Any, sources: Sequence[_Value], made: Node, first: bool) -> _Value:
        """Take a layer and its activation apart, so that the pre-activation can be read."""
        operation, name = node.operation, made.name
        before = replace(made, name=self._address(name + PRE_ACTIVATION))
        compute, role = without_activation(node, first), linear_of(operation, first)
        below = self._add(Call(before.name, _calls(sources), compute, role), before, first)
        function = operation.activation
        kind = str(getattr(function, "__name__", "activation"))
        inputs = (below.node.name,) if below.node.name else ()
        after = Node(name, kind, inputs, made.channels, made.window and Window(), made.size)
        call = Call(name, (below.call,), lambda values: function(values[0]), relu_role(kind))
        return self._add(call, after, first)

    def _add(self, call: Call, node: Node, first: bool) -> _Value:
        if not node.inputs:  # it is made of what other inputs are filled with, and does not see the picture
            self.blind.append(node.name)
            return _Value(call, replace(node, name=""), first)
        value = _Value(call, node, first)
        self.named[node.name] = value
        return value


def _calls(sources: Sequence[_Value]) -> tuple[Call, ...]:
    return tuple(source.call for source in sources)


def _picked(whole: Call, name: str, i: int) -> Call:
    return Call(name, (whole,), lambda values: values[0][i])


def _node(node: Any, name: str, sources: Sequence[_Value], output: int, first: bool = False) -> Node:
    shape = list(node.output_tensors[output].shape)
    if first:
        shape = [shape[i] for i in FIRST_TO_LAST]
    nodes = [source.node for source in sources if source.node.name]
    made = node_of(node.operation, name, nodes, shape, first, _keeps_size(node, output))
    if "float" not in str(node.output_tensors[output].dtype):
        made = replace(made, channels=0)  # there is nothing to render
    beside_a_map = any(not source.node.name and source.node.size != (1, 1) for source in sources)
    return replace(made, bound=made.bound or beside_a_map)  # a filled map has one size


def _keeps_size(node: Any, output: int) -> bool:
    """Tell whether a call's maps are as high and wide as all maps that it reads."""
    shapes = [
        tuple(t.shape[1:3]) for t in (*node.input_tensors, node.output_tensors[output]) if len(t.shape) == 4
    ]
    return len({*shapes}) == 1 and None not in shapes[0]


def _make_scopes_valid(model: keras.Model) -> None:
    """Let layers whose names are no valid scope of TensorFlow be called: others than these keep theirs."""
    for layer in model._flatten_layers():
        if not SCOPE.fullmatch(layer.name):
            object.__setattr__(layer, TITLE, layer.name)
            layer.name = "layer_" + NOT_IN_SCOPE.sub("_", layer.name)


def _refuse_training(node: Any, name: str) -> None:
    """Refuse BatchNormalization that is told to train: a picture would depend on its batch mates."""
    arguments = node.arguments
    if arguments.kwargs.get("training") is not True:
        return
    inside = getattr(node.operation, "_flatten_layers", lambda: [node.operation])()
    if any(isinstance(layer, keras.layers.BatchNormalization) for layer in inside):
        raise UsageError(
            f"layer {name} is a BatchNormalization called with training=True: its output would depend on the "
            "other pictures of the batch",
            "build the model without that argument",
        )
