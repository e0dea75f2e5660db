"""From a line of text to the glyphs that are drawn, from left to right: fonts, directions, ligatures.

Text from right to left is ordered by the Unicode Bidirectional Algorithm (Unicode Standard Annex 9), and
HarfBuzz joins letters as their script wants.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import uharfbuzz as hb
from bidi import algorithm as bidi

from fvcli.atlas.fonts import SKIN_TONES, Typeface, cjk_face_of, is_unseen, typeface_of

MISSING = "\N{REPLACEMENT CHARACTER}"  # what no font has is drawn as
JOINER = "\N{ZERO WIDTH JOINER}"
FLAG_LETTERS = range(0x1F1E6, 0x1F200)
FROM_THE_RIGHT = {"R", "AL", "AN", "RLE", "RLO", "RLI"}  # bidirectional types
EMBEDDINGS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])  # nested directions are not set
LANGUAGE = "en"  # or HarfBuzz asks the machine for its own


@dataclass(frozen=True)
class Glyph:
    """A glyph at its place on the baseline, in units of the size of the letters; y is upwards."""

    face: Typeface
    number: int
    x: float
    y: float


@dataclass(frozen=True)
class Line:
    """A shaped line, in units of the size of its letters."""

    glyphs: tuple[Glyph, ...]
    width: float


@dataclass(frozen=True)
class _Run:
    text: str
    face: Typeface
    level: int  # odd from right to left


@lru_cache(4096)
def shape_line(text: str) -> Line:
    """Return the glyphs of a line, whatever its scripts; what no font has is a mark for it."""
    glyphs: list[Glyph] = []
    x = 0.0
    for run in _visual_order(_runs(_plain(text))):
        run_glyphs, width = _shape(run)
        glyphs += [Glyph(run.face, number, x + dx, dy) for number, dx, dy in run_glyphs]
        x += width
    return Line(tuple(glyphs), x)


def clusters(text: str) -> list[str]:
    """Cut a text where it may be cut: an accent stays with its letter, an emoji whole."""
    found: list[str] = []
    for letter in text:
        if found and _belongs(letter, found[-1]):
            found[-1] += letter
        else:
            found.append(letter)
    return found


def undrawable(texts: Iterable[str]) -> list[str]:
    """Return the characters, sorted, that no font has."""
    seen = {letter for text in texts if not text.isascii() for letter in _plain(text)}
    return sorted(letter for letter in seen if typeface_of(letter, 0) is None)


def _plain(text: str) -> str:
    """Return a text with composed letters, and blanks for what ends lines or is no character."""
    composed = unicodedata.normalize("NFC", text).translate(EMBEDDINGS)
    return "".join(
        " " if unicodedata.category(letter) in {"Cc", "Zl", "Zp"} else letter for letter in composed
    )


def _belongs(letter: str, before: str) -> bool:
    """Tell whether a character is written together with those before."""
    if unicodedata.category(letter)[0] == "M" or is_unseen(letter) or ord(letter) in SKIN_TONES:
        return True
    is_flag = len(before) == 1 and ord(before) in FLAG_LETTERS and ord(letter) in FLAG_LETTERS
    return is_flag or (before[-1] == JOINER and not letter.isspace())


def _runs(text: str) -> list[_Run]:
    """Cut a text where its font or its direction changes."""
    levels, cjk, at = _levels(text), cjk_face_of(text), 0
    placed: list[_Run] = []
    for cluster in clusters(text):
        for part in [cluster] if typeface_of(cluster, cjk) else cluster:  # some font may have each letter
            face = typeface_of(part, cjk)
            placed.append(_Run(part if face else MISSING, face or _face_of_missing(), levels[at]))
        at += len(cluster)
    groups = itertools.groupby(placed, lambda run: (run.face, run.level))
    return [_Run("".join(run.text for run in alike), *place) for place, alike in groups]


def _face_of_missing() -> Typeface:
    face = typeface_of(MISSING, 0)
    assert face is not None  # the first font has it
    return face


def _levels(text: str) -> Sequence[int]:
    """Return the embedding level of each character; the first strong letter gives a line its direction."""
    if not FROM_THE_RIGHT.intersection(map(unicodedata.bidirectional, text)):
        return [0] * len(text)
    base = bidi.get_base_level(text)
    storage = {**bidi.get_empty_storage(), "base_level": base, "base_dir": "LR"[base]}
    bidi.get_embedding_levels(text, storage)
    for at, letter in enumerate(storage["chars"]):
        letter["at"] = at
    bidi.explicit_embed_and_overrides(storage)  # this one drops joiners
    bidi.resolve_weak_types(storage)
    bidi.resolve_neutral_types(storage, False)
    bidi.resolve_implicit_levels(storage, False)
    known = {letter["at"]: letter["level"] for letter in storage["chars"]}
    levels: list[int] = []
    for at in range(len(text)):
        levels.append(known.get(at, levels[-1] if levels else base))
    return levels


def _visual_order(runs: list[_Run]) -> list[_Run]:
    """Put runs from left to right: rule L2, from the deepest level to the first."""
    ordered = list(runs)
    for level in range(max((run.level for run in runs), default=0), 0, -1):
        begin = 0
        while begin < len(ordered):
            end = begin
            while end < len(ordered) and ordered[end].level >= level:
                end += 1
            ordered[begin:end] = ordered[begin:end][::-1]
            begin = end + 1
    return ordered


def _shape(run: _Run) -> tuple[list[tuple[int, float, float]], float]:
    """Return a run's glyphs with where they stand, and its width."""
    buffer = hb.Buffer()
    buffer.add_codepoints(list(map(ord, run.text)))
    buffer.direction = "RTL" if run.level % 2 else "LTR"
    buffer.language = LANGUAGE
    buffer.guess_segment_properties()
    hb.shape(run.face.font, buffer)
    infos, positions, em = buffer.glyph_infos, buffer.glyph_positions, run.face.upem
    x, placed = 0, []
    for info, position in zip(infos, positions, strict=True):
        placed.append((info.codepoint, (x + position.x_offset) / em, position.y_offset / em))
        x += position.x_advance
    return placed, x / em
