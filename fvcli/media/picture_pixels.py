"""Pictures as a network takes them: 8 bits, cut in their middle to an aspect, and resized.

A photo of 12 megapixels is decoded at a fraction of its size where its format allows that, and is made
smaller in two steps. That is several times as fast, and changes values by a few of 255 at most.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from fvcli.media.open_files import odd_metadata, open_picture
from fvcli.media.png import as_8_bits
from fvcli.media.read_files import WHITES, upright_rgb

GAP = 3.0  # a picture is made smaller by averages first, as long as it stays so much larger than asked for


def read_pixels(path: Path, size_px: tuple[int, int], channels: int = 3) -> np.ndarray:
    """Return a picture as uint8 [height, width, channels], turned upright, over mid grey.

    Args:
        path: A picture file; of an animation the first frame is read.
        size_px: Height and width: the picture is cut in its middle to their aspect and resampled with
            Lanczos's kernel.
        channels: 3 for colours, 1 for luminance.

    Raises:
        UsageError: The file is no picture, damaged or too large.
    """
    with open_picture(path) as image:
        return sized_pixels(_upright(image, size_px), size_px, channels)


def sized_pixels(image: Image.Image, size_px: tuple[int, int], channels: int = 3) -> np.ndarray:
    """Return a picture in RGB as ``read_pixels`` has it."""
    height, width = size_px
    scale = min(image.height / height, image.width / width)
    down, across = (image.height - scale * height) / 2, (image.width - scale * width) / 2
    box = (max(0.0, across), max(0.0, down), image.width - max(0.0, across), image.height - max(0.0, down))
    if channels == 1:
        image = image.convert("L")
    resized = image.resize((width, height), Image.Resampling.LANCZOS, box, reducing_gap=GAP)
    pixels = np.array(resized)  # a copy, so that nothing is kept of the large one
    return pixels if channels == 3 else pixels[..., None]


@odd_metadata()
def _upright(image: Image.Image, size_px: tuple[int, int]) -> Image.Image:
    """Return an open picture as 8-bit RGB, upright; a large JPEG at a half, quarter or eighth of its size."""
    side = int(GAP * max(size_px))
    image.draft(None, (side, side))
    if image.mode in WHITES or image.has_transparency_data:
        return Image.fromarray(as_8_bits(upright_rgb(image)))
    return ImageOps.exif_transpose(image).convert("RGB")
