"""Figures: rows of pictures with titles and captions, set as a page of an article shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image, ImageDraw

from fvcli.atlas.cells import Cell, Inks, as_shown, checkerboard, fitted, mark_cell
from fvcli.atlas.lettering import SMALLEST_PX, Block, set_alike, set_text
from fvcli.run.sidecar import DONE

WIDTH_PX = 2000  # a figure stays within it as long as its cells can be seen
MIN_CELL_PX = 96
MAX_CELL_PX = 256
TALLEST = 1.5  # of a picture, height to width of its cell
MARGIN_PX = 32
TEXT_WIDTH_PX = 560  # a narrow figure grows to it for its title and caption
WHITE = (255, 255, 255)
INK = (32, 32, 36)
SOFT_INK = (102, 102, 110)  # captions
INKS = Inks(WHITE, faint=(140, 140, 150), warning=(200, 80, 10))
EMPTY_CELL = (246, 246, 247)
FRAME = (214, 214, 219)


@dataclass(frozen=True)
class Row:
    """Cells side by side, with a title on their left."""

    title: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class _Layout:
    cell_px: int
    columns: int
    titles: Sequence[Block]  # of the rows
    page_text: tuple[str, str]  # title and caption, which make a narrow figure wider

    @property
    def gap_px(self) -> int:
        return max(6, self.cell_px // 20)

    @property
    def text_px(self) -> int:
        return _text_px(self.cell_px)

    @property
    def caption_px(self) -> int:
        return max(SMALLEST_PX, round(self.text_px * 0.85))

    @property
    def words_px(self) -> int:
        """Width of the text over and under a cell, apart from that of the next."""
        return max(2 * SMALLEST_PX, self.cell_px - self.gap_px)

    @property
    def first_px(self) -> int:
        """Where the first column of pictures begins."""
        widest = max((block.width_px for block in self.titles), default=0)
        return MARGIN_PX + (widest + 2 * self.gap_px if widest else 0)

    def left_px(self, column: int) -> int:
        return self.first_px + column * (self.cell_px + self.gap_px)

    @property
    def body_px(self) -> int:
        """Width of all but the margins, title and caption apart."""
        return self.left_px(self.columns) - (self.gap_px if self.columns else 0) - MARGIN_PX

    @property
    def page_text_px(self) -> tuple[int, int]:
        """Sizes of title and caption: long lines want larger letters."""
        caption = min(26, max(14, self.text_px, self.body_px // 75))
        return round(caption * 1.35), caption

    @cached_property
    def inner_px(self) -> int:
        """Width between the margins."""
        pairs = zip(self.page_text, self.page_text_px, strict=True)
        return max(self.body_px, *(set_text(text, TEXT_WIDTH_PX, size).width_px for text, size in pairs))

    def strip(self, height_px: int) -> Image.Image:
        return Image.new("RGB", (self.inner_px + 2 * MARGIN_PX, height_px), WHITE)


def draw_figure(
    rows: Sequence[Row],
    *,
    title: str = "",
    caption: str = "",
    columns: Sequence[str] = (),
    cell_px: int | None = None,
) -> np.ndarray:
    """Return a whole figure as uint8 [h, w, 3].

    Args:
        rows: From top to bottom; they may differ in length, and pictures in size and proportions. Each
            picture is fitted into its cell; the height of a row follows its pictures.
        title: Written on top.
        caption: Written below, wrapped to the width of the figure.
        columns: Titles of the columns.
        cell_px: Width of a cell; None chooses between 96 and 256, the figure within some 2,000.
    """
    layout = _lay_out(rows, title, caption, columns, cell_px)
    rows_px = zip(rows, layout.titles, _heights_px(rows, layout), strict=True)
    strips = [
        *_draw_title(title, layout),
        *_draw_column_titles(columns, layout),
        *(_draw_row(row, name, height, layout) for row, name, height in rows_px),
        *_draw_caption(caption, layout),
    ]
    margin, gap = layout.strip(MARGIN_PX), layout.strip(layout.gap_px)
    spaced = [piece for strip in strips for piece in (gap, strip)][1:]
    return np.concatenate([np.asarray(strip) for strip in (margin, *spaced, margin)])


def _text_px(cell_px: int) -> int:
    return min(20, max(13, cell_px // 12))


def _lay_out(
    rows: Sequence[Row], title: str, caption: str, columns: Sequence[str], cell_px: int | None
) -> _Layout:
    count = max(len(columns), *(len(row.cells) for row in rows), 0)
    cell = cell_px or _cell_px(rows, count)
    size = _text_px(cell)
    titles = set_alike([row.title for row in rows], 12 * size, size, lines=5)
    return _Layout(cell, count, titles, (title, caption))


def _cell_px(rows: Sequence[Row], count: int) -> int:
    """Choose the width of a cell: no larger than the pictures are, nor than the figure allows."""
    titles = 260 if any(row.title for row in rows) else 0
    room = int((WIDTH_PX - 2 * MARGIN_PX - titles) / max(1, count) / 1.05)  # a gap is a twentieth
    widths = [cell.pixels.shape[1] for row in rows for cell in row.cells if cell.pixels is not None]
    return min(MAX_CELL_PX, max(MIN_CELL_PX, min(room, max(widths, default=MAX_CELL_PX))))


def _draw_title(text: str, layout: _Layout) -> Iterator[Image.Image]:
    """Yield a strip with the title and some air below it; none without a title."""
    if text.strip():
        block = set_text(text, layout.inner_px, layout.page_text_px[0])
        strip = layout.strip(block.height_px + block.size_px // 2)
        block.draw(strip, (MARGIN_PX, 0), INK)
        yield strip


def _draw_caption(text: str, layout: _Layout) -> Iterator[Image.Image]:
    if text.strip():
        block = set_text(text, layout.inner_px, layout.page_text_px[1])
        strip = layout.strip(block.size_px // 2 + block.height_px)
        block.draw(strip, (MARGIN_PX, block.size_px // 2), SOFT_INK)
        yield strip


def _draw_column_titles(columns: Sequence[str], layout: _Layout) -> Iterator[Image.Image]:
    if not any(columns):
        return
    blocks = set_alike(columns, layout.words_px, layout.text_px, lines=3)
    strip = layout.strip(max(block.height_px for block in blocks))
    for i, block in enumerate(blocks):
        corner = layout.left_px(i), strip.height - block.height_px
        block.draw(strip, corner, INK, centre_px=layout.cell_px)
    yield strip


def _fitted(pixels: np.ndarray, cell_px: int) -> tuple[int, int]:
    """Return the width and height at which a picture fits into its cell."""
    height, width = _shown(pixels).shape[:2]
    return fitted((width, height), (cell_px, TALLEST * cell_px))


def _heights_px(rows: Sequence[Row], layout: _Layout) -> list[int]:
    """Return the height of each row's boxes: of its pictures, or without any as high as other rows."""
    heights = [_pictures_px(row, layout) for row in rows]
    usual = max(heights, default=0) or layout.cell_px
    return [(height or usual) if row.cells else 0 for row, height in zip(rows, heights, strict=True)]


def _pictures_px(row: Row, layout: _Layout) -> int:
    heights = [_fitted(cell.pixels, layout.cell_px)[1] for cell in row.cells if cell.pixels is not None]
    marks = [3 * layout.text_px for cell in row.cells if heights and cell.status != DONE]  # their word
    return max(heights + marks, default=0)


def _draw_row(row: Row, title: Block, height_px: int, layout: _Layout) -> Image.Image:
    captions = set_alike([cell.caption for cell in row.cells], layout.words_px, layout.caption_px, lines=4)
    below = max((block.height_px for block in captions), default=0)
    air = layout.caption_px // 2 if below else 0
    strip = layout.strip(max(height_px + air + below + air, title.height_px, 1))
    title.draw(strip, (MARGIN_PX, max(0, (height_px - title.height_px) // 2)), INK)
    for i, (cell, caption) in enumerate(zip(row.cells, captions, strict=True)):
        bottom = _draw_cell(strip, cell, layout.left_px(i), height_px, layout)
        caption.draw(strip, (layout.left_px(i), bottom + air), SOFT_INK, centre_px=layout.cell_px)
    return strip


def _draw_cell(strip: Image.Image, cell: Cell, left: int, height_px: int, layout: _Layout) -> int:
    """Draw a cell in the middle of its box; return where it ends."""
    box = left, 0, left + layout.cell_px - 1, height_px - 1
    draw = ImageDraw.Draw(strip)
    bottom = height_px
    if cell.pixels is None:
        draw.rectangle(box, EMPTY_CELL, FRAME)
    else:
        picture = _picture(cell.pixels, _fitted(cell.pixels, layout.cell_px))
        top = (height_px - picture.height) // 2
        strip.paste(picture, (left + (layout.cell_px - picture.width) // 2, top))
        bottom = top + picture.height
    if cell.status == DONE:
        return bottom
    mark_cell(strip, cell.status, box, INKS, layout.text_px)
    return height_px


def _shown(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.shape[-1] == 4 else as_shown(pixels)


def _picture(pixels: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """Scale a picture; the squares behind one with opacity keep their size."""
    picture = Image.fromarray(_shown(pixels))
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    return Image.fromarray(checkerboard(np.asarray(picture))) if picture.mode == "RGBA" else picture
