"""The sheets of a unit: crops of photos, and where the unit fired in each of them.

Both are the same grid of tiles. A crop that is not square stands in the middle of its tile, on white.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from fvcli.run.examples.layout import COLUMNS, TILE_PX, TILES, WHERE_PX

WHITE = 255
QUALITY = 80  # of JPEG: WebP takes fifteen times as long, for files that are a fourth smaller
ROWS = -(-TILES // COLUMNS)


def as_image(pixels: np.ndarray) -> Image.Image:
    """Return a picture as the network saw it, uint8 [h, w, 1 or 3], as an image that crops are cut of."""
    return Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0]).convert("RGB")


def tile_of(image: Image.Image, box: np.ndarray) -> np.ndarray:
    """Cut a crop out of a picture and return its tile.

    Args:
        image: The picture, in RGB.
        box: top, left, height, width in pixels.

    Returns:
        uint8 [96, 96, 3].
    """
    top, left, height, width = map(int, box)
    rows, columns = inner(height, width, TILE_PX)
    size = columns.stop - columns.start, rows.stop - rows.start
    cut = left, top, left + width, top + height
    crop = image.resize(size, Image.Resampling.BICUBIC, cut, reducing_gap=1.0)  # halved first where it can be
    tile = np.full((TILE_PX, TILE_PX, 3), WHITE, np.uint8)
    tile[rows, columns] = np.asarray(crop)
    return tile


def sheet(tiles: np.ndarray) -> bytes:
    """Return a JPEG file of tiles, uint8 [T, 96, 96, 3]."""
    return _encoded(_grid(tiles, WHITE), "JPEG", quality=QUALITY)


def where_sheet(where: np.ndarray, shown: np.ndarray, boxes: np.ndarray) -> bytes:
    """Return a PNG file, 8-bit grey, that says where a unit fired.

    Args:
        where: uint8 [T, h, w].
        shown: bool [T], which tiles are there.
        boxes: int32 [T, 4], the crops.
    """
    cells = np.zeros((len(where), WHERE_PX, WHERE_PX), np.uint8)
    for tile in np.nonzero(shown)[0]:
        rows, columns = inner(int(boxes[tile, 2]), int(boxes[tile, 3]), WHERE_PX)
        size = columns.stop - columns.start, rows.stop - rows.start
        smooth = Image.fromarray(where[tile]).resize(size, Image.Resampling.BILINEAR)
        cells[tile, rows, columns] = np.asarray(smooth)
    return _encoded(_grid(cells, 0), "PNG", optimize=True)


def inner(height: int, width: int, side: int) -> tuple[slice, slice]:
    """Return the rows and columns of a square that a crop of this aspect fills."""
    longest = max(height, width)
    found = []
    for length in (height, width):
        filled = max(1, round(side * length / longest))
        begin = (side - filled) // 2
        found.append(slice(begin, begin + filled))
    return found[0], found[1]


def _grid(tiles: np.ndarray, background: int) -> np.ndarray:
    """Lay tiles [T, side, side, ...] out row by row."""
    side, more = tiles.shape[1], tiles.shape[3:]
    missing = np.full((ROWS * COLUMNS - len(tiles), *tiles.shape[1:]), background, np.uint8)
    rows = np.concatenate([tiles, missing]).reshape(ROWS, COLUMNS, side, side, *more)
    return np.moveaxis(rows, 2, 1).reshape(ROWS * side, COLUMNS * side, *more)


def _encoded(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()
