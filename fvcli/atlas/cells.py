"""What stands at one place of a sheet or figure: a unit's picture, or why there is none, and its mark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from fvcli.atlas.lettering import LEADING, draw_line, line_width_px
from fvcli.errors import FvcliError
from fvcli.media import read_picture, read_source
from fvcli.plan import Unit
from fvcli.run import RunFolder, step_name
from fvcli.run.look import NEWER
from fvcli.run.sidecar import DONE, FAILED
from fvcli.run.status import DAMAGED

SQUARES = (255, 232)  # greys of a checkerboard
SQUARE_PX = 8
SMALLEST_MARK_PX = 8  # letters in flat cells
RGBA = 4
PENDING = "pending"


@dataclass(frozen=True)
class Cell:
    """uint8 pixels [h, w, channels] or None, what is written under them, and whether they are done.

    odd: A word for what is odd about a picture that is done, such as "burnt".
    """

    pixels: np.ndarray | None
    caption: str = ""
    status: str = DONE
    odd: str = ""


def unit_cell(run: RunFolder, unit: Unit, step: int | None = None) -> Cell:
    """Return a unit's picture, at the end or after a step that was saved."""
    sidecar = run.sidecar(unit)
    caption = unit.label if step is None else str(step)
    if sidecar is None:
        return Cell(None, caption, PENDING if run.newer_sidecar(unit) is None else NEWER)
    if sidecar.status == FAILED:
        return Cell(None, caption, FAILED)
    path = run.png(unit) if step is None else run.extra(unit, step_name(step))
    try:
        pixels = read_picture(path)
    except FvcliError:
        return Cell(None, caption, DAMAGED)
    shown = shown_pixels(pixels, sidecar.canvas, run.plan.programs[unit.program].settings.is_transparent)
    odd = "" if step is not None or sidecar.status != DONE else odd_word(sidecar.remarks)
    return Cell(shown, caption, sidecar.status, odd)


def shown_pixels(pixels: np.ndarray, canvas: Mapping[str, int] | None, transparent: bool) -> np.ndarray:
    """Return what people see of a picture: the part that was optimised, of one channel or three.

    Args:
        pixels: uint8 [h, w, channels] as saved.
        canvas: top, left, height and width of what was optimised, or None for all of it.
        transparent: Whether the last of four channels is opacity.
    """
    return _flat(_seen(pixels, canvas), transparent)


def odd_word(remarks: Sequence[str]) -> str:
    """Return a short word for the first remark on a picture; nothing if there is none."""
    return remarks[0].replace("_", " ") if remarks else ""


def source_cell(run: RunFolder, unit: Unit) -> Cell:
    """Return the picture that a unit started from or aimed at; of a film as of the unit's own picture."""
    if unit.picture is None:
        return Cell(None, "")
    source = run.plan.source(unit.picture)
    is_dream = run.plan.programs[unit.program].settings.method == "dream"
    try:
        return Cell(read_source(run.source_path(source), source.frames > 1, last=is_dream), source.name)
    except FvcliError:
        return Cell(None, source.name, DAMAGED)


def _flat(pixels: np.ndarray, transparent: bool) -> np.ndarray:
    """Return a picture as people see it, of one channel or three.

    Pictures of an ascent that gathers attention have no opacity yet.
    """
    if transparent and pixels.shape[-1] == RGBA:
        return checkerboard(pixels)
    return pixels if pixels.shape[-1] in {1, 3} else as_shown(pixels)[..., None]


def _seen(pixels: np.ndarray, canvas: Mapping[str, int] | None) -> np.ndarray:
    """Cut a picture down to what was optimised of it, in the proportions of the whole picture."""
    if canvas is None:
        return pixels
    begins, ends = [], []
    scale = max(canvas[side] / size for side, size in zip(("height", "width"), pixels.shape, strict=False))
    for begin, side, size in zip(("top", "left"), ("height", "width"), pixels.shape, strict=False):
        length = min(size, round(scale * size))
        first = canvas[begin] + (canvas[side] - length) // 2
        begins.append(min(max(0, first), size - length))
        ends.append(begins[-1] + length)
    return pixels[begins[0] : ends[0], begins[1] : ends[1]]


def checkerboard(rgba: np.ndarray) -> np.ndarray:
    """Show a picture with opacity, uint8 [h, w, 4], over a light checkerboard: uint8 [h, w, 3]."""
    y, x = np.indices(rgba.shape[:2]) // SQUARE_PX
    behind = np.where((y + x) % 2 == 0, *SQUARES)[..., None]  # [h, w, 1]
    opacity = rgba[..., 3:] / 255.0
    return np.clip(rgba[..., :3] * opacity + behind * (1.0 - opacity) + 0.5, 0, 255).astype(np.uint8)


def fitted(picture: tuple[int, int], room: tuple[float, float]) -> tuple[int, int]:
    """Return the width and height of a picture that is as large as a room allows, in its own proportions."""
    scale = min(there / size for there, size in zip(room, picture, strict=True))
    width, height = (max(1, round(size * scale)) for size in picture)
    return width, height


# ---- marks of cells that are not done


@dataclass(frozen=True)
class Inks:
    """The colours of a page that marks need."""

    background: tuple[int, int, int]
    faint: tuple[int, int, int]  # of what has yet to come
    warning: tuple[int, int, int]  # of what went wrong

    def of(self, status: str) -> tuple[int, int, int]:
        """Return the ink for a cell that is not done."""
        return self.faint if status == PENDING else self.warning


def mark_cell(
    sheet: Image.Image, status: str, box: tuple[int, int, int, int], inks: Inks, text_px: int
) -> None:
    """Frame a cell that is not done, strike it through if it failed, and say what it is."""
    draw = ImageDraw.Draw(sheet)
    colour = inks.of(status)
    draw.rectangle(box, outline=colour, width=2)
    if status == FAILED:
        draw.line((box[0] + 1, box[1] + 1, box[2] - 1, box[3] - 1), colour, 2)  # or it leaves the cell
    size = min(text_px, max(SMALLEST_MARK_PX, box[3] - box[1] - 14))
    left, top = box[0] + 8, box[1] + 6
    right, bottom = left + line_width_px(status, size), top + round(size * LEADING)
    if right + 4 <= box[2] and bottom <= box[3]:  # a word must not reach into the next cell
        draw.rectangle((left - 4, top, right + 4, bottom), inks.background)
        draw_line(sheet, status, size, (left, top), colour)


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
