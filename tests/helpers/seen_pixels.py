"""Pictures of one colour, and where colours and ink are on what was drawn from them."""

from __future__ import annotations

import numpy as np
from PIL import Image

from fvcli.atlas.lettering import draw_line

Colour = tuple[int, ...]
RED, BLUE, GREEN = (200, 30, 30), (30, 40, 200), (30, 160, 40)
YELLOW, VIOLET = (210, 200, 20), (130, 20, 160)


def picture(height: int = 128, width: int = 128, colour: Colour = RED) -> np.ndarray:
    return np.full((height, width, len(colour)), colour, np.uint8)


def places(sheet: np.ndarray, colour: Colour) -> np.ndarray:
    """Where exactly a colour is: bool [h, w]."""
    return (sheet == np.uint8(colour)).all(-1)


def extent(sheet: np.ndarray, colour: Colour) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of a colour."""
    return bounds(places(sheet, colour))


def ink_extent(sheet: np.ndarray, top: int = 0, bottom: int | None = None) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of all that is not white between two rows of a sheet."""
    y0, y1, x0, x1 = bounds((sheet[top:bottom] != 255).any(-1))
    return top + y0, top + y1, x0, x1


def bounds(there: np.ndarray) -> tuple[int, int, int, int]:
    ys, xs = np.nonzero(there)
    return int(ys.min()), int(ys.max()) + 1, int(xs.min()), int(xs.max()) + 1


def lettered(
    ground: np.ndarray, text: str, size_px: int, corner: tuple[int, int], ink: tuple[int, int, int]
) -> np.ndarray:
    """Return a copy on which a line of text is drawn; test_lettering.py holds where its ink is."""
    sheet = Image.fromarray(ground)
    draw_line(sheet, text, size_px, corner, ink)
    return np.asarray(sheet)
