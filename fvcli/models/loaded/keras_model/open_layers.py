"""Make calls and nodes of the layers of a Keras model, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common.masking import get_keras_mask

from fvcli.errors import UsageError
from fvcli.models.graph import IMAGE, Node, Pair, Window
from fvcli.models.loaded.keras_model.axes import looks_along_the_map, mixes_pictures
from fvcli.models.loaded.keras_model.calls import (
    activated,
    compute_of,
    computed_by_keras,
    has_activation_apart,
    outputs_by_keras,
    relu_role,
    role_of,
    without_activation,
)
from fvcli.models.loaded.keras_model.data_format import picture_shape
from fvcli.models.loaded.keras_model.fill import Filled
from fvcli.models.loaded.keras_model.fixed_batch import for_any_batch
from fvcli.models.loaded.keras_model.kinds import is_channels_first, is_idle, kind_of
from fvcli.models.loaded.keras_model.nodes import is_bound_by_numbers, node_of
from fvcli.models.loaded.keras_model.permutations import FIRST_TO_LAST, LAST_TO_FIRST, order_of, turned
from fvcli.models.loaded.keras_model.reference import KerasReference
from fvcli.models.loaded.keras_model.wiring import PRE_ACTIVATION, Cut, Walk
from fvcli.optvis.calls import Call, by_role


@dataclass(frozen=True)
class _Value:
    """A tensor on the way: its call, its node, and what is to be known of it.

    first: Whether the model itself has its channels first.
    masked: Whether Keras may have told which of its steps are to be left out.
    """

    call: Call
    node: Node
    first: bool
    masked: bool = False


class Opening(Walk[_Value]):
    """Lay a model open.

    picture: The call that everything which is named depends on.
    inputs: The values of the model's inputs.
    named: What has been laid open so far.
    """

    def __init__(self, reference: KerasReference) -> None:
        self._chosen = chosen = reference.picture
        self._built = chosen.tensor.shape[0]  # how many pictures the model was built for; None: any number
        self.picture = Call(IMAGE, (), lambda _: None)
        channels, _ = picture_shape(chosen, reference.first)
        differs = chosen.is_grey or chosen.flat is not None
        whole = (
            Call("", (self.picture,), lambda values: chosen.of_its_rank(values[0]))
            if differs
            else self.picture
        )
        image = _Value(whole, Node(IMAGE, "input", (), channels), reference.first)
        super().__init__(None if chosen.address is None else Cut(chosen.address, image))
        self._filled = {
            id(t): Filled(t, reference.fill.get(t.name, 0.0), self.picture)
            for t in reference.function.inputs
            if t is not chosen.tensor
        }
        self.inputs = [
            _Value(self._filled[id(t)].call, self._filled[id(t)].node, False)
            if id(t) in self._filled
            else image
            for t in reference.function.inputs
        ]
        self.named: dict[str, _Value] = {}
        self.aliases: dict[str, str] = {}
        self.sizes: dict[str, Pair] = {}  # height and width of maps, where Keras knows them
        self._sizes_hold = True
        self._blind: list[str] = []

    def remarks(self) -> list[str]:
        """Return what was found on the way and dealt with, in sentences."""
        chosen, filled = self._chosen, list(self._filled.values())
        if chosen.address is not None:  # what comes before its place is left out anyway
            read = {id(call) for call in _all_calls(value.call for value in self.named.values())}
            filled = [one for one in filled if id(one.call) in read]
        said = [chosen.remark] if chosen.remark else []
        if not keras.backend.is_float_dtype(chosen.tensor.dtype):
            said.append(
                f"the network takes pictures of {chosen.tensor.dtype}; those of fvcli are not rounded to it"
            )
        if f"{IMAGE}@2" in self.named:
            said.append(f"the layer {IMAGE} is called {IMAGE}@2, because {IMAGE} is the picture")
        said += [one.remark for one in filled]
        if self._blind and chosen.address is None:
            said.append(f"left out, because they do not see the picture: {', '.join(self._blind)}")
        return said

    def entering(self, value: _Value, given: Any, taken: Any) -> _Value:
        """Make an input of a nested model of a tensor, by a cast, or with an axis more or less."""
        floats = [keras.backend.is_float_dtype(tensor.dtype) for tensor in (given, taken)]
        cast = floats != [True, True] and given.dtype != taken.dtype
        more = len(taken.shape) - len(given.shape)
        if not cast and not more:
            return value
        model_first = value.first

        def compute(values: Sequence[tf.Tensor]) -> tf.Tensor:
            x = values[0]
            if more:
                x = tf.transpose(x, LAST_TO_FIRST) if model_first else x
                x = x[..., None] if more > 0 else x[..., 0]
            return tf.cast(x, taken.dtype) if cast else x

        return replace(value, call=Call("", (value.call,), compute), first=value.first and not more)

    def met(self, node: Any, address: str) -> None:
        _refuse_training(node, address)

    def left(self, address: str, made: Sequence[_Value]) -> None:
        """Let a nested model go by the name of its only output."""
        if len(made) == 1 and made[0].node.name:
            self.aliases[address] = made[0].node.name

    def layer(self, node: Any, sources: Sequence[_Value], address: str) -> list[_Value]:
        """Add a call for each output of a layer."""
        made = self._opened(node, sources, address)
        if is_idle(node.operation) and node.input_tensors[0].shape != node.output_tensors[0].shape:
            self._sizes_hold = False  # Keras says what it does in training, as of RandomCrop
        for value, output in zip(made, node.output_tensors, strict=True):
            height, width = _shape(output, value.first)[1:3] if len(output.shape) == 4 else (None, None)
            if self._sizes_hold and height is not None and width is not None:
                self.sizes[value.node.name] = height, width
        return made

    def _opened(self, node: Any, sources: Sequence[_Value], address: str) -> list[_Value]:
        outputs = node.output_tensors
        firsts = [source.first for source in sources]
        _refuse_mixing(node, sources, address)
        shapes = [_shape(t, f)[1:] for t, f in zip(node.input_tensors, firsts, strict=True)]
        if len(outputs) > 1:
            return self._several(node, sources, address, shapes)
        if len(firsts) == 1 and len(outputs[0].shape) == 4 and (order := order_of(node.operation, 4)):
            return [self._permuted(node, sources[0], address, order)]
        first = (any(firsts) or is_channels_first(node.operation)) and len(outputs[0].shape) == 4
        masked = any(source.masked for source in sources) or get_keras_mask(outputs[0]) is not None
        made = _node(node, address, sources, 0, first)
        role = None if masked else role_of(node, firsts, first)
        if has_activation_apart(node.operation):
            return [self._fused(node, sources, made, first, masked)]
        compute = compute_of(node, firsts, first)
        if role is None:
            compute = for_any_batch(compute, node, shapes, address, self._built)
        return [self._add(Call(address, _calls(sources), compute, role), made, first, masked)]

    def _several(
        self, node: Any, sources: Sequence[_Value], address: str, shapes: Sequence[Sequence[int | None]]
    ) -> list[_Value]:
        """Add a call for all outputs of a layer, and one for each."""
        firsts = [source.first for source in sources]
        first = any(firsts) or is_channels_first(node.operation)
        parts = for_any_batch(outputs_by_keras(node, firsts, first), node, shapes, address, self._built)
        whole, made = Call("", _calls(sources), parts), []
        for i, output in enumerate(node.output_tensors):
            name, is_first = self._addresses.next(f"{address}:{i}"), first and len(output.shape) == 4
            call = Call(name, (whole,), lambda values, i=i: values[0][i])
            made.append(self._add(call, _node(node, name, sources, i, is_first), is_first))
        return made

    def _permuted(self, node: Any, source: _Value, name: str, order: tuple[int, ...]) -> _Value:
        """Add a call that changes nothing here, if it only puts the model's channels last, or first."""
        first, same = turned(order, source.first)
        made = _node(node, name, [source], 0, first)
        if not same:
            return self._add(
                Call(name, (source.call,), computed_by_keras(node, [source.first], first)), made, first
            )
        made = replace(made, window=source.node.window and Window(), bound=False)
        return self._add(Call(name, (source.call,), lambda values: values[0]), made, first)

    def _fused(self, node: Any, sources: Sequence[_Value], made: Node, first: bool, masked: bool) -> _Value:
        """Take a layer and its activation apart, so that the pre-activation can be read."""
        function, firsts = node.operation.activation, [source.first for source in sources]
        before = replace(made, name=self._addresses.next(made.name + PRE_ACTIVATION))
        role = None if masked else role_of(node, firsts, first)
        compute = by_role if role else without_activation(node, firsts, first)
        below = self._add(Call(before.name, _calls(sources), compute, role), before, first, masked)
        kind = str(getattr(function, "__name__", "activation"))
        inputs = (below.node.name,) if below.node.name else ()
        bound = bool(getattr(function, "variables", ()))  # such as a PReLU's, one for each position
        after = Node(made.name, kind, inputs, made.channels, made.window and Window(), made.size, bound)
        if isinstance(function, keras.layers.Layer):  # such as a Softmax over rows
            after = replace(after, sees_all=looks_along_the_map(function, first))
        activation = None if masked else relu_role(function)
        call = Call(made.name, (below.call,), partial(activated, function, first), activation)
        return self._add(call, after, first, masked)

    def _add(self, call: Call, node: Node, first: bool, masked: bool = False) -> _Value:
        if not node.inputs:  # it is made of what other inputs are filled with, and does not see the picture
            self._blind.append(node.name)
            return _Value(call, replace(node, name=""), first, masked)
        self.named[node.name] = value = _Value(call, node, first, masked)
        return value


def _calls(sources: Sequence[_Value]) -> tuple[Call, ...]:
    return tuple(source.call for source in sources)


def _all_calls(calls: Iterable[Call]) -> list[Call]:
    """Return calls and all that they are made of."""
    todo, seen = list(calls), {}
    while todo:
        call = todo.pop()
        if id(call) not in seen:
            seen[id(call)] = call
            todo += call.inputs
    return list(seen.values())


def _node(node: Any, name: str, sources: Sequence[_Value], output: int, first: bool = False) -> Node:
    shape = _shape(node.output_tensors[output], first)
    nodes = [source.node for source in sources if source.node.name]
    made = node_of(node.operation, name, nodes, shape, first, _keeps_places(node, first))
    if not keras.backend.is_float_dtype(node.output_tensors[output].dtype):
        made = replace(made, channels=0)  # there is nothing to render
    beside_a_map = any(not source.node.name and source.node.size != (1, 1) for source in sources)
    bound = made.bound or beside_a_map or is_bound_by_numbers(node, made, first)  # a filled map has one size
    return replace(made, bound=bound)


def _shape(tensor: Any, first: bool) -> list[int | None]:
    """Return the shape of a tensor with its channels last."""
    shape = list(tensor.shape)
    return [shape[i] for i in FIRST_TO_LAST] if first and len(shape) == len(FIRST_TO_LAST) else shape


def _keeps_places(node: Any, first: bool) -> bool:
    """Tell whether a call is a slice of channels only, which leaves each position of a map where it is."""
    if kind_of(node.operation) != "slice" or len(node.input_tensors) != 1:
        return False
    (given,), (made,) = node.input_tensors, node.output_tensors
    if len(given.shape) != 4 or len(made.shape) != 4 or None in given.shape[1:]:
        return False
    _, height, width, channels = _shape(given, first)
    places = np.arange(height * width, dtype=np.float32).reshape(1, height, width, 1)
    whole = tf.constant(np.broadcast_to(places, (1, height, width, channels)))
    sliced = computed_by_keras(node, [first], first)([whole])
    return sliced.shape[1:3] == (height, width) and bool(tf.reduce_all(sliced == places))


def _refuse_mixing(node: Any, sources: Sequence[_Value], name: str) -> None:
    """Refuse what works along the batch: a picture would depend on its batch mates."""
    has_batch = any(source.node.window is not None or source.node.channels for source in sources)
    if has_batch and mixes_pictures(node.operation, len(node.input_tensors[0].shape)):
        raise UsageError(
            f"layer {name} ({type(node.operation).__name__}) works along axis 0: its output would depend on "
            "the other pictures of the batch",
            "build the model with other axes",
        )


def _refuse_training(node: Any, name: str) -> None:
    """Refuse BatchNormalization that is told to train: a picture would depend on its batch mates."""
    if node.arguments.kwargs.get("training") is not True:
        return
    inside = getattr(node.operation, "_flatten_layers", lambda: [node.operation])()
    if any(isinstance(layer, keras.layers.BatchNormalization) for layer in inside):
        raise UsageError(
            f"layer {name} is a BatchNormalization called with training=True: its output would depend on the "
            "other pictures of the batch",
            "build the model without that argument",
        )
