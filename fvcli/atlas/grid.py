"""Contact sheets: every unit of a job on one picture, with its label."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from PIL import Image, ImageDraw

from fvcli.atlas.cells import Cell, Inks, as_shown, fitted, mark_cell, unit_cell
from fvcli.atlas.grid_layout import MARGIN_PX, GridLayout, Sections, cell_shape, lay_out
from fvcli.atlas.lettering import draw_line, set_label, shortened
from fvcli.atlas.side_by_side import side_by_side
from fvcli.plan import JobPlan, Unit
from fvcli.run import RunFolder
from fvcli.run.atomic import write_atomic
from fvcli.run.sidecar import DONE

CELLS_A_SHEET = 1200
BACKGROUND = (24, 24, 27)
INK = (228, 228, 231)
INKS = Inks(BACKGROUND, faint=(140, 140, 150), warning=(251, 146, 60))
EMPTY_CELL = (48, 48, 53)


@dataclass(frozen=True)
class Sheet:
    """What a contact sheet shows of a job.

    units: those of one layer side by side.
    sections: the layers of a job of several, and how many units each has; else all of it.
    captions: what stands under each unit.
    together: how many units, one after the other, belong together.
    """

    job: JobPlan
    page: int
    pages: int
    units: Sequence[Unit]
    sections: Sections
    captions: Sequence[str]
    together: int = 1

    def parts(self) -> Iterator[tuple[str, Sequence[tuple[Unit, str]]]]:
        """Yield the heading of each section, and its units with their captions."""
        left = iter(zip(self.units, self.captions, strict=True))
        for heading, count in self.sections:
            yield heading, list(itertools.islice(left, count))

    @property
    def title(self) -> str:
        return self.job.title if self.pages == 1 else f"{self.job.title} ({self.page} of {self.pages})"


def write_grids(run: RunFolder) -> list[Path]:
    """Draw the contact sheets of each job that has anything to show; return the files."""
    options = run.plan.output.grid
    columns = None if options.columns == "auto" else options.columns
    written = []
    for sheet in (sheet for job, units in run.plan.by_job() for sheet in sheets_of(job, units)):
        if not any(run.json(unit).exists() for unit in sheet.units):
            continue
        drawn = draw_grid(
            _cells(run, sheet),
            len(sheet.units),
            _shape(run, sheet.units),
            sheet.title,
            columns=columns,
            labels=options.labels,
            sections=sheet.sections,
            captions=sheet.captions,
            together=sheet.together,
        )
        path = run.grid(sheet.job.name, sheet.page)
        write_atomic(path, iio.imwrite("<bytes>", drawn, extension=".png", plugin="pillow"))
        written.append(path)
    return written


def grid_paths(run: RunFolder) -> list[Path]:
    """Return where the contact sheets of a complete run are."""
    return [path for job, units in run.plan.by_job() for path in grid_paths_of(run, job, units)]


def grid_paths_of(run: RunFolder, job: JobPlan, units: Sequence[Unit]) -> list[Path]:
    """Return where the contact sheets of a job are when one of each sheet's units is rendered."""
    return [run.grid(job.name, page + 1) for page in range(_pages(units))]


def sheets_of(job: JobPlan, units: Sequence[Unit]) -> Iterator[Sheet]:
    """Yield every contact sheet of a job."""
    pages = _pages(units)
    for page in range(pages):
        shown = units[page * CELLS_A_SHEET : (page + 1) * CELLS_A_SHEET]
        shown, together = side_by_side(shown) if pages == 1 else (shown, 1)
        yield Sheet(job, page + 1, pages, *_by_layer(shown), together)


def _pages(units: Sequence[Unit]) -> int:
    return -(-len(units) // CELLS_A_SHEET)


def _by_layer(units: Sequence[Unit]) -> tuple[Sequence[Unit], Sections, list[str]]:
    """Return the units, a section for each layer if there are several, and what then stands under each unit.

    Layers of one unit each are no sections. Their names stand under their pictures.
    """
    groups: dict[str, list[Unit]] = {}
    for unit in units:
        groups.setdefault(unit.layer, []).append(unit)
    if len(groups) == 1 or all(len(group) == 1 for group in groups.values()):
        return units, [("", len(units))], [unit.label for unit in units]
    ordered = [unit for group in groups.values() for unit in group]
    captions = [unit.label.removeprefix(unit.layer).strip() or unit.label for unit in ordered]
    return ordered, [(layer, len(group)) for layer, group in groups.items()], captions


def _shape(run: RunFolder, units: Sequence[Unit]) -> tuple[int, int]:
    programs = [run.plan.programs[number] for number in {unit.program for unit in units}]
    return cell_shape(sorted({(program.height_px, program.width_px) for program in programs}))


def _cells(run: RunFolder, sheet: Sheet) -> Iterator[Cell]:
    for unit, caption in zip(sheet.units, sheet.captions, strict=True):
        yield replace(unit_cell(run, unit), caption=caption)


def draw_grid(
    cells: Iterable[Cell],
    count: int,
    shape: tuple[int, int],
    title: str,
    *,
    columns: int | None = None,
    labels: bool = True,
    sections: Sections | None = None,
    captions: Sequence[str] = (),
    together: int = 1,
) -> np.ndarray:
    """Return a sheet as uint8 [h, w, 3].

    Args:
        cells: As many as count says; read one by one, so that a large sheet needs little memory.
        count: Number of cells.
        shape: Height and width of the pictures in pixels.
        title: Written on top.
        columns: Cells in a row; None chooses.
        labels: Whether each cell's label stands under it. Cells that are not done are marked anyway.
        sections: Headings of parts, and how many cells each has; None: all are one part without a heading.
        captions: The labels that are to come, if they may take several lines.
        together: How many cells, one after the other, belong together; no row ends between them.
    """
    layout = lay_out(sections or [("", count)], shape, title, columns, labels, captions, together)
    sheet = Image.new("RGB", layout.size, BACKGROUND)
    layout.title.draw(sheet, (MARGIN_PX, MARGIN_PX), INK)
    for heading, top in layout.headings():
        text = shortened(heading, sheet.width - 2 * MARGIN_PX, layout.heading_px)
        draw_line(sheet, text, layout.heading_px, (MARGIN_PX, top + layout.heading_px // 2), INK)
    for cell, corner in zip(cells, layout.corners(), strict=True):
        _draw_cell(sheet, cell, corner, layout)
    return np.asarray(sheet)


def _draw_cell(sheet: Image.Image, cell: Cell, corner: tuple[int, int], layout: GridLayout) -> None:
    x, y = corner
    size = (layout.width_px, layout.height_px)
    box = (x, y, x + size[0] - 1, y + size[1] - 1)
    if cell.pixels is None:
        ImageDraw.Draw(sheet).rectangle(box, EMPTY_CELL)
    else:
        picture = Image.fromarray(as_shown(cell.pixels))
        shown = _size_in(picture.size, size)
        if picture.size != shown:
            picture = picture.resize(shown, Image.Resampling.LANCZOS)
        sheet.paste(picture, (x + (size[0] - shown[0]) // 2, y + (size[1] - shown[1]) // 2))
    mark = cell.odd if cell.status == DONE else cell.status
    if mark:
        mark_cell(sheet, mark, box, INKS, max(12, (size[0] - 1) // 8))
    if layout.label_px:
        ink = INKS.of(mark) if mark else INK
        label = set_label(cell.caption, size[0], layout.label_px, layout.label_lines)
        label.draw(sheet, (x, y + size[1] + 2), ink)


def _size_in(picture: tuple[int, int], cell: tuple[int, int]) -> tuple[int, int]:
    """Return the size of a picture in a cell; whole pixels may leave a line of the cell over."""
    width, height = fitted(picture, cell)
    return (cell[0] if width >= cell[0] - 1 else width), (cell[1] if height >= cell[1] - 1 else height)
