"""Read several layers at once, and reduce each to what is kept of a picture; see ``reduce_maps``.

Only then it is known which pictures may be shown. Of these alone the maps are looked at again, for the column
and for what other positions of the crop say; see ``look_up``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from fvcli.errors import FvcliError, some_of
from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.calls import Call, Normalization
from fvcli.optvis.compiled import compiled
from fvcli.optvis.fold import Folded
from fvcli.optvis.network import Network, Reading
from fvcli.run.examples.crops import Crops
from fvcli.worker.examples import reduce_maps
from fvcli.worker.examples.look_up import Details, Pairs, in_memory, of_pictures, on_device
from fvcli.worker.examples.reduce_maps import Reduced

WHITE = np.float32(255)


class LayerMaps:
    """Reads the asked channels of some layers.

    Args:
        model: The network.
        channels: By layer, ascending.
        crops: By layer.
        size_px: What the network sees.
        batch: How many pictures at a time.
        on_gpu: Whether maps are in the memory of a GPU, and pairs are looked up there.
    """

    def __init__(
        self,
        model: LoadedModel,
        channels: Mapping[str, Sequence[int]],
        crops: Mapping[str, Crops],
        size_px: tuple[int, int],
        batch: int,
        on_gpu: bool = False,
    ) -> None:
        self.channels = channels
        self.network = plain_network(model, channels)
        self._crops = crops
        self.size_px, self.batch = size_px, batch
        self._pixels = tf.TensorSpec([batch, *size_px, model.facts.input_channels], tf.uint8)
        self._on_gpu = on_gpu
        self._read = compiled(self._reduced_there if on_gpu else self._maps)
        make = on_device if on_gpu else in_memory
        self._look_up = [make(crops[layer]) for layer in channels]
        self._crops_of = [crops[layer] for layer in channels]

    def reduce(self, images: tf.Tensor) -> list[Reduced]:
        """Return every layer on a batch of pictures, uint8 [batch, h, w, channels]."""
        images = tf.ensure_shape(images, self._pixels.shape)
        from_ = reduce_maps.of_graph if self._on_gpu else reduce_maps.in_memory
        return [from_(found) for found in self._read(images)]

    def details(self, layer: int, reduced: Reduced, pictures: np.ndarray, units: np.ndarray) -> Details:
        """Look pairs of a layer up.

        Args:
            layer: Its place among the layers.
            reduced: The layer on a batch.
            pictures, units: [K], places in the batch and among the units.
        """
        most, row = reduced.most[pictures, units], reduced.row[pictures, units]
        return self._look_up[layer](reduced.maps, Pairs(pictures, units, row, most))

    def details_of(self, layer: int, reduced: Reduced, pictures: np.ndarray) -> Details:
        """Look all units of a layer up, of some pictures: positions [pictures, units], where with cells.

        Args:
            layer: Its place among the layers.
            reduced: The layer on a batch.
            pictures: [P], places in the batch.
        """
        return of_pictures(self._look_up[layer], self._crops_of[layer], reduced, pictures)

    def _reduced_there(self, images: tf.Tensor) -> list[tuple[tf.Tensor, ...]]:
        return [reduce_maps.in_graph(maps) for maps in self._maps(images)]

    def _maps(self, images: tf.Tensor) -> list[tf.Tensor]:
        """Return the asked channels of each layer, [batch, h, w, units]."""
        read = self.network(tf.cast(images, tf.float32) / WHITE, redirect=False)
        found = []
        for layer, chosen in self.channels.items():
            maps = asked_channels(read, layer, chosen)
            shape = self.batch, *self._crops[layer].positions, len(chosen)
            found.append(tf.cast(tf.ensure_shape(maps, shape), tf.float32))
        return found


class PlainNetwork(Network):
    """A network in which what is asked for is a part of what is behind it.

    A BatchNormalization is folded into the convolution below it, and what is behind does not read that
    convolution any more. Where the convolution itself is asked for, it is not folded: it would be computed
    twice, and the logits would have no gradient with respect to it.
    """

    asked: frozenset[Call] = frozenset()

    def folded(self, call: Call) -> Folded | None:
        """See ``Network``."""
        if isinstance(call.role, Normalization) and call.inputs[0] in self.asked:
            return None
        return super().folded(call)


def plain_network(model: LoadedModel, layers: Mapping[str, Sequence[int]]) -> PlainNetwork:
    """Return the network as it is, for pictures of its own size."""
    preprocessing = model.facts.preprocessing
    network = PlainNetwork(
        model.graph, preprocessing.ends, reverse_channels=preprocessing.channel_order == "BGR"
    )
    network.asked = frozenset(model.graph.calls[layer] for layer in layers)
    return network


def asked_channels(read: Reading, layer: str, channels: Sequence[int]) -> tf.Tensor:
    """Return the asked channels of a layer, [batch, h, w, units]."""
    maps = read(layer)
    if list(channels) == list(range(maps.shape[-1])):
        return maps
    return tf.gather(maps, tf.constant(channels, tf.int32), axis=-1)


def refuse_infinite(
    reduced: Reduced, is_read: np.ndarray, layer: str, channels: Sequence[int], names: Sequence[str]
) -> None:
    """Raise FvcliError if a layer says of a picture what is no number.

    Args:
        reduced: The layer on a batch.
        is_read: Which places have a picture, bool [batch].
        layer: Its name.
        channels: Its units.
        names: Of the pictures, [batch].
    """
    # a maximum may pass over NaN, the sum does not
    wrong = ~(np.isfinite(reduced.most) & np.isfinite(reduced.total)) & is_read[:, None]
    if not wrong.any():
        return
    picture = int(wrong.any(axis=1).argmax())
    units = [str(channels[unit]) for unit in np.nonzero(wrong[picture])[0].tolist()]
    which = f"channel{'s' if len(units) > 1 else ''} {some_of(units, 'channel')}"
    message = f"{layer}, {which}: not finite for the picture {names[picture]}"
    raise FvcliError(message, "check the model and its preprocessing: fvcli inspect MODEL")
