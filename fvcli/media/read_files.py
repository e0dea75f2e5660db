"""Read pictures as numbers from 0 to 1, whatever their format, and arrays as float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from fvcli.media.open_files import odd_metadata, open_array, open_picture

GREY = 0.5  # behind what is transparent
OPAQUE = 255
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as grey networks are trained with
WHITES = {"I;16": 65535, "I;16L": 65535, "I;16B": 65535, "I;16N": 65535, "I": 65535, "F": 1}  # deep greys
LYING = {5, 6, 7, 8}  # EXIF orientations that exchange height and width


def read_picture_sized(path: Path, size_px: tuple[int, int] | None, channels: int = 3) -> np.ndarray:
    """Return a picture as float32 [h, w, channels] in 0..1, turned upright, over mid grey.

    Args:
        path: A picture file; of an animation the first frame is read.
        size_px: Height and width: the picture is cut in its middle to their aspect and resampled with
            Lanczos's kernel. None leaves it as it is.
        channels: 3 for colours, 1 for luminance.

    Raises:
        UsageError: The file is no picture, damaged or too large.
    """
    with open_picture(path) as image:
        return sized(upright_rgb(image), size_px, channels)


def sized(pixels: np.ndarray, size_px: tuple[int, int] | None, channels: int = 3) -> np.ndarray:
    """Return colours [h, w, 3] in 0..1 as ``read_picture_sized`` has them."""
    if channels == 1:
        pixels = np.matmul(pixels, LUMINANCE)[..., None]
    return pixels if size_px is None else _resampled(pixels, size_px)


def read_array(path: Path) -> np.ndarray:
    """Return the numbers of a .npy file as float32.

    Raises:
        UsageError: It cannot be read as one.
    """
    return open_array(path).astype(np.float32)


@odd_metadata()
def upright_rgb(image: Image.Image) -> np.ndarray:
    """Return an open picture as float32 [h, w, 3] in 0..1."""
    image = ImageOps.exif_transpose(image)
    if image.mode in WHITES:
        grey = np.asarray(image, np.float32) / WHITES[image.mode]
        if not np.isfinite(grey).all():
            raise ValueError("values that are not finite")
        return np.repeat(np.clip(grey, 0, 1)[..., None], 3, axis=-1)
    if not image.has_transparency_data:
        rgb = np.array(image.convert("RGB"), np.float32)
        rgb /= 255  # in place: large photos have no room to spare
        return rgb
    rgba = np.asarray(image.convert("RGBA"), np.float32) / 255
    return GREY + (rgba[..., :3] - GREY) * rgba[..., 3:]


@odd_metadata()
def is_turned(image: Image.Image) -> bool:
    """Tell whether the upright picture is as high as the file's is wide."""
    return image.getexif().get(ExifTags.Base.Orientation) in LYING


def is_see_through(path: Path) -> bool:
    """Tell whether a pixel of a picture file is not wholly opaque.

    Raises:
        UsageError: The file is no picture, damaged or too large.
    """
    with open_picture(path) as image:
        return image.has_transparency_data and _lowest_opacity(image) < OPAQUE


@odd_metadata()
def _lowest_opacity(image: Image.Image) -> int:
    return int(np.asarray(image.convert("RGBA").getchannel("A")).min())


def _resampled(pixels: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = min(height / size_px[0], width / size_px[1])
    down, across = (
        max(0.0, side - scale * size) / 2 for side, size in zip((height, width), size_px, strict=True)
    )
    box = across, down, width - across, height - down
    resampled = np.empty((*size_px, pixels.shape[-1]), np.float32)
    for i in range(pixels.shape[-1]):
        plane = Image.fromarray(np.ascontiguousarray(pixels[..., i]))
        sampled = plane.resize((size_px[1], size_px[0]), Image.Resampling.LANCZOS, box)
        resampled[..., i] = np.asarray(sampled)
    return resampled.clip(0, 1, out=resampled)  # the kernel overshoots
