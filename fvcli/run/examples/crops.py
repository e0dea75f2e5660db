"""Which part of a picture a position of a layer sees, and where in that part other positions fired.

picture                 crop of one position         cells
+--------------+        +------+                     12 40  9
|   +------+   |        |      |  what the layer     55 255 30   the layer's activations there, of at
|   |  x   |   |   ->   |  x   |  says there    ->    7 61  8    most 16 x 16 positions
|   +------+   |        +------+
+--------------+
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from fvcli.models import LayerFacts

Box = tuple[int, int, int, int]  # top, left, height, width in pixels


@dataclass(frozen=True)
class _Axis:
    """Height or width: a side of the picture, the positions along it, and what each of them sees.

    field_px: None for the whole side.
    """

    side_px: int
    positions: int
    field_px: int | None
    stride_px: int | Fraction
    offset_px: int

    @property
    def crop_px(self) -> int:
        return self.side_px if self.field_px is None else max(1, min(self.field_px, self.side_px))

    def begin_px(self, position: int) -> int:
        """Return where the crop of a position begins, moved inside the picture."""
        if self.field_px is None:
            return 0
        centre_2px = 2 * self.offset_px + 2 * self.stride_px * position + self.field_px
        begin = math.floor(Fraction(centre_2px) / 2 - Fraction(self.crop_px, 2))
        return min(max(0, begin), self.side_px - self.crop_px)

    def seen(self) -> int:
        """Return how many positions have their centres in a crop."""
        if self.field_px is None:
            return self.positions
        return min(self.positions, max(1, round(self.crop_px / self.stride_px)))

    def position_at(self, pixel: float) -> int:
        """Return the position whose field has its centre nearest to a point of the picture."""
        if self.field_px is None:
            found = math.floor(pixel / self.side_px * self.positions)
        else:
            found = round((pixel - self.offset_px - self.field_px / 2) / float(self.stride_px))
        return min(max(0, found), self.positions - 1)

    def table(self, cells: int, pooled: int) -> np.ndarray:
        """Return which position each cell of a crop shows, int32 [positions, cells], for each position.

        Args:
            cells: How many there are.
            pooled: How many positions each position shown stands for.
        """
        found = np.empty((self.positions, cells), np.int32)
        for position in range(self.positions):
            begin = self.begin_px(position)
            middles = [begin + (cell + 0.5) * self.crop_px / cells for cell in range(cells)]
            shown = np.array([self.position_at(middle) // pooled for middle in middles])
            own = position // pooled
            if own not in shown:  # the strongest position is always shown
                shown[np.abs(shown - own).argmin()] = own
            found[position] = np.sort(shown)
        return found


@dataclass(frozen=True)
class Crops:
    """The crops of a layer.

    cells: How many there are in a crop, down and across.
    pooled: How many positions a cell stands for at least, down and across; it shows the strongest of them.
    rows, columns: int32 [positions, cells]: which row (column) of the pooled map the cells of a crop show,
        for the row (column) of the position whose crop it is.
    """

    down: _Axis
    across: _Axis
    cells: tuple[int, int]
    pooled: tuple[int, int]
    rows: np.ndarray
    columns: np.ndarray

    @property
    def crop_px(self) -> tuple[int, int]:
        return self.down.crop_px, self.across.crop_px

    @property
    def positions(self) -> tuple[int, int]:
        return self.down.positions, self.across.positions

    @property
    def are_whole(self) -> bool:
        """Whether the crops of all positions show the same cells."""
        return bool((self.rows == self.rows[:1]).all() and (self.columns == self.columns[:1]).all())

    def boxes(self, positions: np.ndarray) -> np.ndarray:
        """Return the crops of positions, counted row by row: int32 [..., 4]; of -1 it is all 0."""
        rows, columns = np.divmod(np.maximum(positions, 0), self.across.positions)
        tops = np.array([self.down.begin_px(row) for row in range(self.down.positions)], np.int32)
        lefts = np.array([self.across.begin_px(column) for column in range(self.across.positions)], np.int32)
        height, width = (np.full(positions.shape, side, np.int32) for side in self.crop_px)
        boxes = np.stack([tops[rows], lefts[columns], height, width], axis=-1)
        return np.where((positions >= 0)[..., None], boxes, 0).astype(np.int32)


def crops_of(layer: LayerFacts, size_px: tuple[int, int], most_cells: int) -> Crops:
    """Return the crops of a layer.

    Args:
        layer: Its facts at this size of the picture.
        size_px: Height and width of the picture.
        most_cells: How many cells a crop has at most along a side.
    """
    fields = layer.receptive_field_px or (None, None)
    strides = layer.stride_px or (1, 1)
    down, across = (
        _Axis(size_px[i], (layer.height, layer.width)[i], fields[i], strides[i], layer.offset_px[i])
        for i in (0, 1)
    )
    has_no_places = layer.stride_px is None and layer.width == 1  # a vector, or tokens, which stand anywhere
    seen = (1, 1) if has_no_places else (down.seen(), across.seen())
    pooled = (1, 1) if has_no_places else tuple(-(-count // most_cells) for count in seen)
    cells = tuple(-(-count // pool) for count, pool in zip(seen, pooled, strict=True))
    tables = [axis.table(cells[i], pooled[i]) for i, axis in enumerate((down, across))]
    return Crops(down, across, (cells[0], cells[1]), (pooled[0], pooled[1]), *tables)
