"""What photos, or frames of a film, say of a chapter's units: which activate them, how much, and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from fvcli.atlas.site import charts
from fvcli.atlas.site.charts import number
from fvcli.atlas.site.layout import PHOTOS, link
from fvcli.plan.terms import digest_of_text
from fvcli.run.examples import Examples, LayerArrays, LayerHead
from fvcli.run.examples.layout import COLUMNS, LOWEST_TILES, TILE_PX, TILES, TOP_TILES, group_tiles

CLASSES_SHOWN = 3  # of the photos that activate a unit most, in words
PUSHED = "The classes whose scores the unit raises (+) and lowers (\u2212) most."
BY_WEIGHTS = "The number is how much a score grows if the unit is 1 everywhere instead of 0."
BY_GRADIENT = (
    "The number is how much of a score, above the mean of all classes, is due to the unit on photos that the "
    "network takes for that class: gradient times activation, on {count}."
)
WHERE = ".where.png"
FACTS = ("mean", "max", "min", "fires", "density")


def photo_file(folder: str, channel: int, ending: str = ".jpg") -> str:
    """Return where the photos of a unit are in a site."""
    return f"{PHOTOS}/{folder}/{channel}{ending}"


@dataclass(frozen=True)
class Photos:
    """The photos of a layer. Units are asked for by their rows in the arrays.

    folder: Of the chapter in the site.
    """

    folder: str
    examples: Examples
    head: LayerHead
    arrays: LayerArrays

    @property
    def what(self) -> str:
        return "frame" if self.examples.head.video else "photo"

    def _counted(self, count: int) -> str:
        return f"{count:,} {self.what}{'' if count == 1 else 's'}"

    @cached_property
    def sum(self) -> str:
        """Two layers that share it have equal photos and numbers."""
        sizes = [(name, path.stat().st_size) for name, path in self.sheets() if path.exists()]
        numbers = sha256()
        for one in fields(self.arrays):
            numbers.update(getattr(self.arrays, one.name).tobytes())
        known = self.examples.head, self.examples.pictures
        return digest_of_text(repr((known, sizes, numbers.hexdigest())))

    def sheets(self) -> Iterator[tuple[str, Path]]:
        """Yield the sheets of all units: their place in a site, and where they are."""
        for channel in map(int, self.arrays.channels):
            yield photo_file(self.folder, channel), self.examples.sheet(self.head, channel)
            yield photo_file(self.folder, channel, WHERE), self.examples.where(self.head, channel)

    # ---- numbers

    def facts(self, row: int) -> dict[str, float]:
        """Return mean and ends of the activation, and the shares of photos and places it fires on."""
        return {name: float(f"{float(getattr(self.arrays, name)[row]):.5g}") for name in FACTS}

    def top_classes(self, row: int) -> list[str]:
        """Return the classes of the photos that activate a unit most, the most frequent first."""
        known = self.examples.pictures
        top = (known.get(int(picture)) for picture in self.arrays.pictures[row, TOP_TILES])
        names = [picture.class_name for picture in top if picture is not None and picture.class_name]
        return [name for name, _ in Counter(names).most_common()]

    def summary(self, row: int, is_map: bool) -> str:
        """Say how a unit behaves on photos.

        Args:
            row: Of the unit.
            is_map: Whether its layer has more than one place.
        """
        arrays, count = self.arrays, self._counted(self.examples.head.pictures)
        if not arrays.max[row] > 0:
            return f"It is above 0 on none of {count}."
        photos, places = (number(100 * float(share[row])) for share in (arrays.fires, arrays.density))
        ends = f"Mean {number(float(arrays.mean[row]))}, largest {number(float(arrays.max[row]))}."
        where = f" and at {places} % of all places" if is_map else ""
        return f"It is above 0 on {photos} % of {count}{where}. {ends}"

    def histogram(self, row: int) -> tuple[charts.Chart, str] | None:
        """Return the histogram of a unit and what it is of."""
        counts = [int(count) for count in self.arrays.histogram[row]]
        chart = charts.histogram(counts, [float(edge) for edge in self.arrays.bin_edges[row]])
        said = f"Largest activation of each {self.what}, of {self._counted(self.examples.head.sample)}."
        return None if chart is None else (chart, said)

    def effects(self, row: int) -> tuple[np.ndarray, np.ndarray, str] | None:
        """Return classes, how much a unit pushes each, and what that is; None where there are no classes."""
        if self.head.effect is None:
            return None
        count = self._counted(self.examples.head.effect_pictures)
        how = {"weights": BY_WEIGHTS, "gradient x activation": BY_GRADIENT.format(count=count)}
        said = f"{PUSHED} {how[self.head.effect]}"
        return self.arrays.effect_classes[row], self.arrays.effects[row], said

    # ---- pictures

    def shown(self, row: int, is_map: bool) -> dict[str, Any]:
        """Return the photos of a unit: the strongest, some of each part of the range, the weakest.

        Args:
            row: Of the unit.
            is_map: Whether its layer has more than one place, so that it can be seen where it fired.
        """
        channel, head, what = int(self.arrays.channels[row]), self.examples.head, self.what
        groups = [self._group(row, group) for group in reversed(range(head.groups))]
        groups.append({"interval": "the lowest of all", "cells": list(self._cells(row, LOWEST_TILES))})
        is_cut = tuple(self.head.crop_px) != tuple(head.size_px)
        height, width = self.head.crop_px
        cut = f" Cut to the {height} \u00d7 {width} px that one place sees." if is_cut else ""
        order = "no two within a second" if head.video else "strongest first"
        named = f" The name is the class of the {what}." if head.classes else ""
        return {
            "sheet": link(photo_file(self.folder, channel)),
            "what": what,
            "where": link(photo_file(self.folder, channel, WHERE)) if is_map else "",
            "width": COLUMNS * TILE_PX,
            "height": -(-TILES // COLUMNS) * TILE_PX,
            "top": list(self._cells(row, TOP_TILES)),
            "has_files": head.video is None,
            "groups": groups,
            "said": f"The {what}s that activate the unit most, {order}, of {self._counted(head.pictures)}"
            f" ({head.images}). The number is the largest activation anywhere in the {what}.{named}{cut}",
            "groups_said": f"All {what}s in ten equal groups by activation, each with the interval that it"
            f" spans on {self._counted(head.sample)}, and three {what}s of it that were drawn by chance.",
        }

    def _group(self, row: int, group: int) -> dict[str, Any]:
        low, high = (number(float(self.arrays.quantiles[row, group + end])) for end in (0, 1))
        interval = f"{10 * group} to {10 * (group + 1)} %: {low} to {high}"
        return {"interval": interval, "cells": list(self._cells(row, group_tiles(group)))}

    def _cells(self, row: int, tiles: Sequence[int]) -> Iterator[Mapping[str, Any]]:
        for tile in tiles:
            picture = int(self.arrays.pictures[row, tile])
            if picture >= 0:
                value = number(float(self.arrays.values[row, tile]))
                label, file = self._names(picture)
                called = f"at {label}" if self.examples.head.video else label or file
                yield {
                    "x": tile % COLUMNS,
                    "y": tile // COLUMNS,
                    "value": value,
                    "label": label,
                    "file": file,
                    "alt": f"{self.what} {called}, activation {value}",
                }

    def _names(self, picture: int) -> tuple[str, str]:
        """Return what is written below a photo, and its file; of a film that is nothing."""
        time_s = self.examples.time_s(picture)
        if time_s is not None:
            return time_said(time_s), ""
        known = self.examples.pictures.get(picture)
        if known is None:
            return "", str(picture)
        return known.class_name or PurePosixPath(known.name).name, known.name


def time_said(seconds: float) -> str:
    """Write a time of a film: 1:02:03.4 or 2:03.4."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02d}:{rest / 10:04.1f}" if hours else f"{minutes}:{rest / 10:04.1f}"
    return f"{hours}:{text}" if hours else text
