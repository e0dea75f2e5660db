"""What Keras itself makes of pictures, layer by layer, to hold a model that was laid open against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend.common.masking import get_keras_mask, set_keras_mask

from fvcli.models.loaded.keras_model.calls import activated, has_activation_apart
from fvcli.models.loaded.keras_model.fill import filled_value
from fvcli.models.loaded.keras_model.layer_call import (
    adds_bias_to_columns,
    called,
    twin_without_activation,
)
from fvcli.models.loaded.keras_model.original_names import title_of
from fvcli.models.loaded.keras_model.permutations import FIRST_TO_LAST, LAST_TO_FIRST
from fvcli.models.loaded.keras_model.picture_input import PictureInput
from fvcli.models.loaded.keras_model.wiring import PRE_ACTIVATION, Addresses, graph_of, inputs_among

Pair = tuple[tf.Tensor, tf.Tensor]


@dataclass(frozen=True)
class KerasReference:
    """A model as Keras has it, and what of it was laid open.

    model, function: It, and its graph of layers.
    picture: Where the picture comes in.
    first: Whether the picture has its channels first.
    fill: What other inputs are filled with.
    turned: Names of the layers that have their channels first in the model.
    """

    model: keras.Model
    function: Any
    picture: PictureInput
    first: bool
    fill: Mapping[str, float]
    turned: frozenset[str] = frozenset()

    @property
    def takes_floats(self) -> bool:
        return bool(keras.backend.is_float_dtype(self.picture.tensor.dtype))

    @property
    def _trains(self) -> bool:
        """Tell whether a layer is told to train, though the model is not."""
        calls = [node for layer in self.model._flatten_layers() for node in layer._inbound_nodes]
        return any(node.arguments.kwargs.get("training") is True for node in calls)

    @property
    def batch(self) -> int | None:
        """How many pictures the model takes at a time, or None for any number."""
        return next((t.shape[0] for t in self.function.inputs if t.shape[0] is not None), None)

    def layers(self, pictures: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the output of every layer by its address, maps with channels last.

        Args:
            pictures: [batch, height, width, channels] as the network takes them.
        """
        return self._recorded(pictures)[0].seen

    def layers_and_outputs(self, pictures: tf.Tensor) -> tuple[dict[str, tf.Tensor], list[Pair]]:
        """Return the output of every layer, and the outputs of the model: layer by layer, and as a whole.

        There is nothing to compare where the picture takes the place of a layer, where layers are told to
        train, or where Keras as a whole has a fault that is left out here.
        """
        recording, outputs = self._recorded(pictures)
        if self.picture.address is not None or recording.repaired or self._trains:
            return recording.seen, []
        given = keras.tree.pack_sequence_as(self.function._inputs_struct, self._inputs(pictures))
        whole = keras.tree.flatten(self.model(given, training=False))
        return recording.seen, list(zip(outputs, whole, strict=True))

    def _recorded(self, pictures: tf.Tensor) -> tuple[_Recording, list[tf.Tensor]]:
        recording = _Recording(self, self._as_taken(pictures))
        made = recording.run(self.function, self._inputs(pictures), "")
        return recording, keras.tree.flatten(made)

    def _inputs(self, pictures: tf.Tensor) -> list[tf.Tensor]:
        count = pictures.shape[0]
        return [
            self._as_taken(pictures)
            if t is self.picture.tensor
            else filled_value(t, self.fill.get(t.name, 0.0), count)
            for t in self.function.inputs
        ]

    def _as_taken(self, pictures: tf.Tensor) -> tf.Tensor:
        pictures = self.picture.of_its_rank(pictures)
        if self.first:
            pictures = tf.transpose(pictures, LAST_TO_FIRST)
        dtype = self.picture.tensor.dtype
        return pictures if keras.backend.is_float_dtype(dtype) else tf.cast(pictures, dtype)


class _Recording:
    """One run of a model by Keras's own wiring.

    seen: The output of every layer by its address.
    repaired: Whether a layer was computed better than Keras itself does.
    """

    def __init__(self, reference: KerasReference, picture: tf.Tensor) -> None:
        self.seen: dict[str, tf.Tensor] = {}
        self._reference, self._picture = reference, picture
        self._addresses = Addresses()
        self.repaired = False

    def run(self, function: Any, inputs: Sequence[Any], prefix: str) -> Any:
        return function._run_through_graph(
            inputs, operation_fn=lambda operation: partial(self._call, operation, prefix)
        )

    def _call(self, operation: Any, prefix: str, *args: Any, **kwargs: Any) -> Any:
        address = self._addresses.next(prefix + title_of(operation))
        if address == self._reference.picture.address:
            return self._picture
        inner = graph_of(operation)
        inputs = None if inner is None else inputs_among(args, kwargs)
        if inputs is not None:
            made = self.run(inner, inner._standardize_inputs(inputs), address + "/")
            return made[0] if isinstance(made, list | tuple) and len(made) == 1 else made
        made = self._made(operation, address, *args, **kwargs)
        outputs = keras.tree.flatten(made)
        for i, output in enumerate(outputs):
            self._see(address if len(outputs) == 1 else self._addresses.next(f"{address}:{i}"), output)
        self.repaired |= adds_bias_to_columns(operation, outputs[0])
        return made

    def _made(self, operation: Any, address: str, *args: Any, **kwargs: Any) -> Any:
        """Call a layer; look at what comes before its activation, which may squash all differences."""
        if not has_activation_apart(operation):
            return called(operation, *args, **kwargs)
        before = called(twin_without_activation(operation), *args, **kwargs)
        self._see(self._addresses.next(address + PRE_ACTIVATION), before)
        return activated(operation.activation, False, [before])

    def _see(self, name: str, value: tf.Tensor) -> None:
        """Keep what a layer made, with the mask that it has now: a later call may put another on it."""
        turned = name in self._reference.turned
        kept = tf.transpose(value, FIRST_TO_LAST) if turned else tf.raw_ops.Identity(input=value)
        if (mask := get_keras_mask(value)) is not None:
            set_keras_mask(kept, mask)
        self.seen[name] = kept
