"""Copies of PNG files in formats that need less room; the PNG stays the truth."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from fvcli.media.png import TEXT_KEY
from fvcli.spec.output import CopyFormat

SUFFIX: dict[CopyFormat, str] = {"jpeg": "jpg", "webp": "webp"}
MOST_PX: dict[CopyFormat, int] = {"jpeg": 65_535, "webp": 16_383}  # a side, as the formats have it
WHITE = (255, 255, 255)  # behind what is transparent, where a format has no opacity
WRITTEN: dict[CopyFormat, dict[str, Any]] = {
    "jpeg": {"format": "JPEG", "subsampling": 0, "optimize": True},  # colours at full resolution
    "webp": {"format": "WEBP", "method": 4},
}


def fits(size_px: tuple[int, int], format: CopyFormat) -> bool:  # noqa: A002
    """Tell whether a format allows a picture of a width and height."""
    return max(size_px) <= MOST_PX[format]


def size_of_png(png: bytes) -> tuple[int, int]:
    """Return the width and height of a PNG file in pixels, without decoding it."""
    with Image.open(io.BytesIO(png)) as picture:
        return picture.size


def copy_of_png(png: bytes, format: CopyFormat, quality: int) -> bytes | None:  # noqa: A002
    """Return a copy of a PNG file, or None if the picture is larger than the format allows.

    Equal files give equal copies. The text of the PNG is left out.

    Args:
        png: The file.
        format: Of the copy. JPEG has no opacity: what is transparent becomes white.
        quality: 1 to 100.
    """
    with Image.open(io.BytesIO(png)) as picture:
        if not fits(picture.size, format):
            return None
        picture.load()
        plain = _on_white(picture) if format == "jpeg" else picture.copy()
    plain.info.pop(TEXT_KEY, None)
    file = io.BytesIO()
    plain.save(file, quality=quality, **WRITTEN[format])
    return file.getvalue()


def _on_white(picture: Image.Image) -> Image.Image:
    if "A" not in picture.getbands():
        return picture.copy()
    below = Image.new("RGB", picture.size, WHITE)
    below.paste(picture.convert("RGB"), mask=picture.getchannel("A"))
    return below


def array_file(picture: np.ndarray) -> bytes:
    """Return a .npy file of a picture, float32 [h, w, channels] in [0, 1], before it is rounded to 8 bits."""
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(picture, np.float32), allow_pickle=False)
    return file.getvalue()
