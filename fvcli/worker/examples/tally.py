"""What is kept of a block of pictures: sums, extremes, and all values of the pictures that are drawn."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field

import numpy as np

from fvcli.run.examples.choose import NONE
from fvcli.run.examples.crops import Crops
from fvcli.run.examples.layout import LOWEST, TOP
from fvcli.run.examples.parts import Arrays, BlockFacts
from fvcli.worker.examples.extremes import Extremes
from fvcli.worker.examples.feed import Fed
from fvcli.worker.examples.layer_maps import LayerMaps, refuse_infinite
from fvcli.worker.examples.look_up import Details
from fvcli.worker.examples.reduce_maps import Reduced


@dataclass(frozen=True)
class Drawn:
    """Numbers of the pictures that are drawn for samples, groups and effects; each holds the next."""

    sample: Set[int]
    shown: Set[int]
    effect: Set[int]


def kept_of_block(count: int, is_film: bool) -> int:
    """Return how many pictures of a block have to be kept so that so many of all are right.

    Of a film each that is chosen may push two of its block aside, those of the seconds before and behind it,
    and the blocks before and behind may push one aside each.
    """
    return 3 * count + 2 if is_film else count


class LayerTally:
    """What is kept of one layer.

    Args:
        units: How many.
        crops: Of the layer.
        seconds: int64, the second of a film in which each of its pictures is shown; None of pictures.
    """

    def __init__(self, units: int, crops: Crops, seconds: np.ndarray | None) -> None:
        self._units, self._crops = units, crops
        self._sum, self._positive = np.zeros(units), np.zeros(units, np.int64)
        self._fires = np.zeros(units, np.int64)
        self._max = np.full(units, -np.inf, np.float32)
        self._min = np.full(units, np.inf, np.float32)
        is_film = seconds is not None
        self._top = Extremes(units, kept_of_block(TOP, is_film), crops.cells, seconds)
        self._low = Extremes(units, kept_of_block(LOWEST, is_film), crops.cells, seconds)
        self._sample: list[np.ndarray] = []
        self._shown: list[Details] = []

    def add(self, number: int, fed: Fed, reduced: Reduced, maps: LayerMaps, drawn: Drawn) -> None:
        """Take a batch in.

        Args:
            number: The layer's place.
            fed: The batch.
            reduced: The layer on it.
            maps: Looks pairs up.
            drawn: Which pictures are drawn.
        """
        is_read = fed.is_read
        values = reduced.most
        self._add_sums(reduced, is_read)
        outside = ~is_read[:, None]
        in_top = self._top.may_be(np.where(outside, -np.inf, values), fed.numbers)
        in_low = self._low.may_be(np.where(outside, -np.inf, -values), fed.numbers)
        in_shown = is_read & _is_in(fed.numbers, drawn.shown)
        self._sample.append(values[is_read & _is_in(fed.numbers, drawn.sample)])
        pictures, units = np.nonzero(in_top | in_low)
        if len(pictures):
            found = maps.details(number, reduced, pictures, units)
            for extremes, chosen, sign in ((self._top, in_top, 1), (self._low, in_low, -1)):
                rows = np.nonzero(chosen[pictures, units])[0]
                of = pictures[rows], units[rows]
                numbers = fed.numbers[of[0]].astype(np.int32)
                extremes.add(of[1], numbers, sign * values[of], found.positions[rows], found.where[rows])
        if in_shown.any():
            self._shown.append(maps.details_of(number, reduced, np.nonzero(in_shown)[0]))

    def _add_sums(self, reduced: Reduced, is_read: np.ndarray) -> None:
        if not is_read.any():
            return
        self._sum += reduced.total[is_read].sum(axis=0)
        self._positive += reduced.positive[is_read].sum(axis=0)
        most = reduced.most[is_read]
        self._fires += (most > 0).sum(axis=0)
        np.maximum(self._max, most.max(axis=0), out=self._max)
        np.minimum(self._min, most.min(axis=0), out=self._min)

    def arrays(self, effect: np.ndarray) -> Arrays:
        """Return all of it as a part has it.

        Args:
            effect: float32 [E, units].
        """
        units, cells = self._units, self._crops.cells
        top, low = self._top.kept(units), self._low.kept(units)
        low["values"] = np.where(low["numbers"] == NONE, 0, -low["values"]).astype(np.float32)
        none = np.zeros((0, units), np.float32)
        positions = [details.positions for details in self._shown]
        where = [details.where for details in self._shown]
        return {
            "sum": self._sum,
            "positive": self._positive,
            "fires": self._fires,
            "max": self._max,
            "min": self._min,
            **{f"top_{name}": array for name, array in top.items()},
            **{f"low_{name}": array for name, array in low.items()},
            "sample": np.concatenate([none, *self._sample]),
            "shown_positions": np.concatenate([none.astype(np.int32), *positions]),
            "shown_where": np.concatenate([np.zeros((0, units, *cells), np.uint8), *where]),
            "effect": effect,
        }


@dataclass
class BlockTally:
    """What is kept of a block.

    layers: Of each layer.
    drawn: Which pictures are drawn.
    names: Of all pictures, for messages.
    """

    layers: Sequence[LayerTally]
    drawn: Drawn
    names: Sequence[str]
    _read: list[int] = field(default_factory=list)
    _skipped: list[tuple[int, str]] = field(default_factory=list)
    _for_effects: list[tuple[int, np.ndarray]] = field(default_factory=list)

    def add(self, fed: Fed, reduced: Sequence[Reduced], maps: LayerMaps) -> None:
        """Take a batch in.

        Raises:
            FvcliError: A layer is not finite for a picture.
        """
        is_read = fed.is_read
        named = [self.names[number] if number >= 0 else "" for number in fed.numbers.tolist()]
        for layer, of_layer in zip(maps.channels, reduced, strict=True):
            refuse_infinite(of_layer, is_read, layer, maps.channels[layer], named)
        for number, (tally, of_layer) in enumerate(zip(self.layers, reduced, strict=True)):
            tally.add(number, fed, of_layer, maps, self.drawn)
        images = None
        for i, picture in enumerate(fed.numbers.tolist()):
            if is_read[i]:
                self._read.append(picture)
            elif picture >= 0:
                self._skipped.append((picture, fed.reasons[i]))
            if is_read[i] and picture in self.drawn.effect:
                images = fed.images.numpy() if images is None else images
                self._for_effects.append((picture, images[i].copy()))

    @property
    def skipped(self) -> Sequence[tuple[int, str]]:
        return self._skipped

    @property
    def for_effects(self) -> list[np.ndarray]:
        """The pictures that effects are worked out of, uint8 [h, w, channels] each."""
        return [pixels for _, pixels in self._for_effects]

    def facts(self, predicted: np.ndarray) -> BlockFacts:
        """Return what a part says of its pictures.

        Args:
            predicted: int32, the class of each picture of ``for_effects``.
        """
        read = np.array(self._read, np.int32)
        return BlockFacts(
            read=read,
            skipped=self._skipped,
            sample=read[_is_in(read, self.drawn.sample)],
            shown=read[_is_in(read, self.drawn.shown)],
            effect=np.array([number for number, _ in self._for_effects], np.int32),
            predicted=predicted,
        )


def _is_in(numbers: np.ndarray, chosen: Set[int]) -> np.ndarray:
    return np.array([number in chosen for number in numbers.tolist()], bool)
