"""What is known of a chapter's entries beside their pictures: photos, classes, relatives, weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from markupsafe import Markup

from fvcli.atlas.site.charts import Chart, number
from fvcli.atlas.site.collect import Chapter
from fvcli.atlas.site.layout import isolated
from fvcli.atlas.site.photos import CLASSES_SHOWN, FACTS, PUSHED, Photos
from fvcli.run.examples.layout import TOP
from fvcli.run.unit_links import LayerLinks, Neighbour, Strongest

LINKS_SHOWN = 8
LIKE = {
    "activations": "Units of this layer that are active on the same photos, the nearest first. Likeness is 1 "
    "for two units that always rise and fall together, and 0 for two that have nothing in common.",
    "pictures": "Units of this layer whose pictures look alike, the nearest first. Likeness is 1 for equal "
    "pictures. No photos are known.",
}
CLASSES_BYTES = 400_000  # of a page's names and numbers of classes, so that its data stay below a megabyte
MAPPED = {
    "activations": "Units that are active on the same photos stand together.",
    "pictures": "Units whose pictures look alike stand together. No photos are known.",
}
Tile = Markup


@dataclass(frozen=True)
class FilterClasses:
    """The classes that a page of a layer can be filtered by.

    names: In the order of the alphabet, whatever their case.
    of: Of each entry of the page positions in ``names``, the most frequent class of its photos first.
    said: What the filter knows, in words.
    """

    names: Sequence[str] = ()
    of: Sequence[Sequence[int]] = ()
    said: str = ""


@dataclass(frozen=True)
class Evidence:
    """See above. Everything is asked for by the position of an entry in its chapter.

    chapter: Which.
    photos: Of the layer, where it has some.
    weights: From and to units of other layers, where they are known.
    labels: Names of classes.
    is_run_with_photos: Whether the run has photos, though perhaps none of this layer.
    """

    chapter: Chapter
    photos: Photos | None = None
    weights: LayerLinks | None = None
    labels: Sequence[str] = ()
    is_run_with_photos: bool = False

    @property
    def source(self) -> str:
        """What likeness is measured on."""
        return "activations" if self.photos is not None else "pictures"

    @property
    def map_said(self) -> str:
        return MAPPED[self.source]

    @property
    def similar_said(self) -> str:
        return LIKE[self.source]

    # ---- photos

    @property
    def _is_map(self) -> bool:
        facts = self.chapter.facts
        return not facts or facts["height"] * facts["width"] > 1

    @cached_property
    def _rows(self) -> list[int | None]:
        """The row of each entry in the arrays of photos."""
        photos = self.photos
        numbers = [entry.number for entry in self.chapter.entries]
        return [None if photos is None or one is None else photos.arrays.row(one) for one in numbers]

    def photos_of(self, place: int) -> tuple[Photos, int] | None:
        """Return the photos and the row of an entry in their arrays, or None if it has none."""
        row = self._rows[place]
        return None if self.photos is None or row is None else (self.photos, row)

    def lacks_photos(self, place: int) -> bool:
        """Tell whether an entry has no photos though others of the run have some, and it could have them."""
        is_channel = self.chapter.is_layer and self.chapter.entries[place].number is not None
        return self.is_run_with_photos and is_channel and self._rows[place] is None

    @cached_property
    def without_photos(self) -> int:
        """How many entries lack photos."""
        return sum(map(self.lacks_photos, range(len(self.chapter.entries))))

    def vectors(self) -> np.ndarray | None:
        """Return how active entries are on the photos of the gallery, float32 [entries, gallery]."""
        if self.photos is None:
            return None
        known = self.photos.arrays.vectors
        table = np.zeros((len(self._rows), known.shape[1]), np.float32)
        for place, row in enumerate(self._rows):
            if row is not None:
                table[place] = known[row]
        return table

    def facts(self, place: int) -> Mapping[str, float | None]:
        """Return what was measured on photos: mean, ends, shares of photos and places that it fires on."""
        told = self.photos_of(place)
        return dict.fromkeys(FACTS) if told is None else told[0].facts(told[1])

    def top_classes(self, place: int) -> list[str]:
        """Return the most frequent classes of the photos that activate an entry most."""
        return self._classes[place][:CLASSES_SHOWN]

    @cached_property
    def _classes(self) -> list[list[str]]:
        """All classes of the photos that activate each entry most; pages, scripts and tables ask for them."""
        told = map(self.photos_of, range(len(self.chapter.entries)))
        return [[] if one is None else one[0].top_classes(one[1]) for one in told]

    def filter_classes(self, begin: int, end: int) -> FilterClasses:
        """Return what entries are filtered by: all classes of their top photos, or the most frequent ones.

        Args:
            begin, end: Positions of the first entry and of the one behind the last.
        """
        shown = self._classes[begin:end]
        what = "photo" if self.photos is None else self.photos.what
        said = f"of its {TOP} top {what}s"
        if _bytes_of(shown) > CLASSES_BYTES:
            shown = [one[:CLASSES_SHOWN] for one in shown]
            said = f"{CLASSES_SHOWN} most frequent {said}"
        names = sorted({name for one in shown for name in one}, key=lambda name: (name.casefold(), name))
        place_of = {name: i for i, name in enumerate(names)}
        return FilterClasses(names, [[place_of[name] for name in one] for one in shown], said)

    def summary(self, place: int) -> str:
        """Say how an entry behaves on photos."""
        told = self.photos_of(place)
        return "" if told is None else told[0].summary(told[1], self._is_map)

    def shown(self, place: int) -> dict[str, Any] | None:
        """Return the photos of an entry."""
        told = self.photos_of(place)
        return None if told is None else told[0].shown(told[1], self._is_map)

    def histogram(self, place: int) -> tuple[Chart, str] | None:
        told = self.photos_of(place)
        return None if told is None else told[0].histogram(told[1])

    # ---- classes

    def classes(self, place: int, page_of: Callable[[int], str]) -> dict[str, Any] | None:
        """Return the classes that an entry pushes up and down.

        Args:
            place: Of the entry.
            page_of: Returns the page of a class, or nothing.
        """
        told = self.photos_of(place)
        found = (told[0].effects(told[1]) if told is not None else None) or self._weights_to_classes(place)
        if found is None:
            return None
        ids, values, said = found
        rows = [
            {
                "name": self.labels[one] if one < len(self.labels) else str(one),
                "href": page_of(one),
                "value": signed(value),
                "sign": "plus" if value > 0 else "minus",
            }
            for one, value in zip(map(int, ids), map(float, values), strict=True)
            if one >= 0 and value
        ]
        return {"rows": rows, "said": said} if rows else None

    def _weights_to_classes(self, place: int) -> tuple[np.ndarray, np.ndarray, str] | None:
        row = self._linked_row(place)
        if self.weights is None or self.weights.to_classes is None or row is None:
            return None
        found = self.weights.to_classes
        said = f"{PUSHED} The number is the weight from the unit to the score of the class."
        return found.channels[row], found.weights[row], said

    # ---- weights from and to other layers

    def _linked_row(self, place: int) -> int | None:
        channel = self.chapter.entries[place].number
        if self.weights is None or channel is None:
            return None
        row = int(np.searchsorted(self.weights.channels, channel))
        is_there = row < len(self.weights.channels) and self.weights.channels[row] == channel
        return row if is_there else None

    def link_figures(
        self, place: int, tile_of: Callable[[str, int], Tile | None]
    ) -> Iterator[dict[str, Any]]:
        """Yield the figures of weights from and to units of other layers.

        Args:
            place: Of the entry.
            tile_of: Returns the tile of a channel, or None where the atlas does not have it.
        """
        row = self._linked_row(place)
        if self.weights is None or row is None:
            return
        sides = (
            (9, "from", self.weights.to_below, self.weights.below),
            (10, "to", self.weights.to_above, self.weights.above),
        )
        for figure, word, part, layers in sides:
            pairs = _strongest(part, row, layers, tile_of) if part is not None else []
            if pairs:
                yield _link_figure(figure, word, pairs, layers)


def _bytes_of(classes: Sequence[Sequence[str]]) -> int:
    """Return how long a page's names of classes and their numbers are in its data, at most."""
    names = {name for one in classes for name in one}
    return sum(len(json.dumps(name)) + 1 for name in names) + sum(6 * len(one) for one in classes)


Pair = tuple[str, Tile, float]  # layer, tile, weight


def _strongest(
    part: Strongest, row: int, layers: Sequence[Neighbour], tile_of: Callable[[str, int], Tile | None]
) -> list[Pair]:
    """Return the strongest weights to units that the atlas has."""
    found = zip(part.layers[row], part.channels[row], part.weights[row], strict=True)
    pairs = []
    for layer, channel, weight in found:
        name = layers[int(layer)].layer
        tile = tile_of(name, int(channel)) if int(channel) >= 0 and weight else None
        if tile is not None:
            pairs.append((name, tile, float(weight)))
    return sorted(pairs, key=lambda one: -abs(one[2]))[:LINKS_SHOWN]


def _link_figure(
    figure: int,
    word: str,
    pairs: Sequence[Pair],
    layers: Sequence[Neighbour],
) -> dict[str, Any]:
    named = [*dict.fromkeys(layer for layer, _, _ in pairs)]
    through = max(one.mixing for one in layers if one.layer in named)
    layers_said = " and ".join(map(isolated, named))
    drives = "which drive this one" if word == "from" else "which this one drives"
    said = (
        f"Units of {layers_said} in this atlas {drives} most, by the weights between them. The number is the "
        "size of these weights: above 0 where more of one is more of the other, below 0 where it is less."
    )
    if through > 1:
        said += (
            f" Here the weights of {through} layers are multiplied, as if nothing else stood between them, "
            "so that only order and sign of the numbers say something."
        )
    return {"number": figure, "said": said, "tiles": [(tile, signed(weight)) for _, tile, weight in pairs]}


def signed(value: float) -> str:
    """Write a number with its sign."""
    return ("+" if value > 0 else "") + number(value)
