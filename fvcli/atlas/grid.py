"""Contact sheets: every unit of a job on one picture, with its label."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fvcli.atlas.cells import Cell, Inks, as_shown, fitted, mark_cell, unit_cell
from fvcli.atlas.lettering import spelled
from fvcli.plan import JobPlan, Unit
from fvcli.run import RunFolder
from fvcli.run.atomic import write_atomic
from fvcli.run.sidecar import DONE

SHEET_WIDTH_PX = 4096  # at the most, with automatic columns
CELLS_A_SHEET = 1200
MIN_CELL_PX = 96
MAX_CELL_PX = 256
GAP_PX = 8
MARGIN_PX = 16
BACKGROUND = (24, 24, 27)
INK = (228, 228, 231)
INKS = Inks(BACKGROUND, faint=(140, 140, 150), warning=(251, 146, 60))
EMPTY_CELL = (48, 48, 53)
ASPECT = 1.4  # of an automatic sheet, width to height
SAME_PROPORTIONS = 0.1  # a smaller difference comes from whole pixels


@dataclass(frozen=True)
class _Layout:
    columns: int
    rows: int
    width_px: int  # of a cell's picture
    height_px: int
    label_px: int  # font size, 0 without labels
    title_px: int

    @property
    def step(self) -> tuple[int, int]:
        below = round(self.label_px * 1.4) if self.label_px else 0
        return self.width_px + GAP_PX, self.height_px + below + GAP_PX

    @property
    def top_px(self) -> int:
        return MARGIN_PX + round(self.title_px * 1.7)

    @property
    def size(self) -> tuple[int, int]:
        across, down = self.step
        return (
            2 * MARGIN_PX + self.columns * across - GAP_PX,
            self.top_px + MARGIN_PX + self.rows * down - GAP_PX,
        )


def write_grids(run: RunFolder) -> list[Path]:
    """Draw the contact sheets of each job that has anything to show; return the files."""
    options = run.plan.output.grid
    columns = None if options.columns == "auto" else options.columns
    written = []
    for job, page, pages, units in _pages(run):
        if not any(run.json(unit).exists() for unit in units):
            continue
        program = run.plan.programs[units[0].program]
        title = job.title if pages == 1 else f"{job.title} ({page} of {pages})"
        sheet = draw_grid(
            map(partial(unit_cell, run), units),
            len(units),
            (program.height_px, program.width_px),
            title,
            columns=columns,
            labels=options.labels,
        )
        path = run.grid(job.name, page)
        write_atomic(path, iio.imwrite("<bytes>", sheet, extension=".png", plugin="pillow"))
        written.append(path)
    return written


def grid_paths(run: RunFolder) -> list[Path]:
    """Return where the contact sheets of a complete run are."""
    return [run.grid(job.name, page) for job, page, _, _ in _pages(run)]


def _pages(run: RunFolder) -> Iterator[tuple[JobPlan, int, int, Sequence[Unit]]]:
    """Yield job, page, number of pages and units of every sheet."""
    for job, units in run.plan.by_job():
        pages = -(-len(units) // CELLS_A_SHEET)
        for page in range(pages):
            yield job, page + 1, pages, units[page * CELLS_A_SHEET : (page + 1) * CELLS_A_SHEET]


def draw_grid(
    cells: Iterable[Cell],
    count: int,
    shape: tuple[int, int],
    title: str,
    *,
    columns: int | None = None,
    labels: bool = True,
) -> np.ndarray:
    """Return a sheet as uint8 [h, w, 3].

    Args:
        cells: As many as count says; read one by one, so that a large sheet needs little memory.
        count: Number of cells.
        shape: Height and width of the pictures in pixels.
        title: Written on top.
        columns: Cells in a row; None chooses.
        labels: Whether each cell's label stands under it. Cells that are not done are marked anyway.
    """
    layout, title = _lay_out(count, shape, columns, labels), spelled(title)
    title_font = ImageFont.load_default(layout.title_px)
    title_width = min(SHEET_WIDTH_PX, math.ceil(title_font.getlength(title)) + 2 * MARGIN_PX)
    sheet = Image.new("RGB", (max(layout.size[0], title_width), layout.size[1]), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    draw.text(
        (MARGIN_PX, MARGIN_PX), _fit(draw, title, title_font, sheet.width - 2 * MARGIN_PX), INK, title_font
    )
    for i, cell in enumerate(cells):
        across, down = layout.step
        x = MARGIN_PX + i % layout.columns * across
        y = layout.top_px + i // layout.columns * down
        _draw_cell(sheet, draw, cell, (x, y), layout)
    return np.asarray(sheet)


def _lay_out(count: int, shape: tuple[int, int], columns: int | None, labels: bool) -> _Layout:
    height, width = shape
    if columns is None:
        columns = max(1, min(count, round(math.sqrt(count * ASPECT * height / width))))
        if columns < count and count % columns:  # prefer full rows nearby
            near = [c for c in (columns - 1, columns + 1, columns + 2) if c > 1 and count % c == 0]
            columns = near[0] if near else columns
    room = (SHEET_WIDTH_PX - 2 * MARGIN_PX) // columns - GAP_PX
    cell = min(max(MIN_CELL_PX, room), MAX_CELL_PX, max(width, MIN_CELL_PX))
    label_px = max(11, min(16, cell // 9)) if labels else 0
    return _Layout(
        columns=columns,
        rows=-(-count // columns),
        width_px=cell,
        height_px=max(1, round(cell * height / width)),
        label_px=label_px,
        title_px=max(14, min(28, columns * cell // 40)),
    )


def _draw_cell(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, cell: Cell, corner: tuple[int, int], layout: _Layout
) -> None:
    x, y = corner
    size = (layout.width_px, layout.height_px)
    if cell.pixels is None:
        draw.rectangle((x, y, x + size[0] - 1, y + size[1] - 1), EMPTY_CELL)
    else:
        picture = Image.fromarray(as_shown(cell.pixels))
        shown = size if _has_proportions(picture.size, size) else fitted(picture.size, size)
        if picture.size != shown:
            picture = picture.resize(shown, Image.Resampling.LANCZOS)
        sheet.paste(picture, (x + (size[0] - shown[0]) // 2, y + (size[1] - shown[1]) // 2))
    if cell.status != DONE:
        box = (x, y, x + size[0] - 1, y + size[1] - 1)
        mark_cell(draw, cell.status, box, INKS, max(12, (size[0] - 1) // 8))
    if layout.label_px:
        font = ImageFont.load_default(layout.label_px)
        ink = INK if cell.status == DONE else INKS.of(cell.status)
        draw.text((x, y + size[1] + 2), _fit(draw, spelled(cell.caption), font, size[0]), ink, font)


def _has_proportions(picture: tuple[int, int], cell: tuple[int, int]) -> bool:
    """Tell whether a picture fills its cell; only planes side by side do not."""
    wide, high = (there / room for there, room in zip(picture, cell, strict=True))
    return abs(wide / high - 1) < SAME_PROPORTIONS


def _fit(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room_px: int
) -> str:
    """Shorten a text to the room it has."""
    if draw.textlength(text, font) <= room_px:
        return text
    while text and draw.textlength(text + "…", font) > room_px:
        text = text[:-1]
    return text + "…"
