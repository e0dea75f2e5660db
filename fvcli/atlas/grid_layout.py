"""Where everything stands on a contact sheet: title, sections with their headings, cells, labels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fvcli.atlas.lettering import LEADING, Block, line_width_px, set_label, set_text
from fvcli.atlas.proportions import columns_of, rows_of

SHEET_WIDTH_PX = 4096  # at the most, with automatic columns
MIN_CELL_PX = 96
MAX_CELL_PX = 256
TALLEST_CELL_PX = 512  # what is higher is fitted in
GAP_PX = 8
MARGIN_PX = 16
MOST_COLUMNS = (SHEET_WIDTH_PX - 2 * MARGIN_PX) // (MIN_CELL_PX + GAP_PX)
TITLE_WIDTH_PX = 480  # a narrow sheet grows to it before its title is wrapped
Sections = Sequence[tuple[str, int]]  # the heading of each, or none, and how many cells it has


@dataclass(frozen=True)
class GridLayout:
    """A sheet in pixels.

    width_px, height_px: of a cell's picture.
    label_px: size of labels, 0 without.
    label_lines: that labels may take.
    """

    columns: int
    sections: Sections
    width_px: int
    height_px: int
    label_px: int
    label_lines: int
    title: Block

    @property
    def step(self) -> tuple[int, int]:
        """From a cell to the one beside it, and to the one below it."""
        return self.width_px + GAP_PX, self.height_px + _below_px(self.label_px, self.label_lines) + GAP_PX

    @property
    def heading_px(self) -> int:
        """Size of the headings of sections."""
        return max(13, round(self.title.size_px * 0.8))

    @property
    def heading_step(self) -> int:
        """Height that a heading takes, with the air around it; 0 if there is none."""
        return round(self.heading_px * 2.1) if any(heading for heading, _ in self.sections) else 0

    @property
    def top_px(self) -> int:
        """Where the first section begins."""
        more = max(0, len(self.title.lines) - 1) * self.title.size_px * LEADING
        return MARGIN_PX + round(self.title.size_px * 1.7 + more)

    @property
    def size(self) -> tuple[int, int]:
        across, down = self.step
        rows = rows_of([count for _, count in self.sections], self.columns)
        headings = len(self.sections) * self.heading_step
        cells_px = self.columns * across - GAP_PX
        headings_px = (line_width_px(heading, self.heading_px) for heading, _ in self.sections)
        width = max(cells_px, self.title.width_px, min(SHEET_WIDTH_PX, max(headings_px, default=0)))
        return 2 * MARGIN_PX + width, self.top_px + headings + rows * down - GAP_PX + MARGIN_PX

    def headings(self) -> Iterator[tuple[str, int]]:
        """Yield each section's heading, and the top of its place."""
        for (heading, _), top in zip(self.sections, self._tops(), strict=True):
            if heading:
                yield heading, top

    def corners(self) -> Iterator[tuple[int, int]]:
        """Yield where each cell begins: left and top."""
        across, down = self.step
        for (_, count), top in zip(self.sections, self._tops(), strict=True):
            for i in range(count):
                y = top + self.heading_step + i // self.columns * down
                yield MARGIN_PX + i % self.columns * across, y

    def _tops(self) -> Iterator[int]:
        top = self.top_px
        for _, count in self.sections:
            yield top
            top += self.heading_step + rows_of([count], self.columns) * self.step[1]


def lay_out(
    sections: Sections,
    shape: tuple[int, int],
    title: str,
    columns: int | None = None,
    labels: bool = True,
    captions: Sequence[str] = (),
    together: int = 1,
) -> GridLayout:
    """Return the layout of a sheet.

    Args:
        sections: Their headings and numbers of cells.
        shape: Height and width of the pictures; see ``cell_shape``.
        title: Is wrapped to the width of the sheet.
        columns: Cells in a row; None chooses.
        labels: Whether labels stand under cells.
        captions: What these are, so that there is room for those of several lines.
        together: How many cells, one after the other, belong together; no row ends between them, if columns
            are chosen.
    """
    counts = [count for _, count in sections]
    if columns is None:
        headed = any(heading for heading, _ in sections)
        columns = _whole_groups(_columns(counts, shape, labels, headed), together)
    room = (SHEET_WIDTH_PX - 2 * MARGIN_PX) // columns - GAP_PX
    cell = min(max(MIN_CELL_PX, room), MAX_CELL_PX, max(shape[1], MIN_CELL_PX))
    label_px = _label_px(cell) if labels else 0
    title_px = max(14, min(28, columns * cell // 40))
    return GridLayout(
        columns,
        sections,
        cell,
        _height_px(cell, shape),
        label_px,
        max((len(set_label(text, cell, label_px).lines) for text in captions if label_px), default=1),
        set_text(title, max(columns * (cell + GAP_PX) - GAP_PX, TITLE_WIDTH_PX), title_px),
    )


def cell_shape(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the height and width of cells into which pictures of several sizes fit."""
    scales = [min(1.0, MAX_CELL_PX / max(size)) if len(set(sizes)) > 1 else 1.0 for size in sizes]
    heights = [round(size[0] * scale) for size, scale in zip(sizes, scales, strict=True)]
    widths = [round(size[1] * scale) for size, scale in zip(sizes, scales, strict=True)]
    return max(1, *heights), max(1, *widths)


def _columns(counts: Sequence[int], shape: tuple[int, int], labels: bool, headed: bool) -> int:
    cell = min(MAX_CELL_PX, max(MIN_CELL_PX, shape[1]))
    below = _below_px(_label_px(cell), 1) if labels else 0
    down_px = _height_px(cell, shape) + below + GAP_PX
    return columns_of(counts, cell + GAP_PX, down_px, MOST_COLUMNS, 30 * headed)


def _whole_groups(columns: int, together: int) -> int:
    """Return about as many columns, so that each group of cells stands whole in a row, if a row has room."""
    if together > MOST_COLUMNS:
        return columns
    nearest = max(1, round(columns / together)) * together
    return nearest if nearest <= MOST_COLUMNS else MOST_COLUMNS // together * together


def _height_px(cell_px: int, shape: tuple[int, int]) -> int:
    return min(TALLEST_CELL_PX, max(1, round(cell_px * shape[0] / shape[1])))


def _label_px(cell_px: int) -> int:
    return max(11, min(16, cell_px // 9))


def _below_px(label_px: int, lines: int) -> int:
    """Height of the labels under a row of cells."""
    return round(label_px * 1.4) + math.ceil((lines - 1) * label_px * LEADING) if label_px else 0
