"""What a unit does to the classes: by the weights where the way to the logits is linear, else by gradients.

    linear      a channel that is 1 at all positions instead of 0 changes the logits by so much
    otherwise   for the class k that the network takes a picture for
                sum over positions of  activation * d(logit k - mean of all logits) / d activation
                and of these the mean over the pictures that are taken for k; of a network with one logit
                the logit itself, because it is its own mean

The second is gradient x activation (Shrikumar et al. 2016, "Not Just a Black Box"), the first order of what
the logit would lose without the unit. It tells something of the classes that pictures were taken for only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from fvcli.models import ModelFacts
from fvcli.models.graph import ancestors
from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.compiled import compiled
from fvcli.optvis.network import Reading
from fvcli.worker.examples.layer_maps import WHITE, PlainNetwork, plain_network

AT_A_TIME = 8  # pictures whose gradients are worked out together, and channels that are set together
# Kinds that may stand between a layer and the logits where the way is linear; numbers tell whether it is.
MAY_BE_LINEAR = {
    "augmentation", "average_pool", "batch_norm", "bias_add", "conv", "dense", "dropout", "flatten",
    "global_pool", "identity", "mean", "noise", "reshape", "scale", "squeeze", "strided_slice", "transpose",
}  # fmt: skip
CLOSE = 1e-3  # of the logits' largest change, below which two changes are equal


class Effects:
    """Works out the effects of units on the classes.

    Args:
        model: The network.
        channels: By layer, ascending.
        size_px: What the network sees.
        lanes: How many gradients are worked out at a time.
    """

    def __init__(
        self,
        model: LoadedModel,
        channels: Mapping[str, Sequence[int]],
        size_px: tuple[int, int],
        lanes: int = 1,
    ) -> None:
        self._lanes = lanes
        self._facts = model.facts
        self._size_px = size_px
        self._channels = channels
        below = _below_logits(model.facts)
        self._network = plain_network(model, channels)
        self.by_weights = _by_weights(self._network, model.facts, channels, size_px, below)
        self._by_gradient = [
            layer
            for number, layer in enumerate(channels)
            if layer in below and str(number) not in self.by_weights
        ]
        self._work_out = compiled(self._worked_out)

    @property
    def need_pictures(self) -> bool:
        """Whether there is a layer whose effects are from gradients."""
        return bool(self._by_gradient)

    def of(self, pictures: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return the classes of pictures, and the effects in each layer.

        Args:
            pictures: uint8 [h, w, channels] each.

        Returns:
            int32 [E], and float32 [E, units] for each layer; [0, units] where that is not asked.
        """
        predicted = [np.zeros(0, np.int32)]
        found = [[np.zeros((0, len(chosen)), np.float32)] for chosen in self._channels.values()]
        begins = range(0, len(pictures) if self._by_gradient else 0, AT_A_TIME)
        groups = [list(pictures[begin : begin + AT_A_TIME]) for begin in begins]
        numbers = [list(self._channels).index(layer) for layer in self._by_gradient]
        with ThreadPoolExecutor(self._lanes) as pool:
            for classes, *scores in pool.map(self._of_some, groups):
                predicted.append(classes)
                for number, of_layer in zip(numbers, scores, strict=True):
                    found[number].append(of_layer)
        return np.concatenate(predicted), [np.concatenate(parts) for parts in found]

    def _of_some(self, pictures: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return classes and effects of a few pictures; empty places are filled with the first."""
        images = np.stack([*pictures, *[pictures[0]] * (AT_A_TIME - len(pictures))])
        return [part.numpy()[: len(pictures)] for part in self._work_out(tf.constant(images))]

    def _worked_out(self, images: tf.Tensor) -> list[tf.Tensor]:
        """Return the classes int32 [batch], then the effects [batch, units] of each layer."""
        scaled = tf.cast(images, tf.float32) / WHITE
        with tf.GradientTape() as tape:
            tape.watch(scaled)
            read = self._network(scaled, redirect=False)
            maps = [read.value(layer) for layer in self._by_gradient]
            logits = read(str(self._facts.logits))[:, 0, 0]
            classes = tf.argmax(logits, axis=-1, output_type=tf.int32)
            lead = tf.gather(logits, classes, batch_dims=1)
            if logits.shape[-1] != 1:
                lead -= tf.reduce_mean(logits, axis=-1)
        gradients = tape.gradient(lead, maps, unconnected_gradients="zero")
        found = []
        for layer, value, gradient in zip(self._by_gradient, maps, gradients, strict=True):
            product = tf.cast(value, tf.float32) * tf.cast(gradient, tf.float32)
            while product.shape.rank > 2:
                product = tf.reduce_sum(product, axis=1)
            found.append(tf.gather(product, list(self._channels[layer]), axis=-1))
        return [classes, *found]


def _below_logits(facts: ModelFacts) -> set[str]:
    """Return the layers that the logits are made from."""
    return set() if facts.logits is None else ancestors(facts.inputs_of, [facts.logits]) - {facts.logits}


def _by_weights(
    network: PlainNetwork,
    facts: ModelFacts,
    channels: Mapping[str, Sequence[int]],
    size_px: tuple[int, int],
    below: set[str],
) -> dict[str, np.ndarray]:
    """Return effects float32 [units, classes] by a layer's number, of layers from which the way is linear."""
    found = {}
    for number, (layer, chosen) in enumerate(channels.items()):
        if layer in below and _may_be_linear(facts, layer):
            effects = _Linear(network, facts, layer, size_px).effects(chosen)
            if effects is not None:
                found[str(number)] = effects
    return found


def _may_be_linear(facts: ModelFacts, layer: str) -> bool:
    """Tell whether all that stands between a layer and the logits may be linear, by its kind."""
    nodes = {node.name: node for node in facts.nodes}
    at = str(facts.logits)
    while at != layer:
        node = nodes.get(at)
        if node is None or node.kind not in MAY_BE_LINEAR or len(node.inputs) != 1:
            return False
        at = node.inputs[0]
    return True


class _Linear:
    """The way from a layer to the logits, tried with numbers."""

    def __init__(
        self, network: PlainNetwork, facts: ModelFacts, layer: str, size_px: tuple[int, int]
    ) -> None:
        self._network, self._facts, self._layer = network, facts, layer
        self._call, self._size = network.graph.calls[layer], size_px
        picture = tf.zeros([1, *size_px, facts.input_channels])
        self._shape = network(picture, redirect=False).value(layer).shape[1:]
        self._zero = self._logits(np.zeros((1, *self._shape), np.float32))

    def effects(self, channels: Sequence[int]) -> np.ndarray | None:
        """Return what each channel changes where it is 1 at all positions, or None if it is not linear."""
        if not self._is_linear():
            return None
        found = []
        for begin in range(0, len(channels), 8 * AT_A_TIME):
            some = channels[begin : begin + 8 * AT_A_TIME]
            values = np.zeros((len(some), *self._shape), np.float32)
            for i, channel in enumerate(some):
                values[i, ..., channel] = 1.0
            found.append(self._logits(values) - self._zero)
        return np.concatenate(found).astype(np.float32)

    def _is_linear(self) -> bool:
        """Tell whether twice as much does twice as much, whatever its sign and wherever it stands."""
        drawn = np.random.default_rng(0).normal(size=self._shape[-1]).astype(np.float32)
        even = np.broadcast_to(drawn, self._shape)
        at_once = np.zeros(self._shape, np.float32)
        at_once.reshape(-1, self._shape[-1])[0] = drawn * (even.size / drawn.size)
        changes = self._logits(np.stack([even, 2 * even, -even, at_once])) - self._zero
        scale = CLOSE * np.abs(changes[0]).max()
        same = [changes[1] / 2, -changes[2], changes[3]]
        return bool(scale > 0 and all(np.abs(change - changes[0]).max() <= scale for change in same))

    def _logits(self, values: np.ndarray) -> np.ndarray:
        """Return the logits [batch, classes] where the layer has these values."""
        images = tf.zeros([len(values), *self._size, self._facts.input_channels])
        known = {self._call: tf.constant(values)}
        read = Reading(self._network, images, redirect=False, known=known)
        return np.asarray(read(str(self._facts.logits))[:, 0, 0])
