"""PNG files that know what they show."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fvcli import __version__
from fvcli.errors import FvcliError, UsageError

TEXT_KEY = "fvcli"


def pixel_sha256(pixels: np.ndarray) -> str:
    """Hash shape, type and values of uint8 pixels, so that compression does not matter."""
    head = f"{pixels.shape}{pixels.dtype}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def encode_picture(pixels: np.ndarray, title: str, text: Mapping[str, Any]) -> bytes:
    """Return a PNG file: uint8 pixels [h, w, 1 or 3], a title, and facts as JSON. No dates, no hosts."""
    info = PngInfo()
    info.add_text("Software", f"fvcli {__version__}")
    info.add_text("Title", title)
    info.add_itxt(TEXT_KEY, json.dumps(text, sort_keys=True, separators=(",", ":")))
    flat = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    return bytes(iio.imwrite("<bytes>", flat, extension=".png", plugin="pillow", pnginfo=info))


def read_picture(path: Path) -> np.ndarray:
    """Return the uint8 pixels [h, w, channels] of a PNG file.

    Raises:
        FvcliError: It cannot be read as one.
    """
    try:
        pixels = np.asarray(iio.imread(path, plugin="pillow"))
    except (OSError, ValueError, SyntaxError) as error:  # the last is Pillow's word for a broken PNG
        raise FvcliError(f"{path}: not a readable picture") from error
    return pixels if pixels.ndim == 3 else pixels[..., None]


def picture_text(path: Path) -> dict[str, Any]:
    """Return the facts that fvcli wrote into a PNG file.

    Raises:
        UsageError: The file is none of fvcli's pictures.
    """
    try:
        with Image.open(path) as image:
            text = json.loads(image.info[TEXT_KEY])
    except OSError as error:
        reason = error.strerror or "not a picture"
        raise UsageError(f"{path}: {reason}", "give a .png that fvcli wrote") from error
    except (KeyError, ValueError) as error:
        raise UsageError(f"{path}: it carries no spec", "give a .png that fvcli wrote") from error
    if not isinstance(text, dict) or not isinstance(text.get("spec"), dict):
        raise UsageError(f"{path}: its text is no spec", "give a .png that fvcli wrote")
    return text
