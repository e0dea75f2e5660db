"""Pictures for other tools: read as people see them, and how two of them differ."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from PIL import Image

GAIN = 8  # a difference of 32 of 255 is at full brightness
# What Pillow raises for files that are none of its pictures, are damaged or would fill the memory.
UNREADABLE = (
    *(OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error, zlib.error, MemoryError),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)


@dataclass(frozen=True)
class Picture:
    """A picture's file.

    content: Its bytes.
    pixels: uint8 [h, w, 4]; the last of the four is opacity.
    """

    content: bytes
    pixels: np.ndarray


def read_whole(file: str | None) -> Picture | None:
    """Return a picture; None where there is none or it cannot be read to its end."""
    if file is None:
        return None
    try:
        content = Path(file).read_bytes()
        return Picture(content, iio.imread(content, plugin="pillow", index=0, mode="RGBA"))
    except UNREADABLE:
        return None


def difference(golden: np.ndarray, run: np.ndarray) -> np.ndarray:
    """Return how two pictures differ, |a - b| x 8, uint8 [h, w, 3].

    A difference of opacity counts like one of colour. Pictures of different size are laid together at their
    left top corners; what only one of them covers is white.

    Args:
        golden: uint8 [h, w, 4].
        run: uint8 [h, w, 4], of any size.
    """
    height, width = (min(sides) for sides in zip(golden.shape[:2], run.shape[:2], strict=True))
    one, other = (pixels[:height, :width].astype(np.int16) for pixels in (golden, run))
    apart = np.minimum(np.abs(one - other) * GAIN, 255).astype(np.uint8)  # [h, w, 4]
    outer = np.maximum(golden.shape[:2], run.shape[:2])
    whole: np.ndarray = np.full((*outer, 3), 255, np.uint8)
    whole[:height, :width] = np.maximum(apart[..., :3], apart[..., 3:])
    return whole


def as_png(pixels: np.ndarray) -> bytes:
    """Return a PNG file of uint8 pixels [h, w, 3], with nothing in it but the pixels."""
    return bytes(iio.imwrite("<bytes>", pixels, extension=".png", plugin="pillow"))
