"""Write one sheet of a site: sixty-four tiles, and the pictures that they are made of."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from fvcli.atlas.cells import shown_pixels
from fvcli.atlas.site.written import write_changed
from fvcli.errors import FvcliError
from fvcli.media import read_picture

TILE_PX = 112  # 7 x 16, so that no block of the encoder lies across two tiles
SIDE = 8  # tiles of a row and of a column
A_SHEET = SIDE * SIDE
LARGEST_PX = 384  # of a picture, which is what pages show; larger ones stay in the run
QUALITY, SHEET_QUALITY = 82, 72
EFFORT = 0  # of the encoder for a picture, 0 to 6; 2 takes 1.4 times as long for files smaller by 5 %
SHEET_EFFORT = 2  # for a sheet, of which pages load sixteen at once
GREY = 128  # where nothing is


@dataclass(frozen=True)
class Shown:
    """A picture of the run that a site shows.

    unit: Its job/unit.
    source: Its file in the run.
    canvas, is_transparent: What people see of it; see ``shown_pixels``.
    """

    unit: str
    source: Path
    canvas: Mapping[str, int] | None
    is_transparent: bool


@dataclass(frozen=True)
class Sheet:
    """A sheet to be written.

    place: Its file in the site.
    tiles: The pictures of each, with their files in the site; the first that can be read is on the sheet.
    """

    place: Path
    tiles: Sequence[Sequence[tuple[Shown, Path]]]


def write_sheet(sheet: Sheet) -> list[str]:
    """Write a sheet and its pictures, each as WebP; return the units whose pictures cannot be read.

    Raises:
        FvcliError: The disk is full or the site cannot be written.
    """
    whole = Image.new("RGB", (SIDE * TILE_PX, SIDE * TILE_PX), (GREY, GREY, GREY))
    damaged = []
    for position, tile in enumerate(sheet.tiles):
        has_tile = False
        for shown, place in tile:
            try:
                seen = pixels_of(shown)
            except FvcliError:
                damaged.append(shown.unit)
                continue
            image = Image.fromarray(seen[..., 0] if seen.shape[-1] == 1 else seen).convert("RGB")
            write_changed(place, webp(_at_most(image, LARGEST_PX), QUALITY, EFFORT))
            if not has_tile:
                whole.paste(_tile(image), (position % SIDE * TILE_PX, position // SIDE * TILE_PX))
                has_tile = True
    write_changed(sheet.place, webp(whole, SHEET_QUALITY))
    return damaged


def pixels_of(shown: Shown) -> np.ndarray:
    """Return what people see of a picture, uint8 [h, w, 1 or 3].

    Raises:
        FvcliError: It cannot be read.
    """
    return shown_pixels(read_picture(shown.source), shown.canvas, shown.is_transparent)


def _at_most(image: Image.Image, side: int) -> Image.Image:
    scale = side / max(image.size)
    if scale >= 1:
        return image
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def _tile(image: Image.Image) -> Image.Image:
    """Return the middle square of a picture as a tile."""
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = left, top, left + side, top + side
    return image.resize((TILE_PX, TILE_PX), Image.Resampling.LANCZOS, box, reducing_gap=1.0)


def webp(image: Image.Image, quality: int, effort: int = SHEET_EFFORT) -> bytes:
    """Return a picture as a WebP file."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=effort)
    return buffer.getvalue()
