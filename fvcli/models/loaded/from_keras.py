"""Turn a Keras model into calls and nodes: nested models laid open, shared layers once for each call.

    backbone (Functional, called twice)        backbone/conv    backbone@2/conv
    shared   (a layer, called twice)           shared           shared@2
    conv     (with activation="relu")          conv_pre_activation, conv

Where the model has channels first, calls have them last: convolutions and poolings are computed that way,
and what cannot be is computed as it is, with its maps turned before and after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fvcli.errors import FvcliError, UsageError
from fvcli.models.graph import IMAGE, Node, Window
from fvcli.models.loaded.keras_nodes import joins_channels, kind_of, node_of, takes_training
from fvcli.optvis.calls import Call, CallGraph, Linear, Normalization, Relu, Role, Sum

PRE_ACTIVATION = "_pre_activation"
RELU_MAX_VALUES = {"relu": None, "relu6": 6.0}  # by the name of the function
LAYERS_TO_ASK = 12  # for their data format
FIRST_TO_LAST, LAST_TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
# These and no subclasses, for those may compute something else.
LINEAR = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)
FUSED = (*LINEAR, keras.layers.SeparableConv2D, keras.layers.Conv2DTranspose)


@dataclass(frozen=True)
class Laid:
    """A Keras model laid open.

    graph: Its calls.
    nodes: The same as plain facts, in the same order.
    channels, size_px: Of the picture; a side that the network leaves open is None.
    outputs: Names of the nodes that the model returns.
    aliases: Other names that layers go by: a nested model's is that of its output.
    remarks: What was found and dealt with, in sentences.
    """

    graph: CallGraph
    nodes: tuple[Node, ...]
    channels: int
    size_px: tuple[int | None, int | None]
    outputs: tuple[str, ...]
    aliases: Mapping[str, str]
    remarks: tuple[str, ...]


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
) -> Laid:
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
    if function is None:
        raise UsageError(
            f"model {model.name} is a subclassed {type(model).__name__}, whose layers have no graph",
            "build it with keras.Model(inputs, outputs)",
        )
    walk = _Walk()
    mixed = _to_float32(model)
    if mixed:
        walk.remarks.append(f"{mixed} layers are of mixed or half precision, and are computed in float32")
    chosen = picture_input(function, picture)
    first = _has_channels_first(chosen) if first is None else first
    channels, *size = (chosen.shape[i] for i in ((1, 2, 3) if first else (3, 1, 2)))
    image = _Value(Call(IMAGE, (), lambda _: None), Node(IMAGE, "input", (), channels or 0), first)
    others = {
        id(t): walk.other_input(t, (fill or {}).get(t.name, 0.0)) for t in function.inputs if t is not chosen
    }
    sources = [others.get(id(t), image) for t in function.inputs]
    outputs = walk.expand(function, sources, "")
    named = {name: value.call for name, value in walk.named.items()}
    graph = CallGraph(image.call, named)
    nodes = tuple(value.node for value in walk.named.values())
    names = tuple(value.node.name for value in outputs)
    return Laid(graph, nodes, channels or 3, (size[0], size[1]), names, walk.aliases, tuple(walk.remarks))


def _graph_of(operation: Any) -> Any:
    """Return the Function that a model is, or None where it is no model or has no graph."""
    if isinstance(operation, keras.Sequential):
        return operation._functional if operation.built else None
    is_graph = isinstance(operation, keras.Model) and hasattr(operation, "_nodes_by_depth")
    plain = is_graph and type(operation).call is _functional_class().call
    return operation if plain else None


def _functional_class() -> Any:
    return type(keras.Model(inputs := keras.Input((1,)), inputs))


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
            raise UsageError(f"the model has no input {name!r}", f"its inputs are {', '.join(inputs)}")
        return inputs[name]
    fitting = [tensor for tensor in inputs.values() if len(tensor.shape) == 4]
    if len(fitting) == 1:
        return fitting[0]
    shapes = ", ".join(f"{key} {tuple(tensor.shape[1:])}" for key, tensor in inputs.items())
    if not fitting:
        raise UsageError(
            f"no input of the model takes a picture (inputs: {shapes})", "it needs one of rank 4"
        )
    raise UsageError(
        f"several inputs of the model could take the picture ({shapes})", "name one with model.input"
    )


def _has_channels_first(tensor: Any) -> bool:
    """Tell whether an input of rank 4 has its channels first: by the first layer that says, or its shape."""
    seen: list[Any] = []
    todo = [node.operation for node in tensor._keras_history.operation._outbound_nodes]
    while todo and len(seen) < LAYERS_TO_ASK:
        operation = todo.pop(0)
        seen.append(operation)
        inner = _graph_of(operation)
        if inner is not None:
            return _has_channels_first(inner.inputs[0])
        if hasattr(operation, "data_format"):
            return _is_channels_first(operation)
        todo += [node.operation for node in operation._outbound_nodes if node.operation not in seen]
    few = tensor.shape[1] is not None and tensor.shape[1] <= 4
    return few and (tensor.shape[3] is None or tensor.shape[3] > 4)


@dataclass
class _Walk:
    """What has been laid open so far."""

    named: dict[str, _Value] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    _calls: Counter[str] = field(default_factory=Counter)

    def other_input(self, tensor: Any, value: float) -> _Value:
        """Return an input that takes no picture, filled with a value."""
        rest = [size or 1 for size in tensor.shape[1:]]
        self.remarks.append(f"input {tensor.name} {tuple(tensor.shape[1:])} is filled with {value:g}")
        call = Call("", (), lambda _: tf.fill([1, *rest], tf.cast(value, tensor.dtype)))
        return _Value(call, Node("", "constant", (), rest[-1] if rest else 0, None), False)

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
        _refuse_training(node, prefix + operation.name)
        inner = _graph_of(operation)
        if inner is None:
            return self._layer(node, sources, self._address(prefix + operation.name))
        address = self._address(prefix + operation.name)
        made = self.expand(inner, sources, address + "/")
        if len(made) == 1 and made[0].node.name:
            self.aliases[address] = made[0].node.name
        return made

    def _address(self, name: str) -> str:
        """Number the calls of a shared layer: the first has the layer's own name."""
        self._calls[name] += 1
        return name if self._calls[name] == 1 else f"{name}@{self._calls[name]}"

    def _layer(self, node: Any, sources: Sequence[_Value], name: str) -> list[_Value]:
        operation = node.operation
        first = any(source.first for source in sources) or _is_channels_first(operation)
        outputs = node.output_tensors
        if len(outputs) > 1:
            whole = Call("", _calls(sources), _computed_by_keras(node, [s.first for s in sources], None))
            return [
                self._add(_picked(whole, i), _node(operation, f"{name}:{i}", sources, t, False), False)
                for i, t in enumerate(outputs)
            ]
        stays_first = first and len(outputs[0].shape) == 4
        made = _node(operation, name, sources, outputs[0], stays_first)
        if self._activation_apart(operation):
            return [self._fused(node, sources, made, stays_first)]
        role = _role(operation, sources, outputs[0], stays_first)
        compute = _compute(node, sources, stays_first)
        return [self._add(Call(name, _calls(sources), compute, role), made, stays_first)]

    @staticmethod
    def _activation_apart(operation: Any) -> bool:
        plain = {None, keras.activations.linear}
        return type(operation) in FUSED and operation.activation not in plain

    def _fused(self, node: Any, sources: Sequence[_Value], made: Node, first: bool) -> _Value:
        """Take a layer and its activation apart, so that the pre-activation can be read."""
        operation, name = node.operation, made.name
        before = Node(**{**vars(made), "name": name + PRE_ACTIVATION})
        role = _linear(operation, first)
        compute = _without_activation(node, sources, first)
        below = self._add(Call(before.name, _calls(sources), compute, role), before, first)
        function = operation.activation
        kind = str(getattr(function, "__name__", "activation"))
        after = Node(name, kind, (before.name,), made.channels, made.window and Window(), made.size)
        cut = Relu(RELU_MAX_VALUES[kind]) if kind in RELU_MAX_VALUES else None
        return self._add(Call(name, (below.call,), lambda v: function(v[0]), cut), after, first)

    def _add(self, call: Call, node: Node, first: bool) -> _Value:
        value = _Value(call, node, first)
        self.named[node.name] = value
        return value


def _calls(sources: Sequence[_Value]) -> tuple[Call, ...]:
    return tuple(source.call for source in sources)


def _picked(whole: Call, i: int) -> Call:
    return Call("", (whole,), lambda values: values[0][i])


def _is_channels_first(operation: Any) -> bool:
    return getattr(operation, "data_format", None) == "channels_first"


def _node(operation: Any, name: str, sources: Sequence[_Value], tensor: Any, first: bool) -> Node:
    shape = list(tensor.shape)
    if first:
        shape = [shape[i] for i in FIRST_TO_LAST]
    nodes = [source.node for source in sources if source.node.name]
    return node_of(operation, name, nodes, shape, first)


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


# ---- roles


def _role(operation: Any, sources: Sequence[_Value], tensor: Any, first: bool) -> Role | None:
    kind = type(operation)
    if kind in LINEAR:
        return _linear(operation, first)
    if kind is keras.layers.BatchNormalization and joins_channels(operation, first):
        return _normalization(operation)
    if kind is keras.layers.Add or kind.__name__ == "Add":
        shapes = {tuple(t.shape) for t in _input_tensors(operation, tensor)}
        return Sum() if len(sources) > 1 and len(shapes) == 1 else None
    if isinstance(operation, keras.layers.ReLU):
        plain = not operation.negative_slope and not operation.threshold
        return Relu(operation.max_value) if plain else None
    name = kind_of(operation)
    is_function = isinstance(operation, keras.layers.Activation) or kind.__name__ in {"Relu", "Relu6"}
    return Relu(RELU_MAX_VALUES[name]) if is_function and name in RELU_MAX_VALUES else None


def _input_tensors(operation: Any, tensor: Any) -> list[Any]:
    return list(operation._inbound_nodes[tensor._keras_history.node_index].input_tensors)


def _linear(operation: Any, first: bool) -> Linear | None:
    """Return a layer as arrays, if it is one that can be computed from them."""
    if type(operation) not in LINEAR:
        return None
    bias = None if operation.bias is None else np.asarray(operation.bias, np.float32)
    kernel = np.asarray(operation.kernel, np.float32)
    if isinstance(operation, keras.layers.Dense):
        return Linear(kernel, bias)
    known = _is_channels_first(operation) == first and getattr(operation, "groups", 1) == 1
    if not known or getattr(operation, "depth_multiplier", 1) != 1:
        return None
    return Linear(
        kernel,
        bias,
        isinstance(operation, keras.layers.DepthwiseConv2D),
        tuple(operation.strides),
        operation.padding.upper(),
        tuple(operation.dilation_rate),
    )


def _normalization(norm: keras.layers.BatchNormalization) -> Normalization:
    mean, variance = (np.asarray(v, np.float64) for v in (norm.moving_mean, norm.moving_variance))
    gamma = np.asarray(norm.gamma, np.float64) if norm.scale else 1.0
    beta = np.asarray(norm.beta, np.float64) if norm.center else 0.0
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return Normalization(scale, beta - mean * scale, mean, variance)


# ---- computing what has no role


def _compute(node: Any, sources: Sequence[_Value], first: bool) -> Any:
    operation = node.operation
    if kind_of(operation) == "dropout" or kind_of(operation) in {"noise", "augmentation", "identity"}:
        return lambda values: values[0]
    if not any(source.first for source in sources):
        return _computed_by_keras(node, [False] * len(sources), False)
    twin = _with_channels_last(operation, first)
    if twin is not None:
        return partial(_call_twin, twin, isinstance(node.arguments.args[0], list | tuple))
    return _computed_by_keras(node, [source.first for source in sources], first)


def _with_channels_last(operation: Any, first: bool) -> Any:
    """Return a layer without weights that does the same to maps with channels last, if there is one."""
    if not isinstance(operation, keras.layers.Layer) or operation.variables:
        return operation if kind_of(operation) in {"add", "multiply"} else None
    config = operation.get_config()
    if config.get("data_format") == "channels_first":
        return type(operation).from_config({**config, "data_format": "channels_last"})
    if type(operation) is keras.layers.Concatenate and joins_channels(operation, True):
        return keras.layers.Concatenate(axis=-1, name=operation.name)
    pointwise = isinstance(operation, keras.layers.Activation | keras.layers.Rescaling)
    return operation if pointwise else None


def _call_twin(twin: Any, takes_list: bool, values: Sequence[tf.Tensor]) -> tf.Tensor:
    return twin(list(values)) if takes_list else twin(*values)


def _computed_by_keras(node: Any, first: Sequence[bool], out_first: bool | None) -> Any:
    """Return a function that runs the layer as Keras does; out_first None: it has several outputs."""
    operation = node.operation
    training = {"training": False} if takes_training(operation) else {}

    def compute(values: Sequence[tf.Tensor]) -> Any:
        turned = [_turn(v, LAST_TO_FIRST) if f else v for v, f in zip(values, first, strict=True)]
        given = {id(t): v for t, v in zip(node.input_tensors, turned, strict=True)}
        args, kwargs = node.arguments.fill_in(given)
        made = operation(*args, **{**kwargs, **training})
        if out_first is None:
            return tf.nest.flatten(made)
        return _turn(made, FIRST_TO_LAST) if out_first else made

    return compute


def _turn(value: tf.Tensor, order: Sequence[int]) -> tf.Tensor:
    return tf.transpose(value, order) if value.shape.rank == 4 else value


def _without_activation(node: Any, sources: Sequence[_Value], first: bool) -> Any:
    operation = node.operation
    if _linear(operation, first) is not None:
        return _never
    config = {**operation.get_config(), "activation": "linear"}
    twin = type(operation).from_config(config)
    twin.build(node.input_tensors[0].shape)
    twin.set_weights(operation.get_weights())
    compute = _computed_by_keras(node, [source.first for source in sources], first)
    return compute if twin is None else _through(twin, [source.first for source in sources], first)


def _through(twin: Any, first: Sequence[bool], out_first: bool) -> Any:
    def compute(values: Sequence[tf.Tensor]) -> tf.Tensor:
        x = _turn(values[0], LAST_TO_FIRST) if first[0] else values[0]
        made = twin(x)
        return _turn(made, FIRST_TO_LAST) if out_first else made

    return compute


def _never(_: Sequence[tf.Tensor]) -> Any:
    raise FvcliError("a call with a role is computed by its role")
