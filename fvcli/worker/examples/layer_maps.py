"""Read several layers at once, and reduce each to what is kept of a picture.

    images -> network -> maps [batch, h, w, units]  --over columns--> strongest of each row --over rows--> max
                                                    --over both--> mean, share above 0

Only then it is known which pictures may be shown. Of these alone the maps are looked at again, for the column
and for what other positions of the crop say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from fvcli.errors import FvcliError
from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.calls import Call, Normalization
from fvcli.optvis.compiled import compiled
from fvcli.optvis.fold import Folded
from fvcli.optvis.network import Network, Reading
from fvcli.run.examples.crops import Crops

WHITE = np.float32(255)
INT32 = 2**31


class Reduced(NamedTuple):
    """A layer on a batch.

    maps: float32 [batch, h, w, units], which stay where they were computed.
    most: float32 [batch, units], the maximum over positions.
    row: int32 [batch, units], the first row that has it.
    mean: float32 [batch, units], over positions.
    positive: float32 [batch, units], the share of positions above 0.
    """

    maps: tf.Tensor
    most: np.ndarray
    row: np.ndarray
    mean: np.ndarray
    positive: np.ndarray


class Details(NamedTuple):
    """What is looked up of K pairs of a picture and a unit.

    positions: int32 [K], the first position that has the maximum, counted row by row.
    where: uint8 [K, cells down, cells across], of 255 for the maximum.
    """

    positions: np.ndarray
    where: np.ndarray


class LayerMaps:
    """Reads the asked channels of some layers.

    Args:
        model: The network.
        channels: By layer, ascending.
        crops: By layer.
        size_px: What the network sees.
        batch: How many pictures at a time.
    """

    def __init__(
        self,
        model: LoadedModel,
        channels: Mapping[str, Sequence[int]],
        crops: Mapping[str, Crops],
        size_px: tuple[int, int],
        batch: int,
    ) -> None:
        self.channels = channels
        self.network = plain_network(model, channels)
        self._crops = crops
        self.size_px, self.batch = size_px, batch
        self._pixels = tf.TensorSpec([batch, *size_px, model.facts.input_channels], tf.uint8)
        self._reduce = compiled(self._reduced)
        self._look_up = [self._details_of(crops[layer]) for layer in channels]

    def reduce(self, images: tf.Tensor) -> list[Reduced]:
        """Return every layer on a batch of pictures, uint8 [batch, h, w, channels]."""
        images = tf.ensure_shape(images, self._pixels.shape)
        return [Reduced(maps, *(part.numpy() for part in parts)) for maps, *parts in self._reduce(images)]

    def details(self, layer: int, reduced: Reduced, pictures: np.ndarray, units: np.ndarray) -> Details:
        """Look pairs of a layer up.

        Args:
            layer: Its place among the layers.
            reduced: The layer on a batch.
            pictures, units: [K], places in the batch and among the units.
        """
        most, row = reduced.most[pictures, units], reduced.row[pictures, units]
        pairs = (pictures.astype(np.int32), units.astype(np.int32), row, most)
        positions, where = self._look_up[layer](reduced.maps, *pairs)
        return Details(positions.numpy(), where.numpy())

    def _reduced(self, images: tf.Tensor) -> list[tuple[tf.Tensor, ...]]:
        read = self.network(tf.cast(images, tf.float32) / WHITE, redirect=False)
        found = []
        for layer, chosen in self.channels.items():
            maps = asked_channels(read, layer, chosen)
            shape = self.batch, *self._crops[layer].positions, len(chosen)
            found.append(_reduced(tf.ensure_shape(maps, shape)))
        return found

    def _details_of(self, crops: Crops) -> tf.types.experimental.GenericFunction:
        def look_up(
            maps: tf.Tensor, pictures: tf.Tensor, units: tf.Tensor, row: tf.Tensor, most: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor]:
            return _details(maps, pictures, units, row, most, crops)

        return tf.function(look_up, autograph=False, reduce_retracing=True)


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


def _reduced(maps: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Return the maps, and what is worked out of them, as ``Reduced`` has it."""
    height, width = maps.shape[1:3]
    if height == width == 1:
        most = maps[:, 0, 0]
        return maps, most, tf.zeros_like(most, tf.int32), most, tf.cast(most > 0, tf.float32)
    # pooling over a whole side is several times as fast as a reduction along it, and gives the same
    of_rows = tf.nn.max_pool2d(maps, (1, width), (1, width), "VALID")[:, :, 0]  # [batch, h, units]
    most = tf.reduce_max(of_rows, axis=1)
    numbers = tf.range(height, dtype=tf.int32)[None, :, None]
    row = tf.reduce_min(tf.where(of_rows >= most[:, None], numbers, height - 1), axis=1)
    return maps, most, row, _mean(maps), _mean(tf.cast(maps > 0, tf.float32))


def _mean(maps: tf.Tensor) -> tf.Tensor:
    """Return the mean over positions, [batch, units]."""
    side = tuple(maps.shape[1:3])
    return tf.nn.avg_pool2d(maps, side, side, "VALID")[:, 0, 0]


def _details(
    maps: tf.Tensor, pictures: tf.Tensor, units: tf.Tensor, row: tf.Tensor, most: tf.Tensor, crops: Crops
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return positions [K] and cells [K, down, across] of pairs, as ``Details`` has them."""
    if crops.positions == (1, 1):  # all that a vector has is its maximum, whatever its sign
        return row, tf.fill([tf.size(row), 1, 1], tf.constant(255, tf.uint8))
    width = maps.shape[2]
    row_of = _taken(maps, pictures, units, row[:, None], tf.range(width)[None])[:, 0]  # [K, w]
    numbers = tf.range(width, dtype=tf.int32)[None]
    column = tf.reduce_min(tf.where(row_of >= most[:, None], numbers, width - 1), axis=1)
    if crops.pooled != (1, 1):
        maps = tf.nn.max_pool2d(maps, crops.pooled, crops.pooled, "SAME")
    rows, columns = tf.gather(crops.rows, row), tf.gather(crops.columns, column)  # [K, down], [K, across]
    cells = _taken(maps, pictures, units, rows, columns)
    shares = tf.math.divide_no_nan(tf.maximum(cells, 0.0), tf.maximum(most, 0.0)[:, None, None])
    return row * width + column, tf.cast(tf.round(WHITE * tf.minimum(shares, 1.0)), tf.uint8)


def _taken(
    maps: tf.Tensor, pictures: tf.Tensor, units: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor
) -> tf.Tensor:
    """Return [K, rows, columns] of K maps, each at rows [K, R] and columns [K, C] of its own."""
    _, height, width, count = maps.shape
    kind = tf.int64 if maps.shape.num_elements() >= INT32 else tf.int32
    pictures, units, rows, columns = (tf.cast(part, kind) for part in (pictures, units, rows, columns))
    line = pictures[:, None] * height + rows  # [K, R]
    position = line[:, :, None] * width + columns[:, None]  # [K, R, C]
    return tf.gather(tf.reshape(maps, [-1]), position * count + units[:, None, None])


def refuse_infinite(reduced: Reduced, is_read: np.ndarray, layer: str, names: Sequence[str]) -> None:
    """Raise FvcliError if a layer says of a picture what is no number."""
    wrong = ~np.isfinite(reduced.most).all(axis=1) & is_read
    if wrong.any():
        picture = names[int(wrong.argmax())]
        message = f"{layer} is not finite for the picture {picture}"
        raise FvcliError(message, "check the model and its preprocessing: fvcli inspect MODEL")
