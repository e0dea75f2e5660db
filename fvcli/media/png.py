"""PNG files that know what they show."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fvcli import __version__
from fvcli.errors import FvcliError, UsageError
from fvcli.media.movie_reader import read_frames
from fvcli.media.read_files import read_picture_sized

TEXT_KEY = "fvcli"
PLANES_KEY = "Planes"  # how many planes stand side by side in a picture that has neither 1 nor 3 channels


def as_8_bits(images: np.ndarray) -> np.ndarray:
    """Round pictures in [0, 1] to uint8; what is no number is black."""
    scaled = images * 255.0
    scaled += 0.5
    return np.nan_to_num(np.clip(scaled, 0, 255, out=scaled), copy=False).astype(np.uint8)


def pixel_sha256(pixels: np.ndarray) -> str:
    """Hash shape, type and values of uint8 pixels, so that compression does not matter."""
    head = f"{pixels.shape}{pixels.dtype}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def encode_picture(
    pixels: np.ndarray, title: str, text: Mapping[str, Any], transparent: bool = False
) -> bytes:
    """Return a PNG file. No dates, no hosts.

    Args:
        pixels: uint8 [h, w, channels]. Where there is neither one channel nor three, planes are laid side by
            side, in grey.
        title: For people.
        text: Facts, written as JSON.
        transparent: Whether the last of four channels is opacity.
    """
    info = PngInfo()
    info.add_text("Software", f"fvcli {__version__}")
    info.add_text("Title", title)
    info.add_itxt(TEXT_KEY, json.dumps(text, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    planes = pixels.shape[-1]
    in_colour = planes == 3 or transparent
    flat = pixels if in_colour else np.concatenate(list(np.moveaxis(pixels, -1, 0)), axis=1)
    if planes != 1 and not in_colour:
        info.add_text(PLANES_KEY, str(planes))
    return bytes(iio.imwrite("<bytes>", flat, extension=".png", plugin="pillow", pnginfo=info))


def read_picture(path: Path) -> np.ndarray:
    """Return the uint8 pixels [h, w, channels] of a PNG file.

    Raises:
        FvcliError: It cannot be read as one.
    """
    try:
        with path.open("rb") as file, Image.open(file) as image:
            planes = int(image.info.get(PLANES_KEY, 1))
            pixels = np.asarray(image)
        return pixels if pixels.ndim == 3 else np.stack(np.split(pixels, planes, axis=1), axis=-1)
    except (OSError, ValueError, SyntaxError) as error:  # the last is Pillow's word for a broken PNG
        raise FvcliError(f"{path}: not a readable picture") from error


def read_source(path: Path, is_film: bool, last: bool) -> np.ndarray:
    """Return a source as people see it, uint8 [h, w, 3]: a picture, or the first or last frame of a film.

    Raises:
        FvcliError: It cannot be read.
    """
    if is_film:
        frames = read_frames(path)
        return deque(frames, maxlen=1)[0] if last else next(frames)
    return as_8_bits(read_picture_sized(path, None))


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
