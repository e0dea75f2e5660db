"""Functions and operations of TensorFlow as layers of a Keras model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.framework import node_def_pb2

from fvcli.errors import FvcliError
from fvcli.models.files.keras_2.tensorflow_functions import ADD, GET_ITEM, POINTWISE, kind_of
from fvcli.models.loaded.graph_def import ops

SLICE, ELLIPSIS = {"start", "stop", "step"}, {"class_name": "__ellipsis__"}
PLAIN_NAMES = {ADD: "math.add"}  # which adds strings as well


class TensorFlowFunction(keras.Operation):  # type: ignore[misc]
    """A function of TensorFlow that is called with what a file says.

    Args:
        function: Its name behind ``tf.``, one that has a kind.
        settings: Its arguments beside tensors, by name.
        name: Of the layer.
    """

    def __init__(
        self, function: str, settings: Mapping[str, Any] | None = None, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        kind = kind_of(function)
        if kind is None:  # whoever names it
            raise ValueError(f"tf.{function} is none of the functions that fvcli computes")
        self.function = function
        self.settings = dict(settings or {})
        self.kind = kind
        self.axis = self.settings.get("axis")  # along which it works, where it has one

    @property
    def is_pointwise(self) -> bool:
        """Whether a position of what it makes depends on that position alone."""
        return self.kind in POINTWISE

    @property
    def has_places(self) -> bool:
        """Whether a constant has another value at each place of a map, which has one size then."""
        return self.is_pointwise and any(map(_has_places, self.settings.values()))

    @property
    def sides(self) -> Any:
        """What a ``pad`` puts before and after each axis, where the file has it."""
        return _four_sides(self.settings.get("paddings"))

    def call(self, first: Any, **tensors: Any) -> Any:
        """Return what the function makes of its first argument and of others that are tensors."""
        arguments = {**self.settings, **tensors}
        if self.function == GET_ITEM:
            return first[_slices(arguments["slice_spec"])]
        if not tf.is_tensor(first) and (others := [v for v in tensors.values() if tf.is_tensor(v)]):
            first = tf.constant(first, others[0].dtype)
        return _found(PLAIN_NAMES.get(self.function, self.function))(first, **arguments)


def _has_places(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    return any(size > 1 for size in np.shape(value)[-3:-1])


def _four_sides(value: Any) -> Any:
    known = value is not None and np.shape(value) == (4, 2) and not np.any([value[0], value[3]])
    return np.asarray(value).tolist() if known else None


def _found(name: str) -> Any:
    found: Any = tf
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _slices(spec: Any) -> Any:
    """Return what stands between the brackets of x[...]."""
    if isinstance(spec, list | tuple):
        return tuple(_slices(part) for part in spec)
    if isinstance(spec, dict) and spec.keys() == SLICE:
        return slice(spec["start"], spec["stop"], spec["step"])
    return ... if spec == ELLIPSIS else spec


class TensorFlowOperation(keras.Operation):  # type: ignore[misc]
    """An operation of a TensorFlow graph.

    Args:
        node: Its NodeDef as JSON.
        constants: Those of its inputs that are no tensors of the model, by their number.
        name: Of the layer.
    """

    def __init__(
        self, node: Any, constants: Mapping[str, Any] | None = None, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.node = json_format.ParseDict(node, node_def_pb2.NodeDef())
        if self.node.op not in ops.ALLOWED or self.node.op in ops.SOURCES:
            raise FvcliError(f"layer {name} is the operation {self.node.op!r}, which fvcli does not compute")
        self.constants = {int(number): value for number, value in (constants or {}).items()}
        self.kind = ops.kind_of(self.node.op)
        self.attrs = ops.attrs_of(self.node)
        self.axis = self._axis()

    @property
    def is_pointwise(self) -> bool:
        """Whether a position of what it makes depends on that position alone."""
        return self.node.op in {*ops.ELEMENTWISE, "BiasAdd", *ops.PASSED_ON}

    @property
    def has_places(self) -> bool:
        """Whether a constant has another value at each place of a map, which has one size then."""
        return self.is_pointwise and any(map(_has_places, self.constants.values()))

    @property
    def sides(self) -> Any:
        """What a ``pad`` puts before and after each axis, where the file has it."""
        return _four_sides(self.constants.get(1))

    def _axis(self) -> Any:
        """Return the axis that it works along, where it is a constant."""
        place = ops.AXIS_INPUT.get(self.node.op)
        inputs = [name for name in self.node.input if not name.startswith("^")]
        return None if place is None else self.constants.get(place % len(inputs))

    def call(self, tensors: Any) -> Any:
        """Return what the operation makes of one or several tensors."""
        given = list(tensors) if isinstance(tensors, list | tuple) else [tensors]
        count = len(given) + len(self.constants)
        precision = next((tensor.dtype for tensor in given if tensor.dtype.is_floating), tf.float32)
        values = [self.constants[i] if i in self.constants else given.pop(0) for i in range(count)]
        types = _types(self.node, self.attrs, count)
        types = [precision if dtype.is_floating else dtype for dtype in types]  # whatever it was in the file
        values = [
            tf.constant(value, dtype) if i in self.constants else tf.cast(value, dtype)
            for i, (value, dtype) in enumerate(zip(values, types, strict=True))
        ]
        if self.node.op in ops.PASSED_ON:
            return values[0]
        made = ops.run(self.node.op, self.attrs, values)
        return made[0] if len(made) == 1 or self.node.op in ops.NORMALIZATIONS else made


def _types(node: Any, attrs: Mapping[str, Any], count: int) -> list[tf.DType]:
    """Return the types of an operation's inputs, in their order."""
    from tensorflow.python.framework import op_def_registry

    found: list[tf.DType] = []
    for argument in op_def_registry.get(node.op).input_arg:
        dtype = tf.as_dtype(attrs[argument.type_attr] if argument.type_attr else argument.type)
        found += [dtype] * (attrs[argument.number_attr] if argument.number_attr else 1)
    if len(found) != count:
        raise ValueError(f"{node.op} reads {len(found)} tensors, not {count}")
    return found
