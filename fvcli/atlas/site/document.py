"""A whole atlas as one HTML file, without scripts: small runs can be mailed."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Template
from markupsafe import Markup
from PIL import Image

from fvcli.atlas.site.collect import Atlas, Chapter, Entry
from fvcli.atlas.site.evidence import Evidence
from fvcli.atlas.site.layout import picture_file
from fvcli.atlas.site.photos import Photos
from fvcli.atlas.site.read_picture import Picture
from fvcli.atlas.site.sheets import SHEET_QUALITY, webp
from fvcli.atlas.site.trust import brief
from fvcli.errors import UsageError, counted
from fvcli.run.atomic import open_atomic
from fvcli.run.examples.layout import COLUMNS, TILE_PX, TOP
from fvcli.run.objects import is_object, read_bytes

MOST_UNITS = 1000
MADE, HEAD_BYTES = b'name="generator" content="fvcli"', 2000  # how a file of ours is known
PHOTO_COLUMNS = 10  # of the sheet of photos of a unit


def refuse_large(atlas: Atlas) -> None:
    """Refuse an atlas that would be too large for one file.

    Raises:
        UsageError: It is.
    """
    units = sum(len(chapter.entries) for chapter in atlas.chapters)
    if units > MOST_UNITS:
        message = f"{counted(units, 'unit')} are too many for one file, which takes {MOST_UNITS:,}"
        raise UsageError(message, "leave --single out, or make a run of fewer units")


def refuse_place(path: Path, run: Path, site: Path) -> None:
    """Refuse a place where the one file would take that of something else.

    Raises:
        UsageError: It is a folder, in the run or the site, not called .html, or the file there is none that
            fvcli made.
    """
    hint = "give a new file to --single, such as atlas.html"
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint)
    if path.suffix.lower() not in {".html", ".htm"}:
        raise UsageError(f"{path}: a browser opens names that end in .html", hint)
    for folder, what in ((site, "site"), (run, "run")):
        if not is_object(folder) and path.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"{path} is among the files of the {what}", hint)
    if path.exists() and MADE not in path.read_bytes()[:HEAD_BYTES]:
        raise UsageError(f"{path} is there and holds something else", hint)


def write_document(
    path: Path,
    site: Path,
    template: Template,
    atlas: Atlas,
    evidence_of: Callable[[Chapter], Evidence],
    facts_of: Callable[[Chapter], str],
    said: dict[str, Any],
) -> Path:
    """Write an atlas whose site is built as one file; return it.

    Args:
        path: Of the file.
        site: Where its pictures are.
        template: ``document.html``.
        atlas: What is shown.
        evidence_of: Returns what is known of a chapter.
        facts_of: Returns what is said of a chapter.
        said: What the template is told of the whole.

    Raises:
        FvcliError: The disk is full or the folder cannot be written.
    """
    style = (files("fvcli.atlas.site") / "page" / "atlas.css").read_text("utf-8")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    parts = template.generate(
        atlas=said,
        style=Markup(style),
        csp=f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'",
        chapters=_chapters(site, atlas, evidence_of, facts_of),
    )
    with open_atomic(path) as file:
        for part in parts:
            file.write(part.encode("utf-8", "replace"))
    return path


def _chapters(
    site: Path,
    atlas: Atlas,
    evidence_of: Callable[[Chapter], Evidence],
    facts_of: Callable[[Chapter], str],
) -> Iterator[dict[str, Any]]:
    for chapter in atlas.chapters:
        yield {
            "heading": chapter.heading,
            "folder": chapter.folder,
            "facts": facts_of(chapter),
            "names": [(entry.name, entry.title) for entry in chapter.entries],
            "units": _units(site, chapter, evidence_of(chapter)),
        }


def _units(site: Path, chapter: Chapter, evidence: Evidence) -> Iterator[dict[str, Any]]:
    for place, entry in enumerate(chapter.entries):
        yield {
            "name": entry.name,
            "title": entry.title,
            "label": entry.label.name if entry.label else "",
            "summary": evidence.summary(place),
            "trust": brief(entry),
            "status": entry.status,
            "error": entry.main.error,
            "pictures": [_picture(site, chapter, entry, one) for one in entry.pictures if one.is_shown],
            "photos": _photos(evidence, place),
            "classes": evidence.top_classes(place),
        }


def _picture(site: Path, chapter: Chapter, entry: Entry, picture: Picture) -> dict[str, Any]:
    sign = "negative " if picture.sign < 0 else ""
    kind = f"{sign}{picture.objective.replace('_', ' ')}"
    try:
        content = (site / picture_file(chapter.folder, picture.key)).read_bytes()
    except OSError:  # it was damaged in the run
        content = b""
    return {
        "src": data_address(content, "image/webp") if content else "",
        "alt": f"{chapter.heading} unit {entry.title}, {kind} objective",
        "said": "diversity" if picture.figure == 4 else kind,
        "key": picture.key,
    }


def _photos(evidence: Evidence, place: int) -> dict[str, Any] | None:
    """Return the photos that activate an entry most, as one picture."""
    found = evidence.photos_of(place)
    if found is None:
        return None
    photos, row = found
    sheet = _top_sheet(photos, row)
    return None if sheet is None else {"src": data_address(sheet, "image/webp"), "count": TOP}


def _top_sheet(photos: Photos, row: int) -> bytes | None:
    channel = int(photos.arrays.channels[row])
    try:
        with Image.open(io.BytesIO(read_bytes(photos.examples.sheet(photos.head, channel)))) as whole:
            tiles = whole.convert("RGB")
    except OSError:
        return None
    shown = Image.new("RGB", (PHOTO_COLUMNS * TILE_PX, -(-TOP // PHOTO_COLUMNS) * TILE_PX))
    for tile in range(TOP):
        left, top = tile % COLUMNS * TILE_PX, tile // COLUMNS * TILE_PX
        corner = tile % PHOTO_COLUMNS * TILE_PX, tile // PHOTO_COLUMNS * TILE_PX
        shown.paste(tiles.crop((left, top, left + TILE_PX, top + TILE_PX)), corner)
    return webp(shown, SHEET_QUALITY)


def data_address(content: bytes, kind: str) -> str:
    """Return a file as an address that holds all of it."""
    return f"data:{kind};base64,{b64encode(content).decode('ascii')}"
