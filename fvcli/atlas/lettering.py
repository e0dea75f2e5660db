"""Text in figures: wrapped to a width, set with even spacing, and nothing of it lost."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont

LEADING = 1.32  # from line to line, in units of the text size
FINE = 4  # text is drawn so much larger and scaled down: glyphs then keep their true distances
SMALLEST_PX = 11  # still readable on a screen
# Pillow's own font has little more than ASCII; these have a plain spelling, accents are dropped.
SPELLINGS = {
    "\N{RIGHTWARDS ARROW}": "->",
    "\N{LEFTWARDS ARROW}": "<-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{SUPERSCRIPT TWO}": "^2",
    "\N{LESS-THAN OR EQUAL TO}": "<=",
    "\N{GREATER-THAN OR EQUAL TO}": ">=",
    "\N{ALMOST EQUAL TO}": "~",
    "\N{INFINITY}": "inf",
}
GREEK = re.compile(r"GREEK (?:SMALL|CAPITAL) LETTER ([A-Z]+)$")


@dataclass(frozen=True)
class Block:
    """Lines of text in one size."""

    lines: tuple[str, ...]
    size_px: int

    @property
    def width_px(self) -> int:
        return max((_width(line, self.size_px) for line in self.lines), default=0)

    @property
    def height_px(self) -> int:
        return round(len(self.lines) * self.size_px * LEADING)

    def draw(
        self, sheet: Image.Image, corner: tuple[int, int], ink: tuple[int, int, int], *, centre_px: int = 0
    ) -> None:
        """Draw the lines from a corner on, each centred in a width if one is given."""
        x, y = corner
        for i, line in enumerate(self.lines):
            shift = max(0, (centre_px - _width(line, self.size_px)) // 2) if centre_px else 0
            _draw_line(sheet, line, self.size_px, (x + shift, y + round(i * self.size_px * LEADING)), ink)


def set_text(text: str, width_px: int, size_px: int) -> Block:
    """Wrap a text to a width; line breaks in it stay, words that are too long are broken."""
    lines: list[str] = []
    for paragraph in spelled(text).splitlines():
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
    words = [_width(word, block.size_px) for word in spelled(text).split()]
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
            if line and _width(longer, size_px) > width_px:
                yield line
                longer = piece
            line = longer
    yield line


def _pieces(word: str, width_px: int, size_px: int) -> list[str]:
    """Return a word whole if it fits into a line, else where it may be broken."""
    if _width(word, size_px) <= width_px:
        return [word]
    parts = re.findall(r"[^-_/.,:]*[-_/.,:]|[^-_/.,:]+", word)  # names of layers and files
    return [piece for part in parts for piece in ([part] if _width(part, size_px) <= width_px else part)]


def _draw_line(
    sheet: Image.Image, line: str, size_px: int, corner: tuple[int, int], ink: tuple[int, int, int]
) -> None:
    size = _width(line, size_px) + 2, round(size_px * 1.5)  # descenders reach below the line
    mask = Image.new("L", (size[0] * FINE, size[1] * FINE))
    ImageDraw.Draw(mask).text((0, 0), line, 255, _font(size_px * FINE))
    sheet.paste(ink, corner, mask.resize(size, Image.Resampling.BOX))


def _width(line: str, size_px: int) -> int:
    return -int(-_font(size_px * FINE).getlength(line) // FINE)


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size_px)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's wheels bring FreeType
    return font


def spelled(text: str) -> str:
    """Return a text in letters that the font has, as far as that can be."""
    return "".join(map(_spelling, text))


@cache
def _spelling(letter: str) -> str:
    """Return a letter as the font can write it; one that it cannot stays, and shows as a box."""
    if letter == "\n" or _has_glyph(letter):
        return letter
    if letter in SPELLINGS:
        return SPELLINGS[letter]
    plain = "".join(c for c in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(c))
    if all(map(_has_glyph, plain)):
        return plain
    greek = GREEK.match(unicodedata.name(plain, "")) if len(plain) == 1 else None  # micro is mu
    return greek[1].lower() if greek else letter


def _has_glyph(letter: str) -> bool:
    font = _font(64)
    return bytes(font.getmask(letter)) != bytes(font.getmask("\uffff"))
