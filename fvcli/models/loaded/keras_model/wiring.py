"""How the calls of a functional Keras model are wired, nested models laid open: by Keras's own rules.

model(image)                                address          value
  first = conv(image)                       conv             layer(...)
  inner({"b": first, "a": image})           inner            the output of:
      x = conv(a)                           inner/conv       layer(...)
  inner(...) once more                      inner@2          inner@2/conv ...
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

import keras
from keras.src.models.functional import Functional

from fvcli.models.graph import IMAGE
from fvcli.models.loaded.keras_model.original_names import title_of

PRE_ACTIVATION = "_pre_activation"  # what is added to the name of a layer with an activation
OWN_CALLS = (Functional.call, keras.Sequential.call)
Value = TypeVar("Value")


@dataclass(frozen=True)
class Cut(Generic[Value]):
    """A call that is not made, because its output is given.

    address: Of the call.
    value: Its output.
    """

    address: str
    value: Value


class Addresses:
    """Number the calls of a shared layer: the first has the layer's own name, if nothing else has it."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()
        self._taken = {IMAGE}

    def next(self, name: str) -> str:
        while True:
            self._calls[name] += 1
            address = name if self._calls[name] == 1 else f"{name}@{self._calls[name]}"
            if address not in self._taken:
                self._taken.add(address)
                return address


class Walk(Generic[Value]):
    """Go through every call of a model, with a value for each of its tensors.

    A subclass says what the values are: what a layer makes of those that it reads, and what becomes of a
    value that a nested model reads.
    """

    def __init__(self, cut: Cut[Value] | None = None) -> None:
        self._addresses = Addresses()
        self._cut = cut

    def layer(self, node: Any, sources: Sequence[Value], address: str) -> Sequence[Value]:
        """Return a value for each output of a call of what is no graph of layers."""
        raise NotImplementedError

    def entering(self, value: Value, given: Any, taken: Any) -> Value:
        """Return the value that a nested model reads; its input may be of another type or rank."""
        raise NotImplementedError

    def met(self, node: Any, address: str) -> None:
        """Look at a call before it is made, of a layer or a nested model."""

    def left(self, address: str, made: Sequence[Value]) -> None:
        """Note the outputs of a nested model."""

    def through(self, function: Any, sources: Sequence[Value], prefix: str = "") -> list[Value]:
        """Return the values of a function's outputs."""
        values = {id(t): value for t, value in zip(function.inputs, sources, strict=True)}
        for depth in sorted(function._nodes_by_depth, reverse=True):
            for node in function._nodes_by_depth[depth]:
                if node.is_input:
                    continue
                made = self._made_by(node, values, prefix)
                values.update(zip(map(id, node.output_tensors), made, strict=True))
        return [values[id(t)] for t in function.outputs]

    def _made_by(self, node: Any, values: dict[int, Value], prefix: str) -> Sequence[Value]:
        address = self._addresses.next(prefix + title_of(node.operation))
        if self._cut is not None and self._cut.address == address:
            return [self._cut.value] * len(node.output_tensors)
        self.met(node, address)
        inner = graph_of(node.operation)
        given = None if inner is None else given_to(inner, node)
        if given is None:
            return self.layer(node, [values[id(t)] for t in node.input_tensors], address)
        pairs = zip(given, inner.inputs, strict=True)
        made = self.through(inner, [self.entering(values[id(g)], g, t) for g, t in pairs], address + "/")
        self.left(address, made)
        return made


def graph_of(operation: Any) -> Any:
    """Return the Function that a model is, or None where it is no model or has no graph."""
    if not isinstance(operation, Functional | keras.Sequential) or not _calls_as_keras(operation):
        return None  # a subclass may compute something of its own
    if isinstance(operation, keras.Sequential):
        return operation._functional if operation.built else None
    return operation


def _calls_as_keras(model: Any) -> bool:
    kind = type(model)
    return kind.call in OWN_CALLS and kind.__call__ is keras.Layer.__call__ and "call" not in vars(model)


def inputs_among(arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """Return what a nested model is called with, None if it is called with a mask or the like, too."""
    given = inspect.signature(Functional.call).bind(None, *arguments, **named).arguments
    masked = any(mask is not None for mask in keras.tree.flatten(given.get("mask")))
    return None if masked or given.get("kwargs") else given["inputs"]


def given_to(inner: Any, node: Any) -> list[Any] | None:
    """Return the tensors that a call gives a nested model, one for each of the model's inputs.

    None where the call gives it more than tensors: a mask, a constant, or no tensor for an optional input.
    Such a call can only be made as a whole.
    """
    inputs = inputs_among(node.arguments.args, node.arguments.kwargs)
    if inputs is None:
        return None
    # A dict finds its inputs by their names, and a list by its order: as Keras itself does it.
    plain = SimpleNamespace(
        _inputs_struct=inner._inputs_struct,
        _maybe_warn_inputs_struct_mismatch=lambda *_, **__: None,
        _convert_inputs_to_tensors=lambda flat: flat,
        _adjust_input_rank=lambda flat: flat,
    )
    flat = list(Functional._standardize_inputs(plain, inputs))
    tensors = all(isinstance(tensor, keras.KerasTensor) for tensor in flat)
    return flat if tensors and len(flat) == len(inner.inputs) else None
