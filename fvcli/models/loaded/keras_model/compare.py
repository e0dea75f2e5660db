"""Hold what fvcli computes against what Keras itself does, layer by layer, before anything is rendered.

Each layer is computed from what Keras has made of the layers before it, so that rounding does not grow from
layer to layer, and the first that differs is the one at fault. If none does, the whole network is the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from keras.src.backend.common.masking import get_keras_mask, set_keras_mask

from fvcli.errors import FvcliError
from fvcli.models.choice import Preprocessing
from fvcli.models.files.words_of_others import reason_of
from fvcli.models.graph import IMAGE, Node, Pair, layer_facts
from fvcli.models.loaded.keras_model.checked_sizes import wrong_sizes
from fvcli.models.loaded.keras_model.reference import KerasReference
from fvcli.models.loaded.network_graph import NetworkGraph
from fvcli.models.loaded.probe_pictures import noise
from fvcli.optvis.network import Network, Reading

PICTURES = 2
BATCH = PICTURES + 1  # which Keras gets; fvcli gets the two alone, so that a layer that mixes a batch shows
MOST_BYTES = 2**31  # of the outputs of all layers
TOLERANCE = 1e-4  # a share of a layer's largest number; rounding makes 3e-6 of it in ResNet-50
CANCELLED = 1e-2  # numbers a hundred times smaller than those they are made of are measured by these
LOOSE_TOLERANCE = 1e-2  # where rounding grows from layer to layer, or Keras rounds pictures to whole numbers
REPORT = "fvcli reads this network wrongly; please report it with the file"
Layers = dict[str, tf.Tensor]


def compare_with_keras(
    network: NetworkGraph, size_px: Pair, preprocessing: Preprocessing, name: str
) -> str | None:
    """Compare all layers on two pictures of noise; return what could not be compared, as a sentence.

    Args:
        network: A Keras model that was laid open.
        size_px: Height and width of the pictures.
        preprocessing: What becomes of them first.
        name: Of the model, for messages.

    Raises:
        FvcliError: fvcli computes another network than Keras, or the network cannot be computed.
    """
    reference = network.reference
    if reference is None:
        return None
    count = _count(network, reference, size_px)
    if not count:
        return f"not compared with Keras, because all layers at once take more than {MOST_BYTES / 2**30:g} GB"
    pictures = _pictures(network, reference, size_px, preprocessing, count)
    try:
        layers = _by_keras(reference, pictures, name)
    except FvcliError:
        raise
    except Exception as error:  # whatever Keras and TensorFlow raise
        reading = Network(network.graph, (0.0, 1.0))(pictures, redirect=False)
        for node in network.nodes:
            _read(reading, node, name)
        return f"not compared with Keras, which cannot compute this network here ({reason_of(error)})"
    layers = {layer: values for layer, values in layers.items() if _is_of_pictures(values)}
    if reference.batch is None:
        layers = {layer: _begin(values) for layer, values in layers.items()}
        pictures = pictures[:PICTURES]
    _check_sizes(network, layers, size_px, name)
    if (found := _first_to_differ(network, pictures, layers, name)) is None:
        return None
    if reference.batch is None:
        others = _run(reference.layers, pictures)
        _refuse_mixing(layers[found.node.name], others[found.node.name], found.node.name, name)
    raise FvcliError(
        f"{name}: fvcli does not compute what Keras does. The first layer to differ is {found.node.name} "
        f"({found.node.kind}), by {found.difference:.3g} where its largest number is {found.largest:.3g}",
        REPORT,
    )


def _count(network: NetworkGraph, reference: KerasReference, size_px: Pair) -> int:
    """Return how many pictures Keras gets: fewer where their layers take too much memory, perhaps none."""
    each = sum(layer.output_bytes for layer in layer_facts(network.nodes, size_px).values())
    wanted = (BATCH, 1) if reference.batch is None else (reference.batch,)
    return next((count for count in wanted if count * each <= MOST_BYTES), 0)


def _pictures(
    network: NetworkGraph, reference: KerasReference, size_px: Pair, preprocessing: Preprocessing, count: int
) -> tf.Tensor:
    """Return noise as the network takes it."""
    low, high = (np.asarray(end, np.float32) for end in preprocessing.ends)
    pictures = low + noise(*size_px, network.channels, min(count, BATCH)) * (high - low)
    pictures = np.resize(pictures, (count, *pictures.shape[1:]))
    return tf.constant(pictures if reference.takes_floats else np.round(pictures))


# ---- Keras


def _by_keras(reference: KerasReference, pictures: tf.Tensor, name: str) -> Layers:
    """Return what Keras makes of pictures, layer by layer.

    Raises:
        FvcliError: The model as a whole computes something else, or mixes a batch that it fixes.
    """
    layers, outputs = _run(reference.layers_and_outputs, pictures)
    for i, (by_layers, whole) in enumerate(outputs):
        difference, largest = _difference(by_layers, whole)
        if not difference <= LOOSE_TOLERANCE * largest:
            raise FvcliError(
                f"{name}: output {i} of the model as a whole differs from that of its layers one by one, by "
                f"{difference:.3g} where its largest number is {largest:.3g}",
                REPORT,
            )
    if reference.batch is not None:
        others = _run(reference.layers, tf.repeat(pictures[:1], len(pictures), axis=0))
        for layer, values in layers.items():
            _refuse_mixing(_first(values), _first(others[layer]), layer, name)
    return layers


def _first(values: tf.Tensor) -> tf.Tensor:
    return values[:1] if values.shape.rank else values


def _run(compute: Callable[[tf.Tensor], Any], pictures: tf.Tensor) -> Any:
    """Compute with Keras; on a CPU, layers with channels first can only be compiled."""
    try:
        return compute(pictures)
    except tf.errors.OpError:
        return tf.function(compute, jit_compile=True)(pictures)


def _refuse_mixing(alone: tf.Tensor, among: tf.Tensor, layer: str, name: str) -> None:
    difference, largest = _difference(alone, among)
    if not difference <= LOOSE_TOLERANCE * largest:
        raise FvcliError(
            f"{name}: layer {layer} mixes the pictures of a batch, and a picture would depend on the others",
            "build the model without it",
        )


# ---- fvcli


def _check_sizes(network: NetworkGraph, layers: Layers, size_px: Pair, name: str) -> None:
    made = {layer: tuple(values.shape[1:3]) for layer, values in layers.items() if values.shape.rank == 4}
    if (wrong := next(wrong_sizes(network.nodes, made, size_px), None)) is not None:
        derived = layer_facts(network.nodes, size_px)[wrong]
        raise FvcliError(
            f"{name}: fvcli takes layer {wrong} for {derived.height} x {derived.width}, and its map is "
            f"{made[wrong][0]} x {made[wrong][1]}",
            REPORT,
        )


def _is_of_pictures(values: tf.Tensor) -> bool:
    """Tell whether a layer has numbers for each picture: not how many there are, or how large they are.

    What has none is not compared itself. Whatever reads it is.
    """
    return bool(values.dtype.is_floating and values.shape.rank)


def _begin(values: tf.Tensor) -> tf.Tensor:
    """Return what is of the first pictures, masked as it was."""
    begin, mask = values[:PICTURES], get_keras_mask(values)
    if mask is not None:
        set_keras_mask(begin, mask[:PICTURES])
    return begin


class _Difference(NamedTuple):
    """Where a layer differs: by how much at most, and what its largest number is."""

    node: Node
    difference: float
    largest: float


def _first_to_differ(
    network: NetworkGraph, pictures: tf.Tensor, layers: Layers, name: str
) -> _Difference | None:
    """Compute each layer from those before it as Keras has them, until one differs.

    Raises:
        FvcliError: A layer cannot be computed.
    """
    calls = network.graph.calls
    known = {calls[layer]: values for layer, values in layers.items() if layer in calls}
    scales = {IMAGE: float(tf.reduce_max(tf.abs(pictures)))}
    tolerance = LOOSE_TOLERANCE if network.takes_whole_numbers else TOLERANCE
    own = Network(network.graph, (0.0, 1.0))
    for node in network.nodes:
        call = calls[node.name]
        if call not in known:
            continue
        others = {one: values for one, values in known.items() if one is not call}
        made = _read(Reading(own, pictures, False, others), node, name)
        difference, largest = _difference(made, known[call])
        scales[node.name] = largest
        below = max((scales.get(source, 0.0) for source in node.inputs), default=0.0)
        if not difference <= tolerance * max(largest, CANCELLED * below):
            return _Difference(node, difference, largest)
    return None


def _read(reading: Reading, node: Node, name: str) -> Any:
    try:
        return reading.value(node.name)
    except FvcliError as error:
        raise FvcliError(f"{name}: {error.message}", error.hint) from error
    except Exception as error:  # whatever Keras and TensorFlow raise
        message = f"{name}: its layer {node.name} cannot be computed ({reason_of(error)})"
        raise FvcliError(message) from error


def _difference(own: tf.Tensor, theirs: tf.Tensor) -> tuple[float, float]:
    """Return the largest difference and number; what is not finite has to be the same, and what is masked."""
    masks = [mask for values in (own, theirs) if (mask := get_keras_mask(values)) is not None]
    same_masks = not masks or (len(masks) == 2 and bool(tf.reduce_all(masks[0] == masks[1])))
    own, theirs = tf.cast(own, tf.float32), tf.cast(theirs, tf.float32)
    if own.shape != theirs.shape or not same_masks:
        return math.inf, float(tf.reduce_max(tf.abs(theirs)))
    if not own.shape.num_elements():
        return 0.0, 0.0
    apart, largest = (float(tf.reduce_max(tf.abs(values))) for values in (own - theirs, theirs))
    return (apart, largest) if math.isfinite(apart) else _finite_difference(own.numpy(), theirs.numpy())


def _finite_difference(own: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    finite = np.isfinite(theirs)
    same = np.array_equal(own[~finite], theirs[~finite], equal_nan=True)
    apart = float(np.abs(own[finite] - theirs[finite]).max(initial=0.0)) if same else math.inf
    return apart, float(np.abs(theirs[finite]).max(initial=0.0))
