"""Text in figures: wrapped to a width, set with even spacing, and nothing of it lost."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import uharfbuzz as hb
from PIL import Image

from fvcli.atlas.eastern_lines import eastern_pieces, is_written_without_blanks
from fvcli.atlas.shaping import clusters, shape_line

LEADING = 1.32  # from line to line, in units of the text size
BASELINE = 0.98  # from the top of a line, likewise
MOST_ABOVE, MOST_BELOW = 1.6, 0.9  # of ink over and under the baseline, in any script
SMALLEST_PX = 11  # still readable on a screen
NUMBER_AT_END = re.compile(r"\s[-+@,.\d\s]*\d$")
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
Ink = tuple[int, int, int]


@dataclass(frozen=True)
class Block:
    """Lines of text in one size."""

    lines: tuple[str, ...]
    size_px: int

    @property
    def width_px(self) -> int:
        return max((line_width_px(line, self.size_px) for line in self.lines), default=0)

    @property
    def height_px(self) -> int:
        return round(len(self.lines) * self.size_px * LEADING)

    def draw(self, sheet: Image.Image, corner: tuple[int, int], ink: Ink, *, centre_px: int = 0) -> None:
        """Draw the lines from a corner on, each centred in a width if one is given."""
        x, y = corner
        for i, line in enumerate(self.lines):
            shift = max(0, (centre_px - line_width_px(line, self.size_px)) // 2) if centre_px else 0
            draw_line(sheet, line, self.size_px, (x + shift, y + round(i * self.size_px * LEADING)), ink)


def set_text(text: str, width_px: int, size_px: int) -> Block:
    """Wrap a text to a width; line breaks in it stay, words that are too long are broken."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        lines += _wrap(paragraph, width_px, size_px)
    return Block(tuple(lines), size_px)


def set_alike(texts: Sequence[str], width_px: int, size_px: int, lines: int) -> list[Block]:
    """Wrap texts that stand side by side, all in the largest size that keeps each to a few lines.

    Texts too long for that even in the smallest size take the lines that they need.
    """
    blocks = [set_text(text, width_px, size_px) for text in texts]
    if size_px > SMALLEST_PX and any(len(block.lines) > lines for block in blocks):
        return set_alike(texts, width_px, size_px - 1, lines)
    return [_balanced(text, block, width_px) for text, block in zip(texts, blocks, strict=True)]


def _balanced(text: str, block: Block, width_px: int) -> Block:
    """Wrap a text to the least width that takes no more lines and breaks no more words."""
    words = [line_width_px(word, block.size_px) for word in text.split()]
    narrow, wide = min(width_px, max(words, default=0)), width_px
    while narrow < wide:
        middle = (narrow + wide) // 2
        if len(set_text(text, middle, block.size_px).lines) <= len(block.lines):
            wide = middle
        else:
            narrow = middle + 1
    return set_text(text, wide, block.size_px)


def _wrap(paragraph: str, width_px: int, size_px: int) -> Iterator[str]:
    line = ""
    for word in paragraph.split():
        for i, piece in enumerate(_pieces(word, width_px, size_px)):
            longer = f"{line} {piece}" if line and i == 0 else line + piece
            if line and line_width_px(longer, size_px) > width_px:
                yield line
                longer = piece
            line = longer
    yield line


def _pieces(word: str, width_px: int, size_px: int) -> list[str]:
    """Return the pieces of a word between which it may be broken: it is one piece if it fits into a line."""
    if is_written_without_blanks(word):
        return [part for piece in eastern_pieces(word) for part in _broken(piece, width_px, size_px)]
    return _broken(word, width_px, size_px)


def _broken(word: str, width_px: int, size_px: int) -> list[str]:
    if line_width_px(word, size_px) <= width_px:
        return [word]
    parts = re.findall(r"[^-_/.,:]*[-_/.,:]|[^-_/.,:]+", word)  # names of layers and files
    fits = [line_width_px(part, size_px) <= width_px for part in parts]
    return [
        piece
        for part, whole in zip(parts, fits, strict=True)
        for piece in ([part] if whole else clusters(part))
    ]


def draw_line(sheet: Image.Image, text: str, size_px: int, corner: tuple[int, int], ink: Ink) -> None:
    """Draw a line of text; the corner is the top left one of its first letter's place."""
    line = shape_line(text)
    above, below = round(size_px * MOST_ABOVE), round(size_px * MOST_BELOW)
    beside = size_px // 2  # strokes reach out of their places
    raster = hb.RasterDraw()
    size = round(line.width * size_px) + 1 + 2 * beside, above + below
    raster.extents = hb.RasterExtents(-beside, -below, *size, 0)
    for glyph in line.glyphs:
        scale = size_px / glyph.face.upem
        raster.transform = (scale, 0, 0, scale, glyph.x * size_px, glyph.y * size_px)
        raster.draw_glyph(glyph.face.font, glyph.number)
    top = corner[1] + round(size_px * BASELINE) - above
    sheet.paste(ink, (corner[0] - beside, top), _mask(raster.render()))


def _mask(image: hb.RasterImage) -> Image.Image:
    """Return what was drawn as Pillow has it: rows from top to bottom."""
    box = image.extents
    rows = np.frombuffer(image.buffer, np.uint8).reshape(box.height, box.stride)
    return Image.fromarray(np.ascontiguousarray(rows[::-1, : box.width]))


def line_width_px(text: str, size_px: int) -> int:
    """Return how wide a line is, in whole pixels."""
    return math.ceil(round(shape_line(text).width * size_px, 6))


def shortened(text: str, width_px: int, size_px: int) -> str:
    """Return a text that fits into a width, with an ellipsis for what is left out."""
    return "".join(set_label(text, width_px, size_px, 1).lines)


def set_label(text: str, width_px: int, size_px: int, lines: int = 3) -> Block:
    """Wrap a label to a few lines; what does not fit is left out, but never the number at its end."""
    block = set_text(text, width_px, size_px)
    if len(block.lines) <= lines:
        return block
    number = NUMBER_AT_END.search(text)
    head, tail = (text[: number.start()], number[0]) if number else (text, "")
    parts = clusters(head)

    def cut(length: int) -> Block:
        return set_text("".join(parts[:length]).rstrip() + ELLIPSIS + tail, width_px, size_px)

    too_long = bisect_left(range(len(parts)), True, key=lambda length: len(cut(length).lines) > lines)
    return Block(cut(max(0, too_long - 1)).lines[:lines], size_px)
