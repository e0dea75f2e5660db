"""The fonts that texts are set in: those of two packages in a fixed order, then the machine's own.

Texts look the same on every machine as long as the packages have their letters.
"""

from __future__ import annotations

import itertools
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import as_file, files
from pathlib import Path

import uharfbuzz as hb

WEIGHT = 400  # regular; the first weight in the font for Chinese is thin
# From first to last choice. Noto, under the SIL Open Font License 1.1.
SCRIPTS = (
    "", "Arabic", "Armenian", "Bengali", "Devanagari", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi",
    "Hebrew", "Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu",
    "Thai", "Symbols",
)  # fmt: skip
PACKAGE, CJK_PACKAGE = "manimgx_fonts", "manimgx_fonts_cjk"
CJK_FILE, EMOJI_FILE = "NotoSansCJK-VF.otf.ttc", "NotoEmoji[wght].ttf"
JAPANESE, KOREAN, SIMPLIFIED, TRADITIONAL = range(4)  # faces of the one file: how each writes the same Han
CJK_HINTS = {"HIRAGANA": JAPANESE, "KATAKANA": JAPANESE, "HANGUL": KOREAN, "BOPOMOFO": TRADITIONAL}
FIRST_EASTERN = "\u1100"  # Hangul begins there
FONT_FOLDERS = (
    "~/.fonts", "~/.local/share/fonts", "/usr/local/share/fonts", "/usr/share/fonts", "~/Library/Fonts",
    "/Library/Fonts", "/System/Library/Fonts",
)  # fmt: skip
FONT_SUFFIXES = {".ttf", ".otf", ".ttc", ".otc"}
OUTLINES = {"glyf", "CFF ", "CFF2"}  # tables; a font of coloured pictures has none
EMOJI_STYLE = "\N{VARIATION SELECTOR-16}"
SKIN_TONES = range(0x1F3FB, 0x1F400)


@dataclass(frozen=True, eq=False)
class Typeface:
    """A font in one weight.

    characters: code points that it has.
    upem: of its units make the size of a letter.
    """

    font: hb.Font
    characters: hb.Set
    upem: int

    def has(self, cluster: str) -> bool:
        """Tell whether every character of a cluster that is seen is there."""
        return all(ord(letter) in self.characters for letter in cluster if not is_unseen(letter))


@lru_cache(65536)
def typeface_of(cluster: str, cjk: int) -> Typeface | None:
    """Return the first font that has what is written together, or None.

    Args:
        cluster: A letter with its accents, or an emoji of several characters.
        cjk: Which face of Chinese, Japanese and Korean its text wants.
    """
    bundled = itertools.chain(_first_choice(cluster), _bundled(cjk))
    found = next((face for face in bundled if face.has(cluster)), None)
    return found or next((face for face in _system_fonts() if face.has(cluster)), None)


def cjk_face_of(text: str) -> int:
    """Return the face for a text with Han: of Japanese if there are kana, and so on; else of Chinese."""
    for letter in text:
        if letter >= FIRST_EASTERN:
            script = unicodedata.name(letter, "").partition(" ")[0]
            if script in CJK_HINTS:
                return CJK_HINTS[script]
    return SIMPLIFIED


def is_unseen(letter: str) -> bool:
    """Tell whether a character only says how others are written, such as a joiner."""
    return unicodedata.category(letter) == "Cf" or "\ufe00" <= letter <= "\ufe0f"


def _first_choice(cluster: str) -> tuple[Typeface, ...]:
    """Return the font of emoji for what asks to be one, although others have its characters."""
    is_emoji = EMOJI_STYLE in cluster or any(ord(letter) in SKIN_TONES for letter in cluster)
    return (_packaged(PACKAGE, EMOJI_FILE),) if is_emoji else ()


def _bundled(cjk: int) -> Iterator[Typeface]:
    for script in SCRIPTS:
        yield _packaged(PACKAGE, f"NotoSans{script}[wght].ttf")
    yield _packaged(CJK_PACKAGE, CJK_FILE, cjk)
    yield _packaged(PACKAGE, EMOJI_FILE)


@cache
def _packaged(package: str, file: str, index: int = 0) -> Typeface:
    with as_file(files(package) / file) as path:
        return _read(path, index)


@cache
def _system_fonts() -> tuple[Typeface, ...]:
    """Return the machine's own fonts by their names; what cannot be read is left out."""
    places = [place for folder in FONT_FOLDERS for place in _files_below(Path(folder).expanduser())]
    return tuple(filter(None, map(_read_if_font, sorted(places, key=lambda place: (place.name, place)))))


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names if Path(name).suffix.lower() in FONT_SUFFIXES)


def _read_if_font(path: Path) -> Typeface | None:
    try:
        face = _read(path)
    except (hb.HarfBuzzError, OSError):
        return None
    return face if OUTLINES.intersection(face.font.face.table_tags) else None


def _read(path: Path, index: int = 0) -> Typeface:
    face = hb.Face(hb.Blob.from_file_path(str(path)), index)
    font = hb.Font(face)
    font.scale = (face.upem, face.upem)
    font.set_variations({"wght": WEIGHT})
    return Typeface(font, face.unicodes, face.upem)
