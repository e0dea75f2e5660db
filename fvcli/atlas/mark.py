"""What sheets and figures share: how a cell that is not done is marked, and how planes are shown."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import ImageDraw, ImageFont

from fvcli.run.sidecar import FAILED


@dataclass(frozen=True)
class Inks:
    """The colours of a page that marks need."""

    background: tuple[int, int, int]
    faint: tuple[int, int, int]  # of what has yet to come
    warning: tuple[int, int, int]  # of what went wrong

    def of(self, status: str) -> tuple[int, int, int]:
        """Return the ink for a cell that is not done."""
        return self.faint if status == "pending" else self.warning


def mark_cell(
    draw: ImageDraw.ImageDraw, status: str, box: tuple[int, int, int, int], inks: Inks, text_px: int
) -> None:
    """Frame a cell that is not done, strike it through if it failed, and say what it is."""
    colour = inks.of(status)
    draw.rectangle(box, outline=colour, width=2)
    if status == FAILED:
        draw.line(box, colour, 2)
    font = ImageFont.load_default(text_px)
    left, top, right, bottom = draw.textbbox((box[0] + 8, box[1] + 6), status, font)
    if right + 4 <= box[2]:  # a word must not reach into the next cell
        draw.rectangle((left - 4, top - 3, right + 4, bottom + 3), inks.background)
        draw.text((box[0] + 8, box[1] + 6), status, colour, font)


def as_shown(pixels: np.ndarray) -> np.ndarray:
    """Return grey and colours as they are, other channels as a mosaic of grey planes."""
    planes = pixels.shape[-1]
    if planes == 3:
        return pixels
    columns = math.ceil(math.sqrt(planes))
    missing = -planes % columns
    whole = np.pad(pixels, ((0, 0), (0, 0), (0, missing)))
    height, width = pixels.shape[:2]
    rows = whole.reshape(height, width, -1, columns).transpose(2, 0, 3, 1)  # [rows, h, columns, w]
    return rows.reshape(-1, columns * width)
